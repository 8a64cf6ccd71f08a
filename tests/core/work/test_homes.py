"""Several homes on one MLflow: each settles and trains its own runs, and takes over what a home that is gone left."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from core.errors import RunError
from core.settings import Settings
from core.store.mlflow import Store
from core.work import heartbeat, runs
from tests.fixtures_runs import Home
from tests.fixtures_store import DATASET, SETTINGS

pytestmark = pytest.mark.slow

DEADLINE_S = 120.0
SharedHomes = Callable[..., Home]


def status(home: Home, run_id: str) -> str:
    return home.services.store.get_run(run_id).status


def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds; fail at the deadline."""
    end = datetime.now(UTC) + timedelta(seconds=DEADLINE_S)
    while not condition():
        assert datetime.now(UTC) < end, "the condition did not come true in time"
        threading.Event().wait(0.02)


def start_training(home: Home, run_id: str) -> None:
    """Train until there is a model, and go on until the engine is released."""
    home.services.engine.hold = True
    home.services.jobs.start()
    until(lambda: home.services.store.get_run(run_id).n_models == 1)


def test_a_home_leaves_the_runs_of_another_one_alone(shared_home: SharedHomes) -> None:
    one, two = shared_home("one"), shared_home("two")
    running, waiting = (one.services.jobs.submit(one.settings(seed=seed)) for seed in range(2))
    start_training(one, running)
    for finish in (False, True):
        two.services.jobs.settle(finish=finish)
    assert (status(one, running), status(one, waiting)) == ("running", "queued")
    assert two.services.jobs.queue() == ()
    assert two.services.jobs.position(waiting) is None
    mine = two.services.jobs.submit(two.settings(seed=9))  # the other home's runs do not fill this one's queue
    assert [run.run_id for run in two.services.jobs.queue()] == [mine]
    assert {run.run_id for run in two.services.store.list_runs()} == {running, waiting, mine}
    two.services.jobs.start()
    assert two.services.jobs.wait(mine, DEADLINE_S, until_explained=True).explanations == "done"
    one.services.engine.release()
    assert one.services.jobs.wait(running, DEADLINE_S).status == "finished"


def test_a_home_settles_its_own_runs_only(shared_home: SharedHomes) -> None:
    one, two = shared_home("one"), shared_home("two")
    mine, theirs = (home.services.jobs.submit(home.settings()) for home in (one, two))
    for run_id in (mine, theirs):
        one.services.store.set_status(run_id, "running")
    one.services.jobs.settle()
    assert (status(one, mine), status(one, theirs)) == ("failed", "running")


def test_a_home_keeps_its_id_and_every_run_of_a_store_of_its_own_is_its(settings: Settings, store: Store) -> None:
    before = store.create_run(SETTINGS, DATASET, key="before")
    store._mlflow.log_batch(before, tags={"home": ""})  # as of before homes had an id
    after = Store(settings).create_run(SETTINGS, DATASET, key="after")
    assert store.get_run(after).home == (settings.mlruns_dir / "home.id").read_text()
    assert all(store.owns(store.get_run(run_id)) for run_id in (before, after))
    shared = Store(replace(settings, mlflow_uri=f"sqlite:///{settings.mlruns_dir}/mlflow.db"))
    assert [shared.owns(shared.get_run(run_id)) for run_id in (before, after)] == [False, True]


def test_a_run_whose_home_shows_no_life_is_trained_where_its_dataset_is(
    shared_home: SharedHomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "GRACE_S", 0.2)
    monkeypatch.setattr(runs, "BEAT_S", 0.1)
    one, without, two = shared_home("one"), shared_home("without", has_dataset=False), shared_home("two")
    run_id = one.services.jobs.submit(one.settings())
    looks: list[str] = []
    find = without.services.datasets.find
    monkeypatch.setattr(without.services.datasets, "find", lambda name: looks.append(name) or find(name))
    without.services.jobs.start()
    until(lambda: looks.count(one.dataset.id) > 1)
    assert (status(one, run_id), one.services.store.get_run(run_id).home) == ("queued", home_id(one))
    two.services.jobs.start()
    run = two.services.jobs.wait(run_id, DEADLINE_S, until_explained=True)
    assert (run.status, run.explanations, run.home) == ("finished", "done", home_id(two))
    assert len(two.services.engine.jobs) == 1


def home_id(home: Home) -> str:
    return (home.services.settings.mlruns_dir / "home.id").read_text()


def test_a_run_waits_for_its_home_as_long_as_that_shows_life(
    shared_home: SharedHomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = shared_home("one")
    running, waiting = (one.services.jobs.submit(one.settings(seed=seed)) for seed in range(2))
    store, watch = one.services.store, heartbeat.HomeWatch()
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(heartbeat, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))

    def silent() -> set[str]:
        return watch.silent([store.get_run(run_id) for run_id in (running, waiting)])

    store.set_status(running, "running")
    times = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)]
    for moment in times:  # a clock that jumps, also back, is a sign of life like any other
        store.update_run(running, heartbeat=moment)
        assert silent() == set()
    assert [silent(), silent()] == [set(), {home_id(one)}]  # 10 s, 20 s


def test_of_two_homes_one_trains_a_run(shared_home: SharedHomes) -> None:
    one, two = shared_home("one"), shared_home("two")
    run_id = one.services.jobs.submit(one.settings())
    assert [home.services.store.claim_run(run_id) for home in (two, one, two)] == [True, False, True]
    assert one.services.store.get_run(run_id).home == home_id(two)
    one.services.jobs.start()
    two.services.jobs.start()
    assert two.services.jobs.wait(run_id, DEADLINE_S).status == "finished"
    assert (len(one.services.engine.jobs), len(two.services.engine.jobs)) == (0, 1)


def test_a_run_that_trains_in_another_home_is_cancelled_there(shared_home: SharedHomes) -> None:
    one, two = shared_home("one"), shared_home("two")
    run_id, waiting = (one.services.jobs.submit(one.settings(seed=seed)) for seed in range(2))
    start_training(one, run_id)
    until(lambda: one.services.store.get_run(run_id).heartbeat is not None)
    with pytest.raises(RunError) as refused:
        two.services.jobs.cancel(run_id)
    assert refused.value.code == "run.elsewhere"
    two.services.jobs.cancel(waiting)
    assert (status(one, run_id), status(one, waiting)) == ("running", "cancelled")


def test_a_run_of_a_home_that_is_gone_can_be_ended_anywhere(shared_home: SharedHomes) -> None:
    one, two = shared_home("one"), shared_home("two")
    run_id = one.services.jobs.submit(one.settings())
    one.services.store.set_status(run_id, "running")
    hours_ago = datetime.now(UTC) - timedelta(hours=3)
    one.services.store.update_run(run_id, heartbeat=hours_ago)
    two.services.jobs.cancel(run_id)
    assert status(one, run_id) == "cancelled"


def test_who_trains_shows_signs_of_life(shared_home: SharedHomes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_S", 0.2)
    one = shared_home("one")
    run_id = one.services.jobs.submit(one.settings())
    start_training(one, run_id)
    first = one.services.store.get_run(run_id).heartbeat
    until(lambda: one.services.store.get_run(run_id).heartbeat not in (None, first))
    assert heartbeat.is_alive(one.services.store.get_run(run_id))
    one.services.engine.release()
    one.services.jobs.wait(run_id, DEADLINE_S, until_explained=True)
    assert "heartbeat" not in [thread.name for thread in threading.enumerate()]
