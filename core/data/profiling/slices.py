"""Slices: rows that pass a few filters, each plain data.

Values of one filter are joined by or, filters by and.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.profiling.columns import ColumnProfile
from core.data.profiling.histogram import count_in_bins
from core.data.relations.binning import show_numbers
from core.data.tables.batches import Load
from core.data.tables.codes import to_numbers
from core.data.tables.roles import as_category, count_classes
from core.domain.columns import Column, Schema
from core.errors import DataError

MAX_SHOWN_LEVELS = 3


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What one column must hold.

    Attributes
    ----------
    levels : tuple of str
        Categories: any of these.
    low, high : float or None
        Numbers and dates (milliseconds since 1970-01-01): from `low` to `high`, both included; None for no limit.
    missing : bool
        Missing values pass too; with neither levels nor limits, only they pass.
    """

    column: str
    levels: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    missing: bool = False

    @property
    def has_range(self) -> bool:
        """Whether it has a limit."""
        return self.low is not None or self.high is not None


def filter_mask(load: Load, schema: Schema, filters: Sequence[Filter], n_rows: int) -> np.ndarray:
    """Say which rows pass every filter.

    Parameters
    ----------
    filters : sequence of Filter
        Without any, every row passes.

    Raises
    ------
    DataError
        If a filter's column is gone (``slice.no_column``) or has a type that it does not fit (``slice.unfit``).
    """
    mask = np.ones(n_rows, dtype=bool)
    for one in filters:
        if one.column not in schema:
            raise DataError(
                f"The slice needs the column {one.column!r}, which is missing.",
                hint="Remove that filter.",
                code="slice.no_column",
            )
        mask &= _passes(load([one.column])[one.column], schema[one.column], one)
    return mask


def count_inside(column: ColumnProfile, values: pa.ChunkedArray) -> tuple[int, ...]:
    """Count the values of a slice in the bins of the whole table's histogram, or at its levels."""
    known = values.drop_null()
    if column.histogram is not None:
        return count_in_bins(np.sort(to_numbers(known)), np.asarray(column.histogram.edges)).counts
    counts = count_classes(known)
    return tuple(counts.get(level, 0) for level, _ in column.levels)


def filter_text(one: Filter, column: Column) -> str:
    """Say a filter in words.

    Examples
    --------
    >>> filter_text(Filter(column="age", low=20.0, high=29.0), Column("age", "numeric", integer=True))
    'age: 20 to 29'
    >>> filter_text(Filter(column="city", levels=("Oslo", "Rome"), missing=True), Column("city", "category"))
    'city: Oslo, Rome, missing'
    """
    parts = list(one.levels[:MAX_SHOWN_LEVELS])
    if len(one.levels) > MAX_SHOWN_LEVELS:
        parts[-1:] = [f"{len(one.levels) - MAX_SHOWN_LEVELS + 1} more"]
    if one.has_range:
        parts.append(_range_text(one, column))
    if one.missing:
        parts.append("missing")
    return f"{one.column}: {', '.join(parts)}"


def _range_text(one: Filter, column: Column) -> str:
    edges = np.array([edge for edge in (one.low, one.high) if edge is not None])
    texts = show_numbers(edges, column)
    if one.low is None:
        return f"up to {texts[0]}"
    if one.high is None:
        return f"from {texts[0]}"
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} to {texts[1]}"


def _passes(values: pa.ChunkedArray, column: Column, one: Filter) -> np.ndarray:
    if (one.levels and column.type != "category") or (one.has_range and column.type not in ("numeric", "date")):
        raise DataError(
            f"The filter on {one.column!r} does not fit a column of type {column.type}.",
            hint="Remove that filter: the column's type was changed after it was made.",
            code="slice.unfit",
        )
    passes = pc.is_null(values) if one.missing else pa.scalar(value=False)
    if one.levels:
        passes = pc.or_(pc.is_in(as_category(values), value_set=pa.array(one.levels, pa.string())), passes)
    elif one.has_range:
        passes = pc.or_(_in_range(values, one), passes)
    found = np.asarray(pc.fill_null(passes, fill_value=False))
    return np.broadcast_to(found, len(values))


def _in_range(values: pa.ChunkedArray, one: Filter) -> pa.ChunkedArray:
    numbers = pc.cast(values, pa.int64()) if pa.types.is_timestamp(values.type) else values
    inside = pc.is_valid(numbers)
    if one.low is not None:
        inside = pc.and_(inside, pc.fill_null(pc.greater_equal(numbers, one.low), fill_value=False))
    if one.high is not None:
        inside = pc.and_(inside, pc.fill_null(pc.less_equal(numbers, one.high), fill_value=False))
    return inside
