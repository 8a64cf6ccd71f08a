"""Metrics of stored predictions by name, as they are logged: exact, over all rows, without an engine."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import DataError
from core.metrics.ranking import FloatArray, IntArray, Ranking, check_lengths, class_codes, finite_pair, rank


@dataclass(frozen=True)
class Confusion:
    """Counts of actual (rows) by predicted (columns) class.

    Attributes
    ----------
    counts : tuple of tuple of int
        Shape (n_classes, n_classes), both in the order of `classes`.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class ClassMetrics:
    """How well a class is found: `n_rows` of it occur, `recall` of them are found, `precision` of the finds are so."""

    name: str
    n_rows: int
    recall: float
    precision: float
    f1: float


def predicted_labels(
    probabilities: ArrayLike, classes: Sequence[str], positive: str | None = None, threshold: float | None = None
) -> NDArray[np.object_]:
    """Turn class probabilities into labels: by the threshold where a binary problem has one, else the likeliest.

    Parameters
    ----------
    probabilities : array-like of float, shape (n_rows, n_classes)
        Columns in the order of `classes`.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    names = np.array(classes, dtype=object)
    if len(classes) == 2 and positive is not None and threshold is not None:
        index = list(classes).index(positive)
        chosen: IntArray = np.where(p[:, index] >= threshold, index, 1 - index).astype(np.int64)
    else:
        chosen = np.argmax(p, axis=1)
    labels: NDArray[np.object_] = names[chosen]
    return labels


def confusion(actual: ArrayLike, predicted: ArrayLike, classes: Sequence[str]) -> Confusion:
    """Count actual by predicted class.

    Parameters
    ----------
    actual, predicted : array-like of str, shape (n_rows,)

    Raises
    ------
    DataError
        If a label is not among the classes or lengths differ.

    Examples
    --------
    >>> confusion(["a", "b", "b"], ["a", "a", "b"], ["a", "b"]).counts
    ((1, 0), (1, 1))
    """
    return coded_confusion(class_codes(actual, classes), class_codes(predicted, classes), classes)


def coded_confusion(actual: IntArray, predicted: IntArray, classes: Sequence[str]) -> Confusion:
    """Count actual by predicted class, both given by their places in `classes`."""
    counts = _counts(actual, predicted, len(classes))
    return Confusion(tuple(classes), tuple(tuple(int(n) for n in line) for line in counts))


def classification_metrics(
    actual: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    positive: str | None = None,
    threshold: float | None = None,
    *,
    weights: FloatArray | None = None,
) -> dict[str, float]:
    """Compute the metrics of a classifier.

    Parameters
    ----------
    actual : array-like of str, shape (n_rows,)
    probabilities : array-like of float, shape (n_rows, n_classes)
        Columns in the order of `classes`.
    positive, threshold : str, float, optional
        Binary only: the class asked for and the probability from which a row counts as it (0.5 when omitted).
    weights : ndarray of float64, shape (n_rows,), optional
        How much each row counts, above 0; all the same when omitted.

    Returns
    -------
    dict of str to float
        logloss, accuracy, mean_per_class_error (over the classes that occur); binary also precision, recall, f1, brier,
        and auc and average_precision when both classes occur; H2O's aucpr, which interpolates, is another number.

    Raises
    ------
    DataError
        If a label is not among the classes, lengths differ, there are no rows or a probability is missing.
    """
    p: FloatArray = np.asarray(probabilities, dtype=np.float64)
    codes = class_codes(actual, classes)
    check_lengths(len(codes), len(p))
    if not np.isfinite(p).all():
        raise DataError("Some rows have no probability.")
    labels = predicted_labels(p, classes, positive, 0.5 if threshold is None else threshold)
    return coded_metrics(codes, p, classes, positive, class_codes(labels, classes), weights)


def coded_metrics(
    codes: IntArray,
    p: FloatArray,
    classes: Sequence[str],
    positive: str | None,
    decided: IntArray,
    weights: FloatArray | None = None,
) -> dict[str, float]:
    """Compute what `classification_metrics` does, from places in `classes` instead of names, labels already decided.

    Parameters
    ----------
    codes, decided : ndarray of int64, shape (n_rows,)
        The place of the actual and of the predicted class.
    p : ndarray of float64, shape (n_rows, n_classes)
    """
    is_binary = len(classes) == 2 and positive is not None
    counts = _counts(codes, decided, len(classes), weights)
    found, occurs = _per_class(counts, classes), counts.sum(axis=1) > 0
    tiny = np.finfo(np.float64).eps
    metrics = {
        "logloss": _mean(-np.log(np.clip(p[np.arange(len(codes)), codes], tiny, 1 - tiny)), weights),
        "accuracy": float(np.trace(counts) / counts.sum()),
        "mean_per_class_error": 1
        - float(np.mean([one.recall for one, there in zip(found, occurs, strict=True) if there])),
    }
    if is_binary:
        place = list(classes).index(str(positive))
        metrics |= _binary_metrics(rank(codes == place, p[:, place], weights), found[place])
        metrics["brier"] = _mean((p[:, place] - (codes == place)) ** 2, weights)
    return metrics


def class_metrics(table: Confusion) -> tuple[ClassMetrics, ...]:
    """Compute recall, precision and F1 of each class; 0 where a class never occurs or is never predicted.

    Examples
    --------
    >>> class_metrics(Confusion(("a", "b"), ((1, 0), (1, 1))))[1].recall
    0.5
    """
    return _per_class(np.array(table.counts, dtype=np.float64), table.classes)


def regression_metrics(actual: ArrayLike, predicted: ArrayLike, weights: FloatArray | None = None) -> dict[str, float]:
    """Compute rmse, mse, mae; r2 when the actual values differ; rmsle when all values are above -1.

    Parameters
    ----------
    actual, predicted : array-like of float, shape (n_rows,)
    weights : ndarray of float64, shape (n_rows,), optional
        How much each row counts, above 0; all the same when omitted.

    Raises
    ------
    DataError
        If lengths differ, there are no rows or a value is missing.

    Examples
    --------
    >>> regression_metrics([1.0, 3.0], [2.0, 3.0])["mae"]
    0.5
    """
    y, p = finite_pair(actual, predicted)
    mse = _mean((y - p) ** 2, weights)
    metrics = {"rmse": float(np.sqrt(mse)), "mse": mse, "mae": _mean(np.abs(y - p), weights)}
    variance = _mean((y - _mean(y, weights)) ** 2, weights)
    if variance > 0:
        metrics["r2"] = 1 - mse / variance
    if min(y.min(), p.min()) > -1:
        metrics["rmsle"] = float(np.sqrt(_mean((np.log1p(y) - np.log1p(p)) ** 2, weights)))
    return metrics


def _mean(values: FloatArray, weights: FloatArray | None) -> float:
    return float(np.average(values, weights=weights))


def _counts(actual: IntArray, predicted: IntArray, n_classes: int, weights: FloatArray | None = None) -> FloatArray:
    check_lengths(len(actual), len(predicted))
    flat = np.bincount(actual * n_classes + predicted, weights, minlength=n_classes * n_classes)
    return flat.reshape(n_classes, n_classes).astype(np.float64)


def _per_class(counts: FloatArray, classes: Sequence[str]) -> tuple[ClassMetrics, ...]:
    occurs, predicted, right = counts.sum(axis=1), counts.sum(axis=0), np.diag(counts)
    recall = np.divide(right, occurs, out=np.zeros_like(right), where=occurs > 0)
    precision = np.divide(right, predicted, out=np.zeros_like(right), where=predicted > 0)
    f1 = np.divide(2 * right, occurs + predicted, out=np.zeros_like(right), where=occurs + predicted > 0)
    return tuple(
        ClassMetrics(name, int(occurs[i]), float(recall[i]), float(precision[i]), float(f1[i]))
        for i, name in enumerate(classes)
    )


def _binary_metrics(ranking: Ranking, positive: ClassMetrics) -> dict[str, float]:
    metrics = {"precision": positive.precision, "recall": positive.recall, "f1": positive.f1}
    if ranking.has_two_classes:
        metrics |= {"auc": ranking.auc(), "average_precision": ranking.average_precision()}
    return metrics
