"""The constant predictor, against a table made by hand and against scikit-learn's dummies in the same folds."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import balanced_accuracy_score, log_loss, mean_absolute_error, root_mean_squared_error
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from core.training.constant import constant_model, fold_numbers


def column(values) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values)])


def test_four_rows_by_hand() -> None:
    # Folds 0 1 0 1. Fold 0 (rows no, no) learns from yes, no; fold 1 (yes, no) learns from no, no.
    found = constant_model(
        "c", column(["no", "yes", "no", "no"]), fold_numbers(4, 2), task="binary", classes=("no", "yes")
    ).metrics
    assert fold_numbers(4, 2).tolist() == [0, 1, 0, 1]
    # Squared errors: 0.25, 1, 0.25, 0.
    assert found["cv_mse"] == pytest.approx(1.5 / 4)
    assert found["cv_rmse"] == pytest.approx(0.375**0.5)
    assert found["train_mse"] == pytest.approx((0.75**2 + 3 * 0.25**2) / 4)
    assert found["train_logloss"] == pytest.approx(-(np.log(0.25) + 3 * np.log(0.75)) / 4)
    assert found["train_auc"] == 0.5
    assert found["train_aucpr"] == 0.25
    assert found["train_mean_per_class_error"] == 0.5


@pytest.mark.parametrize("n_classes", [2, 4])
def test_classes_agree_with_a_dummy_of_scikit_learn(n_classes: int) -> None:
    random = np.random.default_rng(3)
    classes = tuple("abcd"[:n_classes])
    y = random.choice(classes, 400, p=np.array([8, 4, 2, 1][:n_classes]) / sum([8, 4, 2, 1][:n_classes]))
    folds = fold_numbers(400, 5)
    model = constant_model("c", column(y), folds, task="binary" if n_classes == 2 else "multiclass", classes=classes)
    p = cross_val_predict(DummyClassifier(), y[:, None], y, cv=PredefinedSplit(folds), method="predict_proba")
    assert model.metrics["cv_logloss"] == pytest.approx(log_loss(y, p), abs=1e-12)
    labels = np.array(classes)[p.argmax(axis=1)]
    assert model.metrics["cv_mean_per_class_error"] == pytest.approx(1 - balanced_accuracy_score(y, labels), abs=1e-12)
    spread = [log_loss(y[folds == f], p[folds == f], labels=classes) for f in range(5)]
    assert model.metrics["cv_logloss_sd"] == pytest.approx(np.std(spread, ddof=1), abs=1e-12)
    assert ("cv_auc" in model.metrics) == (n_classes == 2)
    assert model.metrics.get("cv_auc", 0.5) == 0.5


def test_numbers_agree_with_a_dummy_of_scikit_learn_also_with_weights_and_held_out_rows() -> None:
    random = np.random.default_rng(4)
    y, w = random.gamma(2, 3, 300), random.integers(1, 5, 300).astype(float)
    held, held_w = random.gamma(2, 3, 50), random.integers(1, 5, 50).astype(float)
    folds = fold_numbers(300, 3)
    found = constant_model(
        "c", column(y), folds, task="regression", classes=(), weights=w, holdout=column(held), holdout_weights=held_w
    ).metrics
    p = np.empty(300)
    for fold in range(3):
        inside = folds == fold
        p[inside] = DummyRegressor().fit(y[~inside, None], y[~inside], w[~inside]).predict(y[inside, None])
    assert found["cv_rmse"] == pytest.approx(root_mean_squared_error(y, p, sample_weight=w), abs=1e-12)
    assert found["cv_mae"] == pytest.approx(mean_absolute_error(y, p, sample_weight=w), abs=1e-12)
    assert found["train_r2"] == pytest.approx(0, abs=1e-12)
    everything = np.full(50, np.average(y, weights=w))
    assert found["holdout_rmse"] == pytest.approx(root_mean_squared_error(held, everything, sample_weight=held_w))
    assert {"cv_rmsle", "holdout_rmsle"} <= set(found)


def test_a_log_of_negative_numbers_is_not_made_up() -> None:
    found = constant_model("c", column([-3.0, 1.0, 2.0, 5.0]), fold_numbers(4, 2), task="regression", classes=())
    assert not [name for name in found.metrics if "rmsle" in name]


def test_folds_of_one_class_each_have_no_auc() -> None:
    y, folds = column(["yes", "no"] * 3), fold_numbers(6, 2)
    found = constant_model("c", y, folds, task="binary", classes=("no", "yes")).metrics
    assert not [name for name in found if name.startswith(("cv_auc", "cv_pr"))]
    assert found["cv_logloss"] > 0
