"""Histograms: sorted numbers in bins of equal width that show their shape."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.data.tables.written.cells import EXACT_FLOAT

SHAPE_QUANTILES: Final = (0.01, 0.25, 0.75, 0.99)
MAX_BINS: Final = 40
MAX_UNIT_BINS: Final = 30
# A few extreme values would press all others into one bar: the axis ends this many 1-99% ranges outside of them.
_TAIL_RANGES = 1.0


@dataclass(frozen=True)
class Histogram:
    """Counts of numbers in bins of equal width; dates are milliseconds since 1970-01-01.

    Attributes
    ----------
    edges : tuple of float, shape (n_bins + 1,)
        Bin borders; a bin holds its left border, the last one both.
    below, above : int
        Rows outside the bins, few and far away.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    below: int = 0
    above: int = 0


def bin_numbers(ordered: np.ndarray, quantiles: Sequence[float]) -> Histogram | None:
    """Bin sorted numbers; None when they span more than a float can tell.

    Parameters
    ----------
    ordered : ndarray of float64, shape (n_values,)
        Ascending; at least one.
    quantiles : sequence of float
        Their quantiles at `SHAPE_QUANTILES`.
    """
    if not math.isfinite(float(ordered[-1]) - float(ordered[0])):
        return None
    edges = _bin_edges(ordered, quantiles)
    return count_in_bins(ordered, edges)


def count_in_bins(ordered: np.ndarray, edges: np.ndarray) -> Histogram:
    """Count sorted numbers in bins that are given."""
    counts, _ = np.histogram(ordered, edges)
    below = int(np.searchsorted(ordered, edges[0], side="left"))
    above = len(ordered) - int(np.searchsorted(ordered, edges[-1], side="right"))
    return Histogram(tuple(edges.tolist()), tuple(counts.tolist()), below, above)


def _bin_edges(ordered: np.ndarray, quantiles: Sequence[float]) -> np.ndarray:
    """Choose bin borders: whole numbers of a small range get a bin each."""
    low, high = float(ordered[0]), float(ordered[-1])
    if (
        high - low < MAX_UNIT_BINS
        and max(abs(low), abs(high)) < EXACT_FLOAT / 2
        and np.all(ordered == np.floor(ordered))
    ):
        return np.arange(low - 0.5, high + 1.0)
    first, lower, upper, last = quantiles
    reach = _TAIL_RANGES * (last - first)
    if reach > 0:
        low, high = max(low, first - reach), min(high, last + reach)
    edges = np.linspace(low, high, _n_bins(len(ordered), high - low, upper - lower) + 1)
    if np.all(np.diff(edges) > 0):
        return edges
    # One value, or values too close for bins between them: one bin around all.
    margin = max(0.5, abs(high) * 1e-3)
    return np.array([low - margin, high + margin])


def _n_bins(n_values: int, width: float, middle: float) -> int:
    """Freedman and Diaconis (1981): bins of 2 IQR / n^(1/3), between 10 and `MAX_BINS`."""
    bin_width = 2 * middle / n_values ** (1 / 3)
    return max(10, math.ceil(width / bin_width)) if bin_width * MAX_BINS > width else MAX_BINS
