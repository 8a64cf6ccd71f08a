"""The constant predictor: what one learns from the target alone, the least that a model has to beat."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from core.domain.baselines import CONSTANT
from core.domain.models import ModelDetails
from core.domain.training import Task
from core.metrics.ranking import BoolArray, FloatArray, IntArray

# A constant ranks nothing: over folds with slightly different constants these two would measure the folds.
_RANKING = ("auc", "aucpr")


def fold_numbers(n_rows: int, n_folds: int) -> IntArray:
    """Return the fold of each row as H2O's AutoML deals them out: every n-th row to the same fold (Modulo)."""
    return np.arange(n_rows, dtype=np.int64) % n_folds


def constant_model(
    key: str,
    target: pa.ChunkedArray,
    folds: IntArray,
    *,
    task: Task,
    classes: Sequence[str],
    holdout: pa.ChunkedArray | None = None,
    weights: FloatArray | None = None,
    holdout_weights: FloatArray | None = None,
) -> ModelDetails:
    """Measure the model that says the same of every row: the share of each class, or the mean.

    Parameters
    ----------
    target : ChunkedArray of shape (n_rows,)
        Of the training rows, without missing values: names of classes, or numbers for a regression.
    folds : ndarray of int64, shape (n_rows,)
        Each row's fold. What is said of a fold's rows is learned from the other folds.
    classes : sequence of str
        All classes; empty for a regression.
    holdout : ChunkedArray, optional
        The target of held-out rows.
    weights, holdout_weights : ndarray of float64, optional
        How much each row counts; all the same when omitted.

    Returns
    -------
    ModelDetails
        With the metrics ``cv_…`` (and ``cv_…_mean`` and ``cv_…_sd`` over the folds), ``train_…`` and ``holdout_…``.

    Notes
    -----
    Cross-validated metrics are those of all rows together, as H2O has them; AUC and PR AUC are means over the folds.
    """
    y = _codes(target, classes)
    measure = _Measure(task, len(classes))
    w = np.ones(len(y)) if weights is None else weights
    everything = measure.guess(y, w)
    guesses = np.empty((len(y), everything.shape[0]))
    found = []
    for fold in np.unique(folds):
        inside = folds == fold
        guesses[inside] = measure.guess(y[~inside], w[~inside])
        found.append(measure.metrics(y[inside], guesses[inside], w[inside]))
    pooled = measure.metrics(y, guesses, w)
    metrics = {f"cv_{name}": value for name, value in pooled.items()}
    for name in pooled:
        over_folds = np.array([fold[name] for fold in found if name in fold])
        if name in _RANKING:
            del metrics[f"cv_{name}"]
        if not len(over_folds):  # every fold has one class only
            continue
        if name in _RANKING:
            metrics[f"cv_{name}"] = float(over_folds.mean())
        metrics[f"cv_{name}_mean"] = float(over_folds.mean())
        if len(over_folds) > 1:
            metrics[f"cv_{name}_sd"] = float(over_folds.std(ddof=1))
    said = {"train": (y, w)}
    if holdout is not None:
        held = _codes(holdout, classes)
        said["holdout"] = (held, np.ones(len(held)) if holdout_weights is None else holdout_weights)
    for origin, (actual, weight) in said.items():
        same = np.tile(everything, (len(actual), 1))
        metrics |= {f"{origin}_{name}": value for name, value in measure.metrics(actual, same, weight).items()}
    words = classes if classes else ("mean",)
    parameters = {f"says {name}": f"{value:.6g}" for name, value in zip(words, everything, strict=True)}
    return ModelDetails(key=key, algo=CONSTANT, metrics=metrics, domain=tuple(classes), parameters=parameters)


def constant_on(
    learned: pa.ChunkedArray,
    judged: pa.ChunkedArray,
    *,
    task: Task,
    classes: Sequence[str],
    weights: FloatArray | None = None,
    judged_weights: FloatArray | None = None,
) -> dict[str, float]:
    """Return the metrics, without an origin, of the constant predictor of some rows' target on that of other rows.

    Parameters and metrics are those of `constant_model`.
    """
    measure = _Measure(task, len(classes))
    y, actual = _codes(learned, classes), _codes(judged, classes)
    said = measure.guess(y, np.ones(len(y)) if weights is None else weights)
    w = np.ones(len(actual)) if judged_weights is None else judged_weights
    return measure.metrics(actual, np.tile(said, (len(actual), 1)), w)


class _Measure:
    """The guess and its metrics for one task, under H2O's leaderboard names."""

    def __init__(self, task: Task, n_classes: int) -> None:
        self._task = task
        self._n_classes = n_classes

    def guess(self, y: FloatArray, w: FloatArray) -> FloatArray:
        """Return the share of each class, or the mean, as one row."""
        if self._task == "regression":
            return np.array([np.average(y, weights=w)])
        counts = np.bincount(y.astype(np.int64), weights=w, minlength=self._n_classes)
        shares: FloatArray = np.asarray(counts / counts.sum(), dtype=np.float64)
        return shares

    def metrics(self, y: FloatArray, p: FloatArray, w: FloatArray) -> dict[str, float]:
        """Return the metrics of guesses of shape (n_rows, n_classes), or (n_rows, 1) for a regression."""
        return self._of_numbers(y, p[:, 0], w) if self._task == "regression" else self._of_classes(y, p, w)

    def _of_numbers(self, y: FloatArray, p: FloatArray, w: FloatArray) -> dict[str, float]:
        mse = _mean((y - p) ** 2, w)
        found = {"rmse": mse**0.5, "mse": mse, "mae": _mean(np.abs(y - p), w)}
        if len(y) > 1:
            variance = _mean((y - _mean(y, w)) ** 2, w)
            found["r2"] = 1 - mse / variance if variance else float(mse == 0)
        if y.min() >= 0 and p.min() >= 0:
            found["rmsle"] = _mean((np.log1p(y) - np.log1p(p)) ** 2, w) ** 0.5
        return found

    def _of_classes(self, y: FloatArray, p: FloatArray, w: FloatArray) -> dict[str, float]:
        codes = y.astype(np.int64)
        of_actual = p[np.arange(len(codes)), codes]
        mse = _mean((1 - of_actual) ** 2, w)
        present, is_right = np.unique(codes), p.argmax(axis=1) == codes
        recalls = [_mean(is_right[codes == code], w[codes == code]) for code in present]
        tiny = np.finfo(np.float64).eps
        found = {
            "logloss": _mean(-np.log(np.clip(of_actual, tiny, 1 - tiny)), w),
            "mean_per_class_error": 1 - float(np.mean(recalls)),
            "rmse": mse**0.5,
            "mse": mse,
        }
        if self._task == "binary" and len(present) > 1:
            found |= {"auc": 0.5, "aucpr": float(np.average(codes == 1, weights=w))}
        return found


def _mean(values: FloatArray | BoolArray, weights: FloatArray) -> float:
    return float(np.average(values, weights=weights))


def _codes(target: pa.ChunkedArray, classes: Sequence[str]) -> FloatArray:
    """Return the target as numbers; the classes by their place, the positive one of two last."""
    if not classes:
        return np.asarray(target.to_numpy(), dtype=np.float64)
    places = {name: place for place, name in enumerate(classes)}
    return np.array([places[name] for name in target.to_pylist()], dtype=np.float64)
