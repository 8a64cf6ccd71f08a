"""A real store in a temporary home: MLflow's migrations run once a session, each test gets a copy of the result."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from core.domain.columns import Column, Schema
from core.domain.datasets import Dataset
from core.domain.models import ModelDetails, ModelInfo
from core.domain.runs import RunInfo, RunStatus
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


def stored_tags(store: Store, run_id: str) -> Mapping[str, str]:
    """Return our tags of a run as MLflow holds them, without the prefix."""
    (row,) = store._mlflow.catalogue.runs(ids=(run_id,))
    return row.tags


def make_details(key: str = "GBM_1", **metrics: float) -> ModelDetails:
    """Return what the engine says of a model; metrics by name, a fixed pair when none is given."""
    return ModelDetails(key=key, algo="GBM", metrics=metrics or {"cv_auc": 0.8, "cv_logloss": 0.4})


def make_run(number: int, status: RunStatus = "finished", **changes: object) -> RunInfo:
    """Return one run of experiment ``experiment-N``; what differs is given by name."""
    settings = TrainingSettings(dataset_id=f"{number:032x}", target="interested", experiment="sales", task="binary")
    run = RunInfo(
        run_id=f"{number:032x}",
        name=f"run {number}",
        experiment=f"experiment-{number}",
        status=status,
        settings=settings,
        dataset_name="customers",
        created_at=datetime.now(UTC) - timedelta(hours=number),
        n_models=number,
    )
    return replace(run, **changes)


def make_model(number: int, **changes: object) -> ModelInfo:
    """Return one registered model of experiment ``experiment-N``."""
    model = ModelInfo(
        id=f"m-{number:032x}",
        model_key=f"GBM_{number}_AutoML",
        algo="GBM",
        run_id=f"{number:032x}",
        experiment=f"experiment-{number}",
        task="binary",
        metrics={"cv_auc": 0.8575, "cv_logloss": 0.2679},
        created_at=datetime.now(UTC) - timedelta(days=number),
        rank=1,
        has_files=True,
        version=number,
        is_champion=True,
    )
    return replace(model, **changes)


def add_run(store: Store, *, key: str | None = None, person: str = "", **changes: object) -> str:
    """Queue a run; settings that differ are given by name, a key of its own unless `key` is given."""
    settings = replace(SETTINGS, **changes)
    dataset = replace(DATASET, id=settings.dataset_id)
    return store.create_run(settings, dataset, key=key or uuid4().hex, person=person)


def add_champion(store: Store, experiment: str, **metrics: float) -> ModelInfo:
    """Store a finished run with one model, which is the champion of its experiment."""
    run_id = add_run(store, experiment=experiment)
    model_id = store.add_model(run_id, make_details(**metrics), "binary")
    store.set_status(run_id, "finished")
    store.set_champion(experiment, store.register(model_id))
    return store.champion(experiment)


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
    """Queue runs as `add_run` does."""
    return partial(add_run, store)
