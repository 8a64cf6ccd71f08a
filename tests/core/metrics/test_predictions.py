"""What a model said, and what a predictor that knows nothing would have said."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import brier_score_loss, log_loss

from core.metrics.predictions import Predictions
from core.models.evaluation import measure

RNG = np.random.default_rng(3)
NONE = np.array([])


def classes(names: tuple[str, ...], positive: str | None) -> Predictions:
    codes = RNG.choice(len(names), 500, p=[0.7, 0.3] if len(names) == 2 else [0.5, 0.3, 0.2])
    probabilities = RNG.dirichlet(np.ones(len(names)), 500)
    task = "binary" if len(names) == 2 else "multiclass"
    return Predictions(task, "cv", names, positive, np.arange(500), codes, probabilities, NONE, NONE)


def test_a_constant_predictor_of_two_classes_is_scikit_learns() -> None:
    found = classes(("no", "yes"), "yes")
    measured = measure(found.constant(), None)
    dummy = DummyClassifier(strategy="prior").fit(np.zeros((500, 1)), found.codes)
    p = dummy.predict_proba(np.zeros((500, 1)))
    assert measured["logloss"] == pytest.approx(log_loss(found.codes, p))
    assert measured["brier"] == pytest.approx(brier_score_loss(found.codes, p[:, 1]))
    assert measured["accuracy"] == dummy.score(np.zeros((500, 1)), found.codes)
    assert (measured["auc"], measured["recall"], measured["mean_per_class_error"]) == (0.5, 0, 0.5)
    assert measured["average_precision"] == pytest.approx(found.codes.mean())


def test_a_constant_predictor_of_several_classes_says_the_most_frequent_one() -> None:
    found = classes(("a", "b", "c"), None)
    shares = np.bincount(found.codes) / 500
    measured = measure(found.constant(), None)
    assert measured["accuracy"] == shares.max()
    assert measured["logloss"] == pytest.approx(-(shares * np.log(shares)).sum())


def test_a_constant_predictor_of_numbers_says_the_mean() -> None:
    actual = RNG.normal(10, 2, 500)
    found = Predictions(
        "regression", "holdout", (), None, np.arange(500), NONE, NONE, actual, actual + RNG.normal(0, 1, 500)
    )
    measured = measure(found.constant(), None)
    assert measured["rmse"] == pytest.approx(actual.std())
    assert measured["r2"] == pytest.approx(0)
