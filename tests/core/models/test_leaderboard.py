"""Leaderboards: order, columns and records."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from core.domain.models import ModelInfo
from core.domain.training import TrainingSettings
from core.models.leaderboard import (
    auc_by_chance,
    is_lower_better,
    metric_columns,
    no_better_text,
    rows,
    sort_models,
    to_table,
)


def model(key: str, **metrics: float) -> ModelInfo:
    return ModelInfo(
        id=f"m-{key}",
        model_key=key,
        algo="GBM",
        run_id="0" * 32,
        experiment="test",
        task="binary",
        metrics=metrics,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("metric", "lower"), [("cv_auc", False), ("holdout_logloss", True), ("rmse", True), ("cv_r2", False)]
)
def test_direction_is_known_with_and_without_origin(metric: str, lower: bool) -> None:
    assert is_lower_better(metric) is lower


def test_models_are_sorted_best_first_and_those_without_the_metric_last() -> None:
    models = [model("a", cv_auc=0.7), model("b"), model("c", cv_auc=0.9)]
    assert [m.model_key for m in sort_models(models, "cv_auc")] == ["c", "a", "b"]
    models = [model("a", cv_logloss=0.7), model("b"), model("c", cv_logloss=0.9)]
    assert [m.model_key for m in sort_models(models, "cv_logloss")] == ["a", "c", "b"]


def test_columns_name_cross_validation_before_holdout_and_leave_training_and_spreads_out() -> None:
    models = [model("a", holdout_auc=0.7, cv_logloss=0.3, cv_auc=0.8, cv_auc_sd=0.01, cv_auc_mean=0.79, train_auc=0.99)]
    assert metric_columns(models) == ("cv_auc", "cv_logloss", "holdout_auc")


def test_records_carry_place_and_uri_and_fit_a_table() -> None:
    records = rows([model("a", cv_auc=0.8), model("b")])
    assert [(r["place"], r["uri"], r["cv_auc"]) for r in records] == [(1, "models:/m-a", 0.8), (2, "models:/m-b", None)]
    assert to_table([model("a", cv_auc=0.8)]).num_rows == 1


ASKED = TrainingSettings(dataset_id="d", target="y", experiment="e", task="binary")


@pytest.mark.parametrize(
    ("changes", "metrics", "constant", "is_better"),
    [
        ({}, {"cv_auc": 0.7}, {"cv_auc": 0.5, "cv_auc_chance": 0.6}, True),
        ({}, {"cv_auc": 0.55}, {"cv_auc": 0.5, "cv_auc_chance": 0.6}, False),
        ({}, {"cv_auc": 0.4}, {"cv_auc": 0.5}, False),
        ({"sort_metric": "logloss"}, {"cv_logloss": 0.6, "cv_auc": 0.5}, {"cv_logloss": 0.69, "cv_auc": 0.5}, True),
        ({"sort_metric": "logloss"}, {"cv_logloss": 0.69}, {"cv_logloss": 0.69}, False),
        ({"task": "multiclass"}, {"cv_mean_per_class_error": 0.7}, {"cv_mean_per_class_error": 0.66}, False),
        ({"task": "regression", "sort_metric": "deviance"}, {"cv_rmse": 3.0}, {"cv_rmse": 2.0}, False),
        ({"task": "regression"}, {"cv_mae": 3.0}, {"cv_rmse": 2.0}, True),  # nothing to compare by: nothing is said
    ],
)
def test_a_model_beats_the_constant_by_the_metric_that_ranks_it(
    changes: dict, metrics: dict, constant: dict, is_better: bool
) -> None:
    text = no_better_text(metrics, constant, replace(ASKED, **changes))
    assert (text == "") is is_better
    assert is_better or text.startswith("No better than")


def test_the_auc_of_chance_is_that_of_labels_drawn_at_random() -> None:
    random = np.random.default_rng(1)
    found = []
    for _ in range(2000):
        score, positive = random.random(80), random.permutation(np.arange(80) < 20)
        found.append(np.mean(score[positive][:, None] > score[~positive]))
    assert auc_by_chance(20, 80) == pytest.approx(np.quantile(found, 0.975), abs=0.01)
