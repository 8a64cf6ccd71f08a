"""Re-run and verify: matching, the verdict, and the reasons why it may differ, on leaderboards made by hand."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.domain.models import ModelInfo
from core.domain.runs import EngineSize
from core.errors import RunError
from core.store.records import make_change_tags
from core.training.proof.verification import (
    check_verifiable,
    compare_runs,
    obstacles,
    step_name,
)
from tests.fixtures_runs import Home, run_to_end
from tests.fixtures_store import stored_tags

pytestmark = pytest.mark.slow

THEN, NOW = "20261120_093000", "20261124_120000"


def model(step: str, date: str, run_id: str = "a" * 32, **metrics: float) -> ModelInfo:
    return ModelInfo(
        id=f"m-{'0' * 32}", model_key=f"{step}_AutoML_3_{date}", algo=step.split("_", maxsplit=1)[0], run_id=run_id,
        experiment="e", task="binary", metrics=metrics, created_at=datetime(2026, 11, 24, tzinfo=UTC),
    )  # fmt: skip


def test_models_are_matched_by_step_although_their_names_carry_dates() -> None:
    first = [model("GBM_2", THEN, cv_auc=0.8), model("GLM_1", THEN, cv_auc=0.7)]
    again = [model("GBM_2", NOW, cv_auc=0.8), model("GLM_1", NOW, cv_auc=0.7)]
    verdict = compare_runs("r", "s", first, again)
    assert (verdict.is_same, verdict.n_models, verdict.n_metrics, verdict.largest) == (True, 2, 2, 0.0)
    assert step_name("XGBoost_baseline_0a1b2c3d_model_3") == "XGBoost_baseline_model_3"


@pytest.mark.parametrize(("value", "is_same"), [(0.8 + 5e-10, True), (0.8 + 2e-9, False)])
def test_the_tolerance_is_a_billionth(value: float, is_same: bool) -> None:
    verdict = compare_runs("r", "s", [model("GBM_1", THEN, cv_auc=0.8)], [model("GBM_1", NOW, cv_auc=value)])
    assert verdict.is_same is is_same
    assert verdict.largest == pytest.approx(abs(value - 0.8), abs=1e-15)


def test_a_model_or_metric_that_only_one_run_has_is_a_difference() -> None:
    first = [model("GBM_1", THEN, cv_auc=0.8, holdout_auc=0.7), model("GLM_1", THEN, cv_auc=0.7)]
    again = [model("GBM_1", NOW, cv_auc=0.8)]
    verdict = compare_runs("r", "s", first, again)
    assert not verdict.is_same
    assert [(d.step, d.metric, d.again) for d in verdict.differences] == [
        ("GBM_1", "holdout_auc", None), ("GLM_1", "", None),
    ]  # fmt: skip


def test_the_same_models_in_another_order_are_not_the_same_leaderboard() -> None:
    first = [model("GBM_1", THEN, cv_auc=0.8), model("GLM_1", THEN, cv_auc=0.8)]
    verdict = compare_runs("r", "s", first, [model("GLM_1", NOW, cv_auc=0.8), model("GBM_1", NOW, cv_auc=0.8)])
    assert (verdict.is_same, verdict.differences, verdict.is_same_order) == (False, (), False)


def test_a_verdict_fits_into_a_tag_and_comes_back(fresh_home: Home) -> None:
    run = run_to_end(fresh_home.services, fresh_home.settings(), explain=False)
    first = [model(f"GBM_grid_1_{n}", THEN, **{f"cv_metric_{m}": n + m for m in range(20)}) for n in range(40)]
    again = [model(f"GBM_grid_1_{n}", NOW, **{f"cv_metric_{m}": n - m for m in range(20)}) for n in range(40)]
    verdict = compare_runs("a" * 32, "b" * 32, first, again, ["Because."])
    assert verdict.differences[0].first - verdict.differences[0].again == 38
    assert len(make_change_tags({"verification": verdict})["verification"]) <= 8000
    fresh_home.services.store.update_run(run.run_id, verification=verdict)
    assert fresh_home.services.store.get_run(run.run_id).verification == verdict


def test_each_obstacle_is_named(fresh_home: Home) -> None:
    run = run_to_end(fresh_home.services, fresh_home.settings(), explain=False)
    dataset, models = fresh_home.dataset, fresh_home.services.store.models(run_id=run.run_id)
    engine = EngineSize("3.46.0.11", 1, 2)
    assert obstacles(run, models, dataset, engine) == ()
    limited = replace(run, settings=replace(run.settings, max_runtime_secs=60, max_runtime_secs_per_model=5))
    assert [("60 s" in r, "5 s" in r) for r in obstacles(limited, models, dataset, engine)] == [
        (True, False), (False, True),
    ]  # fmt: skip
    (racing,) = obstacles(run, [replace(models[0], algo="DeepLearning")], dataset, engine)
    assert "neural networks" in racing
    (older,) = obstacles(run, models, dataset, EngineSize("3.46.0.12", 1, 2))
    assert "3.46.0.11" in older
    assert "3.46.0.12" in older
    (threads,) = obstacles(run, models, dataset, EngineSize("3.46.0.11", 1, 8))
    assert "2 threads" in threads
    assert "The dataset is gone." in obstacles(run, models, None, engine)
    other = dataset.schema.with_column(replace(dataset.schema["age"], type="category"))
    (typed,) = obstacles(run, models, replace(dataset, schema=other), engine)
    assert "types" in typed
    made = replace(run, versions={"bellwether": "0.0.1", "h2o": "3.46.0.11"})
    (program,) = obstacles(made, models, dataset, engine)
    assert "Bellwether 0.0.1" in program


def test_a_rerun_is_compared_kept_with_both_runs_and_published_nowhere(fresh_home: Home) -> None:
    services = fresh_home.services
    run = run_to_end(services, fresh_home.settings(baselines=("constant", "GLM")), explain=False)
    rerun_id = services.jobs.submit(run.settings, verifies=run.run_id)
    services.jobs.start()
    rerun = services.jobs.wait(rerun_id, 60, until_explained=True)
    services.jobs.stop()
    services.jobs.join()
    assert rerun.status == "finished", rerun.error
    verdict = rerun.verification
    assert verdict is not None
    assert verdict.is_same, verdict
    assert verdict.n_models == len(services.store.models(run_id=run.run_id))
    original = services.store.get_run(run.run_id)
    assert original.verification == verdict
    assert stored_tags(services.store, run.run_id)["verified_by"] == rerun_id
    assert {model.run_id for model in services.store.models(experiment="customers") if model.version} == {run.run_id}


def test_a_rerun_of_a_run_that_was_deleted_meanwhile_still_finishes(fresh_home: Home) -> None:
    services = fresh_home.services
    run = run_to_end(services, fresh_home.settings(), explain=False)
    rerun_id = services.jobs.submit(run.settings, verifies=run.run_id)
    services.store.delete_run(run.run_id)
    services.jobs.start()
    rerun = services.jobs.wait(rerun_id, 60, until_explained=True)
    services.jobs.stop()
    services.jobs.join()
    assert (rerun.status, rerun.verification) == ("finished", None)


@pytest.mark.parametrize("status", ["queued", "running", "failed", "cancelled"])
def test_only_a_finished_run_can_be_verified(fresh_home: Home, status: str) -> None:
    run = run_to_end(fresh_home.services, fresh_home.settings(), explain=False)
    check_verifiable(run)
    with pytest.raises(RunError) as caught:
        check_verifiable(replace(run, status=status))
    assert caught.value.code == "run.not_verifiable"
