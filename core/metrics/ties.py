"""Whether models differ by more than chance: metrics and their differences on the same rows, with intervals.

The standard error is the one that a paired bootstrap of the rows estimates (all models measured on each draw), by the
non-parametric delta method: how much each row moves the metric, as a number per row (B. Efron 1982, The Jackknife, the
Bootstrap and Other Resampling Plans, chapter 6). For the AUC that is the variance of E. DeLong and others (1988,
Biometrics 44), found with one sort per model as by X. Sun and W. Xu (2014, IEEE Signal Processing Letters 21). Nothing
is drawn at random; tests hold it against a bootstrap. Rows are taken as independent of each other; each counts once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

import numpy as np

from core.domain.training import Task
from core.errors import DataError
from core.metrics.predictions import Predictions
from core.metrics.ranking import BoolArray, FloatArray, IntArray

LEVEL: Final = 0.95
METHOD: Final = (
    "difference on the same rows; 95% interval as a paired bootstrap of the rows would give it, by formula (delta"
    " method; for AUC DeLong's variance)"
)
METRICS: Final[Mapping[Task, tuple[str, ...]]] = {
    "binary": ("auc", "logloss", "average_precision", "mean_per_class_error", "brier"),
    "multiclass": ("mean_per_class_error", "logloss"),
    "regression": ("rmse", "mae", "r2", "rmsle"),
}
# Of two classes it says as much of each model's own threshold as of the model.
BY_THRESHOLD: Final[Mapping[Task, frozenset[str]]] = {"binary": frozenset({"mean_per_class_error"})}
_Z: Final = NormalDist().inv_cdf(0.5 + LEVEL / 2)
_TINY: Final = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Answers:
    """What one model said about rows whose truth is known.

    Attributes
    ----------
    truth : ndarray, shape (n_rows,)
        Places of the actual classes, or numbers.
    output : ndarray of float64, shape (n_rows, n_classes) or (n_rows,)
        Probabilities, or predicted numbers.
    decided : ndarray of int64, shape (n_rows,)
        Places of the decided classes; empty for regression.
    positive : int or None
        The place of the class looked for, where there are two.
    """

    task: Task
    truth: FloatArray | IntArray
    output: FloatArray
    decided: IntArray
    positive: int | None = None

    @classmethod
    def of(cls, found: Predictions, threshold: float | None) -> "Answers":
        """Return those of stored predictions, labels by the threshold where there is one."""
        if found.task == "regression":
            return cls(found.task, found.actual, found.predicted, np.zeros(0, np.int64))
        positive = None if found.positive is None else found.classes.index(found.positive)
        return cls(found.task, found.codes, found.probabilities, found.decided(threshold), positive)

    def take(self, places: IntArray) -> "Answers":
        """Return those about some of the rows."""
        decided = self.decided[places] if len(self.decided) else self.decided
        return replace(self, truth=self.truth[places], output=self.output[places], decided=decided)

    @property
    def is_positive(self) -> BoolArray:
        """Which rows are of the class looked for."""
        truth: BoolArray = self.truth == self.positive
        return truth


@dataclass(frozen=True)
class MetricEstimate:
    """A metric with its 95% interval and standard error."""

    value: float
    low: float
    high: float
    error: float


@dataclass(frozen=True)
class MetricDifference:
    """A metric of two models on the same rows; `low` and `high` bound `second` minus `first` with 95% confidence."""

    metric: str
    first: float
    second: float
    low: float
    high: float

    @property
    def value(self) -> float:
        """The second model's metric minus the first one's."""
        return self.second - self.first

    @property
    def is_tied(self) -> bool:
        """Whether chance alone explains the difference."""
        return self.low <= 0 <= self.high


class SameRows:
    """Several models on the same rows: their metrics and how far these differ.

    Parameters
    ----------
    answers : sequence of Answers
        One per model, of one task, rows in one order.

    Raises
    ------
    DataError
        If there are no rows, or the models were not asked about the same ones.
    """

    def __init__(self, answers: Sequence[Answers]) -> None:
        first = answers[0]
        if not len(first.truth):
            raise DataError("There are no rows to measure.")
        if any(one.task != first.task or not np.array_equal(one.truth, first.truth) for one in answers):
            raise DataError("These models were not asked about the same rows.")
        self.answers = tuple(answers)
        self.n_rows = len(first.truth)
        self._moved: dict[tuple[int, str], tuple[float, FloatArray]] = {}

    @property
    def metrics(self) -> tuple[str, ...]:
        """What can be measured here, of every model."""
        places = range(len(self.answers))
        return tuple(
            name
            for name in METRICS[self.answers[0].task]
            if all(np.isfinite(self._measured(place, name)[0]) for place in places)
        )

    def estimate(self, place: int, metric: str) -> MetricEstimate:
        """Return a model's metric with its interval."""
        value, moved = self._measured(place, metric)
        error = self._error(moved)
        return MetricEstimate(value, value - _Z * error, value + _Z * error, error)

    def difference(self, first: int, second: int, metric: str) -> MetricDifference:
        """Return how far the second model's metric is from the first one's."""
        (one, moves_one), (other, moves_other) = self._measured(first, metric), self._measured(second, metric)
        spread = _Z * self._error(moves_other - moves_one)
        return MetricDifference(metric, one, other, other - one - spread, other - one + spread)

    def _error(self, moved: FloatArray) -> float:
        return float(np.sqrt(np.mean(moved**2) / self.n_rows))

    def _measured(self, place: int, metric: str) -> tuple[float, FloatArray]:
        """Return a model's metric, and how much each row moves it: numbers that sum to zero."""
        if (place, metric) not in self._moved:
            self._moved[place, metric] = _MEASURES[metric](self.answers[place])
        return self._moved[place, metric]


