"""From the engine's answer to labels: the first columns of every result."""

import re
from typing import Final

import numpy as np
import pyarrow as pa

from core.domain.models import ModelSpec

PREDICTION: Final = "prediction"
WHOLE_NUMBER: Final = re.compile(r"^-?(0|[1-9]\d{0,14})$")


def has_numbers(classes: tuple[str, ...]) -> bool:
    """Return whether every class is a whole number, so that labels are integers."""
    return all(WHOLE_NUMBER.match(name) for name in classes)


def label_rows(raw: pa.Table, spec: ModelSpec, threshold: float | None) -> pa.Array:
    """Return the label per row: by threshold for two classes, the most probable one for more.

    Parameters
    ----------
    raw : pa.Table
        The engine's answer: one column of probabilities per class.
    spec : ModelSpec
        The classes and which of them is positive.
    threshold : float or None
        Binary only; 0.5 when None.

    Returns
    -------
    pa.Array
        Of int64 when every class is a whole number, else of strings.
    """
    if spec.task == "binary":
        cut, positive = 0.5 if threshold is None else threshold, spec.classes.index(str(spec.positive))
        chosen = np.where(raw[str(spec.positive)].to_numpy() >= cut, np.int32(positive), np.int32(1 - positive))
    else:
        chosen = np.column_stack([raw[name].to_numpy() for name in spec.classes]).argmax(axis=1)
    labels = pa.array([int(name) for name in spec.classes] if has_numbers(spec.classes) else list(spec.classes))
    return labels.take(pa.array(chosen))


def result_columns(raw: pa.Table, spec: ModelSpec, threshold: float | None) -> pa.Table:
    """Return `prediction` and, for classes, `probability_CLASS` per class."""
    if spec.task == "regression":
        return pa.table({PREDICTION: raw["predict"]})
    columns = {PREDICTION: label_rows(raw, spec, threshold)}
    return pa.table(columns | {f"probability_{name}": raw[name] for name in spec.classes})
