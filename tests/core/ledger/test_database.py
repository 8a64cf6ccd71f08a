import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import StoreBusyError, StoreCorruptError, StoreError
from core.ledger.database import Ledger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "bellwether.db"


def test_entries_come_newest_first_with_all_that_was_recorded(path: Path):
    ledger = Ledger(path)
    ledger.record("train", "run-1", person="Zoë", detail={"rows": 3, "name": "中"})
    ledger.record("promote", "models:/sales/1")
    newest, oldest = ledger.entries()
    assert (newest.action, newest.subject, newest.person, newest.detail) == ("promote", "models:/sales/1", "", {})
    assert (oldest.person, oldest.detail) == ("Zoë", {"rows": 3, "name": "中"})
    assert oldest.at.tzinfo == UTC
    assert abs(datetime.now(UTC) - oldest.at) < timedelta(minutes=1)
    assert newest.id > oldest.id


def test_entries_are_found_by_action_and_subject(path: Path):
    ledger = Ledger(path)
    for number in range(5):
        ledger.record("train", f"run-{number}")
    ledger.record("cancel", "run-3")
    assert [entry.action for entry in ledger.entries(subject="run-3")] == ["cancel", "train"]
    assert [entry.subject for entry in ledger.entries(action="train", limit=2)] == ["run-4", "run-3"]


@pytest.mark.parametrize(
    "statement", ["DELETE FROM audit", "UPDATE audit SET person = 'x'", "REPLACE INTO audit SELECT * FROM audit"]
)
def test_a_line_cannot_be_changed_or_removed(path: Path, statement: str):
    ledger = Ledger(path)
    ledger.record("train", "run-1", person="ann")
    before = ledger.entries()
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    assert ledger.entries() == before


def test_opening_again_keeps_what_is_there(path: Path):
    Ledger(path).record("train", "run-1")
    assert len(Ledger(path).entries()) == 1


def test_twenty_threads_open_and_record_without_losing_a_line(path: Path):
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda number: Ledger(path).record("train", f"run-{number}"), range(40)))
    assert len({entry.subject for entry in Ledger(path).entries()}) == 40


def test_files_are_for_the_owner_only(path: Path):
    Ledger(path).record("train", "run-1")
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_tables_of_a_newer_version_are_refused_and_left_alone(path: Path):
    Ledger(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError) as caught:
        Ledger(path)
    assert caught.value.code == "ledger.newer"


def test_a_damaged_file_is_said_to_be_damaged(path: Path):
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreCorruptError):
        Ledger(path)


def test_a_table_that_is_gone_is_damage(path: Path):
    ledger = Ledger(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE audit")
    with pytest.raises(StoreCorruptError):
        ledger.record("train", "run-1")


def test_a_held_database_is_busy_and_works_again_afterwards(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("core.sqlite.BUSY_S", 0.05)
    ledger = Ledger(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusyError):
            ledger.record("train", "run-1")
        assert ledger.entries() == ()  # reading goes on
        holder.execute("ROLLBACK")
    ledger.record("train", "run-1")
    assert len(ledger.entries()) == 1


def test_maintenance_keeps_a_copy_that_can_be_read(path: Path, tmp_path: Path):
    ledger, backups = Ledger(path), tmp_path / "backups"
    ledger.record("train", "run-1")
    ledger.maintain(backups, 7)
    ledger.maintain(backups, 7)
    (copy,) = backups.iterdir()
    assert [entry.subject for entry in Ledger(copy).entries()] == ["run-1"]


def test_maintenance_finds_damage(path: Path, tmp_path: Path):
    ledger = Ledger(path)
    for number in range(200):
        ledger.record("train", f"run-{number}", detail={"text": "x" * 200})
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[4096 * 6 : 4096 * 9] = b"\xff" * (4096 * 3)
    path.write_bytes(content)
    with pytest.raises(StoreCorruptError):
        ledger.maintain(tmp_path / "backups", 7)
    assert not (tmp_path / "backups").exists()
