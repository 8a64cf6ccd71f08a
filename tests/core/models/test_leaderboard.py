"""Leaderboards: order, columns and records."""

from datetime import UTC, datetime

import pytest

from core.domain.models import ModelInfo
from core.models.leaderboard import is_lower_better, metric_columns, rows, sort_models, to_table


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
