"""What other tools have logged in the same MLflow store."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True)
class ForeignItem:
    """A run, logged model or registered version that Bellwether did not make.

    Attributes
    ----------
    experiment : str
        The experiment, or the registered model that a version is of.
    name : str
        What it is called there; the number of a version.
    id : str
        MLflow's own.
    """

    kind: Literal["run", "model", "version"]
    experiment: str
    name: str
    id: str
    created_at: datetime


@dataclass(frozen=True)
class ForeignItems:
    """What was found of them, newest first.

    Attributes
    ----------
    looked_at : int or None
        How many of the newest models and versions were looked at, where there are more; None where all were.
    """

    items: tuple[ForeignItem, ...]
    looked_at: int | None = None
