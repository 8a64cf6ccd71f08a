"""Copies of a SQLite database, made while others use it: one a day, the newest seven kept."""

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from core.files import make_folder

KEEP: Final = 7
EVERY_S: Final = 24 * 3600.0
_BUSY_S = 20.0


def back_up(database: Path, folder: Path) -> Path:
    """Write a consistent copy, 0600, named after the database and the time (UTC); only the newest `KEEP` stay.

    Parameters
    ----------
    database : Path
        The file to copy.
    folder : Path
        Where the copies lie; made when it is not there.
    """
    make_folder(folder)
    path = folder / f"{database.stem}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.db"
    with closing(sqlite3.connect(database, timeout=_BUSY_S)) as connection:
        connection.execute("VACUUM INTO ?", (str(path),))
    path.chmod(0o600)
    for old in _copies(database, folder)[:-KEEP]:
        old.unlink()
    return path


def is_due(database: Path, folder: Path) -> bool:
    """Whether there is no copy younger than a day; never for a database that is not there."""
    copies = _copies(database, folder)
    return database.exists() and (not copies or time.time() - copies[-1].stat().st_mtime > EVERY_S)


def _copies(database: Path, folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{database.stem}-*.db"))
