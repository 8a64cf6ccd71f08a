"""The training rows most like a row, by Gower's distance (J. C. Gower 1971)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.domain.columns import Column
from core.explain.case.rows import RawRows, Values, to_table
from core.metrics.ranking import FloatArray, IntArray

METHOD = (
    "Gower's distance: the mean over the columns of how far two rows are apart, for a number or date the difference "
    "over the range in the sample, for a category 0 or 1; two missing values are alike, a missing and a known one not"
)


@dataclass(frozen=True)
class Similar:
    """The nearest training rows.

    Attributes
    ----------
    places : ndarray of int
        Places in the sample, the nearest first.
    distance : ndarray of float
        0 (the same in every column) to 1.
    """

    places: IntArray
    distance: FloatArray


def similar(raw: RawRows, values: Values, columns: Sequence[str], *, count: int = 5, leave_out: int = -1) -> Similar:
    """Return the training rows most like a row.

    Parameters
    ----------
    leave_out : int
        Place in the dataset of a row to leave out: the row itself.
    """
    row = to_table([values], raw.schema)
    parts = [_apart(raw.table[name], row[name][0].as_py(), raw.schema[name]) for name in columns]
    distance: FloatArray = np.mean(parts, axis=0)
    distance[raw.numbers == leave_out] = np.inf
    order = np.argsort(distance, kind="stable")[:count]
    order = order[np.isfinite(distance[order])]
    return Similar(order, distance[order])


def _apart(column: pa.ChunkedArray, value: object, about: Column) -> FloatArray:
    """Return how far each row is from a value in one column, 0 to 1."""
    missing = column.is_null().to_numpy()
    if value is None:
        return np.where(missing, 0.0, 1.0)
    if about.type not in ("numeric", "date"):
        equal = pc.equal(column, pa.scalar(value, column.type)).fill_null(fill_value=False).to_numpy()
        return np.where(equal, 0.0, 1.0)
    numbers = as_numbers(column, about)
    own = float(as_numbers(pa.chunked_array([pa.array([value], column.type)]), about)[0])
    known = numbers[np.isfinite(numbers)]
    span = float(np.ptp(known)) if len(known) else 0.0
    apart = np.minimum(np.abs(numbers - own) / span, 1.0) if span else np.where(numbers == own, 0.0, 1.0)
    return np.where(missing, 1.0, apart)


def as_numbers(column: pa.ChunkedArray, about: Column) -> FloatArray:
    """Return a number or date column as floats (dates in milliseconds), NaN where missing."""
    values = column.cast(pa.timestamp("ms")).cast(pa.int64()) if about.type == "date" else column
    numbers: FloatArray = values.cast(pa.float64()).to_numpy().astype(np.float64)
    return numbers
