"""One metric measured in many groups of rows at once, with its standard error.

`explained` is the share of the loss (log loss, squared error) that the model saves over the best constant of the group
itself: D² of the log loss, R² of numbers (Hastie, Tibshirani and Wainwright, Statistical Learning with Sparsity, 2015,
section 3.2.3). It depends on no threshold, and does not blame a group for being harder than others.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from core.metrics.predictions import Predictions
from core.metrics.ranking import BoolArray, FloatArray, IntArray

Metric = Literal["explained", "auc", "logloss", "error", "rmse", "mae"]
HIGHER_IS_BETTER: Final[frozenset[Metric]] = frozenset({"explained", "auc"})
MIN_PER_CLASS = 10
_ROUNDING = 1e-9  # all rows together are not easier than themselves
_SAME = 1e-20  # squares of numbers that are the same differ by less of their size: doubles have 16 digits


@dataclass(frozen=True, eq=False)
class MeasuredGroups:
    """The metric per group; `error` is its standard error (of the square, for RMSE).

    `is_easy` tells groups with less loss than all rows, in which there is little to explain.
    """

    n_rows: IntArray
    value: FloatArray
    error: FloatArray
    is_easy: BoolArray | None = None

    def measured(self, min_rows: int) -> BoolArray:
        """Return which groups have enough rows, and a value."""
        found: BoolArray = (self.n_rows >= min_rows) & np.isfinite(self.value) & np.isfinite(self.error)
        return found

    def judged(self, min_rows: int) -> BoolArray:
        """Return which of those also have something to explain."""
        found = self.measured(min_rows)
        return found if self.is_easy is None else found & ~self.is_easy


class Judge:
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
            self._predictions = predictions

    def measure(self, codes: np.ndarray, n_groups: int) -> MeasuredGroups:
        """Return the metric of every group."""
        if self._loss is None:
            return self._auc(codes, n_groups)
        if self.metric == "explained":
            return self._explained(self._loss, codes, n_groups)
        rows = np.bincount(codes, minlength=n_groups)
        counts = np.maximum(rows, 1)
        mean = np.bincount(codes, weights=self._loss, minlength=n_groups) / counts
        square = np.bincount(codes, weights=self._loss**2, minlength=n_groups) / counts
        variance = np.maximum(square - mean**2, 0) * counts / np.maximum(counts - 1, 1)
        value = np.where(rows > 0, np.sqrt(mean) if self.metric == "rmse" else mean, np.nan)
        return MeasuredGroups(rows, value, np.sqrt(variance / counts))

    def interval(self, measured: MeasuredGroups, z: float) -> tuple[FloatArray, FloatArray]:
        """Return the interval of each group that reaches `z` standard errors to either side."""
        value, spread = measured.value, z * measured.error
        if self.metric == "error":
            n = np.maximum(measured.n_rows, 1)
            centre, half = value + z**2 / (2 * n), z * np.sqrt(value * (1 - value) / n + z**2 / (4 * n**2))
            scale = 1 + z**2 / n
            return np.clip((centre - half) / scale, 0, value), np.clip((centre + half) / scale, value, 1)
        if self.metric == "rmse":
            return np.sqrt(np.maximum(value**2 - spread, 0)), np.sqrt(value**2 + spread)
        bottom = -np.inf if self.metric == "explained" else 0.0
        top = 1.0 if self.metric in HIGHER_IS_BETTER else np.inf
        return np.maximum(value - spread, bottom), np.minimum(value + spread, top)

    def _explained(self, loss: FloatArray, codes: np.ndarray, n_groups: int) -> MeasuredGroups:
        """Return the share of the loss that is explained, with the delta method's standard error.

        That the constant is fitted to the group adds nothing to the first order: it is where its loss is least. With
        few rows of a class that does not hold, so a group needs `MIN_PER_CLASS` that are not of its main class.
        """
        rows = np.bincount(codes, minlength=n_groups)
        counts = np.maximum(rows, 1)
        constant, is_enough = _loss_of_constants(self._predictions, codes, n_groups)

        def mean(values: FloatArray) -> FloatArray:
            return np.bincount(codes, weights=values, minlength=n_groups) / counts

        own, of_constant = mean(loss), mean(constant)
        of_constant = np.where(is_enough, of_constant, np.nan)
        left = own / of_constant
        variance = mean((loss - left[codes] * constant) ** 2) * counts / np.maximum(counts - 1, 1)
        return MeasuredGroups(
            rows, 1 - left, np.sqrt(variance / counts) / of_constant, own < loss.mean() * (1 - _ROUNDING)
        )

    def _auc(self, codes: np.ndarray, n_groups: int) -> MeasuredGroups:
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
        return MeasuredGroups(rows, np.where(usable, auc, np.nan), error)


def _before(counts: FloatArray) -> FloatArray:
    before: FloatArray = np.cumsum(counts) - counts
    return before


def _loss_of_constants(predictions: Predictions, codes: np.ndarray, n_groups: int) -> tuple[FloatArray, BoolArray]:
    """Return what each row would lose by the best constant of its group, and the groups where that is enough to judge.

    The constant is the group's shares of the classes, or its mean.
    """
    rows = np.bincount(codes, minlength=n_groups)
    counts = np.maximum(rows, 1)
    if predictions.task == "regression":
        means, squares = (
            np.bincount(codes, weights=predictions.actual**power, minlength=n_groups) / counts for power in (1, 2)
        )
        distance: FloatArray = (predictions.actual - means[codes]) ** 2
        variance = np.bincount(codes, weights=distance, minlength=n_groups) / counts
        return distance, variance > _SAME * squares
    n_classes = len(predictions.classes)
    place = codes.astype(np.int64) * n_classes + predictions.codes
    of_class = np.bincount(place, minlength=n_groups * n_classes)
    logs: FloatArray = -np.log((of_class / np.repeat(counts, n_classes))[place])
    return logs, rows - of_class.reshape(n_groups, n_classes).max(axis=1) >= MIN_PER_CLASS


def _losses(predictions: Predictions, metric: Metric, threshold: float | None) -> FloatArray:
    if predictions.task == "regression":
        distance = predictions.actual - predictions.predicted
        loss: FloatArray = np.abs(distance) if metric == "mae" else distance**2
        return loss
    if metric == "error":
        wrong: FloatArray = (predictions.decided(threshold) != predictions.codes).astype(np.float64)
        return wrong
    tiny = np.finfo(np.float64).eps
    logs: FloatArray = -np.log(np.clip(predictions.own_probability, tiny, 1 - tiny))
    return logs
