"""The champion history in Bellwether's own tables: which version was the champion, since when, and who said so."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from core.domain.champions import ChampionEntry
from core.ledger.database import Ledger

_COLUMNS: Final = "id, at, person, experiment, version, model_id, why, approved_by, from_version, automatic"
_INSERT: Final = """
    INSERT INTO champions (at, person, experiment, version, model_id, why, approved_by, from_version, automatic)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""


class ChampionTable:
    """Rows of the table `champions`, which nothing changes or removes; each method may raise what `Ledger` does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @contextmanager
    def adding(self, entry: ChampionEntry, detail: dict[str, Any]) -> Iterator[None]:
        """Add an entry with a line in the audit once the block has moved the alias, or nothing when it raises.

        Nobody else of this home can add one meanwhile, so the history and the aliases go the same way.

        Parameters
        ----------
        detail : dict
            Of the line in the audit.
        """
        at, subject = entry.at.isoformat(), f"models:/{entry.experiment}/{entry.version}"
        with self._ledger.connect("The champion history cannot be written.") as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                _INSERT,
                (
                    at, entry.person, entry.experiment, entry.version, entry.model_id, entry.why, entry.approved_by,
                    entry.from_version, entry.automatic,
                ),
            )  # fmt: skip
            connection.execute(
                "INSERT INTO audit (at, person, action, subject, detail) VALUES (?, ?, 'promote', ?, ?)",
                (at, entry.person, subject, json.dumps(detail, ensure_ascii=False)),
            )
            yield  # an error closes the connection, which takes both lines back
            connection.execute("COMMIT")

    def list(self, experiment: str, *, limit: int = 200) -> tuple[ChampionEntry, ...]:
        """Return the champions of an experiment, the newest first."""
        query = f"SELECT {_COLUMNS} FROM champions WHERE experiment = ? ORDER BY id DESC LIMIT ?"  # noqa: S608 - a constant
        with self._ledger.connect("The champion history cannot be read.") as connection:
            rows = connection.execute(query, (experiment, limit)).fetchall()
        return tuple(
            ChampionEntry(
                id=number, at=datetime.fromisoformat(at), person=person, experiment=name, version=version,
                model_id=model_id, why=why, approved_by=approved_by, from_version=before, automatic=bool(automatic),
            )
            for number, at, person, name, version, model_id, why, approved_by, before, automatic in rows
        )  # fmt: skip
