"""Bellwether's own tables in `data/bellwether.db`; the only module that opens them (`core.ledger_*` do it by this one).

The audit: every act, append-only. The policies: how labels of a model are made, append-only, the newest one of a model
in force. The column mappings: which columns of people's files are known to be which of a problem's. The scorings, the
actual outcomes and what came of them, and when to raise an alarm.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from core.backups import back_up, is_due
from core.errors import StoreError
from core.files import make_folder
from core.ledger.tables import MIGRATIONS as _MIGRATIONS
from core.locks import FileLock
from core.metrics.policy import Policy
from core.plain import from_json, to_json
from core.sqlite import Unchanged, check_database, connect, store_errors

_KEPT: Final = 256  # answers on how labels are made and on columns, which every scoring asks for


@dataclass(frozen=True)
class AuditEntry:
    """One act.

    Attributes
    ----------
    person : str
        Who did it; empty when nobody had to sign in.
    action : str
        What was done, such as ``train`` or ``promote``.
    subject : str
        The id or URI of what it was done to.
    detail : mapping
        What else is worth knowing, as JSON data.
    """

    id: int
    at: datetime
    person: str
    action: str
    subject: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class PolicyEntry:
    """A decision policy as somebody saved it.

    Attributes
    ----------
    person : str
        Who saved it; empty when nobody had to sign in.
    version : int or None
        The registered version of the model at that time.
    why : str
        The reason, in the person's words.
    """

    id: int
    at: datetime
    person: str
    model_id: str
    version: int | None
    why: str
    policy: Policy


class Ledger:
    """The tables of one home, for all its threads and processes.

    Every method may raise `StoreBusyError` (another process holds the database for 20 s), `DiskFullError` or
    `StoreCorruptError`.

    Parameters
    ----------
    path : Path
        The database; made (0600) and brought up to date here.

    Raises
    ------
    StoreError
        If a newer version of Bellwether made it (code ``ledger.newer``).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: Unchanged[list[Any]] = Unchanged(path, _KEPT)
        make_folder(path.parent)
        with self.connect("The audit log cannot be opened.") as connection:
            path.chmod(0o600)
            if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                # SQLite does not wait for others while it switches: of those who come at once one does it.
                with FileLock(path.with_suffix(".lock")).alone():
                    connection.execute("PRAGMA journal_mode = WAL")
            _migrate(connection)

    def record(self, action: str, subject: str, *, person: str = "", detail: Mapping[str, Any] | None = None) -> None:
        """Add one line to the audit; nothing can change or remove it afterwards."""
        row = (datetime.now(UTC).isoformat(), person, action, subject, json.dumps(detail or {}, ensure_ascii=False))
        with self.connect("The action cannot be written to the audit log.") as connection:
            connection.execute("INSERT INTO audit (at, person, action, subject, detail) VALUES (?, ?, ?, ?, ?)", row)

    def maintain(self, backups: Path, keep: int) -> None:
        """Look for damage, and put a copy into the folder `backups` when the newest one there is a day old."""
        check_database(self._path)
        if is_due(self._path, backups):
            back_up(self._path, backups, keep)

    def entries(
        self,
        *,
        action: str | None = None,
        subject: str | None = None,
        person: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 200,
    ) -> tuple[AuditEntry, ...]:
        """Return lines of the audit, newest first: all, or those of one kind, about one thing, by one person.

        Parameters
        ----------
        since, until : datetime, optional
            The first moment, and the one after the last.
        """
        told = {
            "action": action,
            "subject": subject,
            "person": person,
            "since": since and since.astimezone(UTC).isoformat(),
            "until": until and until.astimezone(UTC).isoformat(),
            "limit": limit,
        }
        with self.connect("The audit log cannot be read.") as connection:
            rows = connection.execute(
                "SELECT id, at, person, action, subject, detail FROM audit"
                " WHERE (:action IS NULL OR action = :action) AND (:subject IS NULL OR subject = :subject)"
                " AND (:person IS NULL OR person = :person)"
                " AND (:since IS NULL OR at >= :since) AND (:until IS NULL OR at < :until)"
                " ORDER BY id DESC LIMIT :limit",
                told,
            ).fetchall()
        return tuple(
            AuditEntry(number, datetime.fromisoformat(at), person, act, about, json.loads(detail))
            for number, at, person, act, about, detail in rows
        )

    def add_policy(
        self, model_id: str, policy: Policy, *, version: int | None = None, person: str = "", why: str = ""
    ) -> None:
        """Make a policy the one of a model, with a line in the audit; earlier ones stay as its history."""
        at, text = datetime.now(UTC).isoformat(), to_json(policy)
        detail = {"threshold": policy.threshold, "words": policy.words(), "why": why}
        with self.connect("The policy cannot be written.") as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT INTO policies (at, person, model_id, version, why, policy) VALUES (?, ?, ?, ?, ?, ?)",
                (at, person, model_id, version, why, text),
            )
            connection.execute(
                "INSERT INTO audit (at, person, action, subject, detail) VALUES (?, ?, 'policy', ?, ?)",
                (at, person, f"models:/{model_id}", json.dumps(detail, ensure_ascii=False)),
            )
            connection.execute("COMMIT")

    def policies(self, model_id: str, *, limit: int = 50) -> tuple[PolicyEntry, ...]:
        """Return the policies of a model, the one in force first."""
        query = (
            "SELECT id, at, person, model_id, version, why, policy FROM policies WHERE model_id = ?"
            " ORDER BY id DESC LIMIT ?"
        )
        rows = self.read("The policies cannot be read.", query, model_id, limit)
        return tuple(
            PolicyEntry(number, datetime.fromisoformat(at), person, model, version, why, from_json(Policy, text))
            for number, at, person, model, version, why, text in rows
        )

    def remember_columns(self, experiment: str, mapping: Mapping[str, str], *, person: str = "") -> None:
        """Keep which columns of files people upload are which of an experiment's models; a later word wins.

        Parameters
        ----------
        mapping : mapping of str to str
            The files' column to the models'.
        """
        at = datetime.now(UTC).isoformat()
        rows = [(experiment, theirs, ours, person, at) for theirs, ours in mapping.items()]
        with self.connect("The columns cannot be remembered.") as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR REPLACE INTO column_mapping VALUES (?, ?, ?, ?, ?)", rows)
            connection.execute("COMMIT")

    def forget_columns(self, experiment: str) -> None:
        """Forget which columns are which."""
        with self.connect("The columns cannot be forgotten.") as connection:
            connection.execute("DELETE FROM column_mapping WHERE experiment = ?", (experiment,))

    def columns(self, experiment: str) -> dict[str, str]:
        """Return the remembered columns of an experiment: the files' name to the models'."""
        query = "SELECT theirs, ours FROM column_mapping WHERE experiment = ? ORDER BY at"
        return dict(self.read("The remembered columns cannot be read.", query, experiment))

    def read(self, message: str, query: str, *values: str | int) -> list[Any]:
        """Return rows, which are kept while nobody writes; `message` as for `connect`."""

        def read() -> list[Any]:
            with self.connect(message) as connection:
                return connection.execute(query, values).fetchall()

        return self._kept.get((query, *values), read)

    @contextmanager
    def connect(self, message: str) -> Iterator[sqlite3.Connection]:
        """Open the database; for the modules that know one of its tables (`core.ledger_*`).

        Parameters
        ----------
        message : str
            What cannot be done, for the error.
        """
        with store_errors(message), connect(self._path) as connection:
            yield connection


def _migrate(connection: sqlite3.Connection) -> None:
    if _version(connection) == len(_MIGRATIONS):
        return
    # The lock comes before the second look: of two processes that start at once one migrates, the other finds it done.
    connection.execute("BEGIN IMMEDIATE")
    version = _version(connection)
    if version > len(_MIGRATIONS):
        connection.execute("ROLLBACK")
        raise StoreError(
            "A newer version of Bellwether created this database.",
            hint="Update Bellwether, or restore the backup made before the update.",
            code="ledger.newer",
        )
    for statements in _MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)
