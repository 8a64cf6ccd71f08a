"""The champion history: what older homes know of it, and that nothing changes what is written."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.ledger.champions import ChampionTable
from core.ledger.database import Ledger
from core.ledger.problem_cards import ProblemCard, ProblemCardTable
from core.ledger.reviews import ReviewTable
from core.ledger.tables import MIGRATIONS

FIRST, SECOND = "models:/m-" + "1" * 32, "models:/m-" + "2" * 32
BEFORE_HISTORY = 4


@pytest.fixture
def old_home(tmp_path: Path) -> Path:
    """A database of before the history, with promotions of two experiments in the audit."""
    path = tmp_path / "bellwether.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        for statements in MIGRATIONS[:BEFORE_HISTORY]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {BEFORE_HISTORY}")
        rows = [
            ("2026-01-01T00:00:00+00:00", "", "promote", "models:/sales west/1", '{"automatic": "first run"}'),
            ("2026-01-02T00:00:00+00:00", "", "promote", "models:/10%/7", '{"automatic": "first run"}'),
            ("2026-01-03T00:00:00+00:00", "Ann", "train", "run-1", "{}"),
            (
                "2026-01-04T00:00:00+00:00", "Bob", "promote", "models:/sales west/2",
                f'{{"model": "{SECOND}", "before": "{FIRST}", "note": "it\\u0027s cheaper"}}',
            ),
            (
                "2026-01-05T00:00:00+00:00", "Bob", "promote", "models:/sales west/1",
                f'{{"model": "{FIRST}", "before": "{SECOND}", "note": ""}}',
            ),
        ]  # fmt: skip
        connection.executemany("INSERT INTO audit (at, person, action, subject, detail) VALUES (?, ?, ?, ?, ?)", rows)
    return path


def test_a_home_that_promoted_before_begins_with_what_the_audit_knows(old_home: Path):
    history = ChampionTable(Ledger(old_home))
    back, second, first = history.list("sales west")
    assert (first.version, first.automatic, first.from_version) == (1, True, None)
    assert f"models:/{first.model_id}" == FIRST  # the next promotion names it as the model before
    assert (second.version, second.person, second.why, second.from_version) == (2, "Bob", "it's cheaper", 1)
    assert (back.version, back.from_version, f"models:/{back.model_id}") == (1, 2, FIRST)
    assert [entry.at.day for entry in (first, second, back)] == [1, 4, 5]
    (other,) = history.list("10%")
    assert (other.version, other.model_id, other.automatic) == (7, "", True)


@pytest.mark.parametrize("table", ["champions", "reviews", "problem_cards"])
@pytest.mark.parametrize(
    "statement", ["DELETE FROM {}", "UPDATE {} SET person = 'x'", "REPLACE INTO {0} SELECT * FROM {0}"]
)
def test_what_is_written_stays(old_home: Path, table: str, statement: str):
    ledger = Ledger(old_home)
    ReviewTable(ledger).add("sales", "run:1", "comment", "words", person="Ann")
    ProblemCardTable(ledger).save("sales", ProblemCard(name="Sales"), person="Ann")
    with closing(sqlite3.connect(old_home)) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement.format(table))


def test_the_newest_card_is_in_force_and_names_its_author(old_home: Path):
    cards = ProblemCardTable(Ledger(old_home))
    assert cards.find("sales") is None
    card = ProblemCard(
        name="Who buys?", row="a customer", classes={"1": "bought within a month"}, look_again="2027-03-31"
    )
    cards.save("sales", ProblemCard(name="Old"), person="Ann")
    cards.save("sales", card, person="Zoë")
    found = cards.find("sales")
    assert (found.name, found.classes, found.look_again, found.person) == (card.name, card.classes, "2027-03-31", "Zoë")
    assert found.at is not None
    assert cards.find("Sales") is None