def spread_of(values: FloatArray) -> float:
    """Return how far the ends of the 95% interval of a mean lie from it, rows independent of each other."""
    return _Z * float(values.std() / np.sqrt(len(values)))


def is_beyond_chance(first: MetricEstimate, second: MetricEstimate) -> bool:
    """Tell whether a metric on two samples of different rows differs by more than chance, with 95% confidence."""
    return abs(second.value - first.value) > _Z * float(np.hypot(first.error, second.error))


# --- metrics, each with how much every row moves it -------------------------------------------------------------------

_Measured = tuple[float, FloatArray]


def _mean(loss: FloatArray) -> _Measured:
    mean = float(loss.mean())
    return mean, loss - mean


def _root(loss: FloatArray) -> _Measured:
    mean, moved = _mean(loss)
    root = float(np.sqrt(mean))
    return root, moved / (2 * root) if root else moved


def _auc(one: Answers) -> _Measured:
    truth = one.is_positive
    n_positive = int(truth.sum())
    n_negative = len(truth) - n_positive
    if not n_positive or not n_negative:
        return np.nan, np.zeros(len(truth))
    _, tie = np.unique(one.output[:, one.positive], return_inverse=True)
    positive = np.bincount(tie, weights=truth)
    negative = np.bincount(tie) - positive
    # The share of the other class that a row is on the right side of; ties count half.
    of_positive = (np.cumsum(negative) - negative / 2) / n_negative
    of_negative = (n_positive - np.cumsum(positive) + positive / 2) / n_positive
    auc = float(positive @ of_positive) / n_positive
    share = n_positive / len(truth)
    moved = np.where(truth, (of_positive[tie] - auc) / share, (of_negative[tie] - auc) / (1 - share))
    return auc, moved


def _average_precision(one: Answers) -> _Measured:
    truth = one.is_positive
    n_positive = int(truth.sum())
    if not n_positive:
        return np.nan, np.zeros(len(truth))
    _, tie = np.unique(-one.output[:, one.positive], return_inverse=True)  # the largest first
    positive = np.bincount(tie, weights=truth)
    selected, found = np.cumsum(np.bincount(tie)), np.cumsum(positive)
    precision = found / selected
    value = float(positive @ precision) / n_positive
    # A row counts in the precision of every positive row from its own probability down.
    helps = np.cumsum((positive / selected)[::-1])[::-1]
    costs = np.cumsum((positive * precision / selected)[::-1])[::-1]
    moved = (truth * (precision + helps - value)[tie] - costs[tie]) * len(truth) / n_positive
    return value, moved


def _logloss(one: Answers) -> _Measured:
    own = one.output[np.arange(len(one.truth)), one.truth.astype(np.int64)]
    return _mean(-np.log(np.clip(own, _TINY, 1 - _TINY)))


def _mean_per_class_error(one: Answers) -> _Measured:
    truth, wrong = one.truth.astype(np.int64), one.decided != one.truth
    rows = np.bincount(truth, minlength=one.output.shape[1])
    errors = np.bincount(truth, weights=wrong, minlength=len(rows)) / np.maximum(rows, 1)
    n_classes = int((rows > 0).sum())
    moved = (wrong - errors[truth]) * len(truth) / (n_classes * rows[truth])
    return float(errors.sum() / n_classes), moved


def _r2(one: Answers) -> _Measured:
    mse, moved = _mean((one.truth - one.output) ** 2)
    variance, moved_variance = _mean((one.truth - one.truth.mean()) ** 2)
    if variance <= 0:
        return np.nan, moved
    return 1 - mse / variance, mse / variance**2 * moved_variance - moved / variance


def _rmsle(one: Answers) -> _Measured:
    if min(one.truth.min(), one.output.min()) <= -1:
        return np.nan, np.zeros(len(one.truth))
    return _root((np.log1p(one.truth) - np.log1p(one.output)) ** 2)


_MEASURES: Final[Mapping[str, Callable[[Answers], _Measured]]] = {
    "auc": _auc,
    "average_precision": _average_precision,
    "logloss": _logloss,
    "brier": lambda one: _mean((one.output[:, one.positive] - one.is_positive) ** 2),
    "mean_per_class_error": _mean_per_class_error,
    "rmse": lambda one: _root((one.truth - one.output) ** 2),
    "mae": lambda one: _mean(np.abs(one.truth - one.output)),
    "r2": _r2,
    "rmsle": _rmsle,
}
