"""Problem cards: what an experiment is about, in the words of those who own it."""

from dataclasses import replace
from datetime import date
from typing import Final

from core.errors import ReviewError
from core.ledger.database import Ledger
from core.ledger.problem_cards import ProblemCard, ProblemCardTable
from core.review.reviews import check_person

MAX_TEXT: Final = 2_000


class ProblemCards:
    """The cards of all experiments; every method may raise `StoreError` kin."""

    def __init__(self, ledger: Ledger) -> None:
        self._table = ProblemCardTable(ledger)

    def find(self, experiment: str) -> ProblemCard | None:
        """Return the card of an experiment; None where nobody has written one."""
        return self._table.find(experiment)

    def save(self, experiment: str, card: ProblemCard, *, person: str = "") -> None:
        """Make a card the one in force.

        ReviewError if a text has more than `MAX_TEXT` characters (``review.too_long``), or the day to look again is
        not one (``review.date``).
        """
        texts = {name: getattr(card, name).strip() for name in ("name", "row", "owner", "decision", "look_again")}
        classes = {name: words.strip() for name, words in card.classes.items() if words.strip()}
        longest = max(len(text) for text in (*texts.values(), *classes.values()))
        if longest > MAX_TEXT:
            raise ReviewError(
                f"A text of this card has {longest:,} characters; at most {MAX_TEXT:,} are kept.",
                hint="Shorten it.", code="review.too_long",
            )  # fmt: skip
        if texts["look_again"]:
            try:
                date.fromisoformat(texts["look_again"])
            except ValueError as error:
                raise ReviewError(
                    f"{texts['look_again']!r} is not a day.", hint="Write it as 2027-03-31.", code="review.date"
                ) from error
        self._table.save(experiment, replace(card, classes=classes, **texts), person=check_person(person))
