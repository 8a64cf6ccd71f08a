"""Associations: how strongly each column goes with each other one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from core.data.relations.binning import group_rows
from core.data.tables.batches import Load, sample_table
from core.data.tables.codes import numbers_with_gaps
from core.data.tables.distinct import count_distinct
from core.data.tables.roles import is_code_name
from core.domain.columns import FEATURE_TYPES, Column, Schema

MAX_COLUMNS: Final = 40
MAX_LEVELS: Final = 50
SAMPLE_ROWS: Final = 20_000

Method = Literal["pearson", "spearman"]
Kind = Literal["number", "two", "category"]
METHODS: Final[tuple[Method, ...]] = ("pearson", "spearman")


@dataclass(frozen=True)
class Associations:
    """A square of measures, one for each pair of columns.

    Attributes
    ----------
    columns : tuple of str, shape (n_columns,)
        In the order of rows and columns.
    kinds : tuple of str, shape (n_columns,)
        ``number`` (dates too), ``two`` for numbers of two values such as 0 and 1, or ``category`` (codes too).
    values : tuple of tuple of float or None, shape (n_columns, n_columns)
        Two numbers: the correlation `method`, -1 to 1. Two categories, or one and a number of two values: Cramér's V, 0
        to 1. A category and another number: the correlation ratio, 0 to 1. None where it cannot be determined, such as
        for a constant.
    method : str
        ``pearson`` or ``spearman``.
    left_out : int
        Columns that can be compared but are not among them.
    own_levels : tuple of str
        Categories that are left out because most of their rows have a level of their own.
    """

    columns: tuple[str, ...]
    kinds: tuple[Kind, ...]
    values: tuple[tuple[float | None, ...], ...]
    method: Method
    rows: int
    left_out: int
    own_levels: tuple[str, ...] = ()

    def measure(self, first: int, second: int) -> str:
        """Return the name of the measure between two columns, given by their places."""
        kinds = {self.kinds[first], self.kinds[second]}
        if "category" not in kinds:
            return f"{self.method.title()} correlation"
        return "Correlation ratio" if "number" in kinds else "Cramér's V"

    def strongest(self, most: int) -> tuple[tuple[int, int], ...]:
        """Return the places of the pairs that go together most, whatever the direction, the strongest first."""
        places = range(len(self.columns))
        known = [
            (abs(value), one, other)
            for one in places
            for other in places[one + 1 :]
            if (value := self.values[one][other]) is not None
        ]
        return tuple((one, other) for _, one, other in sorted(known, key=lambda pair: -pair[0])[:most])


def find_associations(
    load: Load, schema: Schema, n_rows: int, *, order: Sequence[str] = (), method: Method = "pearson"
) -> Associations:
    """Measure every pair of columns.

    Parameters
    ----------
    schema : Schema
        Its columns; text and id columns are left out.
    order : sequence of str
        Columns to take first, such as the target and those that go with it most.
    method : str
        The correlation of two numbers.

    Returns
    -------
    Associations
        Of the first `MAX_COLUMNS` columns, from at most `SAMPLE_ROWS` rows (fixed seed).

    Notes
    -----
    Each pair is measured on the rows that have both values. Categories use the `MAX_LEVELS` most frequent levels, the
    rest together. What many levels get by chance is taken off both measures: of Cramér's V (W. Bergsma 2013, A bias
    correction for Cramér's V and Tschuprow's T), and of the correlation ratio, the root of the share of the number's
    variance between the levels (T. Kelley 1935, An unbiased correlation ratio measure). Categories of which most rows
    have a level of their own go with everything and say nothing; they are left out.
    """
    known = [column.name for column in schema.columns if column.type in FEATURE_TYPES]
    first = [name for name in order if name in known]
    asked = [*first, *(name for name in known if name not in set(first))][:MAX_COLUMNS]
    typed = sample_table(load, asked, n_rows, SAMPLE_ROWS)
    known_kinds = {name: _kind(schema[name], typed[name]) for name in asked}
    own_levels = tuple(name for name, kind in known_kinds.items() if kind == "category" and _names_rows(typed[name]))
    kinds = {name: kind for name, kind in known_kinds.items() if name not in own_levels}
    names = list(kinds)
    numbers = pd.DataFrame({name: numbers_with_gaps(typed[name]) for name in names if kinds[name] != "category"})
    codes = {name: _codes(typed[name], name) for name in names if kinds[name] != "number"}
    square = np.full((len(names), len(names)), np.nan)
    if numbers.shape[1]:
        places = np.flatnonzero([kinds[name] != "category" for name in names])
        with np.errstate(all="ignore"):
            square[np.ix_(places, places)] = numbers.corr(method=method)
    for row, name in enumerate(names):
        for place in range(row):
            other = names[place]
            if name in numbers and other in numbers:
                continue
            if name in codes and other in codes:
                value = cramers_v(_table(codes[name], codes[other]))
            else:
                words, number = (name, other) if name in codes else (other, name)
                value = correlation_ratio(codes[words], numbers[number].to_numpy())
            square[row, place] = square[place, row] = value
        if name not in numbers:
            varies = len(np.unique(codes[name][codes[name] >= 0])) > 1
            square[row, row] = 1.0 if varies else np.nan
    values = tuple(tuple(None if np.isnan(value) else float(value) for value in row) for row in square)
    return Associations(
        tuple(names), tuple(kinds.values()), values, method, len(typed), len(known) - len(asked), own_levels
    )


def _kind(column: Column, values: pa.ChunkedArray) -> Kind:
    if column.type == "category" or (column.type == "numeric" and column.integer and is_code_name(column.name)):
        return "category"
    return "two" if column.type == "numeric" and count_distinct(values) == 2 else "number"


def _names_rows(values: pa.ChunkedArray) -> bool:
    n_known = len(values) - values.null_count
    return bool(n_known > MAX_LEVELS and count_distinct(values) > n_known / 2)


def cramers_v(table: np.ndarray) -> float:
    """Return the bias-corrected Cramér's V of a contingency table of counts; NaN when a side has one level only.

    Examples
    --------
    >>> cramers_v(np.array([[50, 0], [0, 50]]))
    1.0
    """
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    if min(table.shape, default=0) < 2 or table.sum() < 2:
        return float("nan")
    total = table.sum()
    rows, columns = table.sum(axis=1, keepdims=True), table.sum(axis=0, keepdims=True)
    expected = rows * columns / total
    squared = float(((table - expected) ** 2 / expected).sum()) / total
    n_rows, n_columns = table.shape
    free = (n_rows - 1) * (n_columns - 1) / (total - 1)
    real_rows = n_rows - (n_rows - 1) ** 2 / (total - 1)
    real_columns = n_columns - (n_columns - 1) ** 2 / (total - 1)
    most = min(real_rows, real_columns) - 1
    return float(np.sqrt(min(max(squared - free, 0.0) / most, 1.0))) if most > 0 else float("nan")


def correlation_ratio(codes: np.ndarray, numbers: np.ndarray) -> float:
    """Return the root of the share of a number's variance that lies between groups, corrected for chance.

    Parameters
    ----------
    codes : ndarray of int64, shape (n_rows,)
        The group of each row, -1 for none.
    numbers : ndarray of float64, shape (n_rows,)
        NaN for none.

    Examples
    --------
    >>> correlation_ratio(np.array([0, 0, 1, 1]), np.array([1.0, 1.0, 3.0, 3.0]))
    1.0
    """
    both = (codes >= 0) & np.isfinite(numbers)
    codes, numbers = codes[both], numbers[both]
    if not len(numbers) or not np.ptp(numbers) or len(np.unique(codes)) < 2:
        return float("nan")
    rows = np.bincount(codes)
    free = len(numbers) - np.count_nonzero(rows)
    if free < 1:  # every row has a level of its own
        return float("nan")
    with np.errstate(all="ignore"):
        centred = numbers - numbers.mean()
        means = np.bincount(codes, weights=centred) / np.maximum(rows, 1)
        share = float((rows * means**2).sum() / (centred**2).sum())
        share = 1 - (1 - share) * (len(numbers) - 1) / free
    return float(np.sqrt(min(max(share, 0.0), 1.0))) if np.isfinite(share) else float("nan")


def _codes(values: pa.ChunkedArray, name: str) -> np.ndarray:
    codes, groups = group_rows(values, Column(name, "category"), max_levels=MAX_LEVELS)
    if groups and groups[-1].kind == "missing":
        codes = np.where(codes == len(groups) - 1, -1, codes)
    return codes


def _table(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    both = (first >= 0) & (second >= 0)
    if not both.any():
        return np.zeros((0, 0), dtype=np.int64)
    width = int(second.max()) + 1
    cells = np.bincount(first[both] * width + second[both], minlength=(int(first.max()) + 1) * width)
    return cells.reshape(-1, width)
