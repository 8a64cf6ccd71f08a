"""Where a model is weak: the metric in each level, bin and pair of features, with intervals.

Every row counts; a column is cut into its most frequent levels, or bins of about equal counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import pyarrow as pa
from scipy import special

from core._binning import Group, group_rows
from core.errors import DataError
from core.predictions import Predictions
from core.ranking import BoolArray, FloatArray, IntArray
from core.slices import Filter
from core.types import FEATURE_TYPES, Schema, Task

Metric = Literal["auc", "logloss", "error", "rmse", "mae"]
METRICS: Mapping[Task, tuple[Metric, ...]] = {
    "binary": ("logloss", "auc", "error"),
    "multiclass": ("logloss", "error"),
    "regression": ("rmse", "mae"),
}
METHODS: Mapping[Metric, str] = {
    "auc": "interval by DeLong's variance",
    "logloss": "normal interval of the mean",
    "error": "Wilson's interval",
    "rmse": "normal interval of the mean squared error, its root taken",
    "mae": "normal interval of the mean",
}
MAX_LEVELS = 12
MAX_BINS = 5
MAX_PAIR_COLUMNS = 8
MIN_ROWS = 50
MIN_SHARE = 1 / 500
MIN_PER_CLASS = 10
_LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class GroupedColumn:
    """A column cut into groups: the group of each row, and what the groups are."""

    name: str
    codes: np.ndarray
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Segment:
    """Rows that share a group of one column, or of two.

    Attributes
    ----------
    parts : tuple of (str, str)
        Column and group, in words.
    filters : tuple of Filter
        The same as filters; empty where a group is a rest that no filter names.
    value, low, high : float
        The metric with its 95 % interval.
    gap : float
        How much worse than over all rows; below zero when better.
    is_clear : bool
        Whether it is worse also when the interval is widened for the number of segments looked at (Bonferroni).
    """

    parts: tuple[tuple[str, str], ...]
    filters: tuple[Filter, ...]
    n_rows: int
    value: float
    low: float
    high: float
    gap: float
    is_clear: bool


@dataclass(frozen=True)
class Weakness:
    """Segments, worst first: by the end of the interval that is kindest to the model.

    Attributes
    ----------
    overall : float
        The metric over all rows.
    n_segments : int
        Segments with enough rows to be judged.
    min_rows : int
        The fewest rows that a segment must have.
    """

    metric: Metric
    overall: float
    overall_low: float
    overall_high: float
    segments: tuple[Segment, ...]
    n_segments: int
    min_rows: int
    n_rows: int
    origin: str


def group_columns(table: pa.Table, schema: Schema) -> tuple[GroupedColumn, ...]:
    """Cut every column that can be learned from into groups; one group is no use and is left out."""
    found = []
    for column in schema.columns:
        if column.type not in FEATURE_TYPES:
            continue
        codes, groups = group_rows(table[column.name], column, max_levels=MAX_LEVELS, max_bins=MAX_BINS)
        if len(groups) > 1:
            found.append(GroupedColumn(column.name, codes.astype(np.int16), tuple(groups)))
    return tuple(found)


def find_weakness(
    predictions: Predictions,
    columns: Sequence[GroupedColumn],
    metric: Metric,
    *,
    threshold: float | None = None,
    pairs: bool = False,
) -> Weakness:
    """Measure the metric in every segment with enough rows.

    Parameters
    ----------
    predictions : Predictions
        Rows as in `columns`.
    metric : Metric
        One of the task's in `METRICS`.
    threshold : float or None
        For the error of a binary model.
    pairs : bool
        Also pairs of groups, of the columns by which the metric differs most (at most `MAX_PAIR_COLUMNS`).

    Raises
    ------
    DataError
        If the metric cannot be had, because all rows are of one class.
    """
    judge = _Judge(predictions, metric, threshold)
    min_rows = max(MIN_ROWS, int(predictions.n_rows * MIN_SHARE))
    overall = judge.measure(np.zeros(predictions.n_rows, dtype=np.int16), 1)
    if not np.isfinite(overall.value[0]):
        raise DataError("All rows are of one class, so this metric cannot be had.", hint="Choose another metric.")
    single = [(column, judge.measure(column.codes, len(column.groups))) for column in columns]
    looks: list[tuple[tuple[GroupedColumn, ...], _Measured]] = [((column,), found) for column, found in single]
    if pairs:
        spread = sorted(single, key=lambda one: -_spread(one[1], min_rows))
        for first, second in combinations([column for column, _ in spread[:MAX_PAIR_COLUMNS]], 2):
            codes = first.codes.astype(np.int32) * len(second.groups) + second.codes
            looks.append(((first, second), judge.measure(codes, len(first.groups) * len(second.groups))))
    n_segments = sum(int(measured.judged(min_rows).sum()) for _, measured in looks)
    z_wide = float(special.ndtri(1 - _LEVEL / 2 / max(n_segments, 1)))
    found = [
        _segment(parts, measured, place, judge, overall.value[0], z_wide)
        for parts, measured in looks
        for place in np.flatnonzero(measured.judged(min_rows)).tolist()
    ]
    sign = -1.0 if metric == "auc" else 1.0
    found.sort(key=lambda one: -sign * (one.high if metric == "auc" else one.low))
    low, high = judge.interval(overall, float(special.ndtri(1 - _LEVEL / 2)))
    return Weakness(
        metric, float(overall.value[0]), float(low[0]), float(high[0]), tuple(found), n_segments, min_rows,
        predictions.n_rows, predictions.words,
    )  # fmt: skip


def measure_rows(
    predictions: Predictions, mask: BoolArray, metric: Metric, *, threshold: float | None = None
) -> tuple[float, float, float]:
    """Return the metric and its 95 % interval over the rows of a mask; NaN where it cannot be had."""
    judge = _Judge(predictions, metric, threshold)
    measured = judge.measure(mask.astype(np.int16), 2)
    low, high = judge.interval(measured, float(special.ndtri(1 - _LEVEL / 2)))
    return float(measured.value[1]), float(low[1]), float(high[1])


# --- arithmetic -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Measured:
    """The metric per group; `error` is its standard error (of the square, for RMSE)."""

    n_rows: IntArray
    value: FloatArray
    error: FloatArray

    def judged(self, min_rows: int) -> BoolArray:
        """Return which groups have enough rows, and a value."""
        found: BoolArray = (self.n_rows >= min_rows) & np.isfinite(self.value) & np.isfinite(self.error)
        return found


class _Judge:
    """Measures one metric in groups of rows."""

    def __init__(self, predictions: Predictions, metric: Metric, threshold: float | None) -> None:
        self.metric = metric
        if metric == "auc":
            self._loss: FloatArray | None = None
            positive = str(predictions.positive)
            probability = predictions.probability(positive)
            order = np.argsort(probability, kind="stable")
            self._order = order
            self._truth = predictions.is_class(positive)[order]
            ordered = probability[order]
            self._tie = np.cumsum(np.concatenate(([False], ordered[1:] != ordered[:-1])).astype(np.int64))
        else:
            self._loss = _losses(predictions, metric, threshold)

    def measure(self, codes: np.ndarray, n_groups: int) -> _Measured:
        """Return the metric of every group."""
        if self._loss is None:
            return self._auc(codes, n_groups)
        rows = np.bincount(codes, minlength=n_groups)
        counts = np.maximum(rows, 1)
        mean = np.bincount(codes, weights=self._loss, minlength=n_groups) / counts
        square = np.bincount(codes, weights=self._loss**2, minlength=n_groups) / counts
        variance = np.maximum(square - mean**2, 0) * counts / np.maximum(counts - 1, 1)
        value = np.where(rows > 0, np.sqrt(mean) if self.metric == "rmse" else mean, np.nan)
        return _Measured(rows, value, np.sqrt(variance / counts))

    def interval(self, measured: _Measured, z: float) -> tuple[FloatArray, FloatArray]:
        """Return the interval of each group that reaches `z` standard errors to either side."""
        value, spread = measured.value, z * measured.error
        if self.metric == "error":
            n = np.maximum(measured.n_rows, 1)
            centre, half = value + z**2 / (2 * n), z * np.sqrt(value * (1 - value) / n + z**2 / (4 * n**2))
            scale = 1 + z**2 / n
            return np.clip((centre - half) / scale, 0, value), np.clip((centre + half) / scale, value, 1)
        if self.metric == "rmse":
            return np.sqrt(np.maximum(value**2 - spread, 0)), np.sqrt(value**2 + spread)
        top = 1.0 if self.metric == "auc" else np.inf
        return np.maximum(value - spread, 0), np.minimum(value + spread, top)

    def _auc(self, codes: np.ndarray, n_groups: int) -> _Measured:
        """Return AUC and DeLong's standard error of every group at once.

        Rows lie sorted by group, then by probability; rows of one group with equal probability form a tie.
        """
        # Numbers of 16 bits are sorted by counting, ten times as fast; there are never more groups than that.
        group = codes.astype(np.int16)[self._order]
        by_group = np.argsort(group, kind="stable")
        group, truth, tie = group[by_group], self._truth[by_group].astype(np.float64), self._tie[by_group]
        starts = np.flatnonzero(np.concatenate(([True], (group[1:] != group[:-1]) | (tie[1:] != tie[:-1]))))
        sizes = np.diff(np.append(starts, len(group)))
        positive = np.add.reduceat(truth, starts)
        negative = sizes - positive
        of = group[starts].astype(np.int64)

        def per_group(values: FloatArray) -> FloatArray:
            return np.bincount(of, weights=values, minlength=n_groups).astype(np.float64)

        n_positive, n_negative = per_group(positive), per_group(negative)
        usable = (n_positive >= MIN_PER_CLASS) & (n_negative >= MIN_PER_CLASS)
        p, n = np.maximum(n_positive, 2), np.maximum(n_negative, 2)
        negative_below = np.cumsum(negative) - negative - _before(n_negative)[of]
        positive_below = np.cumsum(positive) - positive - _before(n_positive)[of]
        # The share of the other class that a row is on the right side of; ties count half.
        of_positive = (negative_below + negative / 2) / n[of]
        of_negative = (n_positive[of] - positive_below - positive / 2) / p[of]
        auc = per_group(positive * of_positive) / p
        by_positive = (per_group(positive * of_positive**2) - p * auc**2) / (p - 1)
        by_negative = (per_group(negative * of_negative**2) - n * auc**2) / (n - 1)
        error = np.sqrt(np.maximum(by_positive, 0) / p + np.maximum(by_negative, 0) / n)
        rows = np.bincount(codes, minlength=n_groups)
        return _Measured(rows, np.where(usable, auc, np.nan), error)


def _before(counts: FloatArray) -> FloatArray:
    before: FloatArray = np.cumsum(counts) - counts
    return before


def _losses(predictions: Predictions, metric: Metric, threshold: float | None) -> FloatArray:
    if metric in ("rmse", "mae"):
        distance = predictions.actual - predictions.predicted
        loss: FloatArray = distance**2 if metric == "rmse" else np.abs(distance)
        return loss
    if metric == "error":
        wrong: FloatArray = (predictions.decided(threshold) != predictions.codes).astype(np.float64)
        return wrong
    tiny = np.finfo(np.float64).eps
    logs: FloatArray = -np.log(np.clip(predictions.own_probability, tiny, 1 - tiny))
    return logs


def _spread(measured: _Measured, min_rows: int) -> float:
    """Return how much the metric differs between the groups, weighted by their rows."""
    judged = measured.judged(min_rows)
    rows, value = measured.n_rows[judged], measured.value[judged]
    if len(rows) < 2:
        return 0.0
    return float(np.average((value - np.average(value, weights=rows)) ** 2, weights=rows))


def _segment(
    columns: Sequence[GroupedColumn], measured: _Measured, place: int, judge: _Judge, overall: float, z_wide: float
) -> Segment:
    here = slice(place, place + 1)
    one = _Measured(measured.n_rows[here], measured.value[here], measured.error[here])
    low, high = judge.interval(one, float(special.ndtri(1 - _LEVEL / 2)))
    wide_low, wide_high = judge.interval(one, z_wide)
    is_auc = judge.metric == "auc"
    numbers = divmod(place, len(columns[1].groups)) if len(columns) > 1 else (place,)
    groups = [(column.name, column.groups[number]) for column, number in zip(columns, numbers, strict=True)]
    filters = [_filter(name, group) for name, group in groups]
    value = float(measured.value[place])
    return Segment(
        parts=tuple((name, group.label) for name, group in groups),
        filters=tuple(one for one in filters if one) if all(filters) else (),
        n_rows=int(measured.n_rows[place]),
        value=value,
        low=float(low[0]),
        high=float(high[0]),
        gap=overall - value if is_auc else value - overall,
        is_clear=bool(wide_high[0] < overall if is_auc else wide_low[0] > overall),
    )


def _filter(name: str, group: Group) -> Filter | None:
    """Return the filter that keeps a group's rows; None for the rest of the levels."""
    if group.kind == "missing":
        return Filter(column=name, missing=True)
    if group.kind == "other":
        return None
    if group.low is not None:
        return Filter(column=name, low=group.low, high=group.high)
    return Filter(column=name, levels=(group.label,))
