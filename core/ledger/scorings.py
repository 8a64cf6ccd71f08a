"""The scorings in Bellwether's own tables: one row each, from the request to the end."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from core.ledger.database import Ledger
from core.ledger.scoring_records import Kept, ScoringRecord, ScoringStatus, ScoringSummary
from core.plain import from_plain, to_json, to_plain

_READ: Final = "The scorings cannot be read."
_WRITE: Final = "The scoring cannot be written."
_INSERT: Final = """
    INSERT INTO scorings (id, experiment, model_id, model_version, algo, submitted_at, started_at, ended_at, person,
    origin, background, status, file_name, sha256, n_bytes, n_rows, stage, progress, wants_cancel, owner, request,
    summary, error, kept)
    VALUES (:id, :experiment, :model_id, :model_version, :algo, :submitted_at, :started_at,
    :ended_at, :person, :origin, :background, :status, :file_name, :sha256, :n_bytes, :n_rows, :stage, :progress,
    :wants_cancel, :owner, :request, :summary, :error, :kept)"""
_NAMES: Final = tuple(re.findall(r":(\w+)", _INSERT))
_CLAIM: Final = """
    UPDATE scorings SET status = 'running', owner = :owner, started_at = :now, progress = 0
    WHERE id = (SELECT id FROM scorings WHERE status = 'queued' ORDER BY submitted_at, id LIMIT 1) RETURNING *"""
_LIST: Final = """
    SELECT * FROM scorings WHERE (:experiment IS NULL OR experiment = :experiment)
    AND (:person IS NULL OR person = :person)
    AND (:statuses = '[]' OR status IN (SELECT value FROM json_each(:statuses)))
    ORDER BY submitted_at DESC, id DESC LIMIT :limit"""


class ScoringTable:
    """Rows of the table `scorings`, for all threads and processes; each may raise what `Ledger` does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def add(self, record: ScoringRecord, *, most_queued: int | None = None) -> bool:
        """Add a scoring, unless that many wait or run in the background already; return whether it was added."""
        values = _to_row(record)
        with self._ledger.connect(_WRITE) as connection:
            connection.execute("BEGIN IMMEDIATE")
            if most_queued is not None:
                query = "SELECT COUNT(*) FROM scorings WHERE status IN ('queued', 'running') AND background"
                (n_active,) = connection.execute(query).fetchone()
                if n_active >= most_queued:
                    connection.execute("ROLLBACK")
                    return False
            connection.execute(_INSERT, values)
            connection.execute("COMMIT")
        return True

    def claim(self, owner: str) -> ScoringRecord | None:
        """Take the scoring that waits longest and make it running; None when none waits."""
        with self._ledger.connect(_WRITE) as connection:
            return next(_records(connection.execute(_CLAIM, {"owner": owner, "now": _now()})), None)

    def progress(self, scoring_id: str, stage: str, progress: float) -> bool:
        """Say how far a scoring is; return whether somebody wants it to end."""
        query = "UPDATE scorings SET stage = ?, progress = ? WHERE id = ? RETURNING wants_cancel"
        with self._ledger.connect(_WRITE) as connection:
            row = connection.execute(query, (stage, progress, scoring_id)).fetchone()
        return bool(row and row[0])

    def end(
        self,
        scoring_id: str,
        status: ScoringStatus,
        *,
        summary: ScoringSummary | None = None,
        n_rows: int = 0,
        error: Mapping[str, str] | None = None,
        kept: Kept = "",
        audit: tuple[str, str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Write how a scoring ended, with a line in the audit; one that has ended stays as it is.

        Parameters
        ----------
        audit : tuple of (str, str, mapping), optional
            Person, subject and detail of the line.
        """
        values = {
            "id": scoring_id, "status": status, "n_rows": n_rows, "now": _now(), "kept": kept,
            "summary": None if summary is None else to_json(summary),
            "error": None if error is None else to_json(_texts(error)),
        }  # fmt: skip
        query = (
            "UPDATE scorings SET status = :status, n_rows = MAX(n_rows, :n_rows), ended_at = :now, kept = :kept,"
            " summary = :summary, error = :error, stage = '', progress = 1, owner = ''"
            " WHERE id = :id AND status IN ('queued', 'running')"
        )
        with self._ledger.connect(_WRITE) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(query, values)
            if audit is not None:
                person, subject, detail = audit
                connection.execute(
                    "INSERT INTO audit (at, person, action, subject, detail) VALUES (?, ?, 'score', ?, ?)",
                    (_now(), person, subject, json.dumps(dict(detail), ensure_ascii=False)),
                )
            connection.execute("COMMIT")

    def put_back(self, scoring_id: str, statuses: Sequence[ScoringStatus]) -> bool:
        """Let a scoring wait again, if it is in one of the statuses; return whether it was."""
        query = (
            "UPDATE scorings SET status = 'queued', background = 1, owner = '', started_at = NULL, ended_at = NULL,"
            " error = NULL, stage = '', progress = 0, wants_cancel = 0"
            " WHERE id = ? AND status IN (SELECT value FROM json_each(?)) RETURNING id"
        )
        with self._ledger.connect(_WRITE) as connection:
            return bool(connection.execute(query, (scoring_id, json.dumps(list(statuses)))).fetchall())

    def ask_to_cancel(self, scoring_id: str) -> bool:
        """End a scoring that waits, or ask for the end of one that runs; return whether it was one of the two."""
        query = (
            "UPDATE scorings SET wants_cancel = 1,"
            " ended_at = CASE status WHEN 'queued' THEN :now ELSE ended_at END,"
            " status = CASE status WHEN 'queued' THEN 'cancelled' ELSE status END"
            " WHERE id = :id AND status IN ('queued', 'running') RETURNING id"
        )
        with self._ledger.connect(_WRITE) as connection:
            return bool(connection.execute(query, {"id": scoring_id, "now": _now()}).fetchall())

    def set_kept(self, scoring_ids: Sequence[str], kept: Kept) -> None:
        """Say what is left of the files of scorings."""
        with self._ledger.connect(_WRITE) as connection:
            connection.execute("BEGIN IMMEDIATE")
            rows = [(kept, scoring_id) for scoring_id in scoring_ids]
            connection.executemany("UPDATE scorings SET kept = ? WHERE id = ?", rows)
            connection.execute("COMMIT")

    def find(self, scoring_id: str) -> ScoringRecord | None:
        """Return a scoring, or None."""
        with self._ledger.connect(_READ) as connection:
            return next(_records(connection.execute("SELECT * FROM scorings WHERE id = ?", (scoring_id,))), None)

    def list(
        self,
        *,
        experiment: str | None = None,
        person: str | None = None,
        statuses: Sequence[ScoringStatus] = (),
        limit: int = 200,
    ) -> tuple[ScoringRecord, ...]:
        """Return scorings, the newest first."""
        values = {
            "experiment": experiment, "person": person, "statuses": json.dumps(list(statuses)), "limit": limit
        }  # fmt: skip
        with self._ledger.connect(_READ) as connection:
            return tuple(_records(connection.execute(_LIST, values)))

    def experiments(self) -> dict[str, int]:
        """Return the experiments with scorings, and how many of these have finished, the latest used first."""
        query = (
            "SELECT experiment, SUM(status = 'finished') FROM scorings GROUP BY experiment"
            " ORDER BY MAX(submitted_at) DESC"
        )
        with self._ledger.connect(_READ) as connection:
            return dict(connection.execute(query).fetchall())

    def count(self) -> dict[str, int]:
        """Return how many scorings are in each status."""
        with self._ledger.connect(_READ) as connection:
            return dict(connection.execute("SELECT status, COUNT(*) FROM scorings GROUP BY status").fetchall())

    def kept_before(self, moment: datetime, kept: Sequence[Kept]) -> tuple[str, ...]:
        """Return the ids of scorings that ended before a moment and of which that much is kept."""
        query = (
            "SELECT id FROM scorings WHERE ended_at < ? AND status IN"
            " ('finished', 'failed', 'cancelled', 'interrupted') AND kept IN (SELECT value FROM json_each(?))"
        )
        with self._ledger.connect(_READ) as connection:
            rows = connection.execute(query, (moment.isoformat(), json.dumps(list(kept)))).fetchall()
        return tuple(row[0] for row in rows)


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _to_row(record: ScoringRecord) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in _NAMES}
    texts = {name: to_json(values[name]) if values[name] else None for name in ("request", "summary", "error")}
    row: dict[str, Any] = to_plain(values | texts)
    return row


def _texts(error: Mapping[str, Any]) -> dict[str, str]:
    """Return code, message and hint, without the findings that some errors have."""
    return {name: error[name] for name in ("code", "message", "hint")}


def _records(found: Any) -> Iterator[ScoringRecord]:
    names = [column[0] for column in found.description]
    for row in found:
        values = dict(zip(names, row, strict=True))
        values |= {name: bool(values[name]) for name in ("background", "wants_cancel")}
        values |= {name: json.loads(values[name]) for name in ("request", "summary", "error") if values[name]}
        if values["error"]:
            values["error"] = _texts(values["error"])
        yield from_plain(ScoringRecord, values, what=f"the scoring {values['id']}")
