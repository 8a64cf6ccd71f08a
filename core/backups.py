"""Daily copies of a home's databases in `mlruns/backups`: made, listed, checked, and put back."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from core.errors import AppError, StoreBusyError, StoreError
from core.files import atomic_path, make_folder
from core.locks import FileLock
from core.settings import Settings
from core.sqlite import check_database, connect, store_errors

LATEST: Final = "latest"
EVERY_S: Final = 24 * 3600.0
_WHEN: Final = "%Y%m%dT%H%M%S%f"
_SIDE_FILES: Final = ("", "-wal", "-shm")


@dataclass(frozen=True)
class Backup:
    """A copy of a database.

    Attributes
    ----------
    database : Path
        What it is a copy of.
    damage : str
        Why it cannot be used, in a sentence; empty where it is whole.
    """

    path: Path
    database: Path
    taken_at: datetime
    size_bytes: int
    damage: str


@dataclass(frozen=True)
class Restored:
    """A database that was put back; `replaced` is the folder with the files that stood in its place, if any did."""

    backup: Backup
    replaced: Path | None


def back_up(database: Path, folder: Path, keep: int = 7) -> Path:
    """Write a consistent copy while others use it, 0600, named after the database and the time (UTC).

    Parameters
    ----------
    folder : Path
        Where the copies lie; made when it is not there.
    keep : int
        How many of the newest copies stay, at least one.

    Raises
    ------
    StoreBusyError, DiskFullError, StoreCorruptError
    """
    make_folder(folder)
    path = folder / f"{database.stem}-{datetime.now(UTC):{_WHEN}}.db"
    with store_errors("The backup cannot be written."):
        with connect(database) as connection:
            connection.execute("VACUUM INTO ?", (str(path),))
        path.chmod(0o600)
        for old in _copies(database, folder)[: -max(keep, 1)]:
            old.unlink()
    return path


def is_due(database: Path, folder: Path) -> bool:
    """Whether there is no copy younger than a day; never for a database that is not there.

    A copy from the future, made while the clock was wrong, counts as none: else there were no other until then.
    """
    ages = [time.time() - copy.stat().st_mtime for copy in _copies(database, folder)]
    return database.exists() and not any(0 <= age <= EVERY_S for age in ages)


def home_lock(settings: Settings) -> FileLock:
    """Return the lock that each process shares while it works with a home's databases."""
    return FileLock(settings.mlruns_dir / "home.use.lock", lambda: StoreBusyError("A backup is being restored."))


def list_backups(settings: Settings) -> tuple[Backup, ...]:
    """Return the copies of both databases, the newest first, each looked through for damage."""
    found = [
        _describe(path, database)
        for database in _databases(settings)
        for path in _copies(database, settings.mlruns_dir / "backups")
    ]
    return tuple(sorted(found, key=lambda backup: (backup.taken_at, backup.path.name), reverse=True))


def last_backup(settings: Settings) -> datetime | None:
    """Return when the newest copy of Bellwether's own tables was made; None where there is none."""
    copies = _copies(settings.ledger_path, settings.mlruns_dir / "backups")
    return _taken_at(copies[-1], settings.ledger_path) if copies else None


def restore(settings: Settings, names: Sequence[str]) -> tuple[Restored, ...]:
    """Put copies in the place of the databases, while nothing works with them; what stood there is kept.

    Parameters
    ----------
    names : sequence of str
        File names of `list_backups`, at most one of each database; or `LATEST` alone: the newest whole one of each.

    Raises
    ------
    StoreError
        Code ``backup.not_found``, ``backup.damaged`` or ``backup.twice``: nothing was changed then.
    StoreBusyError
        Code ``store.in_use`` while the app or a command works with this home.
    """
    chosen = _choose(list_backups(settings), names)
    with home_lock(settings) as lock:
        if not lock.try_alone():
            raise StoreBusyError(
                "The app or a command works with this home.",
                hint="Stop it, then restore: what is open would go on with the old database.",
                code="store.in_use",
            )
        return tuple(_put_back(backup, settings.mlruns_dir / "backups") for backup in chosen)


def _choose(backups: Sequence[Backup], names: Sequence[str]) -> list[Backup]:
    if list(names) == [LATEST]:
        whole = {backup.database: backup for backup in reversed(backups) if not backup.damage}
        chosen = list(whole.values())
    else:
        known = {backup.path.name: backup for backup in backups}
        chosen = [known[name] for name in names if name in known]
        if len(chosen) < len(names):
            chosen = []
    if not chosen:
        raise StoreError(
            "There is no such backup.", hint="List them with: python -m core restore", code="backup.not_found"
        )
    if damaged := [backup for backup in chosen if backup.damage]:
        raise StoreError(
            f"{damaged[0].path.name}: {damaged[0].damage}", hint="Choose an older one.", code="backup.damaged"
        )
    if len({backup.database for backup in chosen}) < len(chosen):
        raise StoreError("Two of these are of one database.", hint="Name one of each.", code="backup.twice")
    return chosen


def _put_back(backup: Backup, folder: Path) -> Restored:
    database = backup.database
    replaced = folder / "replaced" / f"{database.stem}-{datetime.now(UTC):{_WHEN}}"
    with store_errors(f"The database {database.name} cannot be restored."), atomic_path(database) as temporary:
        shutil.copyfile(backup.path, temporary)
        for path in (database.with_name(database.name + end) for end in _SIDE_FILES):
            if path.exists():
                make_folder(replaced)
                path.rename(replaced / path.name)
    return Restored(backup, replaced if replaced.exists() else None)


def _describe(path: Path, database: Path) -> Backup:
    try:
        check_database(path)
        damage = ""
    except AppError as error:
        damage = error.message
    return Backup(path, database, _taken_at(path, database), path.stat().st_size, damage)


def _taken_at(path: Path, database: Path) -> datetime:
    return datetime.strptime(path.stem.removeprefix(f"{database.stem}-"), _WHEN).replace(tzinfo=UTC)


def _databases(settings: Settings) -> tuple[Path, ...]:
    """Return the databases that this home has itself."""
    own = (settings.ledger_path,)
    return own if settings.mlflow_uri else (settings.mlruns_dir / "mlflow.db", *own)


def _copies(database: Path, folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{database.stem}-{'[0-9]' * 8}T{'[0-9]' * 12}.db"))
