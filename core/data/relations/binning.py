"""Bins: columns of any type cut into a few groups of rows, so that they can be compared."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.codes import to_numbers
from core.data.tables.roles import as_category
from core.domain.columns import Column

MAX_BINS: Final = 10
_DAY_MS = 86_400_000
_FIRST_GROUPED = 10_000  # years and other short numbers read better without a separator

BinKind = Literal["range", "value", "other", "missing"]


@dataclass(frozen=True)
class Group:
    """Rows of one bin, before the target is looked at."""

    label: str
    kind: BinKind
    low: float | None = None
    high: float | None = None


def group_rows(
    values: pa.ChunkedArray, column: Column, *, max_levels: int, max_bins: int = MAX_BINS
) -> tuple[np.ndarray, list[Group]]:
    """Give every row the number of its bin.

    Parameters
    ----------
    values : ChunkedArray, shape (n_rows,)
        A numeric, date or category column from `core.data.tables.schema.apply_schema`.
    max_levels : int
        Category only: levels that get a bin of their own.
    max_bins : int
        Numbers and dates only: quantile bins; that many distinct values or fewer get a bin each.

    Returns
    -------
    codes : ndarray of int64, shape (n_rows,)
        The number of each row's bin.
    groups : list of Group
        The bins in the order to show; missing values, where there are any, are the last one.
    """
    codes = np.full(len(values), -1, dtype=np.int64)
    present = np.asarray(pc.is_valid(values))
    known = values.drop_null()
    if column.type == "category":
        codes[present], groups = _group_levels(known, max_levels)
    else:
        codes[present], groups = _group_numbers(to_numbers(known), column, max_bins)
    if not present.all():
        codes[~present] = len(groups)
        groups.append(Group("missing", "missing"))
    return codes, groups


def _group_levels(known: pa.ChunkedArray, max_levels: int) -> tuple[np.ndarray, list[Group]]:
    encoded = pc.dictionary_encode(as_category(known)).combine_chunks()
    levels = encoded.dictionary.to_pylist()
    indices = encoded.indices.to_numpy()
    order = np.argsort(-np.bincount(indices, minlength=len(levels)), kind="stable")
    place = np.empty(len(levels), dtype=np.int64)
    if len(levels) == max_levels + 1:
        max_levels += 1  # a single level is better shown than called "other"
    place[order] = np.minimum(np.arange(len(levels)), max_levels)
    groups = [Group(levels[number], "value") for number in order[:max_levels]]
    if len(levels) > max_levels:
        groups.append(Group(f"other ({len(levels) - max_levels:,} levels)", "other"))
    return place[indices], groups


def _group_numbers(numbers: np.ndarray, column: Column, max_bins: int) -> tuple[np.ndarray, list[Group]]:
    lows = np.unique(numbers)
    if len(lows) <= max_bins:
        texts = show_numbers(lows, column)
        groups = [Group(text, "value", float(value), float(value)) for text, value in zip(texts, lows, strict=True)]
        return np.searchsorted(lows, numbers), groups
    # Inner borders only, each the largest value of its bin; equal quantiles fall together.
    borders = np.unique(np.quantile(numbers, np.linspace(0, 1, max_bins + 1)[1:-1], method="inverted_cdf"))
    bin_of_value = np.searchsorted(borders, lows, side="left")
    first = np.flatnonzero(np.concatenate(([True], bin_of_value[1:] != bin_of_value[:-1])))
    last = np.append(first[1:], len(lows)) - 1
    texts = show_numbers(np.concatenate((lows[first], lows[last])), column)
    edges = zip(lows[first], lows[last], texts[: len(first)], texts[len(first) :], strict=True)
    groups = [
        Group(f"{low_text} to {high_text}" if low < high else low_text, "range", float(low), float(high))
        for low, high, low_text, high_text in edges
    ]
    return np.searchsorted(lows[last], numbers, side="left"), groups


def show_numbers(numbers: np.ndarray, column: Column) -> list[str]:
    """Write numbers as labels, all in the same form."""
    if column.type == "date":
        # The time of day says nothing when bins are days apart.
        unit = "D" if len(numbers) and np.ptp(numbers) > MAX_BINS * _DAY_MS else "m"
        moments = numbers.astype("int64").astype("datetime64[ms]").astype(f"datetime64[{unit}]")
        return [str(moment).replace("T", " ") for moment in moments]
    form = ".0f" if column.integer else ".5g"
    if len(numbers) and np.abs(numbers).max() >= _FIRST_GROUPED:
        form = f",{form}"
    return [format(float(value), form) for value in numbers]
