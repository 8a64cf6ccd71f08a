"""What each person looked at: the newest is last, and nobody sees another's."""

from core.ledger.database import Ledger
from core.ledger.visits import Visits


def test_what_was_looked_at_last_is_the_newest_of_its_kind(tmp_path):
    visits = Visits(Ledger(tmp_path / "ledger.db"))
    assert visits.last("dataset") is None
    for dataset in ("a", "b", "a"):
        visits.note("dataset", dataset)
    visits.note("run", "r")
    assert visits.last("dataset") == "a"
    assert Visits(Ledger(tmp_path / "ledger.db")).last("run") == "r"


def test_what_somebody_else_looked_at_stays_unseen(tmp_path):
    visits = Visits(Ledger(tmp_path / "ledger.db"))
    visits.note("run", "first", person="Ann")
    assert visits.unseen("run", ["second", "first"], person="Ann") == ("second",)
    assert visits.unseen("run", ["second", "first"], person="Bob") == ("second", "first")
    assert visits.last("run", person="Bob") is None
