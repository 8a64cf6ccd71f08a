"""The queue and the steps of a run, with the real store and a small engine in memory."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import attrgetter
from typing import Any

import pytest

from core.domain.runs import RunInfo
from core.errors import (
    DiskFullError,
    EngineDiedError,
    QueueFullError,
    RunNotFoundError,
    StoreBusyError,
    TrainingSettingsError,
)
from core.explain import Explainer
from core.models.opened import MOJO, NATIVE, SPEC, StoredModel
from core.report import Reports
from core.training.trainer import Trainer
from core.work.runs import Jobs
from tests.fixtures_runs import Home
from tests.fixtures_store import stored_tags

pytestmark = pytest.mark.slow

DEADLINE_S = 30.0
REFUSED_S = 0.2


@pytest.fixture
def home(fresh_home: Home) -> Iterator[Home]:
    """A home whose worker is stopped at the end."""
    yield fresh_home
    fresh_home.services.engine.release()
    fresh_home.services.jobs.stop()
    fresh_home.services.jobs.join()


def until(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds and return its value; fail at the deadline."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if value := condition():
            return value
        threading.Event().wait(0.02)
    pytest.fail("the condition did not come true in time")


def run_one(home: Home, **changes: object) -> RunInfo:
    run_id = home.services.jobs.submit(home.settings(**changes))
    home.services.jobs.start()
    return home.services.jobs.wait(run_id, DEADLINE_S, until_explained=True)


def another_queue(home: Home, **limits: object) -> Jobs:
    """Return the queue as another process of the home has it."""
    services = home.services
    trainer = Trainer(services.settings, services.datasets, services.store, services.ledger, services.engine)
    settings = replace(services.settings, **limits)
    return Jobs(
        settings, services.store, services.ledger, services.engine, trainer, services.explainer, services.reports
    )  # fmt: skip


def test_a_run_goes_from_the_queue_to_a_champion_that_can_score(home: Home) -> None:
    run = run_one(home)
    store = home.services.store
    assert (run.status, run.error, run.explanations) == ("finished", None, "done")
    champion = store.champion("customers")
    assert champion is not None
    assert champion.id == run.leader_id
    assert champion.version == 1
    models = store.models(run_id=run.run_id)
    assert len(models) == run.n_models == 3
    assert {name.partition("_")[0] for name in champion.metrics} >= {"cv", "holdout"}
    for name in (MOJO, NATIVE, SPEC):
        path, sha256 = store.model_file(champion.id, name)
        assert path.stat().st_size > 0
        assert len(sha256) == 64
    assert {"leaderboard.csv", "event_log.csv", "settings.json"} <= set(store.artifacts(run.run_id))
    header = store.artifact(run.run_id, "leaderboard.csv").read_text().splitlines()[0]
    assert "training_time_ms" in header
    assert "holdout_auc" in header


def test_the_threshold_is_the_best_f1_on_cross_validated_predictions(home: Home) -> None:
    import pyarrow.parquet as pq
    from sklearn.metrics import f1_score

    run = run_one(home)
    leader = home.services.store.resolve(f"models:/{run.leader_id}")
    spec = StoredModel(home.services.store, leader).spec
    table = pq.read_table(home.services.store.artifact(run.run_id, f"predictions/{leader.model_key}/cv.parquet"))
    actual, p = table["actual"].to_numpy() == "yes", table["p_yes"].to_numpy()
    best = max(f1_score(actual, p >= cut) for cut in set(p.tolist()))
    assert f1_score(actual, p >= spec.threshold) == pytest.approx(best)
    assert "cross-validation" in spec.threshold_origin


def test_a_second_run_registers_its_leader_but_leaves_the_champion(home: Home) -> None:
    first = run_one(home)
    second = run_one(home, seed=5)
    store = home.services.store
    assert store.champion("customers").id == first.leader_id
    assert store.resolve("models:/customers/2").id == second.leader_id


def test_runs_wait_their_turn_first_come_first_served(home: Home) -> None:
    jobs, store = home.services.jobs, home.services.store
    home.services.engine.hold = True
    ids = [jobs.submit(home.settings(seed=seed)) for seed in range(3)]
    assert [jobs.position(run_id) for run_id in ids] == [1, 2, 3]
    jobs.start()
    until(lambda: store.get_run(ids[0]).n_models == 1)
    assert [jobs.position(run_id) for run_id in ids] == [None, 1, 2]
    assert [store.get_run(run_id).status for run_id in ids] == ["running", "queued", "queued"]
    home.services.engine.release()
    ended = [jobs.wait(run_id, DEADLINE_S) for run_id in ids]
    assert [run.status for run in ended] == ["finished"] * 3
    assert ended[0].ended_at <= ended[1].started_at
    assert ended[1].ended_at <= ended[2].started_at


def test_cancelling_a_running_run_keeps_its_models(home: Home) -> None:
    jobs, store = home.services.jobs, home.services.store
    home.services.engine.hold = True
    run_id = jobs.submit(home.settings())
    jobs.start()
    until(lambda: store.get_run(run_id).n_models == 1)
    jobs.cancel(run_id)
    run = jobs.wait(run_id, DEADLINE_S)
    assert run.status == "cancelled"
    assert [model.has_files for model in store.models(run_id=run_id)] == [True]
    assert store.champion("customers") is None


@pytest.mark.parametrize(("finish_s", "n_kept"), [(3600.0, 3), (-1.0, 1)])
def test_of_a_run_cancelled_long_ago_only_the_leader_is_kept_whole(
    home: Home, monkeypatch: pytest.MonkeyPatch, finish_s: float, n_kept: int
) -> None:
    services, ids = home.services, []
    real = services.engine.automl.leaderboard

    def cancels(*args: object, **kwargs: object) -> object:
        services.jobs.cancel(ids[0])
        return real(*args, **kwargs)

    monkeypatch.setattr("core.training.attempt.FINISH_S", finish_s)
    monkeypatch.setattr(services.engine.automl, "leaderboard", cancels)
    ids.append(services.jobs.submit(home.settings()))
    services.jobs.start()
    run = services.jobs.wait(ids[0], DEADLINE_S)
    models = services.store.models(run_id=ids[0])
    assert run.status == "cancelled"
    assert [model.has_files for model in models] == [True] * 3
    whole = [model.id for model in models if StoredModel(services.store, model).origins]
    assert len(whole) == n_kept
    assert run.leader_id in whole


def test_cancelling_a_queued_run_ends_it_at_once_and_an_ended_run_stays_as_it_is(home: Home) -> None:
    jobs, store = home.services.jobs, home.services.store
    run_id = jobs.submit(home.settings())
    jobs.cancel(run_id)
    assert store.get_run(run_id).status == "cancelled"
    jobs.cancel(run_id)
    jobs.start()
    assert run_one(home, seed=3).status == "finished"
    assert store.get_run(run_id).status == "cancelled"
    with pytest.raises(RunNotFoundError):
        jobs.cancel("0" * 32)


def test_f06_twenty_clicks_with_one_key_are_one_run(home: Home) -> None:
    jobs = home.services.jobs
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda: ids.append(jobs.submit(home.settings(), key="double-click"))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 20
    assert len(set(ids)) == 1
    assert len(home.services.store.list_runs()) == 1


def test_t19_one_run_too_many_is_refused(home: Home) -> None:
    services = home.services
    jobs = another_queue(home, max_queue=2)
    for seed in range(2):
        jobs.submit(home.settings(seed=seed))
    took = []
    for _ in range(5):
        begun = time.monotonic()
        with pytest.raises(QueueFullError, match="2 runs"):
            jobs.submit(home.settings(seed=9))
        took.append(time.monotonic() - begun)
    assert min(took) <= REFUSED_S  # the others may have shared the cores
    assert len(services.store.list_runs()) == 2


def test_a_bad_request_is_refused_before_it_is_queued(home: Home) -> None:
    with pytest.raises(TrainingSettingsError):
        home.services.jobs.submit(home.settings(nfolds=0))
    assert home.services.store.list_runs() == ()


def test_f01_an_engine_that_dies_fails_the_run_and_keeps_its_models(home: Home) -> None:
    jobs, store, engine = home.services.jobs, home.services.store, home.services.engine
    engine.hold = True
    run_id = jobs.submit(home.settings())
    jobs.start()
    until(lambda: store.get_run(run_id).n_models == 1)
    engine.dead = True
    run = jobs.wait(run_id, 5)
    assert run.status == "failed"
    assert run.error["code"] == EngineDiedError.default_code
    assert run.error["hint"]
    assert [model.has_files for model in store.models(run_id=run_id)] == [True]
    engine.dead, engine.hold = False, False
    assert run_one(home, seed=4).status == "finished"


def test_f03_a_run_whose_owner_was_killed_is_interrupted_when_its_engine_is_gone(home: Home) -> None:
    store = home.services.store
    run_id = home.services.jobs.submit(home.settings())
    store.set_status(run_id, "running")
    home.services.jobs.settle()
    run = store.get_run(run_id)
    assert run.status == "failed"
    assert stored_tags(store, run_id)["interrupted"] == "true"
    assert run.error["code"] == "run.interrupted"


class PowerCut(BaseException):
    """Nothing in the product catches it, as nothing catches a power cut."""


def test_f03_a_run_whose_engine_still_lives_is_taken_up_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    services = home.services
    services.engine.hold = True
    run_id = services.jobs.submit(home.settings())
    poll = services.engine.automl.poll

    def killed_while_it_trains(*args: Any) -> Any:
        if services.store.get_run(run_id).trained_since is not None:
            raise PowerCut
        return poll(*args)

    def new_process() -> Trainer:
        return Trainer(services.settings, services.datasets, services.store, services.ledger, services.engine)

    monkeypatch.setattr(services.engine.automl, "poll", killed_while_it_trains)
    with pytest.raises(PowerCut):
        new_process().run(run_id, lambda: False)
    monkeypatch.setattr(services.engine.automl, "poll", poll)
    job = services.store.get_run(run_id).job
    services.engine.release()
    run = new_process().run(run_id, lambda: False)
    assert run.status == "finished"
    assert len(services.engine.jobs) == 1
    assert job == services.store.get_run(run_id).job is not None
    assert len(services.store.models(run_id=run_id)) == 3


STORE_STEPS = {
    "set_status": 2, "add_model": 2, "save_model_files": 2, "set_model_tags": 2, "register": 1, "set_champion": 1,
    "log": 3, "update_run": 3,
}  # fmt: skip
ENGINE_STEPS = (
    ("automl", "start"), ("automl", "poll"), ("automl", "leaderboard"), ("frames", "download"), ("models", "details"),
    ("models", "holdout_metrics"), ("models", "predict"), ("models", "save_mojo"), ("models", "save_native"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("service", "step", "breaks_at"),
    [("store", name, call) for name, call in STORE_STEPS.items()]
    + [(f"engine.{facet}", name, 1) for facet, name in ENGINE_STEPS],
)
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_f18_a_step_that_breaks_can_be_repeated(
    home: Home, monkeypatch: pytest.MonkeyPatch, service: str, step: str, breaks_at: int, done: bool
) -> None:
    services = home.services
    owner = attrgetter(service)(services)
    real, calls = getattr(owner, step), []

    def breaks_once(*args: object, **kwargs: object) -> object:
        calls.append(step)
        if len(calls) != breaks_at:
            return real(*args, **kwargs)
        if done:
            real(*args, **kwargs)
        raise PowerCut

    run_id = services.jobs.submit(home.settings())
    monkeypatch.setattr(owner, step, breaks_once)
    trainer = Trainer(services.settings, services.datasets, services.store, services.ledger, services.engine)
    with pytest.raises(PowerCut):
        trainer.run(run_id, lambda: False)
    run = trainer.run(run_id, lambda: False)
    assert run.status == "finished"
    models = services.store.models(run_id=run_id)
    assert len(models) == len({model.model_key for model in models}) == 3
    assert services.store.champion("customers").id == run.leader_id
    assert services.store.champion("customers").version == 1
    assert len(services.engine.jobs) == 1
    for model in models:
        spec = json.loads(services.store.model_file(model.id, SPEC)[0].read_text())
        assert spec["threshold_origin"] == "max F1 on cross-validation predictions"


def test_a_bug_fails_the_run_with_a_reference_and_the_queue_goes_on(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    models = home.services.engine.models
    details = models.details
    monkeypatch.setattr(models, "details", lambda key: 1 / 0)
    run_id = home.services.jobs.submit(home.settings())
    home.services.jobs.start()
    run = home.services.jobs.wait(run_id, DEADLINE_S)
    assert run.status == "failed"
    assert run.error["code"] == "run.bug"
    (reference,) = re.findall(r"ref (\w+)", run.error["message"])
    assert f"(ref {reference})" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.setattr(models, "details", details)
    assert run_one(home, seed=6).status == "finished"


def test_a_bug_in_a_run_ends_its_training_and_frees_the_engine(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    services = home.services
    services.engine.hold = True
    monkeypatch.setattr("core.training.attempt.share_done", lambda *_args: 1 / 0)
    run_id = services.jobs.submit(home.settings())
    services.jobs.start()
    run = services.jobs.wait(run_id, DEADLINE_S)
    assert (run.status, run.error["code"]) == ("failed", "run.bug")
    (job,) = services.engine.jobs.values()
    until(lambda: job["cancelled"])
    until(lambda: not uploaded(run) & services.engine.frames.held.keys())


def test_a_bug_in_a_baseline_ends_its_training(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    services = home.services
    services.engine.hold_baseline = True
    monkeypatch.setattr(services.engine.baselines, "poll", lambda *_args: 1 / 0)
    run_id = services.jobs.submit(home.settings(baselines=("GLM",)))
    services.jobs.start()
    assert services.jobs.wait(run_id, DEADLINE_S).error["code"] == "run.bug"
    until(lambda: all(job["cancelled"] for job in services.engine.jobs.values()))


def test_an_error_right_after_the_training_began_ends_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    services = home.services
    services.engine.hold = True

    def full(*_args: object) -> None:
        raise DiskFullError("The disk is full.")

    monkeypatch.setattr("core.training.attempt.make_reference", full)
    run_id = services.jobs.submit(home.settings())
    services.jobs.start()
    assert services.jobs.wait(run_id, DEADLINE_S).error["code"] == "disk.full"
    (job,) = services.engine.jobs.values()
    until(lambda: job["cancelled"])


def test_a_bug_after_a_run_has_ended_leaves_it_finished(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    services = home.services
    real = services.ledger.record

    def broken(action: str, *args: object, **kwargs: object) -> None:
        if action == "run finished":
            raise ZeroDivisionError
        real(action, *args, **kwargs)

    monkeypatch.setattr(services.ledger, "record", broken)
    run = run_one(home)
    assert (run.status, run.error) == ("finished", None)
    assert (run.explanations, "Something went wrong (ref " in run.explanations_error) == ("failed", True)


def test_a_bug_in_an_explanation_frees_the_engine_and_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    services = home.services
    monkeypatch.setattr(Explainer, "compute", lambda *_args, **_kwargs: 1 / 0)
    run = run_one(home)
    assert run.status == "finished"
    assert (run.explanations, "Something went wrong (ref " in run.explanations_error) == ("failed", True)
    until(lambda: not uploaded(run) & services.engine.frames.held.keys())


def test_what_met_a_bug_is_failed_though_the_store_is_busy_then(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    services = home.services
    store, tries = services.jobs._store, []
    monkeypatch.setattr(services.engine.models, "details", lambda key: 1 / 0)
    real = store.set_status

    def busy(run_id: str, status: str) -> None:
        tries.append(status)
        if tries.count("failed") == 1:
            raise StoreBusyError("Busy.")
        real(run_id, status)

    monkeypatch.setattr(store, "set_status", busy)
    run_id = services.jobs.submit(home.settings())
    services.jobs.start()
    run = services.jobs.wait(run_id, DEADLINE_S)
    assert (run.status, run.error["code"]) == ("failed", "run.bug")
    assert tries == ["running", "failed", "failed"]


def test_a_run_that_is_cancelled_leaves_no_request_behind(home: Home) -> None:
    services = home.services
    requests = services.settings.mlruns_dir / "cancels"
    waiting = services.jobs.submit(home.settings())
    services.jobs.cancel(waiting)
    services.engine.hold = True
    running = services.jobs.submit(home.settings(seed=5))
    services.jobs.start()
    until(lambda: services.store.get_run(running).n_models == 1)
    assert not list(requests.iterdir())
    services.jobs.cancel(running)
    assert services.jobs.wait(running, DEADLINE_S).status == "cancelled"
    until(lambda: not list(requests.iterdir()))


def test_a_double_click_is_one_line_in_the_audit(home: Home) -> None:
    services = home.services
    run_id = services.jobs.submit(home.settings(), key="click")
    assert services.jobs.submit(home.settings(), key="click") == run_id
    services.store.set_status(run_id, "finished")
    assert services.jobs.submit(home.settings(), key="click") == run_id
    assert [entry.subject for entry in services.ledger.entries(action="train")] == [run_id]


def test_a_worker_for_one_run_leaves_settling_to_its_command(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    services = home.services
    monkeypatch.setattr(services.jobs, "settle", lambda: 1 / 0)
    run_id = services.jobs.submit(home.settings())
    services.jobs.start(until=run_id)
    assert services.jobs.wait(run_id, DEADLINE_S).status == "finished"


def test_another_worker_of_the_home_is_seen(home: Home) -> None:
    services = home.services
    other = another_queue(home)
    assert not other.has_other_worker()
    services.jobs.start()
    until(other.has_other_worker)


def test_a_worker_for_one_run_leaves_the_others_in_the_queue(home: Home) -> None:
    services = home.services
    first, second, third = (services.jobs.submit(home.settings(seed=seed)) for seed in range(3))
    services.jobs.start(until=second)
    run = services.jobs.wait(second, DEADLINE_S, until_explained=True)
    assert (run.status, run.explanations) == ("finished", "done")
    assert services.store.get_run(first).status == "finished"  # it waited longer
    other = another_queue(home)
    assert not other.has_other_worker()  # nobody could hand a run over to it
    services.jobs.stop()
    services.jobs.join()
    assert services.store.get_run(third).status == "queued"
    services.jobs.start()
    assert services.jobs.wait(third, DEADLINE_S).status == "finished"


def test_a_worker_for_one_run_leaves_it_to_who_works_on_all(home: Home) -> None:
    services = home.services
    command = another_queue(home)
    services.engine.hold = True
    run_id = command.submit(home.settings())
    services.jobs.start()
    until(command.has_other_worker)
    command.start(until=run_id)
    until(lambda: services.store.get_run(run_id).n_models == 1)
    command.stop()
    command.join()
    assert services.store.get_run(run_id).status == "running"
    services.engine.release()
    assert command.wait(run_id, DEADLINE_S).status == "finished"


def test_a_failed_run_stops_its_automl_and_frees_the_engine(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    services = home.services
    services.engine.hold = True

    def full(*args: object, **kwargs: object) -> None:
        raise DiskFullError("The disk is full.")

    monkeypatch.setattr(services.jobs._trainer.store, "save_model_files", full)
    run_id = services.jobs.submit(home.settings())
    services.jobs.start()
    run = services.jobs.wait(run_id, DEADLINE_S)
    assert (run.status, run.error["code"]) == ("failed", "disk.full")
    assert [model.has_files for model in services.store.models(run_id=run_id)] == [False]
    (job,) = services.engine.jobs.values()
    until(lambda: job["cancelled"])
    until(lambda: not uploaded(run) & services.engine.frames.held.keys())


def uploaded(run: RunInfo) -> set[str]:
    return {run.job.training_frame, run.job.holdout_frame}


MOMENTS = {  # and how many models it had then
    "ensure_ready": 0, "frames.upload": 0, "automl.start": 1, "automl.poll": 3, "automl.leaderboard": 3,
}  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_f07_a_run_that_is_cancelled_at_any_moment_ends_cancelled_and_keeps_its_models(
    home: Home, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    services = home.services
    facet, _, name = f"engine.{moment}".rpartition(".")
    owner, ids = attrgetter(facet)(services), []
    real = getattr(owner, name)

    def cancels(*args: object, **kwargs: object) -> object:
        result = real(*args, **kwargs)
        services.jobs.cancel(ids[0])
        return result

    ids.append(services.jobs.submit(home.settings()))
    monkeypatch.setattr(owner, name, cancels)
    services.jobs.start()
    run = services.jobs.wait(ids[0], DEADLINE_S, until_explained=True)
    assert (run.status, run.stage, run.error) == ("cancelled", "", None)
    models = services.store.models(run_id=ids[0])
    assert len(models) == MOMENTS[moment]
    assert all(model.has_files for model in models)
    assert services.store.champion("customers") is None
    until(lambda: all("predict" in frame.table.column_names for frame in services.engine.frames.held.values()))
    monkeypatch.undo()
    assert run_one(home, seed=2).status == "finished"


def test_a_command_finishes_a_run_whose_automl_ended_while_nobody_watched(home: Home) -> None:
    services = home.services
    run_id = services.jobs.submit(home.settings())
    services.engine.hold = True
    trainer = services.jobs._trainer
    automl = trainer.engine.automl
    real = automl.poll

    def killed(job: object, last: object = None) -> object:
        if real(job).models:
            raise PowerCut
        return real(job)

    automl.poll = killed
    with pytest.raises(PowerCut):
        trainer.run(run_id, lambda: False)
    automl.poll = real
    services.jobs.settle(finish=True)
    assert services.store.get_run(run_id).status == "running"  # it still trains
    services.engine.release()
    services.jobs.settle()
    assert services.store.get_run(run_id).status == "running"  # a server's worker takes it up
    services.jobs.settle(finish=True)
    assert services.store.get_run(run_id).status == "finished"
    assert len(services.store.models(run_id=run_id)) == 3


def test_a_command_leaves_the_engine_to_a_run_whose_trainer_was_killed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, engine = home.services, home.services.engine
    run_id = services.jobs.submit(home.settings())

    def killed(job: object, last: object = None) -> None:
        raise PowerCut

    monkeypatch.setattr(engine.automl, "poll", killed)
    with pytest.raises(PowerCut):
        services.jobs._trainer.run(run_id, lambda: False)
    monkeypatch.undo()  # its AutoML has ended: the engine alone would not know that it is needed
    services.jobs.stop_engine()
    assert engine.left is True
    services.jobs.settle(finish=True)
    assert services.store.get_run(run_id).status == "finished"
    services.jobs.stop_engine()
    assert engine.left is False


def test_a_training_whose_thread_is_busy_when_the_process_stops_is_cancelled_in_the_engine(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, engine = home.services, home.services.engine
    engine.hold = True
    busy, done = threading.Event(), threading.Event()

    def takes_long(*args: object, **kwargs: object) -> None:
        busy.set()
        assert done.wait(DEADLINE_S)

    monkeypatch.setattr(engine.models, "save_native", takes_long)
    services.jobs.submit(home.settings())
    services.jobs.start()
    assert busy.wait(DEADLINE_S)
    services.jobs.stop()
    services.jobs.join(0.01)
    services.jobs.stop_engine()
    (job,) = engine.jobs.values()
    assert (job["cancelled"], engine.left) == (True, False)
    done.set()


def test_a_command_ends_a_run_that_was_killed_before_its_training_began(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = home.services

    def killed(*args: object, **kwargs: object) -> None:
        raise PowerCut

    run_id = services.jobs.submit(home.settings())
    monkeypatch.setattr(services.engine.automl, "start", killed)
    with pytest.raises(PowerCut):
        services.jobs._trainer.run(run_id, lambda: False)
    monkeypatch.undo()
    services.jobs.settle()
    assert services.store.get_run(run_id).status == "running"  # a server's worker begins anew
    services.jobs.settle(finish=True)
    run = services.store.get_run(run_id)
    assert (run.status, run.error["code"]) == ("failed", "run.interrupted")


def test_the_leader_has_a_report_when_the_run_is_explained(home: Home) -> None:
    run = run_one(home)
    store = home.services.store
    models = store.models(run_id=run.run_id)
    saved = [home.services.reports.find(model) for model in models]
    assert [one is not None for one in saved] == [model.id == run.leader_id for model in models]
    leader = store.resolve(f"models:/{run.leader_id}")
    page = store.artifact(leader.run_id, saved[0].whole).read_text("utf-8")
    assert f"{leader.metrics['cv_auc']:.4f}" in page
    assert saved[0].made_at > run.created_at


def test_a_report_that_fails_leaves_the_explanations(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise DiskFullError("The disk is full.")

    monkeypatch.setattr(Reports, "make", fail)
    run = run_one(home)
    assert run.explanations == "done"
    leader = home.services.store.resolve(f"models:/{run.leader_id}")
    assert StoredModel(home.services.store, leader).explanations is not None
