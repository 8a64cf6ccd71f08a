"""F11: a damaged database is said to be damaged, with what to do; nothing else ever comes out."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from core.backups import back_up, list_backups, restore
from core.errors import ModelNotFoundError, StoreBusyError, StoreCorruptError, StoreError
from core.ledger.database import Ledger
from core.settings import Settings
from core.store.mlflow import Store
from tests.fixtures_runs import Home
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


def damage(path: Path) -> None:
    """Put a broken file in the place of a database; a new one, since MLflow in this process has the old one open."""
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    path.write_bytes(b"broken" * 1000)


def test_the_newest_whole_copies_take_the_place_of_damaged_files(
    store: Store, settings: Settings, queue_run: Callable[..., str]
):
    ledger = Ledger(settings.ledger_path)
    ledger.record("train", "kept")
    run_id, folder = queue_run(), settings.mlruns_dir / "backups"
    whole = [back_up(path, folder) for path in (settings.mlruns_dir / "mlflow.db", settings.ledger_path)]
    ledger.record("train", "later")
    damage(back_up(settings.ledger_path, folder))
    for path in (settings.mlruns_dir / "mlflow.db", settings.ledger_path):
        damage(path)
    with pytest.raises(StoreCorruptError) as caught:
        Store(settings).check()
    assert "core restore latest" in caught.value.hint

    assert [bool(one.damage) for one in list_backups(settings)] == [True, False, False]
    restored = restore(settings, ["latest"])
    assert {one.backup.path for one in restored} == set(whole)
    store = Store(settings)
    store.check()
    assert store.get_run(run_id).settings == SETTINGS
    assert [entry.subject for entry in Ledger(settings.ledger_path).entries()] == ["kept"]
    for one in restored:
        assert (one.replaced / one.backup.database.name).read_bytes().startswith(b"broken")
        assert one.backup.database.stat().st_mode & 0o777 == 0o600
    again = restore(settings, [one.path.name for one in list_backups(settings) if not one.damage])
    assert len(again) == 2, "what was replaced is no backup of its own, and no second restore is in its way"


@pytest.mark.parametrize("names", [["nothing.db"], ["../mlflow.db"], ["latest", "latest"], ["/etc/passwd"]], ids=str)
def test_what_is_no_backup_is_not_restored(store: Store, settings: Settings, names: list[str]):
    before = (settings.mlruns_dir / "mlflow.db").read_bytes()
    back_up(settings.mlruns_dir / "mlflow.db", settings.mlruns_dir / "backups")
    with pytest.raises(StoreError) as caught:
        restore(settings, names)
    assert caught.value.code == "backup.not_found"
    assert (settings.mlruns_dir / "mlflow.db").read_bytes() == before


def test_a_damaged_copy_and_two_of_one_database_are_refused(store: Store, settings: Settings):
    database, folder = settings.mlruns_dir / "mlflow.db", settings.mlruns_dir / "backups"
    names = [back_up(database, folder).name for _ in range(2)]
    with pytest.raises(StoreError) as twice:
        restore(settings, names)
    damage(folder / names[0])
    with pytest.raises(StoreError) as damaged:
        restore(settings, names[:1])
    assert (twice.value.code, damaged.value.code) == ("backup.twice", "backup.damaged")
    assert not (folder / "replaced").exists()


def test_nothing_is_restored_under_a_running_app(fresh_home: Home):
    services = fresh_home.services
    back_up(services.settings.ledger_path, services.settings.mlruns_dir / "backups")
    services.start()
    try:
        with pytest.raises(StoreBusyError) as caught:
            restore(services.settings, ["latest"])
    finally:
        services.close()
    assert caught.value.code == "store.in_use"
    assert len(restore(services.settings, ["latest"])) == 1
