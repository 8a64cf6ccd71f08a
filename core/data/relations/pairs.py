"""Pairs: two columns looked at together, as the numbers a figure needs."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.relations.binning import group_rows
from core.data.tables.batches import Load, sample_table
from core.data.tables.codes import to_numbers
from core.domain.columns import FEATURE_TYPES, Column, Schema
from core.errors import DataError

MAX_POINTS: Final = 2_000
MAX_LEVELS: Final = 12
MAX_FEW: Final = 10
SAMPLE_ROWS: Final = 100_000
BOX_QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
_SEED = 1


@dataclass(frozen=True)
class PairPoints:
    """Two numbers or dates, one point a row; dates are milliseconds since 1970-01-01."""

    first: Column
    second: Column
    x: tuple[float, ...]
    y: tuple[float, ...]
    rows: int


@dataclass(frozen=True)
class Boxes:
    """A number or date over the levels of a category, or a number of few values.

    Attributes
    ----------
    labels : tuple of str, shape (n_groups,)
        The most frequent levels, the rest together, missing values.
    counts : tuple of int, shape (n_groups,)
        Rows with a number in each.
    quantiles : tuple of tuple of float, shape (n_groups, 5)
        At `BOX_QUANTILES`.
    """

    category: Column
    number: Column
    labels: tuple[str, ...]
    counts: tuple[int, ...]
    quantiles: tuple[tuple[float, ...], ...]
    rows: int


@dataclass(frozen=True)
class Crosstab:
    """Two categories: rows of each pair of levels, shape (n_first, n_second)."""

    first: Column
    second: Column
    first_labels: tuple[str, ...]
    second_labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    rows: int


Pair = PairPoints | Boxes | Crosstab


def look_at_pair(load: Load, schema: Schema, n_rows: int, first: str, second: str) -> Pair:
    """Look at two columns together.

    Returns
    -------
    Points, Boxes or Crosstab
        Points of at most `MAX_POINTS` rows; boxes and counts of at most `SAMPLE_ROWS` rows (fixed seed) and the
        `MAX_LEVELS` most frequent levels. Numbers of at most `MAX_FEW` values count as levels.

    Raises
    ------
    DataError
        If the columns are the same one, or one is text or an id.
    """
    if first == second:
        raise DataError("A pair needs two different columns.", hint="Choose another one.", code="relation.same_column")
    for name in (first, second):
        if schema[name].type not in FEATURE_TYPES:
            raise DataError(
                f"{name!r} is of type {schema[name].type}: there are no bins or levels to compare.",
                hint="Choose another column, or change its type on the Data page.",
                code="relation.unsupported",
            )
    one, other = schema[first], schema[second]
    typed = sample_table(load, [first, second], n_rows, SAMPLE_ROWS)
    numbers = [column for column in (one, other) if not _is_grouped(typed[column.name], column)]
    if len(numbers) == 2:
        return _points(typed, one, other)
    if not numbers:
        return _crosstab(typed, one, other)
    return _boxes(typed, other if numbers[0] is one else one, numbers[0])


def _is_grouped(values: pa.ChunkedArray, column: Column) -> bool:
    """Whether each value is a group of rows: levels, and numbers of a few values such as 0 and 1."""
    if column.type == "category":
        return True
    return column.type == "numeric" and bool(pc.count_distinct(values.drop_null()).as_py() <= MAX_FEW)


def _points(typed: pa.Table, first: Column, second: Column) -> PairPoints:
    n_rows = len(typed)
    typed = typed.filter(pc.and_(pc.is_valid(typed[first.name]), pc.is_valid(typed[second.name])))
    if len(typed) > MAX_POINTS:
        places = np.random.default_rng(_SEED).choice(len(typed), MAX_POINTS, replace=False)
        typed = typed.take(pa.array(np.sort(places)))
    x, y = to_numbers(typed[first.name]), to_numbers(typed[second.name])
    return PairPoints(first, second, tuple(x.tolist()), tuple(y.tolist()), n_rows)


def _boxes(typed: pa.Table, category: Column, number: Column) -> Boxes:
    typed = typed.filter(pc.is_valid(typed[number.name]))
    codes, groups = group_rows(typed[category.name], category, max_levels=MAX_LEVELS)
    numbers = to_numbers(typed[number.name])
    parts = [(group.label, numbers[codes == code]) for code, group in enumerate(groups)]
    parts = [(label, part) for label, part in parts if len(part)]
    quantiles = tuple(tuple(np.quantile(part, BOX_QUANTILES).tolist()) for _, part in parts)
    counts = tuple(len(part) for _, part in parts)
    return Boxes(category, number, tuple(label for label, _ in parts), counts, quantiles, len(typed))


def _crosstab(typed: pa.Table, first: Column, second: Column) -> Crosstab:
    one, one_groups = group_rows(typed[first.name], first, max_levels=MAX_LEVELS)
    other, other_groups = group_rows(typed[second.name], second, max_levels=MAX_LEVELS)
    shape = (len(one_groups), len(other_groups))
    cells = np.bincount(one * shape[1] + other, minlength=shape[0] * shape[1]).reshape(shape)
    labels = tuple(group.label for group in one_groups), tuple(group.label for group in other_groups)
    return Crosstab(first, second, *labels, tuple(tuple(row) for row in cells.tolist()), len(typed))
