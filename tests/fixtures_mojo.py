"""Stored MOJOs of small models, rows for them, and a runtime that a test may break."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from core.domain.columns import Column, Schema
from core.engine.mojo.runtime import MojoRuntime
from core.engine.protocol import Engine, Mojo
from core.features.engine_input import engine_rows
from core.settings import Settings
from tests.fixtures_engine import FEATURES, LEVELS, Trained

SIZE, CODE, NOISE = FEATURES
SCHEMA = Schema((Column(SIZE, "numeric"), Column(CODE, "category", levels=LEVELS), Column(NOISE, "numeric")))


def keep(engine: Engine, key: str, path: Path) -> Mojo:
    """Store a model's MOJO."""
    engine.models.save_mojo(key, path)
    return of_file(path)


def of_file(path: Path) -> Mojo:
    """Return the MOJO that a file holds now."""
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def rows(n_rows: int, *, seed: int = 5) -> list[pa.RecordBatch]:
    """Return made-up rows for the models of `mojos`, in the parts that they are sent in."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, len(LEVELS), n_rows)
    table = pa.table(
        {
            SIZE: pa.array(random.normal(size=n_rows), mask=random.random(n_rows) < 0.05),
            CODE: pa.array([LEVELS[code] for code in codes], mask=random.random(n_rows) < 0.05),
            NOISE: random.random(n_rows),
        }
    )
    return list(engine_rows(table, SCHEMA))


@pytest.fixture(scope="session")
def mojos(engine: Engine, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Mojo]:
    """The stored models of `trained` by algorithm: GLM, GBM, StackedEnsemble."""
    folder = tmp_path_factory.mktemp("mojos")
    names = ("GLM", "GBM", "StackedEnsemble")
    return {name: keep(engine, trained.model(name), folder / f"{name}.zip") for name in names}


@pytest.fixture
def runtime(settings: Settings) -> Iterator[MojoRuntime]:
    """A runtime of the test's own, not started yet."""
    runtime = MojoRuntime(settings)
    yield runtime
    runtime.close()
