"""What the measurements share: a scratch home, the test data, a bare way to drive the same engine, medians."""

import gzip
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import h2o

from core.domain.runs import RunInfo
from core.domain.training import TrainingSettings
from core.services import Services, build
from core.settings import load_settings


def data_folder() -> Path:
    """Return the folder of real data, or end with the reason why nothing can be measured."""
    folder = os.environ.get("BELLWETHER_TEST_DATA")
    if not folder:
        sys.exit("BELLWETHER_TEST_DATA must name the folder of real data.")
    return Path(folder)


@contextmanager
def scratch_services() -> Iterator[Services]:
    """Build services on a home that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as folder:
        services = build(replace(load_settings(), home=Path(folder)))
        try:
            yield services
        finally:
            services.close()


def kept_settings() -> dict[str, str]:
    """Return the engine's settings of this process for the server, which gets a clean environment otherwise."""
    settings = load_settings()
    return {
        "BELLWETHER_H2O_MEMORY": str(settings.h2o_memory_bytes),
        "BELLWETHER_H2O_THREADS": str(settings.h2o_threads),
    }


def train(services: Services, path: Path, target: str, **options: Any) -> RunInfo:
    """Train on a file through the queue and wait for the run's end."""
    from core.training.plan.plan import propose

    dataset = services.datasets.add(path, path.name)
    settings: TrainingSettings = replace(
        propose(services.datasets.open(dataset.id), target, experiment=path.name.split(".")[0]), **options
    )
    run_id = services.jobs.submit(settings)
    services.jobs.start()
    # Explanations follow a run in the background; what is measured next must not share the cores with them.
    run = services.jobs.wait(run_id, until_explained=True)
    if run.status != "finished":
        sys.exit(f"the run ended {run.status}: {run.error}")
    return run


def unpacked(path: Path, folder: Path) -> Path:
    """Return a file without its gzip, in a folder."""
    if path.suffix != ".gz":
        return path
    out = folder / path.stem
    with gzip.open(path, "rb") as source, out.open("wb") as target:
        shutil.copyfileobj(source, target)
    return out


def connect_h2o(state: dict[str, Any]) -> None:
    """Connect h2o's own client to the engine that `mlruns/server.json` describes."""
    auth = (state["user"], state["password"])
    h2o.connect(url=state["url"], auth=auth, verbose=False, strict_version_check=False)
    h2o.no_progress()


def median_s(work: Callable[[], object], *, times: int = 3) -> float:
    """Return the median duration of several calls, after one that does not count."""
    work()
    durations = []
    for _ in range(times):
        begun = time.monotonic()
        work()
        durations.append(time.monotonic() - begun)
    return statistics.median(durations)


def report(**figures: Any) -> None:
    """Print one JSON object."""
    print(json.dumps(figures, default=str), flush=True)
