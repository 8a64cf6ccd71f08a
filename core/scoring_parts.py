"""What one scoring is made of: the rows and the model, what is wanted of them, and how long each step took."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa

from core.decisions import Decision
from core.types import ModelInfo, ModelSpec


@dataclass(frozen=True)
class Wanted:
    """What a result should hold.

    Attributes
    ----------
    checked : bool
        Look at the file first and refuse it when the check is red.
    """

    decision: Decision
    reasons: int
    details: bool
    checked: bool = False


@dataclass(frozen=True)
class Task:
    """Rows to score and what with."""

    model: ModelInfo
    spec: ModelSpec
    source: pa.Table
    mapping: Mapping[str, str]
    is_workbook: bool


class Clock:
    """Seconds per step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begun = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the time of the block for a step."""
        begun = time.monotonic()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - begun

    def stop(self) -> None:
        """Note the time of it all."""
        self.seconds["total"] = time.monotonic() - self._begun
