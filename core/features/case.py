"""A single case to score: from the values of a form to a table, and usual values to start with."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from core.data.drift.compare import ColumnReference
from core.domain.columns import Column
from core.domain.models import ModelSpec

_MS = 1000


def usual_value(column: Column, known: ColumnReference | None) -> str | float | int | date | None:
    """Return a typical value of the training rows: the median, the most frequent level; None when nobody knows."""
    if known is None:
        return column.levels[0] if column.type == "category" and column.levels else None
    if known.levels:
        return known.levels[0][0]
    if not known.sketch:
        return None
    middle = float(np.quantile(known.sketch, 0.5, method="inverted_cdf"))
    if column.type == "date":
        return datetime.fromtimestamp(middle / _MS, UTC).date()
    return int(middle) if column.integer else middle


def case_table(values: Mapping[str, Any], spec: ModelSpec) -> pa.Table:
    """Return one row as a file would hold it.

    Parameters
    ----------
    values : mapping of str to object
        A number, date or text for each column the model needs; None or nothing where it is not known.

    Returns
    -------
    Table of shape (1, n_needed)
        Numbers and dates as such, everything else as text.
    """
    return pa.table({column.name: _cell(values.get(column.name), column) for column in spec.needed.columns})


def _cell(value: Any, column: Column) -> pa.Array:
    if column.type == "numeric":
        return pa.array([None if value is None else float(value)], pa.float64())
    if column.type == "date":
        return pa.array([value], pa.date32())
    return pa.array(["" if value is None else str(value)], pa.string())
