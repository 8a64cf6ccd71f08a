"""A time limit that is short for the data: when it is, what is planned then, and that it can be trained."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.domain.columns import Schema
from core.domain.datasets import Dataset
from core.domain.training import TASKS, TrainingSettings
from core.settings import Settings
from core.training.plan.plan import check_settings
from core.training.short_time import FOLDS, MOST_CELLS, is_short, shortened

BASE = TrainingSettings(dataset_id="d", target="y", experiment="e", task="binary", max_runtime_secs=10)


def rows(n_rows: int, n_columns: int = 11) -> Dataset:
    return Dataset("d", "rows", "rows.csv", n_rows, n_columns, 1, datetime(2026, 1, 1, tzinfo=UTC), Schema(()), "csv")


def test_it_is_short_above_so_many_cells_of_features_a_second_of_a_core() -> None:
    most = MOST_CELLS * 10 * 2 // 10
    assert not is_short(BASE, rows(most), 2)
    assert is_short(BASE, rows(most + 1), 2)
    assert not is_short(BASE, rows(most + 1), 3)
    assert not is_short(replace(BASE, max_runtime_secs=11), rows(most + 1), 2)


def test_rows_and_columns_that_are_not_learned_from_do_not_count() -> None:
    most = MOST_CELLS * 10 * 2 // 10
    assert not is_short(replace(BASE, ignored=("a",)), rows(most + 1), 2)
    assert not is_short(replace(BASE, holdout_share=0.1), rows(most + 1), 2)
    assert not is_short(replace(BASE, blending_share=0.1), rows(most + 1), 2)


@pytest.mark.parametrize(
    "chosen",
    [
        {"max_runtime_secs": 0}, {"include_algos": ("GBM",)}, {"exclude_algos": ("DRF",)},
        {"modeling_plan": ({"name": "GBM", "alias": "all"},)},
    ],
)  # fmt: skip
def test_without_a_limit_or_with_a_choice_of_models_it_never_is(chosen: dict[str, object]) -> None:
    assert not is_short(replace(BASE, **chosen), rows(10**9), 1)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "options", [{}, {"weights_column": "w"}, {"monotone_constraints": {"a": 1}}, {"distribution": "AUTO"}]
)
def test_the_shorter_plan_is_valid_and_has_no_searches(task, options, settings: Settings) -> None:
    if task == "multiclass" and "monotone_constraints" in options:
        options = {}
    found = shortened(replace(BASE, task=task, **options))
    check_settings(found, settings)
    assert found.nfolds == FOLDS
    assert found.modeling_plan
    names = {step["name"] for step in found.modeling_plan}
    assert names <= {"GLM", "GBM", "XGBoost", "StackedEnsemble"}
    assert ("StackedEnsemble" in names) == ("weights_column" not in options)
    assert not is_short(found, rows(10**9), 1), "said once"


def test_fewer_folds_that_somebody_asked_for_stay() -> None:
    assert shortened(replace(BASE, nfolds=FOLDS)).nfolds == FOLDS
