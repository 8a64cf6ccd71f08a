"""F02: the engine runs out of memory in a run. The run says so, and the next one works."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv as pa_csv

from core.data.datasets.samples import sample_training_path
from core.services import Services, build
from core.settings import Settings
from core.training.plan.plan import propose

pytestmark = pytest.mark.engine
N_ROWS, N_COLUMNS = 300_000, 30
RUN_S = 240.0


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Services]:
    """Services whose engine has hardly any memory."""
    services = build(
        Settings(home=tmp_path / "home", h2o_memory_bytes=160 * 1024**2, h2o_start_timeout_s=60, min_free_bytes=1024**2)
    )
    yield services
    services.close()


def write_wide(path: Path) -> Path:
    """Write numbers that do not compress: more text than the engine has memory."""
    chance = np.random.default_rng(1)
    numbers = {f"n{column}": chance.random(N_ROWS) for column in range(N_COLUMNS)}
    pa_csv.write_csv(pa.table({**numbers, "goal": np.where(np.arange(N_ROWS) % 2, "a", "b")}), path)
    return path


def test_f02_a_run_that_is_too_large_says_so_and_the_next_one_works(small: Services, tmp_path: Path) -> None:
    path = write_wide(tmp_path / "wide.csv")
    wide = small.datasets.add(path, path.name)
    few = {"max_models": 1, "nfolds": 2, "include_algos": ("GLM",)}
    too_large = replace(propose(small.datasets.open(wide.id), "goal", experiment="wide"), **few)
    run_id = small.jobs.submit(too_large)
    small.jobs.start()
    run = small.jobs.wait(run_id, RUN_S)
    assert (run.status, run.error["code"]) == ("failed", "engine.out_of_memory")
    assert "BELLWETHER_H2O_MEMORY" in run.error["hint"]
    sample = small.datasets.add(sample_training_path(), "sample.csv")
    fits = replace(propose(small.datasets.open(sample.id), "interested", experiment="sample"), **few)
    assert small.jobs.wait(small.jobs.submit(fits), RUN_S).status == "finished"
