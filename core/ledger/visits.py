"""What each person has looked at, in Bellwether's own tables: so that they find back to where they left off."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from core.ledger.database import Ledger

Visited = Literal["dataset", "run"]


class Visits:
    """Rows of the table `visits`, one per person and thing; may raise what `Ledger` does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def note(self, kind: Visited, subject: str, *, person: str = "") -> None:
        """Note that somebody looks at a thing now; a run once it has ended."""
        with self._ledger.connect("What was looked at cannot be noted.") as connection:
            connection.execute(
                "INSERT OR REPLACE INTO visits (person, kind, subject, at) VALUES (?, ?, ?, ?)",
                (person, kind, subject, datetime.now(UTC).isoformat()),
            )

    def last(self, kind: Visited, *, person: str = "") -> str | None:
        """Return what a person looked at last; None before the first time."""
        query = "SELECT subject FROM visits WHERE person = ? AND kind = ? ORDER BY at DESC LIMIT 1"
        rows = self._ledger.read("What was looked at last cannot be read.", query, person, kind)
        return rows[0][0] if rows else None

    def unseen(self, kind: Visited, subjects: Sequence[str], *, person: str = "") -> tuple[str, ...]:
        """Return those of some things that a person has not looked at, in their order."""
        query = "SELECT subject FROM visits WHERE person = ? AND kind = ?"
        known = {subject for (subject,) in self._ledger.read("What was looked at cannot be read.", query, person, kind)}
        return tuple(subject for subject in subjects if subject not in known)
