"""A real store in a temporary home: MLflow's migrations run once a session, each test gets a copy of the result."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.domain.columns import Column, Schema
from core.domain.datasets import Dataset
from core.domain.models import ModelDetails
from core.domain.training import TrainingSettings
from core.settings import Settings
from core.store.mlflow import Store

DATASET = Dataset(
    id="d" * 32,
    name="customers",
    file_name="customers.csv",
    n_rows=3,
    n_columns=2,
    size_bytes=30,
    created_at=datetime(2026, 1, 2, tzinfo=UTC),
    schema=Schema((Column("age", "numeric", integer=True), Column("bought", "category", levels=("no", "yes")))),
    format="csv",
)
SETTINGS = TrainingSettings(
    dataset_id=DATASET.id, target="bought", experiment="sales", task="binary", positive="yes", ignored=("id",)
)


def make_details(key: str = "GBM_1", **metrics: float) -> ModelDetails:
    """Return what the engine says of a model; metrics by name, a fixed pair when none is given."""
    return ModelDetails(key=key, algo="GBM", metrics=metrics or {"cv_auc": 0.8, "cv_logloss": 0.4})


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that MLflow has just migrated, to be copied."""
    home = tmp_path_factory.mktemp("store")
    Store(Settings(home=home)).check()
    return Store(Settings(home=home)).back_up()


@pytest.fixture
def store(settings: Settings, migrated_database: Path) -> Store:
    """An empty store of its own."""
    settings.mlruns_dir.mkdir(parents=True, mode=0o700)
    shutil.copy(migrated_database, settings.mlruns_dir / "mlflow.db")
    return Store(settings)


@pytest.fixture
def queue_run(store: Store) -> Callable[..., str]:
    """Queue a run; settings that differ are given by name, a key of its own unless `key` is given."""
    keys = iter(range(10_000))

    def queue(*, key: str | None = None, person: str = "", **changes: object) -> str:
        return store.create_run(replace(SETTINGS, **changes), DATASET, key=key or f"key-{next(keys)}", person=person)

    return queue
