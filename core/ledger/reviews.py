"""The threads of comments and decisions on runs and models in Bellwether's own tables."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from core.ledger.database import Ledger

Said = Literal["comment", "proposed", "approved", "rejected"]
_COLUMNS: Final = "id, at, person, experiment, subject, kind, text"


@dataclass(frozen=True)
class ReviewEntry:
    """Something that was said of a run or a model, or decided about it.

    Attributes
    ----------
    subject : str
        ``run:ID`` or ``model:ID``.
    text : str
        Markdown, as a person wrote it.
    """

    id: int
    at: datetime
    person: str
    experiment: str
    subject: str
    kind: Said
    text: str


class ReviewTable:
    """Rows of the table `reviews`, which nothing changes or removes; each method may raise what `Ledger` does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def add(self, experiment: str, subject: str, kind: Said, text: str, *, person: str = "") -> None:
        """Add an entry, with a line in the audit that does not repeat what was said."""
        at = datetime.now(UTC).isoformat()
        detail = json.dumps({"experiment": experiment, "characters": len(text)}, ensure_ascii=False)
        with self._ledger.connect("The review cannot be written.") as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT INTO reviews (at, person, experiment, subject, kind, text) VALUES (?, ?, ?, ?, ?, ?)",
                (at, person, experiment, subject, kind, text),
            )
            connection.execute(
                "INSERT INTO audit (at, person, action, subject, detail) VALUES (?, ?, ?, ?, ?)",
                (at, person, f"review: {kind}", subject, detail),
            )
            connection.execute("COMMIT")

    def list(self, subject: str, *, limit: int = 1000) -> tuple[ReviewEntry, ...]:
        """Return what was said about a subject, the oldest first; the latest `limit` of it."""
        query = f"SELECT {_COLUMNS} FROM reviews WHERE subject = ? ORDER BY id DESC LIMIT ?"  # noqa: S608 - a constant
        with self._ledger.connect("The reviews cannot be read.") as connection:
            rows = connection.execute(query, (subject, limit)).fetchall()
        return tuple(ReviewEntry(number, datetime.fromisoformat(at), *rest) for number, at, *rest in reversed(rows))

    def decision(self, subject: str) -> ReviewEntry | None:
        """Return the newest entry that is not a mere comment; None where nothing was proposed or decided."""
        query = (
            f"SELECT {_COLUMNS} FROM reviews WHERE subject = ? AND kind != 'comment'"  # noqa: S608 - a constant
            " ORDER BY id DESC LIMIT 1"
        )
        with self._ledger.connect("The reviews cannot be read.") as connection:
            row = connection.execute(query, (subject,)).fetchone()
        return None if row is None else ReviewEntry(row[0], datetime.fromisoformat(row[1]), *row[2:])
