"""A limit in time shortens the list of models where many rows would leave none of them whole."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.domain.columns import Schema
from core.domain.datasets import Dataset, RemoteData, RemoteFrame
from core.domain.training import TrainingSettings
from core.settings import Settings
from core.training.plan.in_time import S_A_CELL, as_asked, cells, n_wanted, within_time
from core.training.plan.options import ENSEMBLE, check_settings

ASKED = TrainingSettings(
    dataset_id="d", target="y", experiment="e", task="binary", max_models=10, max_runtime_secs=180, nfolds=5
)
THREADS = 2
SHORTEST = {"GLM": ["def_1"], "XGBoost": ["def_3"], "GBM": ["def_2"], ENSEMBLE: ["best_of_family_1"]}


def dataset(n_rows: int, n_columns: int = 10) -> Dataset:
    return Dataset("d", "rows", "rows.csv", n_rows, n_columns, 1, datetime(2026, 1, 1, tzinfo=UTC), Schema(()), "csv")


def listed(settings: TrainingSettings, n_rows: int) -> dict[str, object]:
    """Return what is listed by algorithm: a word, or the parts."""
    plan = within_time(settings, dataset(n_rows), THREADS).modeling_plan
    return {step["name"]: step.get("alias") or [part["id"] for part in step["steps"]] for step in plan}


def rows_for(shares: int, settings: TrainingSettings = ASKED) -> int:
    """Return the rows of ten columns whose fits just have the time when it is shared like this."""
    return int(settings.max_runtime_secs * THREADS / ((settings.nfolds + 1) * S_A_CELL * shares * 10))


def test_few_rows_or_no_limit_leave_the_list_to_h2o() -> None:
    assert within_time(ASKED, dataset(rows_for(36)), THREADS) is ASKED
    endless = replace(ASKED, max_runtime_secs=0)
    assert within_time(endless, dataset(100_000_000), THREADS) is endless


def test_more_rows_go_without_searches_and_many_rows_with_a_model_of_each_kind() -> None:
    without = {"GLM": "defaults", "XGBoost": "defaults", "GBM": "defaults", ENSEMBLE: "defaults"}
    assert listed(ASKED, rows_for(35)) == without
    assert listed(ASKED, rows_for(9)) == without
    assert listed(ASKED, rows_for(8)) == SHORTEST
    assert listed(ASKED, 100_000_000) == SHORTEST


def test_fewer_folds_longer_limits_and_a_holdout_leave_more_time() -> None:
    many = rows_for(35)
    assert listed(replace(ASKED, nfolds=4), many) == {}
    assert listed(replace(ASKED, max_runtime_secs=186), many) == {}
    assert listed(replace(ASKED, holdout_share=0.1), many) == {}
    assert listed(replace(ASKED, blending_share=0.1), many) == {}
    settings = replace(ASKED, holdout_share=0.5, blending_share=0.5)
    assert cells(settings, dataset(1000, 7)) == 1750


def test_more_threads_leave_more_time() -> None:
    asked = dataset(rows_for(35))
    assert within_time(ASKED, asked, THREADS) is not ASKED
    assert within_time(ASKED, asked, THREADS + 1) is ASKED


def test_all_rows_of_data_that_stay_with_a_cluster_count_and_its_list_is_left_to_it() -> None:
    frame = RemoteFrame(2_000_000, "1", ())
    far = replace(dataset(20_000), remote=RemoteData("s3://b/k", frame, 0.01, "2"))
    assert cells(ASKED, far) == 1_980_000 * 10
    assert within_time(ASKED, far, THREADS) is ASKED
    assert within_time(ASKED, dataset(1_980_000), THREADS) is not ASKED


def test_three_models_at_most_are_one_of_each_kind() -> None:
    assert listed(replace(ASKED, max_models=3), rows_for(20)) == SHORTEST
    assert listed(replace(ASKED, max_models=4), rows_for(20))["GBM"] == "defaults"
    assert listed(replace(ASKED, max_models=0), rows_for(20))["GBM"] == "defaults"


def test_what_is_left_out_is_not_listed_and_needs_no_time() -> None:
    many = 100_000_000
    assert set(listed(replace(ASKED, exclude_algos=("XGBoost", ENSEMBLE)), many)) == {"GLM", "GBM"}
    assert listed(replace(ASKED, exclude_algos=("XGBoost", "GBM", "DeepLearning")), rows_for(3)) == {}
    assert ENSEMBLE not in listed(replace(ASKED, weights_column="w"), many)


@pytest.mark.parametrize(
    "chosen",
    [
        {"modeling_plan": ({"name": "DRF", "alias": "all"},)},
        {"include_algos": ("GLM", "DRF")},
        {"include_algos": ("DeepLearning", ENSEMBLE)},
        {"exclude_algos": ("GLM", "XGBoost", "GBM")},
    ],
    ids=["a list", "a kind that is not listed", "one kind", "no kind of the list"],
)
def test_what_somebody_chose_stays(chosen: dict[str, object]) -> None:
    settings = replace(ASKED, **chosen)
    assert within_time(settings, dataset(100_000_000), THREADS) is settings


def test_chosen_kinds_that_are_all_listed_are_listed_alone() -> None:
    assert listed(replace(ASKED, include_algos=("GBM", "GLM")), 100_000_000) == {"GLM": ["def_1"], "GBM": ["def_2"]}


def test_what_is_listed_can_be_asked_for_and_counted() -> None:
    shortened = within_time(ASKED, dataset(100_000_000), THREADS)
    check_settings(shortened, Settings())
    assert within_time(shortened, dataset(100_000_000), THREADS) is shortened
    assert n_wanted(shortened) == 3
    assert n_wanted(replace(shortened, max_models=2)) == 2
    assert n_wanted(within_time(ASKED, dataset(rows_for(20)), THREADS)) == ASKED.max_models


@pytest.mark.parametrize("n_rows", [rows_for(20), 100_000_000])
def test_a_run_that_is_trained_again_gets_its_list_anew(n_rows: int) -> None:
    trained = within_time(replace(ASKED, exclude_algos=("XGBoost",)), dataset(n_rows), THREADS)
    assert trained.modeling_plan
    assert as_asked(trained) == replace(ASKED, exclude_algos=("XGBoost",))


def test_a_list_that_somebody_wrote_is_kept_when_the_run_is_trained_again() -> None:
    own = replace(ASKED, modeling_plan=({"name": "GBM", "steps": [{"id": "def_1"}]},))
    assert as_asked(own) is own
    shortened = within_time(ASKED, dataset(100_000_000), THREADS)
    endless = replace(shortened, max_runtime_secs=0)
    assert as_asked(endless) is endless
