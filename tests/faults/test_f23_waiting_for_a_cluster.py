"""F23: runs that are started while a real cluster is away, and what it is when it comes back."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domain.runs import RunInfo
from core.domain.training import TrainingSettings
from core.engine.jvm.launch import free_port
from core.services import Services, build
from core.work.waiting import STAGE
from tests.fixtures_cluster import Nodes, ToldCluster, told_cluster, write_numbers
from tests.fixtures_engine import wait_for

pytestmark = pytest.mark.engine

NODE_TIMEOUT_S = 2.0
# A real JVM takes most of it; what fails at once is waited for no longer than this, a run that waits would for hours.
STARTED_S, AT_ONCE_S = 240.0, 30.0


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """One node, not started yet."""
    folder = tmp_path / "nodes"
    folder.mkdir()
    nodes = Nodes(folder, (free_port(),), secrets.token_hex(16))
    yield nodes
    nodes.stop()


def submit(services: Services, folder: Path, **changes: object) -> str:
    dataset = services.datasets.add(write_numbers(folder / "numbers.csv", 600), "numbers.csv")
    wanted = TrainingSettings(
        dataset_id=dataset.id, target="target", experiment="patient", task="binary", nfolds=2, holdout_share=0.2,
        max_models=1, include_algos=("GLM",), max_runtime_secs=600, **changes,
    )  # fmt: skip
    return services.jobs.submit(wanted)


def wait_until_it_waits(services: Services, run_id: str) -> None:
    run = wait_for(lambda: services.store.get_run(run_id), lambda run: run.stage == STAGE or run.is_final, AT_ONCE_S)
    assert (run.status, run.error) == ("queued", None)
    assert services.jobs.waits_for() == STAGE


def failure(run: RunInfo) -> tuple[str, str]:
    assert run.status == "failed"
    assert run.error is not None
    return run.error["code"], run.error["message"]


def test_a_run_waits_for_a_real_cluster_and_not_for_what_does_not_pass(nodes: Nodes, tmp_path: Path) -> None:
    services = build(nodes.settings(tmp_path / "home", h2o_node_timeout_s=NODE_TIMEOUT_S))
    try:
        # Nobody is there: it waits, and starts by itself.
        first = submit(services, tmp_path)
        services.jobs.start()
        wait_until_it_waits(services, first)
        nodes.start()
        run = services.jobs.wait(first, STARTED_S, until_explained=True)
        assert (run.status, run.error) == ("finished", None)
        assert services.jobs.waits_for() == ""

        # Another home, whose password is wrong: it fails at once.
        other = build(nodes.settings(tmp_path / "other", h2o_password="wrong"))
        try:
            refused = submit(other, tmp_path)
            other.jobs.start()
            code, words = failure(other.jobs.wait(refused, AT_ONCE_S))
        finally:
            other.close()
        assert (code, "user name or the password" in words) == ("cluster.password", True)

        # It is gone again, and what comes back is another H2O: the run that waited is told and waits no longer.
        nodes.stop()
        wait_for(lambda: services.engine.status().state, lambda state: state == "failed", AT_ONCE_S)
        second = submit(services, tmp_path, seed=2)
        wait_until_it_waits(services, second)
        with told_cluster(ToldCluster(version="3.40.0.1"), port=nodes.ports[0]):
            code, words = failure(services.jobs.wait(second, AT_ONCE_S))
        assert (code, "has version 3.40.0.1; Bellwether works with" in words) == ("cluster.version", True)
    finally:
        services.close()
