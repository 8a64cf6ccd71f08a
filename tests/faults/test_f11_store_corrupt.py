"""F11: a damaged database is said to be damaged, with what to do; nothing else ever comes out."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import ModelNotFoundError, StoreCorruptError, StoreError
from core.settings import Settings
from core.store.mlflow import Store
from tests.fixtures_store import DATASET, SETTINGS, make_details


@pytest.fixture
def database(store: Store, settings: Settings, queue_run: Callable[..., str]) -> Path:
    """A database with a run and a model, all in one file, which nobody has open."""
    for name in ("GBM_1", "GBM_2"):
        store.add_model(queue_run(), make_details(name), "binary")
    backup = store.back_up()
    path = settings.mlruns_dir / "mlflow.db"
    for left in settings.mlruns_dir.glob("mlflow.db*"):
        left.unlink()
    shutil.copy(backup, path)
    return path


def test_a_file_that_is_no_database(database: Path, settings: Settings):
    database.write_bytes(b"this is not a database " * 1000)
    store = Store(settings)
    for call in (store.check, store.list_runs, store.models, lambda: store.create_run(SETTINGS, DATASET, key="k")):
        with pytest.raises(StoreCorruptError) as caught:
            call()
        assert "mlruns/backups" in caught.value.hint
    assert database.read_bytes().startswith(b"this is not")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_was_cut(database: Path, settings: Settings, share: float):
    content = database.read_bytes()
    database.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(StoreCorruptError):
        Store(settings).check()


def test_bytes_that_were_changed_are_found_or_harm_nothing(database: Path, settings: Settings):
    whole = database.read_bytes()
    rng = random.Random(11)
    found = 0
    for _ in range(50):
        content = bytearray(whole)
        for _ in range(100):
            content[rng.randrange(len(content))] = rng.randrange(256)
        database.write_bytes(content)
        for left in settings.mlruns_dir.glob("mlflow.db-*"):
            left.unlink()
        store = Store(settings)
        try:
            store.list_runs()
            store.models()
            store.check()
        except StoreError:
            found += 1
    assert found >= 40


def test_a_database_of_another_mlflow_is_refused(database: Path, settings: Settings):
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0123456789ab'")
    home = settings.home.rename(settings.home.with_name("elsewhere"))  # MLflow has looked at the old place already
    with pytest.raises(StoreError) as caught:
        Store(Settings(home=home)).check()
    assert caught.value.code == "store.other_version"


def test_settings_that_cannot_be_read_are_damage(database: Path, settings: Settings):
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE tags SET value = '{' WHERE key = 'bellwether.settings'")
    with pytest.raises(StoreCorruptError):
        Store(settings).list_runs()


def test_model_files_that_are_gone_are_said_to_be_gone(store: Store, settings: Settings, queue_run: Callable[..., str]):
    model_id = store.add_model(queue_run(), make_details(), "binary")
    (settings.home / "m").write_bytes(b"x")
    store.save_model_files(model_id, {"model.bin": settings.home / "m"})
    shutil.rmtree(settings.mlruns_dir / "artifacts")
    with pytest.raises(ModelNotFoundError):
        store.model_file(model_id, "model.bin")


def test_a_backup_takes_the_place_of_a_damaged_file(store: Store, settings: Settings, queue_run: Callable[..., str]):
    run_id = queue_run()
    backup = store.back_up()
    for left in settings.mlruns_dir.glob("mlflow.db*"):
        left.unlink()
    (settings.mlruns_dir / "mlflow.db").write_bytes(b"broken" * 1000)
    with pytest.raises(StoreCorruptError):
        Store(settings).check()
    shutil.copy(backup, settings.mlruns_dir / "mlflow.db")
    restored = Store(settings)
    restored.check()
    assert restored.get_run(run_id).settings == SETTINGS
