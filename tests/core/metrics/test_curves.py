"""Curves, confusion, threshold and metrics against scikit-learn and against tables made by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from core.errors import DataError
from core.metrics import curves

CLASSES = ("no", "yes")


def _binary(n: int = 3000, seed: int = 0, decimals: int = 9) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.2
    p = np.clip(0.2 + 0.25 * truth + rng.normal(0, 0.15, n), 0, 1).round(decimals)
    return truth, p


def _labels(truth: np.ndarray) -> np.ndarray:
    return np.where(truth, "yes", "no").astype(object)


def _distance_to_polyline(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    start, step = corners[:-1], np.diff(corners, axis=0)
    along = ((points[:, None] - start) * step).sum(axis=2) / (step**2).sum(axis=1)
    nearest = start + np.clip(along, 0, 1)[..., None] * step
    return np.linalg.norm(points[:, None] - nearest, axis=2).min(axis=1)


@pytest.mark.parametrize("decimals", [9, 2, 0])
def test_roc_equals_scikit_learn(decimals: int) -> None:
    truth, p = _binary(decimals=decimals)
    curve = curves.roc(truth, p, max_points=10_000)
    assert curve.auc == pytest.approx(sk.roc_auc_score(truth, p), abs=1e-9)
    fpr, tpr, threshold = sk.roc_curve(truth, p, drop_intermediate=False)
    reference = {t: (f, r) for t, f, r in zip(threshold[1:], fpr[1:], tpr[1:], strict=True)}
    points = zip(curve.threshold[1:], curve.false_positive_rate[1:], curve.true_positive_rate[1:], strict=True)
    for cut, f, r in points:
        assert (f, r) == pytest.approx(reference[cut], abs=1e-9)
    assert (curve.false_positive_rate[0], curve.true_positive_rate[0]) == (0.0, 0.0)
    assert (curve.false_positive_rate[-1], curve.true_positive_rate[-1]) == (1.0, 1.0)
    assert not (p >= curve.threshold[0]).any()


@pytest.mark.parametrize("decimals", [9, 2, 0])
def test_precision_recall_equals_scikit_learn(decimals: int) -> None:
    truth, p = _binary(decimals=decimals)
    curve = curves.precision_recall(truth, p, max_points=10_000)
    assert curve.average_precision == pytest.approx(sk.average_precision_score(truth, p), abs=1e-9)
    precision, recall, threshold = sk.precision_recall_curve(truth, p)
    reference = {t: (a, b) for t, a, b in zip(threshold, precision[:-1], recall[:-1], strict=True)}
    for cut, a, b in zip(curve.threshold, curve.precision, curve.recall, strict=True):
        assert (a, b) == pytest.approx(reference[cut], abs=1e-9)
    assert curve.recall[-1] == 1.0
    assert curve.positive_share == truth.mean()


@pytest.mark.slow
def test_thinned_curves_keep_their_shape() -> None:
    truth, p = _binary(n=200_000, seed=3)
    full = curves.roc(truth, p, max_points=1_000_000)
    thin = curves.roc(truth, p)
    assert len(thin.threshold) <= curves.MAX_CURVE_POINTS < len(full.threshold)
    assert thin.auc == full.auc
    points = np.column_stack([full.false_positive_rate, full.true_positive_rate])[::20]
    corners = np.column_stack([thin.false_positive_rate, thin.true_positive_rate])
    assert _distance_to_polyline(points, corners).max() < 0.001
    assert np.trapezoid(thin.true_positive_rate, thin.false_positive_rate) == pytest.approx(full.auc, abs=1e-4)
    assert len(curves.precision_recall(truth, p).threshold) <= curves.MAX_CURVE_POINTS


def test_a_curve_of_corners_is_kept_whole() -> None:
    curve = curves.roc([True, True, False, True, False, False], [0.9, 0.9, 0.8, 0.7, 0.6, 0.5])
    assert curve.false_positive_rate == (0.0, 0.0, 1 / 3, 1 / 3, 1.0)
    assert curve.true_positive_rate == (0.0, 2 / 3, 2 / 3, 1.0, 1.0)


@pytest.mark.parametrize("draw", [curves.roc, curves.precision_recall])
def test_one_class_has_no_curve(draw) -> None:
    with pytest.raises(DataError, match="one class"):
        draw([True, True], [0.3, 0.4])


def test_a_constant_prediction_still_has_a_curve() -> None:
    curve = curves.roc([True, False, False], [0.3, 0.3, 0.3])
    assert curve.auc == 0.5
    assert len(curve.threshold) == 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])), min_size=1, max_size=30))
def test_best_f1_is_the_best_of_all_thresholds(rows: list[tuple[bool, float]]) -> None:
    truth, p = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    threshold, f1 = curves.best_f1_threshold(truth, p)
    if not truth.any():
        assert (threshold, f1) == (0.5, 0.0)
        return
    every = {t: sk.f1_score(truth, p >= t, zero_division=0) for t in np.unique(p)}
    assert f1 == pytest.approx(max(every.values()), abs=1e-12)
    assert f1 == pytest.approx(every[threshold], abs=1e-12)


def test_binary_metrics_equal_scikit_learn() -> None:
    truth, p = _binary()
    both = np.column_stack([1 - p, p])
    found = curves.classification_metrics(_labels(truth), both, CLASSES, "yes", 0.35)
    label = p >= 0.35
    assert found == pytest.approx(
        {
            "auc": sk.roc_auc_score(truth, p),
            "average_precision": sk.average_precision_score(truth, p),
            "logloss": sk.log_loss(truth, p),
            "brier": sk.brier_score_loss(truth, p),
            "f1": sk.f1_score(truth, label),
            "precision": sk.precision_score(truth, label),
            "recall": sk.recall_score(truth, label),
            "accuracy": sk.accuracy_score(truth, label),
            "mean_per_class_error": 1 - sk.balanced_accuracy_score(truth, label),
        },
        abs=1e-9,
    )


def _weights(n: int) -> np.ndarray:
    """Return weights of which many are far below 1."""
    return np.random.default_rng(9).gamma(0.5, 0.2, n) + 1e-6


@pytest.mark.parametrize("decimals", [9, 1])
def test_weighted_binary_metrics_equal_scikit_learn(decimals: int) -> None:
    truth, p = _binary(decimals=decimals)
    w, label = _weights(len(p)), p >= 0.35
    found = curves.classification_metrics(_labels(truth), np.column_stack([1 - p, p]), CLASSES, "yes", 0.35, weights=w)
    assert found == pytest.approx(
        {
            "auc": sk.roc_auc_score(truth, p, sample_weight=w),
            "average_precision": sk.average_precision_score(truth, p, sample_weight=w),
            "logloss": sk.log_loss(truth, p, sample_weight=w),
            "brier": sk.brier_score_loss(truth, p, sample_weight=w),
            "f1": sk.f1_score(truth, label, sample_weight=w),
            "precision": sk.precision_score(truth, label, sample_weight=w),
            "recall": sk.recall_score(truth, label, sample_weight=w),
            "accuracy": sk.accuracy_score(truth, label, sample_weight=w),
            "mean_per_class_error": 1 - sk.balanced_accuracy_score(truth, label, sample_weight=w),
        },
        abs=1e-9,
    )


def test_weighted_multiclass_metrics_equal_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    classes = ("a", "b", "c")
    p = rng.dirichlet((1, 2, 3), 500)
    truth = np.array(classes, dtype=object)[rng.integers(0, 3, 500)]
    w, label = _weights(500), curves.predicted_labels(p, classes)
    assert curves.classification_metrics(truth, p, classes, weights=w) == pytest.approx(
        {
            "logloss": sk.log_loss(truth, p, sample_weight=w),
            "accuracy": sk.accuracy_score(truth, label, sample_weight=w),
            "mean_per_class_error": 1 - sk.balanced_accuracy_score(truth, label, sample_weight=w),
        },
        abs=1e-9,
    )


def test_weighted_regression_metrics_equal_scikit_learn() -> None:
    rng = np.random.default_rng(6)
    y = rng.gamma(2, 100, 1000)
    p, w = y * rng.normal(1, 0.1, 1000), _weights(1000)
    assert curves.regression_metrics(y, p, w) == pytest.approx(
        {
            "rmse": sk.root_mean_squared_error(y, p, sample_weight=w),
            "mse": sk.mean_squared_error(y, p, sample_weight=w),
            "mae": sk.mean_absolute_error(y, p, sample_weight=w),
            "r2": sk.r2_score(y, p, sample_weight=w),
            "rmsle": sk.root_mean_squared_log_error(y, p, sample_weight=w),
        },
        rel=1e-9,
    )


def test_the_positive_class_need_not_be_the_last() -> None:
    truth, p = _binary()
    columns = np.column_stack([p, 1 - p])
    swapped = curves.classification_metrics(_labels(truth), columns, ("yes", "no"), "yes", 0.35)
    straight = curves.classification_metrics(_labels(truth), columns[:, ::-1], CLASSES, "yes", 0.35)
    assert swapped == pytest.approx(straight, abs=1e-12)


def test_certain_and_wrong_is_a_finite_logloss() -> None:
    found = curves.classification_metrics(["yes", "no"], [[1.0, 0.0], [0.0, 1.0]], CLASSES, "yes", 0.5)
    assert found["logloss"] == pytest.approx(sk.log_loss(["yes", "no"], [[1.0, 0.0], [0.0, 1.0]]), abs=1e-9)


def test_one_class_has_no_auc_but_the_rest() -> None:
    found = curves.classification_metrics(["no", "no"], [[0.9, 0.1], [0.2, 0.8]], CLASSES, "yes", 0.5)
    assert "auc" not in found
    assert "average_precision" not in found
    assert found["accuracy"] == 0.5
    assert found["mean_per_class_error"] == 0.5


def test_multiclass_metrics_equal_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    classes = ("a", "b", "c")
    p = rng.dirichlet((1, 2, 3), 500)
    truth = np.array(classes, dtype=object)[rng.integers(0, 3, 500)]
    found = curves.classification_metrics(truth, p, classes)
    label = curves.predicted_labels(p, classes)
    assert found == pytest.approx(
        {
            "logloss": sk.log_loss(truth, p),
            "accuracy": sk.accuracy_score(truth, label),
            "mean_per_class_error": 1 - sk.balanced_accuracy_score(truth, label),
        },
        abs=1e-9,
    )
    per_class = curves.class_metrics(curves.confusion(truth, label, classes))
    precision, recall, f1, support = sk.precision_recall_fscore_support(truth, label)
    assert [m.precision for m in per_class] == pytest.approx(precision, abs=1e-9)
    assert [m.recall for m in per_class] == pytest.approx(recall, abs=1e-9)
    assert [m.f1 for m in per_class] == pytest.approx(f1, abs=1e-9)
    assert [m.n_rows for m in per_class] == support.tolist()


def test_a_class_that_never_occurs_counts_for_nothing() -> None:
    found = curves.classification_metrics(["a", "b"], [[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]], ("a", "b", "c"))
    assert found["mean_per_class_error"] == 0.0
    assert curves.class_metrics(curves.confusion(["a"], ["a"], ("a", "c")))[1] == curves.ClassMetrics("c", 0, 0, 0, 0)


def test_regression_metrics_equal_scikit_learn() -> None:
    rng = np.random.default_rng(6)
    y = rng.gamma(2, 100, 1000)
    p = y * rng.normal(1, 0.1, 1000)
    assert curves.regression_metrics(y, p) == pytest.approx(
        {
            "rmse": sk.root_mean_squared_error(y, p),
            "mse": sk.mean_squared_error(y, p),
            "mae": sk.mean_absolute_error(y, p),
            "r2": sk.r2_score(y, p),
            "rmsle": sk.root_mean_squared_log_error(y, p),
        },
        rel=1e-9,
    )


def test_regression_metrics_leave_out_what_is_not_defined() -> None:
    assert set(curves.regression_metrics([2.0, 2.0], [-1.5, 2.0])) == {"rmse", "mse", "mae"}


def test_residuals_state_quantiles_of_all_rows_and_show_a_sample() -> None:
    rng = np.random.default_rng(7)
    y, p = rng.normal(size=12_000), rng.normal(size=12_000)
    found = curves.residuals(y, p)
    assert len(found.row) == len(found.predicted) == curves.MAX_RESIDUAL_POINTS
    assert found.n_rows == 12_000
    assert found == curves.residuals(y, p)
    assert np.array_equal(found.residual, (y - p)[list(found.row)])
    assert found.quantiles["0.05"] == np.quantile(y - p, 0.05)
    assert curves.residuals(y[:10], p[:10]).row == tuple(range(10))
    few = found.thinned(2_000)
    assert 1_000 < len(few.row) <= 2_000
    assert np.array_equal(few.residual, (y - p)[list(few.row)])
    assert (few.n_rows, few.quantiles) == (found.n_rows, found.quantiles)
    assert found.thinned(len(found.row)) == found


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: curves.roc([True], [0.1, 0.2]), "1 actual and 2"),
        (lambda: curves.roc([], []), "no rows"),
        (lambda: curves.best_f1_threshold([True, False], [0.1, float("nan")]), "no probability"),
        (lambda: curves.classification_metrics(["yes"], [[float("nan"), 1.0]], CLASSES, "yes"), "no probability"),
        (lambda: curves.classification_metrics(["maybe"], [[0.5, 0.5]], CLASSES, "yes"), "'maybe'"),
        (lambda: curves.confusion(["no"], [], CLASSES), "1 actual and 0"),
        (lambda: curves.regression_metrics([1.0], [float("inf")]), "no actual or no predicted"),
        (lambda: curves.residuals([], []), "no rows"),
    ],
)
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(DataError, match=message):
        call()
