"""F11: databases of older versions are brought up to date, and nothing in them is lost."""

import sqlite3
from contextlib import closing
from pathlib import Path

from core.backups import back_up, list_backups, restore
from core.ledger.champions import ChampionTable
from core.ledger.database import Ledger
from core.settings import Settings
from core.store.mlflow import Store

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


def make(path: Path, fixture: str) -> Path:
    """Make a database as an older version left it, from its text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((FIXTURES / fixture).read_text(encoding="utf-8"))
    return path


def revision(path: Path) -> str:
    """Return which of its versions MLflow says a database is."""
    with closing(sqlite3.connect(path)) as connection:
        (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return found


def test_tables_of_an_older_version_are_brought_up_to_date_and_keep_every_line(settings: Settings):
    path = make(settings.ledger_path, "ledger_of_version_4.sql")
    ledger = Ledger(path)
    assert [(entry.action, entry.person) for entry in ledger.entries()] == [
        ("promote", "Ben"), ("promote", "Ada"), ("train", "Ada"),
    ]  # fmt: skip
    assert ledger.columns("sales") == {"Alter": "age"}
    history = ChampionTable(ledger).list("sales")
    assert [(entry.version, entry.person, entry.why, entry.from_version) for entry in history] == [
        (2, "Ben", "better", 1), (1, "Ada", "first", None),
    ]  # fmt: skip
    ledger.record("train", "new")
    assert len(Ledger(path).entries()) == 4


def test_a_backup_of_an_older_version_can_be_restored(settings: Settings):
    make(settings.ledger_path, "ledger_of_version_4.sql")
    copy = back_up(settings.ledger_path, settings.mlruns_dir / "backups")
    settings.ledger_path.unlink()
    Ledger(settings.ledger_path).record("train", "lost")
    restore(settings, [copy.name])
    assert [entry.action for entry in Ledger(settings.ledger_path).entries()] == ["promote", "promote", "train"]


def test_a_store_of_an_older_mlflow_is_copied_and_brought_up_to_date(settings: Settings):
    path = make(settings.mlruns_dir / "mlflow.db", "mlflow_3_12.sql")
    store = Store(settings)
    store.check()
    store.check()
    (copy,) = list_backups(settings)
    assert revision(copy.path) == "7d34483879f0"
    assert revision(path) != "7d34483879f0"
    (run,) = store.list_runs()
    assert (run.key, run.person, run.status) == ("old", "Ada", "finished")
    champion = store.champion("sales")
    assert champion is not None
    assert (champion.version, champion.run_id) == (1, run.run_id)
