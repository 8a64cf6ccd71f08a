"""Where a model is weak: the metric in each level, bin and pair of features, with intervals.

Every row counts; a column is cut into its most frequent levels, or bins of about equal counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pyarrow as pa

from core.data.profiling.slices import Filter
from core.data.relations.binning import Group, group_rows
from core.domain.columns import FEATURE_TYPES, Schema
from core.domain.training import Task
from core.errors import DataError
from core.metrics.groups.grading import HIGHER_IS_BETTER, Judge, MeasuredGroups, Metric
from core.metrics.predictions import Predictions
from core.metrics.ranking import BoolArray
from core.wording import percent_text

METRICS: Mapping[Task, tuple[Metric, ...]] = {
    "binary": ("explained", "logloss", "auc", "error"),
    "multiclass": ("explained", "logloss", "error"),
    "regression": ("explained", "rmse", "mae"),
}
METHODS: Mapping[Metric, str] = {
    "explained": "normal interval by the delta method",
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
        The metric with its 95% interval.
    gap : float
        How much worse than over all rows; below zero when better.
    is_clear : bool
        Whether it is worse also when the interval is widened for the number of segments looked at (Bonferroni).
    is_useless : bool
        Whether, as clearly, the best constant of the segment itself would be better; known of `explained` only.
    """

    parts: tuple[tuple[str, str], ...]
    filters: tuple[Filter, ...]
    n_rows: int
    value: float
    low: float
    high: float
    gap: float
    is_clear: bool
    is_useless: bool = False


@dataclass(frozen=True)
class Weakness:
    """Segments, worst first: by the end of the interval that is kindest to the model.

    Attributes
    ----------
    overall : float
        The metric over all rows.
    n_segments : int
        Segments that are judged: enough rows, a value, and for the share explained no less error than all rows.
    n_looks : int
        Those and, for the share explained, the ones with less error: intervals are widened for so many.
    min_rows : int
        The fewest rows that a segment must have.
    """

    metric: Metric
    overall: float
    segments: tuple[Segment, ...]
    n_segments: int
    n_looks: int
    min_rows: int
    n_rows: int
    origin: str


def group_columns(table: pa.Table, schema: Schema) -> tuple[GroupedColumn, ...]:
    """Cut every column that can be learned from into groups; one group is of no use and is left out."""
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
    judge = Judge(predictions, metric, threshold)
    min_rows = max(MIN_ROWS, int(predictions.n_rows * MIN_SHARE))
    overall = judge.measure(np.zeros(predictions.n_rows, dtype=np.int16), 1)
    if not np.isfinite(overall.value[0]):
        raise DataError(
            "Too few rows have another outcome than the others, so this metric cannot be computed.",
            hint="Choose another metric.",
        )
    single = [(column, judge.measure(column.codes, len(column.groups))) for column in columns]
    looks: list[tuple[tuple[GroupedColumn, ...], MeasuredGroups]] = [((column,), found) for column, found in single]
    if pairs:
        spread = sorted(single, key=lambda one: -_spread(one[1], min_rows))
        for first, second in combinations([column for column, _ in spread[:MAX_PAIR_COLUMNS]], 2):
            codes = first.codes.astype(np.int32) * len(second.groups) + second.codes
            looks.append(((first, second), judge.measure(codes, len(first.groups) * len(second.groups))))
    n_segments = sum(int(measured.judged(min_rows).sum()) for _, measured in looks)
    n_looks = sum(int(measured.measured(min_rows).sum()) for _, measured in looks)
    z_wide = NormalDist().inv_cdf(1 - _LEVEL / 2 / max(n_looks, 1))
    found = [
        _segment(parts, measured, place, judge, overall.value[0], z_wide)
        for parts, measured in looks
        for place in np.flatnonzero(measured.judged(min_rows)).tolist()
    ]
    found.sort(key=lambda one: one.high if metric in HIGHER_IS_BETTER else -one.low)
    n_rows, origin = predictions.n_rows, predictions.words
    return Weakness(metric, float(overall.value[0]), tuple(found), n_segments, n_looks, min_rows, n_rows, origin)


def explained_words(one: Segment, overall: float) -> str:
    """Say of a segment, judged by the share explained, what the model is worth there.

    Examples
    --------
    >>> part = Segment((("city", "Oslo"),), (), 80, 0.05, 0.02, 0.08, 0.21, True)
    >>> explained_words(part, 0.26)
    'the model explains 5.0% of the error there, over all rows 26%'
    >>> explained_words(Segment((("city", "Oslo"),), (), 80, 0.01, -0.02, 0.04, 0.25, True), 0.26).partition(" (")[0]
    "the model is not clearly better there than the part's own average"
    >>> explained_words(Segment((("city", "Oslo"),), (), 80, -0.3, -0.55, -0.05, 0.56, True), 0.26)
    "the model is worse there than the part's own average (it explains -30% of the error, over all rows 26%)"
    """
    shares = f"it explains {percent_text(one.value)} of the error, over all rows {percent_text(overall)}"
    if one.high < 0:
        how = "clearly worse" if one.is_useless else "worse"
        return f"the model is {how} there than the part's own average ({shares})"
    if one.low <= 0:
        return f"the model is not clearly better there than the part's own average ({shares})"
    return f"the model explains {percent_text(one.value)} of the error there, over all rows {percent_text(overall)}"


def measure_rows(
    predictions: Predictions, mask: BoolArray, metric: Metric, *, threshold: float | None = None
) -> tuple[float, float, float]:
    """Return the metric and its 95% interval over the rows of a mask; NaN where it cannot be had."""
    judge = Judge(predictions, metric, threshold)
    measured = judge.measure(mask.astype(np.int16), 2)
    low, high = judge.interval(measured, NormalDist().inv_cdf(1 - _LEVEL / 2))
    return float(measured.value[1]), float(low[1]), float(high[1])


def _spread(measured: MeasuredGroups, min_rows: int) -> float:
    """Return how much the metric differs between the groups, weighted by their rows."""
    known = measured.measured(min_rows)
    rows, value = measured.n_rows[known], measured.value[known]
    if len(rows) < 2:
        return 0.0
    return float(np.average((value - np.average(value, weights=rows)) ** 2, weights=rows))


def _segment(
    columns: Sequence[GroupedColumn], measured: MeasuredGroups, place: int, judge: Judge, overall: float, z_wide: float
) -> Segment:
    here = slice(place, place + 1)
    one = MeasuredGroups(measured.n_rows[here], measured.value[here], measured.error[here])
    low, high = judge.interval(one, NormalDist().inv_cdf(1 - _LEVEL / 2))
    wide_low, wide_high = judge.interval(one, z_wide)
    is_up = judge.metric in HIGHER_IS_BETTER
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
        gap=overall - value if is_up else value - overall,
        is_clear=bool(wide_high[0] < overall if is_up else wide_low[0] > overall),
        is_useless=judge.metric == "explained" and bool(wide_high[0] < 0),
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
