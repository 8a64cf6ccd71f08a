"""What is kept of a database until somebody writes to it."""

import os
import subprocess
import sys
import time

import pytest

from core import sqlite
from core.sqlite import Unchanged, connect, enable_wal

LONG_AGO_S = 100.0
WRITE = "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute('INSERT INTO t VALUES (2)')"


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "a.db"
    enable_wal(path)
    with connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (1)")
    settle(path)
    return path


def settle(path):
    """Let the last commit be some time ago."""
    for one in path.parent.iterdir():
        os.utime(one, (time.time() - LONG_AGO_S,) * 2)


def reader(path):
    """Return what counts the rows, and how often it was called."""
    calls = []

    def read():
        calls.append(1)
        with connect(path, read_only=True) as connection:
            return connection.execute("SELECT count(*) FROM t").fetchone()[0]

    return read, calls


def test_an_answer_is_kept_while_nobody_writes(database):
    kept, (read, calls) = Unchanged(database, 2), reader(database)
    assert [kept.get("rows", read) for _ in range(3)] == [1, 1, 1]
    assert len(calls) == 1
    assert kept.get("other", lambda: 7) == 7


def test_the_commit_of_another_process_is_seen(database):
    kept, (read, calls) = Unchanged(database, 2), reader(database)
    with connect(database):  # somebody who stays, so that the commit stands in the second file
        assert kept.get("rows", read) == 1
        subprocess.run([sys.executable, "-c", WRITE, str(database)], check=True)
        assert kept.get("rows", read) == 2
    assert len(calls) == 2


def test_the_time_of_the_log_says_nothing(database):
    """It is written, and set down on the disk, before anybody sees what is in it; then the old state is read."""
    kept, (read, calls) = Unchanged(database, 2), reader(database)
    with connect(database) as connection:
        connection.execute("INSERT INTO t VALUES (3)")
        settle(database)
        assert kept.get("rows", read) == 2
        os.utime(database.with_name("a.db-wal"))
        assert kept.get("rows", read) == 2
        assert len(calls) == 1
        connection.execute("INSERT INTO t VALUES (4)")
        settle(database)
        assert kept.get("rows", read) == 3


def test_an_answer_is_not_kept_right_after_a_commit(database, monkeypatch):
    kept, (read, calls) = Unchanged(database, 2), reader(database)
    monkeypatch.setattr(sqlite, "_TICK_NS", int(2 * LONG_AGO_S * 1e9))
    assert [kept.get("rows", read) for _ in range(2)] == [1, 1]
    assert len(calls) == 2


def test_what_was_read_while_somebody_wrote_is_not_kept(database):
    kept, (read, calls) = Unchanged(database, 2), reader(database)

    def read_and_write():
        found = read()
        with connect(database) as connection:
            connection.execute("INSERT INTO t VALUES (2)")
        return found

    assert kept.get("rows", read_and_write) == 1
    settle(database)
    assert kept.get("rows", read) == 2
    assert len(calls) == 2


def test_an_error_is_not_kept(database):
    kept, (read, _) = Unchanged(database, 2), reader(database)
    with pytest.raises(ZeroDivisionError):
        kept.get("rows", lambda: 1 // 0)
    assert kept.get("rows", read) == 1


def test_a_database_that_is_made_later_is_seen(tmp_path):
    kept, path = Unchanged(tmp_path / "later.db", 2), tmp_path / "later.db"
    assert kept.get("there", path.exists) is False
    path.write_bytes(b"x")
    assert kept.get("there", path.exists) is True
