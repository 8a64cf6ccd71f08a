"""Baselines in a run: on its leaderboard, marked, and never in the way of its models."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import log_loss

from core.domain.baselines import SEARCH_SPACE, is_baseline_key, model_key
from core.domain.runs import FINAL_STATUSES
from core.errors import TrainingSettingsError
from core.models.leaderboard import best_stored, rows, sort_models
from core.training import baselines as training_baselines
from core.training.trainer import Trainer
from tests.fixtures_runs import Home, run_to_end

pytestmark = pytest.mark.slow

EVERY = ("constant", "GLM", "XGBoost")


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_baselines, "POLL_S", 0.0)


def baselines_of(home: Home, run) -> dict:
    models = home.services.store.models(run_id=run.run_id)
    return {model.baseline: model for model in models if model.baseline}


def test_every_baseline_is_a_marked_model_with_metrics_by_origin(fresh_home: Home) -> None:
    run = run_to_end(fresh_home.services, fresh_home.settings(baselines=EVERY), explain=False)
    assert run.status == "finished"
    assert run.baselines == dict.fromkeys(EVERY, "done")
    found = baselines_of(fresh_home, run)
    assert set(found) == set(EVERY)
    for model in found.values():
        assert {"cv_logloss", "cv_auc", "train_logloss", "holdout_logloss", "holdout_auc"} <= set(model.metrics)
        assert (model.rank, model.version, model.is_champion) == (None, None, False)
        assert model.model_key.startswith(model_key(model.baseline, run.run_id))
    assert [name for name in EVERY if found[name].has_files] == ["GLM", "XGBoost"]
    assert {record["baseline"] for record in rows(list(found.values()))} == set(EVERY)


def test_the_constant_is_measured_on_the_rows_of_the_run(fresh_home: Home) -> None:
    run = run_to_end(fresh_home.services, fresh_home.settings(baselines=("constant",)), explain=False)
    metrics = baselines_of(fresh_home, run)["constant"].metrics
    plan = Trainer.plan(
        Trainer(*(getattr(fresh_home.services, n) for n in ("settings", "datasets", "store", "ledger", "engine"))),
        run.settings,
    )
    y = np.array(fresh_home.services.datasets.open(plan.dataset.id).typed(["buys"])["buys"].to_pylist()) == "yes"
    train, held = y[plan.train_rows], y[plan.holdout_rows]
    assert metrics["holdout_logloss"] == pytest.approx(log_loss(held, np.full(len(held), train.mean())), abs=1e-9)


def test_the_best_of_the_search_is_kept_by_the_metric_of_the_run(fresh_home: Home) -> None:
    engine = fresh_home.services.engine
    run = run_to_end(
        fresh_home.services, fresh_home.settings(baselines=("XGBoost",), sort_metric="logloss"), explain=False
    )
    key = model_key("XGBoost", run.run_id)
    losses = {n: engine.models.made[f"{key}_model_{n}"].details["metrics"]["cv_logloss"] for n in (1, 2)}
    assert losses[1] != losses[2]
    kept = baselines_of(fresh_home, run)["XGBoost"]
    assert kept.model_key == f"{key}_model_{min(losses, key=losses.get)}"
    assert kept.metrics["cv_logloss"] == min(losses.values())


def test_a_baseline_never_leads_and_is_never_the_best(fresh_home: Home) -> None:
    services = fresh_home.services
    # GLM is the worst of the fake engine's algorithms here: the baseline GBM-like search wins by far.
    run = run_to_end(services, fresh_home.settings(baselines=EVERY, include_algos=("DeepLearning",)), explain=False)
    models = services.store.models(run_id=run.run_id)
    first = sort_models(models, "cv_logloss")[0]
    assert first.baseline is not None, "the test needs a baseline that is better than the AutoML"
    leader = next(model for model in models if model.id == run.leader_id)
    assert leader.baseline is None
    assert services.store.champion("customers").id == leader.id
    assert services.store.best().id == leader.id
    assert best_stored(models).id == leader.id


def test_without_its_library_there_is_no_xgboost_and_the_run_says_so(fresh_home: Home) -> None:
    fresh_home.services.engine.no_xgboost = True
    run = run_to_end(fresh_home.services, fresh_home.settings(baselines=("GLM", "XGBoost")), explain=False)
    assert run.status == "finished"
    outcomes = run.baselines
    assert outcomes["GLM"] == "done"
    assert "native library" in outcomes["XGBoost"]
    assert [name for name, _ in fresh_home.services.engine.baselines.started] == ["GLM"]


def test_an_engine_that_dies_in_a_baseline_costs_only_the_baseline(fresh_home: Home) -> None:
    fresh_home.services.engine.baselines.dies = True
    run = run_to_end(fresh_home.services, fresh_home.settings(baselines=EVERY), explain=False)
    assert run.status == "finished"
    assert run.leader_id
    assert run.baselines == {
        "constant": "done", "GLM": "The engine ended.", "XGBoost": "The engine ended.",
    }  # fmt: skip
    models = fresh_home.services.store.models(run_id=run.run_id)
    assert {model.baseline for model in models} == {None, "constant"}
    assert sum(model.has_files for model in models) == 3


def test_cancelling_in_a_search_keeps_what_it_has_built(fresh_home: Home) -> None:
    services, engine = fresh_home.services, fresh_home.services.engine
    engine.baselines.hold = True
    run_id = services.jobs.submit(fresh_home.settings(baselines=("XGBoost", "GLM")))
    trainer = Trainer(services.settings, services.datasets, services.store, services.ledger, engine)
    run = trainer.run(run_id, lambda: any(name == "XGBoost" for name, _ in engine.baselines.started))
    assert run.status == "cancelled"
    assert run.leader_id
    assert run.baselines == {"XGBoost": "done", "GLM": "cancelled"}
    assert set(baselines_of(fresh_home, run)) == {"XGBoost"}


def test_a_search_that_its_owner_left_is_taken_up_again(fresh_home: Home) -> None:
    services, engine = fresh_home.services, fresh_home.services.engine
    engine.baselines.hold = True
    run_id = services.jobs.submit(fresh_home.settings(baselines=("XGBoost",)))
    trainer = Trainer(services.settings, services.datasets, services.store, services.ledger, engine)

    class Killed(BaseException):
        pass

    def die() -> bool:
        if engine.baselines.started:
            raise Killed
        return False

    with pytest.raises(Killed):
        trainer.run(run_id, die)
    assert services.store.get_run(run_id).status not in FINAL_STATUSES
    engine.baselines.hold = False
    run = trainer.run(run_id, lambda: False)
    assert run.status == "finished"
    assert len(engine.baselines.started) == 1
    assert set(baselines_of(fresh_home, run)) == {"XGBoost"}


def test_the_engine_forgets_the_baselines_with_the_run(fresh_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    services, engine = fresh_home.services, fresh_home.services.engine
    run = run_to_end(services, fresh_home.settings(baselines=EVERY), explain=False)
    removed: list[str] = []
    monkeypatch.setattr(engine, "delete", removed.extend)
    Trainer(services.settings, services.datasets, services.store, services.ledger, engine).release(run)
    # A search is removed with its models; a constant was never there.
    assert [key for key in removed if is_baseline_key(key)] == [key for _, key in engine.baselines.started]


@pytest.mark.parametrize("asked", [("GLM", "GLM"), ("random forest",)])
def test_what_is_no_baseline_is_refused_before_anything_starts(fresh_home: Home, asked: tuple[str, ...]) -> None:
    with pytest.raises(TrainingSettingsError, match=r"[Bb]aseline"):
        fresh_home.services.jobs.submit(replace(fresh_home.settings(), baselines=asked))


def test_the_search_space_is_the_one_in_the_docs() -> None:
    from tests.fixtures_runs import ROOT

    text = (ROOT / "docs" / "decisions" / "0020-baselines.md").read_text(encoding="utf-8")
    for name, values in SEARCH_SPACE.items():
        assert f"| `{name}` | {', '.join(f'{value:g}' for value in values)} |" in text


def test_every_run_knows_what_a_constant_scores_on_its_rows(fresh_home: Home) -> None:
    run = run_to_end(fresh_home.services, fresh_home.settings(baselines=("constant",)), explain=False)
    of_baseline = baselines_of(fresh_home, run)["constant"].metrics
    assert {"cv_auc", "cv_logloss", "holdout_logloss"} <= set(run.constant)
    for name, value in run.constant.items():
        if name != "cv_auc_chance":
            assert of_baseline[name] == pytest.approx(value, abs=1e-12)
    leader = fresh_home.services.store.resolve(f"models:/{run.leader_id}")
    assert leader.no_better == ""


def test_a_model_of_noise_is_marked_as_no_better_than_the_average(fresh_home: Home) -> None:
    settings = fresh_home.settings(target="premium", task="regression", ignored=("customer_id", "buys"))
    run = run_to_end(fresh_home.services, settings, explain=False)
    leader = fresh_home.services.store.resolve(f"models:/{run.leader_id}")
    assert leader.metrics["cv_rmse"] >= run.constant["cv_rmse"]
    assert leader.no_better.startswith("No better than the average: RMSE")
    assert "(cross-validation)" in leader.no_better
    assert [record["no_better"] for record in rows([leader])] == [leader.no_better]
