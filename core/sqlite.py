"""SQLite files, whoever's they are: opened, checked, and what their errors mean to a person."""

import sqlite3
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from cachetools import LRUCache

from core.errors import AppError, DiskFullError, StoreBusyError, StoreCorruptError, StoreError
from core.files import NO_SPACE

T = TypeVar("T")

BUSY_S = 20.0
# SQLite reports a file-size limit (ulimit -f) and a disk that fills up as "disk I/O error".
_SIGNS: tuple[tuple[type[StoreError], tuple[str, ...], str], ...] = (
    (
        StoreBusyError,
        ("database is locked", "database table is locked", "database schema is locked"),
        "It is in use elsewhere.",
    ),
    (
        StoreBusyError,
        (
            "connection broken",
            "connection refused",
            "connection aborted",
            "connection reset",
            "max retries exceeded",
            "failed with timeout exception",
        ),
        "The MLflow server does not answer.",
    ),
    (DiskFullError, ("disk i/o error", "disk is full", "no space left on device"), "The disk is full."),
    (
        StoreCorruptError,
        (
            "malformed",
            "not a database",
            "file is encrypted",
            "could not decode to utf-8",
            "no such table",
            "no such column",
            "unsupported file format",
        ),
        "The database is damaged.",
    ),
)
_OTHER_VERSION = ("out-of-date database schema", "can't locate revision")


def connect(path: Path, *, read_only: bool = False) -> closing[sqlite3.Connection]:
    """Open a database for one call: safe in any thread, 0.3 ms, and no lock outlives the call."""
    uri = f"{path.absolute().as_uri()}{'?mode=ro' if read_only else ''}"
    return closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None))


class Unchanged(Generic[T]):
    """What was read from a database, kept for as long as nobody, of whatever process, has written to it.

    Parameters
    ----------
    path : Path
        The database.
    most : int
        How many answers are kept.

    Notes
    -----
    SQLite itself is asked (``PRAGMA data_version``). The files must not be opened here in any other way: closing one
    gives up the locks that this process has on it, and others cut the index short that it has mapped, which ends it
    (https://sqlite.org/howtocorrupt.html, section 2.2).
    """

    def __init__(self, path: Path, most: int) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file = (0, 0)
        self._connection: sqlite3.Connection | None = None
        self._stamp: object = None
        self._kept: LRUCache[Hashable, T] = LRUCache(most)

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """Return what `read` returned for this key; it is called where that is not known any more."""
        with self._lock:
            stamp = self._look()
            if stamp is None or stamp != self._stamp:
                self._kept.clear()
                self._stamp = stamp
            elif key in self._kept:
                return self._kept[key]
        found = read()
        with self._lock:
            if stamp is not None and stamp == self._stamp:
                self._kept[key] = found
        return found

    def _look(self) -> object:
        """Return what changes with every commit of others; None while there is nothing that can be asked."""
        try:
            seen = self._path.stat()
            if self._connection is None or self._file != (seen.st_dev, seen.st_ino):  # made anew, or put in its place
                self._file, self._connection = (seen.st_dev, seen.st_ino), self._open()
            return self._file, self._connection.execute("PRAGMA data_version").fetchone()
        except (FileNotFoundError, sqlite3.Error):  # whoever reads is told
            return None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            self._connection.close()
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


@contextmanager
def store_errors(message: str, others: Callable[[], tuple[type[Exception], ...]] = lambda: ()) -> Iterator[None]:
    """Let the block raise `StoreError` kin only, where a database, a disk or one of `others` fails.

    Parameters
    ----------
    message : str
        What cannot be done, one sentence safe to show.
    others : function
        Returns further kinds of errors; called when something was raised, since the block may load what raises them.
    """

    def kinds() -> tuple[type[Exception], ...]:
        return (sqlite3.Error, OSError, *others())

    try:
        yield
    except AppError:
        raise
    except kinds() as error:
        raise as_store_error(error, message) from error


def check_database(path: Path) -> None:
    """Look for damage in the whole file and for the right to write.

    Raises
    ------
    StoreError
        `StoreCorruptError` if SQLite finds damage; its kin if the file is in use for long or cannot be written.
    """
    with store_errors(f"The database {path.name} cannot be used."), connect(path) as connection:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise StoreCorruptError(f"The database {path.name} is damaged.")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def enable_wal(path: Path) -> None:
    """Switch the database to WAL, which lets pages read while a training writes; it stays so. Makes the file 0600."""
    with connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        # Reads a page, so that a file that is not a database is found out here.
        connection.execute("SELECT count(*) FROM sqlite_master")
    path.chmod(0o600)


def settle_wal(path: Path) -> None:
    """Bring everything into the one file, so that it can be renamed."""
    with connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def as_store_error(error: BaseException, message: str) -> StoreError:
    """Return the `StoreError` that says what `error`, or what caused it, means.

    Parameters
    ----------
    error : BaseException
        From sqlite3, SQLAlchemy, MLflow or the operating system; only its text and errno are looked at.
    message : str
        What was being done, one sentence safe to show.

    Returns
    -------
    StoreError
        `StoreBusyError`, `DiskFullError`, `StoreCorruptError`, or plain `StoreError` when the cause is none of these.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in NO_SPACE:
            return DiskFullError(f"{message} The disk is full.")
        text = str(cause).lower()
        if any(sign in text for sign in _OTHER_VERSION):
            return StoreError(
                f"{message} Another version of MLflow created the database.",
                hint="Install the MLflow that made it, or restore a backup: python -m core restore",
                code="store.other_version",
            )
        for kind, signs, reason in _SIGNS:
            if any(sign in text for sign in signs):
                return kind(f"{message} {reason}")
        cause = cause.__cause__
    return StoreError(message)
