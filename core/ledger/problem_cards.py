"""Problem cards in Bellwether's own tables: what an experiment is about, in the words of those who own it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from core.ledger.database import Ledger
from core.plain import from_json, to_json


@dataclass(frozen=True, kw_only=True)
class ProblemCard:
    """What an experiment is about; every text may be empty.

    Attributes
    ----------
    name : str
        Plain name, for those who do not train models.
    row : str
        What one row of the data is.
    classes : mapping of str to str
        What each class means.
    owner, decision : str
        Who answers for it, and what is decided by the predictions.
    groups : tuple of str
        Columns whose groups have to be treated alike; the checklist of a review compares these.
    look_again : str
        The day on which the model has to be looked at again, as ``2027-03-31``.
    person, at
        Who wrote this card, and when.
    """

    name: str = ""
    row: str = ""
    classes: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    decision: str = ""
    groups: tuple[str, ...] = ()
    look_again: str = ""
    person: str = ""
    at: datetime | None = field(default=None, compare=False)


class ProblemCardTable:
    """Rows of the table `problem_cards`, the newest of an experiment in force; may raise what `Ledger` does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def find(self, experiment: str) -> ProblemCard | None:
        """Return the card of an experiment; None where nobody has written one."""
        query = "SELECT at, person, card FROM problem_cards WHERE experiment = ? ORDER BY id DESC LIMIT 1"
        with self._ledger.connect("The problem card cannot be read.") as connection:
            row = connection.execute(query, (experiment,)).fetchone()
        if row is None:
            return None
        at, person, text = row
        return replace(from_json(ProblemCard, text), person=person, at=datetime.fromisoformat(at))

    def save(self, experiment: str, card: ProblemCard, *, person: str = "") -> None:
        """Make a card the one in force; earlier ones stay."""
        at, text = datetime.now(UTC).isoformat(), to_json(replace(card, person="", at=None))
        with self._ledger.connect("The problem card cannot be written.") as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT INTO problem_cards (at, person, experiment, card) VALUES (?, ?, ?, ?)",
                (at, person, experiment, text),
            )
            connection.execute(
                "INSERT INTO audit (at, person, action, subject, detail) VALUES (?, ?, 'problem card', ?, ?)",
                (at, person, experiment, text),
            )
            connection.execute("COMMIT")
