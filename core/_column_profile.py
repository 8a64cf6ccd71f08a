"""One column in numbers. Statistics leave missing values out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.cells import EXACT_FLOAT
from core.roles import as_category
from core.types import Column, ColumnType

QUANTILES: Final[tuple[float, ...]] = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
MAX_BINS: Final = 40
MAX_UNIT_BINS: Final = 30
TOP_LEVELS: Final = 20
N_EXAMPLES: Final = 3
_MAX_EXAMPLE_CHARS = 200
# A few extreme values would press all others into one bar: the axis ends this many 1-99 % ranges outside of them.
_TAIL_RANGES = 1.0


@dataclass(frozen=True)
class Histogram:
    """Counts of numbers in bins of equal width; dates are milliseconds since 1970-01-01.

    Attributes
    ----------
    edges : tuple of float, shape (n_bins + 1,)
        Bin borders; a bin holds its left border, the last one both.
    counts : tuple of int, shape (n_bins,)
        Rows in each bin.
    below, above : int
        Rows outside the bins, few and far away.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    below: int = 0
    above: int = 0


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """One column in numbers.

    Attributes
    ----------
    rows, missing, unique : int
        All rows, rows without a value, distinct values.
    missing_share : float
        0 to 1.
    mean, sd : float or None
        Numeric only; the standard deviation is the sample's (n - 1).
    quantiles : tuple of float
        At `QUANTILES`, linearly interpolated, for numeric and date columns; empty otherwise or without values.
    histogram : Histogram or None
        Numeric and date columns with a value (whose span a float can hold).
    levels : tuple of (str, int)
        Category columns: the `TOP_LEVELS` most frequent levels and their rows.
    other_rows : int
        Rows of the levels not in `levels`.
    mean_chars : float or None
        Mean length of text and id values.
    examples : tuple of str
        The first distinct values of text and id columns, cut to 200 characters.
    """

    name: str
    type: ColumnType
    integer: bool
    rows: int
    missing: int
    missing_share: float
    unique: int
    mean: float | None = None
    sd: float | None = None
    quantiles: tuple[float, ...] = ()
    histogram: Histogram | None = None
    levels: tuple[tuple[str, int], ...] = ()
    other_rows: int = 0
    mean_chars: float | None = None
    examples: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read one entry of what `core.profile.Profile.to_dict` wrote."""
        histogram = data["histogram"]
        lists = {key: tuple(data[key]) for key in ("quantiles", "examples")}
        levels = tuple((level, count) for level, count in data["levels"])
        bins = None
        if histogram is not None:
            edges, counts = tuple(histogram["edges"]), tuple(histogram["counts"])
            bins = Histogram(edges, counts, histogram["below"], histogram["above"])
        return cls(**{**data, **lists, "levels": levels, "histogram": bins})


def profile_column(values: pa.ChunkedArray, column: Column) -> ColumnProfile:
    """Describe one column; `values` from `core.schema.apply_schema`."""
    rows, missing = len(values), values.null_count
    common: dict[str, Any] = {
        "name": column.name,
        "type": column.type,
        "integer": column.integer,
        "rows": rows,
        "missing": missing,
        "missing_share": missing / rows if rows else 0.0,
    }
    known = values.drop_null()
    if column.type in ("numeric", "date"):
        return ColumnProfile(**common, **_number_facts(known, column))
    if column.type == "category":
        return ColumnProfile(**common, **_level_facts(known))
    return ColumnProfile(**common, **_text_facts(known))


def to_numbers(known: pa.ChunkedArray) -> np.ndarray:
    """Return numeric or date values without nulls as float64; dates as milliseconds since 1970-01-01."""
    if pa.types.is_timestamp(known.type):
        known = pc.cast(known, pa.int64())
    return np.asarray(known.to_numpy(), dtype=np.float64)


def _number_facts(known: pa.ChunkedArray, column: Column) -> dict[str, Any]:
    numbers = np.sort(to_numbers(known))
    if not len(numbers):
        return {"unique": 0}
    changes = np.concatenate(([True], numbers[1:] != numbers[:-1]))
    facts: dict[str, Any] = {"unique": int(changes.sum()), "histogram": _histogram(numbers, numbers[changes])}
    # Numbers near the largest float overflow on the way: such a figure is left out.
    with np.errstate(over="ignore", invalid="ignore"):
        quantiles = np.quantile(numbers, QUANTILES)
        mean = float(numbers.mean())
        sd = float(numbers.std(ddof=1)) if len(numbers) > 1 else math.nan
    if np.isfinite(quantiles).all():
        facts["quantiles"] = tuple(quantiles.tolist())
    if column.type == "numeric":
        facts["mean"] = mean if math.isfinite(mean) else None
        facts["sd"] = sd if math.isfinite(sd) else None
    return facts


def _histogram(ordered: np.ndarray, distinct: np.ndarray) -> Histogram | None:
    """Bin sorted numbers; None when they span more than a float can tell."""
    if not math.isfinite(float(ordered[-1]) - float(ordered[0])):
        return None
    edges = _bin_edges(ordered, distinct)
    counts, _ = np.histogram(ordered, edges)
    below = int(np.searchsorted(ordered, edges[0], side="left"))
    above = len(ordered) - int(np.searchsorted(ordered, edges[-1], side="right"))
    return Histogram(tuple(edges.tolist()), tuple(counts.tolist()), below, above)


def _bin_edges(ordered: np.ndarray, distinct: np.ndarray) -> np.ndarray:
    """Choose bin borders: whole numbers of a small range get a bin each."""
    low, high = float(ordered[0]), float(ordered[-1])
    if (
        high - low < MAX_UNIT_BINS
        and max(abs(low), abs(high)) < EXACT_FLOAT / 2
        and np.all(distinct == np.floor(distinct))
    ):
        return np.arange(low - 0.5, high + 1.0)
    first, last = np.quantile(ordered, (0.01, 0.99))
    reach = _TAIL_RANGES * (last - first)
    if reach > 0:
        low, high = max(low, first - reach), min(high, last + reach)
    edges = np.linspace(low, high, _n_bins(ordered, high - low) + 1)
    if np.all(np.diff(edges) > 0):
        return edges
    # One value, or values too close for bins between them: one bin around all.
    margin = max(0.5, abs(high) * 1e-3)
    return np.array([low - margin, high + margin])


def _n_bins(ordered: np.ndarray, width: float) -> int:
    """Freedman and Diaconis (1981): bins of 2 IQR / n^(1/3), between 10 and `MAX_BINS`."""
    lower, upper = np.quantile(ordered, (0.25, 0.75))
    bin_width = 2 * (upper - lower) / len(ordered) ** (1 / 3)
    return max(10, math.ceil(width / bin_width)) if bin_width * MAX_BINS > width else MAX_BINS


def _level_facts(known: pa.ChunkedArray) -> dict[str, Any]:
    counted = as_category(known).value_counts()
    order = pc.sort_indices(counted.field("counts"), sort_keys=[("", "descending")])[:TOP_LEVELS]
    top = counted.take(order)
    levels = tuple(zip(top.field("values").to_pylist(), top.field("counts").to_pylist(), strict=True))
    return {
        "unique": len(counted),
        "levels": levels,
        "other_rows": len(known) - sum(count for _, count in levels),
    }


def _text_facts(known: pa.ChunkedArray) -> dict[str, Any]:
    first = known.slice(0, 100).unique().to_pylist()
    return {
        "unique": pc.count_distinct(known).as_py(),
        "mean_chars": pc.mean(pc.utf8_length(known)).as_py(),
        "examples": tuple(value[:_MAX_EXAMPLE_CHARS] for value in first[:N_EXAMPLES]),
    }
