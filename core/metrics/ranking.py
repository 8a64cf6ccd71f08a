"""The arithmetic under `curves`: rows ranked by probability, labels as numbers, curves thinned to their shape."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import DataError

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

_STRAIGHT = 1e-12  # a point nearer to the chord than this adds nothing to a curve in the unit square


@dataclass(frozen=True)
class Ranking:
    """How many rows count as positive, rightly and wrongly, as the threshold falls through the probabilities.

    Attributes
    ----------
    threshold, true_positives, false_positives : ndarray of float64, shape (n_thresholds,)
        The last ones are all positive and all negative rows: their number, or the sum of their weights.
    n_positive, n_negative : int
        Rows, whatever they weigh.
    """

    threshold: FloatArray
    true_positives: FloatArray
    false_positives: FloatArray
    n_positive: int
    n_negative: int

    @property
    def n_rows(self) -> int:
        """Rows that were ranked."""
        return self.n_positive + self.n_negative

    @property
    def has_two_classes(self) -> bool:
        """Whether both positive and negative rows occur, so that a curve can be drawn."""
        return self.n_positive > 0 and self.n_negative > 0

    def rates(self) -> tuple[FloatArray, FloatArray]:
        """Return false and true positive rates, beginning with (0, 0)."""
        fpr = np.concatenate(([0.0], self.false_positives / self.false_positives[-1]))
        tpr = np.concatenate(([0.0], self.true_positives / self.true_positives[-1]))
        return fpr, tpr

    def precision_recall(self) -> tuple[FloatArray, FloatArray]:
        """Return precision and recall at each threshold."""
        found = self.true_positives
        return found / (found + self.false_positives), found / found[-1]

    def auc(self) -> float:
        """Return the area under the ROC curve."""
        fpr, tpr = self.rates()
        return float(np.trapezoid(tpr, fpr))

    def average_precision(self) -> float:
        """Return the mean precision weighted by the steps in recall."""
        precision, recall = self.precision_recall()
        return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def rank(actual_is_positive: ArrayLike, probability: ArrayLike, weights: FloatArray | None = None) -> Ranking:
    """Rank rows by probability, largest first.

    Parameters
    ----------
    actual_is_positive : array-like of bool, shape (n_rows,)
    probability : array-like of float, shape (n_rows,)
    weights : ndarray of float64, shape (n_rows,), optional
        How much each row counts, above 0; all the same when omitted.

    Raises
    ------
    DataError
        If lengths differ, there are no rows or a probability is missing.
    """
    truth: BoolArray = np.asarray(actual_is_positive, dtype=np.bool_)
    p: FloatArray = np.asarray(probability, dtype=np.float64)
    check_lengths(len(truth), len(p))
    if not np.isfinite(p).all():
        raise DataError("Some rows have no probability.")
    order = np.argsort(-p, kind="stable")
    p, truth = p[order], truth[order]
    last_of_value = np.append(np.flatnonzero(np.diff(p)), len(p) - 1)
    counts = np.ones(len(p)) if weights is None else weights[order]
    found, wrong = (np.cumsum(np.where(rows, counts, 0.0))[last_of_value] for rows in (truth, ~truth))
    n_positive = int(truth.sum())
    return Ranking(p[last_of_value], found, wrong, n_positive, len(truth) - n_positive)


def class_codes(labels: ArrayLike, classes: Sequence[str]) -> IntArray:
    """Return each label's place in `classes` (DataError if a label is not among the classes)."""
    index = {name: place for place, name in enumerate(classes)}
    try:
        return np.array([index[label] for label in np.asarray(labels, dtype=object)], dtype=np.int64)
    except KeyError as error:
        raise DataError(f"The label {error.args[0]!r} is not one of the model's classes.") from error


def finite_pair(actual: ArrayLike, predicted: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return both as float arrays of one length.

    DataError if lengths differ, there are no rows or a value is missing.
    """
    y, p = np.asarray(actual, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    check_lengths(len(y), len(p))
    if not (np.isfinite(y).all() and np.isfinite(p).all()):
        raise DataError("Some rows have no actual or no predicted value.")
    return y, p


def check_lengths(n_actual: int, n_predicted: int) -> None:
    """Raise DataError unless there is as much of both, and something."""
    if n_actual != n_predicted:
        raise DataError(f"There are {n_actual} actual and {n_predicted} predicted values.")
    if n_actual == 0:
        raise DataError("There are no rows to measure.")


def shaping_points(x: FloatArray, y: FloatArray, max_points: int) -> IntArray:
    """Choose the points that shape a polyline: split where the chord is furthest from the curve, worst part first.

    Returns
    -------
    ndarray of int, shape (n_kept,)
        Rising places, first and last point among them; fewer than `max_points` when the rest lies on the chords.
    """
    end = len(x) - 1
    chosen = {0, end}
    parts = [_furthest(x, y, 0, end)]
    while len(chosen) < max_points:
        negative_distance, start, middle, end = heapq.heappop(parts)
        if -negative_distance <= _STRAIGHT:
            break
        chosen.add(middle)
        heapq.heappush(parts, _furthest(x, y, start, middle))
        heapq.heappush(parts, _furthest(x, y, middle, end))
    return np.array(sorted(chosen), dtype=np.int64)


def _furthest(x: FloatArray, y: FloatArray, start: int, end: int) -> tuple[float, int, int, int]:
    """Return (minus the distance, start, place, end) of the point furthest from the chord start-end."""
    if end - start < 2:
        return 0.0, start, start, end
    dx, dy = x[end] - x[start], y[end] - y[start]
    inside_x, inside_y = x[start + 1 : end] - x[start], y[start + 1 : end] - y[start]
    length = float(np.hypot(dx, dy))
    distance = np.abs(dx * inside_y - dy * inside_x) / length if length else np.hypot(inside_x, inside_y)
    at = int(np.argmax(distance))
    return -float(distance[at]), start, start + 1 + at, end
