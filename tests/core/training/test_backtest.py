"""The backtest of a run: built again on the past only, judged on what followed, and never in the way of the run."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from core.domain.backtest import Backtest, is_rebuilt_key
from core.domain.baselines import CONSTANT
from core.domain.runs import RunInfo
from core.errors import EngineDiedError, EngineError, TrainingSettingsError
from core.models.opened import find_backtest
from core.training import backtest as training_backtest
from core.training.plan.options import backtest_fits
from core.training.plan.plan import make_plan
from core.training.trainer import Trainer
from tests.engines.fake import FakeEngine
from tests.fixtures_runs import Home, make_home, run_to_end

pytestmark = pytest.mark.slow

N = 240
FOLDS = 4


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_backtest, "_POLL_S", 0.0)


def visits(home: Home, kind: Callable[[int, float], str]) -> Home:
    """Return a home with visits on consecutive days, several a day; `kind` makes the target of a row."""
    random = np.random.default_rng(3)
    lines = ["day,size,noise,kind"]
    for row in range(N):
        size, day = random.normal(), np.datetime64("2024-01-01") + row // 3
        lines.append(f"{day},{size:.6f},{random.random():.6f},{kind(row, size + random.normal(0, 0.3))}")
    path = home.services.settings.home.parent / "visits.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return replace(home, dataset=home.services.datasets.add(path, path.name))


def by_time(home: Home, **changes: object):
    wanted = {
        "target": "kind", "experiment": "visits", "ignored": (), "split": "time", "split_column": "day",
        "nfolds": FOLDS, "holdout_share": 0.2,
    }  # fmt: skip
    return home.settings(**(wanted | changes))


def train(home: Home, **changes: object) -> tuple[RunInfo, Backtest | None]:
    run = run_to_end(home.services, by_time(home, **changes), explain=False)
    return run, find_backtest(home.services.store, run.run_id)


@pytest.fixture
def home(fresh_home: Home) -> Home:
    return visits(fresh_home, by_size)


def by_size(_: int, size: float) -> str:
    return "yes" if size > 0 else "no"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> tuple[Home, RunInfo, Backtest]:
    """A home with a run and its backtest, which the tests leave as they are."""
    home = visits(make_home(tmp_path_factory.mktemp("backtest"), migrated_database, n_runs=0), by_size)
    run, found = train(home)
    assert found is not None
    return home, run, found


def test_each_step_learns_from_all_that_is_earlier_and_judges_what_follows(done) -> None:
    home, run, found = done
    assert run.status == "finished"
    assert (found.time_column, found.is_date, found.ended, found.has_recipe) == ("day", True, "", False)
    plan = make_plan(run.settings, home.services.datasets, home.services.settings)
    assert len(found.steps) == FOLDS - 1
    for earlier, later in pairwise(found.steps):
        assert later.learned.n_rows == earlier.learned.n_rows + earlier.judged.n_rows
        assert (later.learned.first, later.learned.last) == (earlier.learned.first, earlier.judged.last)
    for step in found.steps:
        assert step.learned.last < step.judged.first
        assert set(step.metrics) == set(found.models)
    last = found.steps[-1]
    assert last.learned.n_rows + last.judged.n_rows == len(plan.train_rows)
    assert found.holdout.n_rows == len(plan.holdout_rows)
    assert found.holdout.first > last.judged.last


def test_the_numbers_are_those_of_a_model_that_learned_from_the_same_rows(done) -> None:
    home, run, found = done
    services, engine = home.services, home.services.engine
    plan = make_plan(run.settings, services.datasets, services.settings)
    data = plan.data.typed(["size", "noise", "kind"])
    for number, step in enumerate(found.steps, 1):
        past, block = (plan.train_rows[at] for at in (plan.folds < number, plan.folds == number))
        for key in found.models:
            if key == CONSTANT:
                continue
            built = [one for one in engine.models.made.values() if is_rebuilt_key(one.key)]
            same = [one for one in built if one.key.startswith(key.partition("_AutoML_")[0])]
            outputs = [one.output(data.take(pa.array(block)))[:, -1] for one in same]
            actual = np.array(data["kind"].take(pa.array(block)).to_pylist()) == "yes"
            assert any(
                roc_auc_score(actual, output) == pytest.approx(step.metrics[key]["auc"], abs=1e-9) for output in outputs
            )
        share = np.mean(np.array(data["kind"].take(pa.array(past)).to_pylist()) == "yes")
        actual = np.array(data["kind"].take(pa.array(block)).to_pylist()) == "yes"
        loss = -np.mean(np.where(actual, np.log(share), np.log(1 - share)))
        assert step.metrics[CONSTANT]["logloss"] == pytest.approx(loss, abs=1e-9)


def test_the_leader_comes_first_and_each_algorithm_once(done) -> None:
    home, run, found = done
    models = {model.model_key: model for model in home.services.store.models(run_id=run.run_id)}
    assert models[found.models[0]].id == run.leader_id
    assert found.leader == found.models[0]
    algorithms = [models[key].algo for key in found.models if key != CONSTANT]
    assert len(algorithms) == len(set(algorithms)) > 1
    assert found.models[-1] == CONSTANT


def test_an_ensemble_is_not_built_again(home: Home) -> None:
    _, found = train(home, include_algos=("GLM", "GBM", "StackedEnsemble"))
    assert {key.partition("_")[0] for key in found.models} == {"GLM", "GBM", CONSTANT}


def test_nothing_of_it_stays_in_the_engine(done) -> None:
    home, run, _ = done
    engine = home.services.engine
    assert [key for key in engine.models.made if is_rebuilt_key(key)]
    assert not [key for key in engine.models.held if is_rebuilt_key(key)]
    predictions = {model.details["cv_predictions_key"] for model in engine.models.held.values()}
    assert set(engine.frames.held) - predictions == {run.job.training_frame, run.job.holdout_frame}


@pytest.mark.parametrize("changes", [{"split": "random", "split_column": None}, {"backtest": False}])
def test_runs_without_a_backtest_have_none(home: Home, changes: dict) -> None:
    run, found = train(home, **changes)
    assert (run.status, found) == ("finished", None)
    assert backtest_fits(run.settings) == 0


def test_a_backtest_needs_a_split_by_time(home: Home) -> None:
    with pytest.raises(TrainingSettingsError, match="goes forward in time"):
        train(home, split="random", split_column=None, backtest=True)


def test_numbers_and_several_classes_have_one_too(fresh_home: Home) -> None:
    several = visits(fresh_home, lambda _, size: "low" if size < -0.5 else "high" if size > 0.5 else "usual")
    run, found = train(several, task="multiclass")
    assert run.status == "finished"
    assert all({"logloss", "mean_per_class_error"} <= set(step.metrics[found.models[0]]) for step in found.steps)
    home = visits(fresh_home, lambda _, size: f"{100 + size:.5f}")
    run, found = train(home, task="regression", experiment="sizes")
    assert run.status == "finished"
    assert all(step.metrics[found.models[0]]["rmse"] < step.metrics[CONSTANT]["rmse"] for step in found.steps)


def test_a_step_without_a_class_to_learn_is_skipped_in_words(fresh_home: Home) -> None:
    # The class "new" is first seen in the second of four blocks.
    home = visits(fresh_home, lambda row, size: "new" if row > 60 and row % 4 == 0 else "yes" if size > 0 else "no")
    run, found = train(home, task="multiclass")
    assert run.status == "finished"
    assert "'new'" in found.steps[0].skipped
    assert not found.steps[0].metrics
    assert all(step.metrics and not step.skipped for step in found.steps[1:])


def test_a_step_with_a_single_class_is_skipped_in_words(fresh_home: Home) -> None:
    # Days of the second block bring only one class.
    home = visits(fresh_home, lambda row, size: "yes" if size > 0 and not 45 <= row < 100 else "no")
    run, found = train(home)
    assert run.status == "finished"
    assert "'no'" in found.steps[0].skipped
    assert all(step.metrics for step in found.steps[1:])


def test_a_model_that_fails_costs_only_its_numbers(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    engine: FakeEngine = home.services.engine
    build = engine.models.rebuild

    def fail(model_key: str, frame: str, *, key: str) -> str:
        if model_key.startswith("GBM") and engine.frames.get(frame).table.num_rows < 60:
            raise EngineError("Too few rows for min_rows.")
        return build(model_key, frame, key=key)

    monkeypatch.setattr(engine.models, "rebuild", fail)
    run, found = train(home)
    assert run.status == "finished"
    gbm = next(key for key in found.models if key.startswith("GBM"))
    assert found.steps[0].missing == {gbm: "Too few rows for min_rows."}
    assert set(found.steps[0].metrics) == set(found.models) - {gbm}
    assert all(not step.missing for step in found.steps[1:])


def test_an_engine_that_dies_ends_the_backtest_and_not_the_run(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    engine: FakeEngine = home.services.engine

    def die(*_: object, **__: object) -> str:
        raise EngineDiedError("The engine ended.", exit_code=1)

    monkeypatch.setattr(engine.models, "rebuild", die)
    run, found = train(home)
    assert (run.status, found.ended) == ("finished", "The engine ended.")
    assert run.leader_id
    assert all(set(step.metrics) <= {CONSTANT} for step in found.steps)


def test_when_the_time_is_up_the_latest_step_is_there_and_the_rest_is_said(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine: FakeEngine = home.services.engine
    clock, build = [0.0], engine.models.rebuild

    def slowly(model_key: str, frame: str, *, key: str) -> str:
        clock[0] += training_backtest.LEAST_S / 2
        return build(model_key, frame, key=key)

    monkeypatch.setattr(engine.models, "rebuild", slowly)
    monkeypatch.setattr(training_backtest.time, "monotonic", lambda: clock[0])
    run, found = train(home, include_algos=("GLM", "GBM"))
    assert run.status == "finished"
    assert "time was up" in found.ended
    assert [bool(step.metrics) for step in found.steps] == [False, False, True]


def test_a_run_that_is_cancelled_in_it_keeps_what_there_is(home: Home) -> None:
    services, engine = home.services, home.services.engine
    run_id = services.jobs.submit(by_time(home))
    trainer = Trainer(services.settings, services.datasets, services.store, services.ledger, engine)
    run = trainer.run(run_id, lambda: any(is_rebuilt_key(key) for key in engine.models.made))
    found = find_backtest(services.store, run_id)
    assert (run.status, found.ended) == ("cancelled", "The run was cancelled.")
    assert run.leader_id
    assert [bool(step.metrics) for step in found.steps] == [False, False, True]
