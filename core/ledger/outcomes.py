"""Outcomes, what came of scorings, and rules for alerts in Bellwether's own tables."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from core.ledger.database import Ledger
from core.ledger.outcome_records import AlertRule, OutcomeFile, Realised
from core.plain import from_json, from_plain, to_json, to_plain

_READ: Final = "The monitoring data cannot be read."
_WRITE: Final = "The monitoring data cannot be written."
_INSERT: Final = """
    INSERT INTO outcomes (id, experiment, at, person, file_name, sha256, id_column, target_column, n_rows)
    VALUES (:id, :experiment, :at, :person, :file_name, :sha256, :id_column, :target_column, :n_rows)"""
_LIST: Final = """
    SELECT id, experiment, at, person, file_name, sha256, id_column, target_column, n_rows FROM outcomes
    WHERE (:name IS NULL OR experiment = :name) ORDER BY at DESC, rowid DESC"""
_NAMES: Final = tuple(re.findall(r":(\w+)", _INSERT))


class OutcomeTable:
    """Rows of the tables `outcomes`, `realised` and `alert_rules`; each may raise what `Ledger` does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def add(self, file: OutcomeFile) -> None:
        """Add a file of outcomes."""
        values = to_plain(file)
        with self._ledger.connect(_WRITE) as connection:
            connection.execute(_INSERT, values)

    def remove(self, outcome_id: str) -> None:
        """Remove a file of outcomes."""
        with self._ledger.connect(_WRITE) as connection:
            connection.execute("DELETE FROM outcomes WHERE id = ?", (outcome_id,))

    def list(self, experiment: str | None = None) -> tuple[OutcomeFile, ...]:
        """Return the files of outcomes, the newest first."""
        with self._ledger.connect(_READ) as connection:
            rows = connection.execute(_LIST, {"name": experiment}).fetchall()
        return tuple(_file(row) for row in rows)

    def save_realised(self, experiment: str, found: Sequence[Realised]) -> None:
        """Keep what came of scorings, in place of what was known before."""
        now = datetime.now(UTC).isoformat()
        rows = [(one.scoring_id, experiment, now, to_json(one)) for one in found]
        query = "INSERT OR REPLACE INTO realised (scoring_id, experiment, at, found) VALUES (?, ?, ?, ?)"
        with self._ledger.connect(_WRITE) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(query, rows)
            connection.execute("COMMIT")

    def realised(self, experiment: str) -> dict[str, Realised]:
        """Return what came of the scorings of an experiment, by scoring."""
        query = "SELECT scoring_id, found FROM realised WHERE experiment = ?"
        with self._ledger.connect(_READ) as connection:
            rows = connection.execute(query, (experiment,)).fetchall()
        return {scoring_id: from_json(Realised, text) for scoring_id, text in rows}

    def rule(self, experiment: str) -> AlertRule | None:
        """Return the rule of an experiment; None where nobody has set one."""
        query = "SELECT at, person, rule FROM alert_rules WHERE experiment = ?"
        with self._ledger.connect(_READ) as connection:
            row = connection.execute(query, (experiment,)).fetchone()
        if row is None:
            return None
        at, person, text = row
        return replace(from_json(AlertRule, text), person=person, at=datetime.fromisoformat(at))

    def set_rule(self, experiment: str, rule: AlertRule) -> None:
        """Set the rule of an experiment."""
        text = json.dumps({"psi": rule.psi, "loss": rule.loss})
        row = (experiment, datetime.now(UTC).isoformat(), rule.person, text)
        with self._ledger.connect(_WRITE) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO alert_rules (experiment, at, person, rule) VALUES (?, ?, ?, ?)", row
            )


def _file(row: Sequence[Any]) -> OutcomeFile:
    return from_plain(OutcomeFile, dict(zip(_NAMES, row, strict=True)))
