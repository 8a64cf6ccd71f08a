"""What is kept of a database until somebody writes to it."""

import subprocess
import sys

import pytest

from core.sqlite import Unchanged, connect, enable_wal

WRITE = "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute('INSERT INTO t VALUES (2)')"
# The byte by which SQLite knows that somebody uses the index: https://sqlite.org/walformat.html, section 2.3.
TAKE_INDEX = "import fcntl, sys; fcntl.lockf(open(sys.argv[1] + '-shm', 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 128)"


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "a.db"
    enable_wal(path)
    with connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (1)")
    return path


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


def test_the_commit_of_another_connection_here_is_seen(database):
    kept, (read, calls) = Unchanged(database, 2), reader(database)
    assert kept.get("rows", read) == 1
    with connect(database) as connection:
        connection.execute("INSERT INTO t VALUES (3)")
    assert kept.get("rows", read) == 2
    assert len(calls) == 2


def test_looking_gives_up_no_lock(database):
    """With it, others would cut the index short that this process has mapped, and it would end with SIGBUS."""
    kept, (read, _) = Unchanged(database, 2), reader(database)
    with connect(database) as connection:
        connection.execute("SELECT count(*) FROM t").fetchone()
        for _ in range(3):
            assert kept.get("rows", read) == 1
        taken = subprocess.run([sys.executable, "-c", TAKE_INDEX, str(database)], check=False, capture_output=True)
        assert b"BlockingIOError" in taken.stderr


def test_another_database_in_its_place_is_seen(database, tmp_path):
    kept, (read, _) = Unchanged(database, 2), reader(database)
    assert kept.get("rows", read) == 1
    with connect(tmp_path / "b.db") as connection:
        connection.execute("CREATE TABLE t (x)")
    (tmp_path / "b.db").replace(database)
    assert kept.get("rows", read) == 0


def test_what_was_read_while_somebody_wrote_is_not_kept(database):
    kept, (read, calls) = Unchanged(database, 2), reader(database)

    def read_and_write():
        found = read()
        with connect(database) as connection:
            connection.execute("INSERT INTO t VALUES (2)")
        return found

    assert kept.get("rows", read_and_write) == 1
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
