"""Performance of stored predictions: curves, confusion, threshold and metrics as numbers.

Everything is exact over the rows given (no binning of thresholds), written in numpy so that a page that shows it
need not import scikit-learn; tests hold each number against scikit-learn's to 1e-9. Only what is drawn is thinned.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from core.errors import DataError
from core.metrics.measures import (
    ClassMetrics,
    Confusion,
    class_metrics,
    classification_metrics,
    coded_confusion,
    coded_metrics,
    confusion,
    predicted_labels,
    regression_metrics,
)
from core.metrics.ranking import Ranking, finite_pair, rank, shaping_points

__all__ = [
    "ClassMetrics",
    "Confusion",
    "PrecisionRecallCurve",
    "Residuals",
    "RocCurve",
    "best_f1_threshold",
    "class_metrics",
    "classification_metrics",
    "coded_confusion",
    "coded_metrics",
    "confusion",
    "precision_recall",
    "predicted_labels",
    "regression_metrics",
    "residuals",
    "roc",
]

MAX_CURVE_POINTS = 500
MAX_RESIDUAL_POINTS = 5000
RESIDUAL_QUANTILES: tuple[float, ...] = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True)
class RocCurve:
    """Receiver operating characteristic, from "nothing is positive" to "everything is".

    Attributes
    ----------
    threshold : tuple of float
        A row counts as positive when its probability is at least this; the first lies just above the largest.
    auc : float
        Exact area under the curve of all rows, not of the points kept.
    n_rows, n_positive : int
        Rows that the curve was made from.
    """

    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]
    threshold: tuple[float, ...]
    auc: float
    n_rows: int
    n_positive: int


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """Precision against recall, thresholds falling.

    Attributes
    ----------
    average_precision : float
        Exact mean precision weighted by the steps in recall.
    positive_share : float
        Precision of a model that knows nothing.
    """

    recall: tuple[float, ...]
    precision: tuple[float, ...]
    threshold: tuple[float, ...]
    average_precision: float
    positive_share: float
    n_rows: int


@dataclass(frozen=True)
class Residuals:
    """Predicted values and residuals (actual minus predicted).

    Attributes
    ----------
    row, predicted, residual : tuple
        Positions in the data given with their values; a random sample when there were more rows than may be shown.
    n_rows : int
        Rows that `quantiles` were taken over.
    quantiles : mapping of str to float
        Quantiles of the residuals of all rows; keys as in ``"0.05"``.
    """

    row: tuple[int, ...]
    predicted: tuple[float, ...]
    residual: tuple[float, ...]
    n_rows: int
    quantiles: Mapping[str, float]

    def thinned(self, most: int) -> "Residuals":
        """Return the same with at most `most` points; the quantiles stay those of all rows."""
        step = math.ceil(len(self.row) / most)
        return replace(self, row=self.row[::step], predicted=self.predicted[::step], residual=self.residual[::step])


def roc(actual_is_positive: ArrayLike, probability: ArrayLike, *, max_points: int = MAX_CURVE_POINTS) -> RocCurve:
    """Compute the ROC curve and its exact area.

    Parameters
    ----------
    actual_is_positive : array-like of bool, shape (n_rows,)
    probability : array-like of float, shape (n_rows,)
        Probability of the positive class.
    max_points : int
        Most points to keep; those that shape the curve are kept first.

    Raises
    ------
    DataError
        If only one class occurs, lengths differ or a probability is missing.

    Examples
    --------
    >>> roc([False, True, False, True], [0.1, 0.4, 0.35, 0.8]).auc
    1.0
    """
    ranking = _rank_two_classes(actual_is_positive, probability)
    fpr, tpr = ranking.rates()
    threshold = np.concatenate(([np.nextafter(ranking.threshold[0], np.inf)], ranking.threshold))
    keep = shaping_points(fpr, tpr, max_points)
    return RocCurve(
        false_positive_rate=tuple(fpr[keep].tolist()),
        true_positive_rate=tuple(tpr[keep].tolist()),
        threshold=tuple(threshold[keep].tolist()),
        auc=ranking.auc(),
        n_rows=ranking.n_rows,
        n_positive=ranking.n_positive,
    )


def precision_recall(
    actual_is_positive: ArrayLike, probability: ArrayLike, *, max_points: int = MAX_CURVE_POINTS
) -> PrecisionRecallCurve:
    """Compute precision against recall and the exact average precision.

    Parameters
    ----------
    actual_is_positive : array-like of bool, shape (n_rows,)
    probability : array-like of float, shape (n_rows,)
        Probability of the positive class.
    max_points : int
        Most points to keep; those that shape the curve are kept first.

    Raises
    ------
    DataError
        If only one class occurs, lengths differ or a probability is missing.
    """
    ranking = _rank_two_classes(actual_is_positive, probability)
    precision, recall = ranking.precision_recall()
    # Thresholds below the one that finds the last positive only add a vertical drop that says nothing.
    end = int(np.searchsorted(ranking.true_positives, ranking.n_positive)) + 1
    keep = shaping_points(recall[:end], precision[:end], max_points)
    return PrecisionRecallCurve(
        recall=tuple(recall[keep].tolist()),
        precision=tuple(precision[keep].tolist()),
        threshold=tuple(ranking.threshold[keep].tolist()),
        average_precision=ranking.average_precision(),
        positive_share=ranking.n_positive / ranking.n_rows,
        n_rows=ranking.n_rows,
    )


def best_f1_threshold(actual_is_positive: ArrayLike, probability: ArrayLike) -> tuple[float, float]:
    """Find the threshold with the largest F1, over all distinct probabilities.

    Returns
    -------
    threshold : float
        Rows with a probability of at least this count as positive; the largest one when several are equally good,
        0.5 when there is no positive row.
    f1 : float
        F1 at that threshold.

    Raises
    ------
    DataError
        If lengths differ, there are no rows or a probability is missing.

    Examples
    --------
    >>> best_f1_threshold([False, True, False, True], [0.1, 0.4, 0.35, 0.8])
    (0.4, 1.0)
    """
    ranking = rank(actual_is_positive, probability)
    if ranking.n_positive == 0:
        return 0.5, 0.0
    found = ranking.true_positives
    f1 = 2 * found / (found + ranking.false_positives + ranking.n_positive)
    best = int(np.argmax(f1))
    return float(ranking.threshold[best]), float(f1[best])


def residuals(
    actual: ArrayLike, predicted: ArrayLike, *, max_points: int = MAX_RESIDUAL_POINTS, seed: int = 1
) -> Residuals:
    """Compute residuals: quantiles over all rows, points for a random sample of at most `max_points` rows.

    DataError if lengths differ, there are no rows or a value is missing.
    """
    y, p = finite_pair(actual, predicted)
    difference = y - p
    rows = np.arange(len(y))
    if len(y) > max_points:
        rows = np.sort(np.random.default_rng(seed).choice(len(y), size=max_points, replace=False))
    quantiles = np.quantile(difference, RESIDUAL_QUANTILES)
    return Residuals(
        row=tuple(rows.tolist()),
        predicted=tuple(p[rows].tolist()),
        residual=tuple(difference[rows].tolist()),
        n_rows=len(y),
        quantiles={f"{q:g}": float(value) for q, value in zip(RESIDUAL_QUANTILES, quantiles, strict=True)},
    )


def _rank_two_classes(actual_is_positive: ArrayLike, probability: ArrayLike) -> Ranking:
    ranking = rank(actual_is_positive, probability)
    if not ranking.has_two_classes:
        raise DataError("All rows are of one class, so there is no curve to draw.")
    return ranking
