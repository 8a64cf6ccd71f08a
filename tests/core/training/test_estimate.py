"""The estimate before a start: from past runs by a formula that made them, and honest without any."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.domain.columns import Schema
from core.domain.datasets import Dataset
from core.domain.runs import RunInfo
from core.domain.training import TrainingSettings
from core.training.estimate import PastTraining, estimate, past_trainings
from core.training.plan.in_time import within_time

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DATASET = Dataset("d", "rows", "rows.csv", 50_000, 20, 1, NOW, Schema(()), "csv")
ASKED = TrainingSettings(
    dataset_id="d", target="y", experiment="e", task="binary", max_models=10, exclude_algos=("StackedEnsemble",)
)


def took(fits: int, cells: int) -> PastTraining:
    """0.5 s a fit, and 2 s more for each million of cells."""
    return PastTraining(fits, cells, fits * (0.5 + 2e-6 * cells))


def test_past_runs_that_follow_a_rule_give_the_rule_back() -> None:
    past = [took(12, 10_000), took(60, 200_000), took(24, 3_000_000), took(180, 800_000)]
    found = estimate(ASKED, DATASET, past)
    assert found.seconds == pytest.approx(60 * (0.5 + 2e-6 * 1_000_000), rel=1e-6)
    assert (found.low_s, found.high_s) == (pytest.approx(found.seconds / 1.5), pytest.approx(found.seconds * 1.5))
    assert (found.n_runs, found.is_capped) == (4, False)


def test_runs_that_differ_make_the_range_wide() -> None:
    past = [PastTraining(10, 1_000_000, 10.0), PastTraining(10, 1_000_000, 90.0)]
    found = estimate(ASKED, DATASET, past)
    assert found.high_s / found.seconds == pytest.approx(4.0)
    assert 60 < found.seconds < 540


def test_one_run_of_another_size_is_enough_for_a_rough_answer() -> None:
    found = estimate(ASKED, DATASET, [PastTraining(60, 1_000_000, 150.0)])
    assert found.seconds == pytest.approx(150.0, rel=1e-6)
    assert (found.low_s, found.high_s) == (pytest.approx(60.0), pytest.approx(375.0))


def test_a_time_limit_caps_the_estimate() -> None:
    past = [took(60, 1_000_000)]
    found = estimate(replace(ASKED, max_runtime_secs=30), DATASET, past)
    assert (found.seconds, found.high_s, found.is_capped) == (30, 30, True)
    assert estimate(replace(ASKED, max_models=0, max_runtime_secs=30), DATASET, past).seconds == 30


def test_baselines_cost_time_too() -> None:
    past = [took(12, 10_000), took(60, 200_000), took(24, 3_000_000), took(180, 800_000)]
    plain = estimate(ASKED, DATASET, past)
    with_all = estimate(replace(ASKED, baselines=("constant", "GLM", "XGBoost")), DATASET, past)
    assert with_all.seconds == pytest.approx(plain.seconds * 21 / 10)
    searched = replace(ASKED, max_models=0, max_runtime_secs=30, baselines=("XGBoost",))
    assert estimate(searched, DATASET, past).seconds == 60


def test_a_backtest_costs_its_steps_on_half_of_the_rows() -> None:
    past = [took(12, 10_000), took(60, 200_000), took(24, 3_000_000), took(180, 800_000)]
    plain = estimate(ASKED, DATASET, past)
    by_time = replace(ASKED, split="time", split_column="day", nfolds=5)
    # Four steps with a model of each of five algorithms, beside 10 models in 5 folds and on all rows.
    assert estimate(by_time, DATASET, past).seconds == pytest.approx(plain.seconds * (60 + 4 * 5 / 2) / 60)
    assert estimate(replace(by_time, backtest=False), DATASET, past).seconds == pytest.approx(plain.seconds)
    limited = replace(by_time, max_models=0, max_runtime_secs=30)
    assert estimate(limited, DATASET, past).seconds == 60


def test_without_past_runs_only_a_limit_tells() -> None:
    assert estimate(ASKED, DATASET, []).seconds is None
    found = estimate(replace(ASKED, max_runtime_secs=60), DATASET, [])
    assert (found.seconds, found.n_runs, found.is_capped) == (60.0, 0, True)


def test_memory_is_four_times_the_rows_that_train() -> None:
    assert estimate(ASKED, DATASET, []).memory_bytes == 50_000 * 20 * 8 * 4
    assert estimate(replace(ASKED, holdout_share=0.5), DATASET, []).memory_bytes == 25_000 * 20 * 8 * 4


def test_only_finished_runs_with_their_dataset_count() -> None:
    done = RunInfo(
        run_id="1", name="one", experiment="e", status="finished", settings=ASKED, dataset_name="rows", created_at=NOW,
        n_models=4, seconds={"train": 40.0, "total": 50.0},
    )  # fmt: skip
    runs = [
        done,
        replace(done, status="failed"),
        replace(done, seconds={}),
        replace(done, n_models=0),
        replace(done, settings=replace(ASKED, dataset_id="gone")),
    ]
    assert past_trainings(runs, {"d": DATASET}) == (PastTraining(24, 1_000_000, 40.0),)


def test_a_list_that_the_limit_shortens_takes_no_longer_than_its_models() -> None:
    past = [took(60, 1_000_000), took(12, 10_000)]
    asked = within_time(replace(ASKED, nfolds=3, max_runtime_secs=50), DATASET, 2)
    found = estimate(asked, DATASET, past)  # one GLM, one XGBoost and one GBM
    assert found.seconds == pytest.approx(3 * 4 * 2.5, rel=0.01)
    assert not found.is_capped
    assert estimate(replace(asked, max_models=2), DATASET, past).seconds == pytest.approx(2 * 4 * 2.5, rel=0.01)
