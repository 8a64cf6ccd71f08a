"""Runs that wait in the queue while the cluster of others is away."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.engine.h2o import H2OEngine
from core.engine.jvm.launch import free_port
from core.errors import EngineUnavailableError
from core.settings import Settings
from core.training.trainer import Trainer
from core.work.runs import Jobs
from core.work.waiting import STAGE, ClusterWait
from tests.fixtures_cluster import ToldCluster, told_cluster
from tests.fixtures_engine import wait_for
from tests.fixtures_runs import Home

pytestmark = pytest.mark.slow

DEADLINE_S = 60.0
URL = "http://127.0.0.1:1"


class Cluster:
    """What the engine in memory says while it stands for a cluster of others."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        self._engine, self._ready = home.services.engine, home.services.engine.ensure_ready
        self.asked = 0
        self.leave("cluster.unreachable")
        monkeypatch.setattr(self._engine, "ensure_ready", self._ensure_ready)

    def leave(self, code: str) -> None:
        self._code, self._engine.state = code, "failed"

    def come_back(self) -> None:
        self._code, self._engine.state = "", "ready"

    def _ensure_ready(self) -> str:
        self.asked += 1
        if self._code:
            raise EngineUnavailableError("Nobody listens at h2o:54321.", hint="Look at it.", code=self._code)
        return self._ready()


@pytest.fixture
def cluster(fresh_home: Home, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    return Cluster(fresh_home, monkeypatch)


@pytest.fixture
def make_jobs(fresh_home: Home) -> Iterator[Callable[..., Jobs]]:
    """The queue of a home that uses a cluster; each one made is stopped at the end."""
    made = []

    def make(**changes: Any) -> Jobs:
        services = fresh_home.services
        settings = replace(services.settings, h2o_url=URL, **changes)
        trainer = Trainer(settings, services.datasets, services.store, services.ledger, services.engine)
        parts = (services.ledger, services.engine, trainer, services.explainer, services.reports)
        made.append(Jobs(settings, services.store, *parts))
        return made[-1]

    yield make
    for jobs in made:
        jobs.stop()
        jobs.join()


def test_runs_wait_and_start_when_the_cluster_is_back(fresh_home: Home, cluster: Cluster, make_jobs) -> None:
    jobs, store = make_jobs(), fresh_home.services.store
    ids = [jobs.submit(fresh_home.settings(seed=seed)) for seed in (1, 2)]
    jobs.start()
    wait_for(lambda: [store.get_run(run_id).stage for run_id in ids], lambda stages: set(stages) == {STAGE}, DEADLINE_S)
    assert [store.get_run(run_id).status for run_id in ids] == ["queued", "queued"]
    assert jobs.waits_for() == STAGE
    assert cluster.asked == 1  # not at every step
    cluster.come_back()
    run = wait_for(lambda: store.get_run(ids[0]), lambda run: run.is_final, DEADLINE_S)
    assert (run.status, run.error) == ("finished", None)
    assert jobs.wait(ids[1], DEADLINE_S).status == "finished"
    assert jobs.waits_for() == ""


def test_a_run_that_waits_can_be_cancelled_and_holds_nobody_up(fresh_home: Home, cluster: Cluster, make_jobs) -> None:
    jobs, store = make_jobs(), fresh_home.services.store
    run_id = jobs.submit(fresh_home.settings())
    jobs.start()
    wait_for(jobs.waits_for, bool, DEADLINE_S)
    jobs.cancel(run_id)
    assert store.get_run(run_id).status == "cancelled"
    wait_for(jobs.waits_for, lambda words: not words, DEADLINE_S)
    assert cluster.asked == 1


@pytest.mark.parametrize(
    ("code", "limit_s", "told"),
    [
        ("cluster.unreachable", 0.0, "cluster.away"),
        ("cluster.password", 600.0, "cluster.password"),
        ("cluster.version", 600.0, "cluster.version"),
    ],
)
def test_it_fails_after_the_limit_or_where_waiting_does_not_help(
    fresh_home: Home, cluster: Cluster, make_jobs, code: str, limit_s: float, told: str
) -> None:
    cluster.leave(code)
    jobs = make_jobs(cluster_wait_s=limit_s)
    run_id = jobs.submit(fresh_home.settings())
    jobs.start()
    run = jobs.wait(run_id, DEADLINE_S)
    assert run.status == "failed"
    assert run.error is not None
    assert run.error["code"] == told
    assert "Nobody listens at h2o:54321." in run.error["message"]


def test_each_run_has_its_own_limit(fresh_home: Home, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    services, now, failed = fresh_home.services, [1000.0], []
    monkeypatch.setattr("core.work.waiting.time.monotonic", lambda: now[0])
    settings = replace(services.settings, h2o_url=URL, cluster_wait_s=100.0)
    wait = ClusterWait(settings, services.store, services.engine, lambda run_id, error: failed.append((run_id, error)))
    first, second = (services.store.get_run(services.jobs.submit(fresh_home.settings(seed=seed))) for seed in (1, 2))
    assert not wait.is_over([first])
    now[0] += 60
    assert not wait.is_over([first, second])
    assert not failed
    now[0] += 60
    assert not wait.is_over([first, second])
    assert [(run_id, error.code) for run_id, error in failed] == [(first.run_id, "cluster.away")]
    assert "2 min" in failed[0][1].message


def test_an_engine_of_our_own_is_never_waited_for(fresh_home: Home, cluster: Cluster) -> None:
    services = fresh_home.services
    assert ClusterWait(services.settings, services.store, services.engine, services.jobs.cancel).is_over([])
    assert cluster.asked == 0


def test_a_real_watch_sees_the_cluster_come_back(fresh_home: Home, tmp_path: Path) -> None:
    port, services = free_port(), fresh_home.services
    settings = Settings(home=tmp_path, h2o_url=f"http://127.0.0.1:{port}", h2o_node_timeout_s=1.5)
    engine = H2OEngine(settings)
    wait = ClusterWait(settings, services.store, engine, services.jobs.cancel)
    try:
        assert not wait.is_over([])
        assert "Nobody listens" in wait.reason
        with told_cluster(ToldCluster(), port=port):
            wait_for(lambda: wait.is_over([]), bool, DEADLINE_S)
        assert wait.reason == ""
    finally:
        engine.stop()
