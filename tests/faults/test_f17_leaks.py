"""F17: runs and scorings leave nothing behind: memory, file descriptors, threads, and keys in the engine."""

import gc
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from core.data.datasets.samples import sample_scoring_path
from core.engine.h2o import H2OEngine
from core.services import Services, build
from core.settings import Settings
from core.training.plan.plan import propose
from tests.fixtures_engine import wait_for

pytestmark = [pytest.mark.engine, pytest.mark.soak]

RUNS, SCORINGS = (20, 500) if os.environ.get("BELLWETHER_SOAK") else (2, 10)
MORE_BYTES, MORE_FDS, MORE_THREADS = 200 * 1024**2, 10, 5
RUN_S = 300.0


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    built = build(
        Settings(home=tmp_path / "home", h2o_memory_bytes=2 * 1024**3, h2o_start_timeout_s=60, min_free_bytes=1024**2)
    )
    built.start()
    yield built
    built.close()


def keys(engine: H2OEngine) -> set[str]:
    """Return the names of all frames and models in the engine."""
    client = engine._server.client()
    frames = {frame["frame_id"]["name"] for frame in client.get("/3/Frames")["frames"]}
    models = {model["model_id"]["name"] for model in client.get("/3/Models")["models"]}
    return frames | models


def train_one(services: Services, seed: int) -> str:
    dataset = services.sample_dataset()
    settings = replace(
        propose(services.datasets.open(dataset.id), "interested", experiment=f"leaks {seed % 3}"),
        max_models=2, nfolds=2, seed=seed, holdout_share=0.2, include_algos=("GLM", "GBM", "StackedEnsemble"),
    )  # fmt: skip
    run = services.jobs.wait(services.jobs.submit(settings), RUN_S, until_explained=True)
    assert (run.status, run.explanations) == ("finished", "done")
    return f"models:/{run.leader_id}"


def score_one(services: Services, uri: str) -> None:
    path = sample_scoring_path()
    assert services.scorer.score_file(path, path.name, model_uri=uri).n_rows == 500


def test_f17_runs_and_scorings_leave_nothing_behind(services: Services) -> None:
    # The first of each pays for what stays: MLflow, pools, caches.
    score_one(services, train_one(services, 0))
    engine, process = services.engine, psutil.Process()
    assert isinstance(engine, H2OEngine)
    gc.collect()
    before = (process.memory_info().rss, process.num_fds(), threading.active_count())
    baseline = keys(engine)
    uris = [train_one(services, seed) for seed in range(1, RUNS + 1)]
    for number in range(SCORINGS):
        score_one(services, uris[number % len(uris)])
    left = wait_for(lambda: keys(engine) - baseline, lambda left: not left, 30)
    gc.collect()
    after = (process.memory_info().rss, process.num_fds(), threading.active_count())
    assert left == set()
    assert after[0] - before[0] <= MORE_BYTES
    assert after[1] - before[1] <= MORE_FDS
    assert after[2] - before[2] <= MORE_THREADS
    mojos = {m["model_id"]["name"] for m in engine._server.client().get("/3/Models")["models"]} - keys(engine)
    assert len(mojos) <= 16
    assert not list(services.settings.work_dir.iterdir())
