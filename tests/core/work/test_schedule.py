"""Retraining on a schedule: when a turn has come, what is done in it, and what ends it."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from core.errors import DataError, ModelNotFoundError, ReviewError
from core.work.schedule import PERSON, WEEK
from tests.fixtures_runs import Home, write_customers

TURN = {"result": "nothing new", "note": "-", "alerts": []}


def at(schedules, now: datetime) -> bool:
    return schedules.is_due("customers", schedules.find("customers"), now)


def score(home: Home, folder, *, shift: int) -> None:
    path = write_customers(folder / f"scored {shift}.csv", 300, seed=5 + shift, with_target=False)
    lines = [line.split(",") for line in path.read_text().splitlines()]
    moved = [[cells[0], str(int(cells[1]) + shift), *cells[2:]] for cells in lines[1:]]
    path.write_text("\n".join(",".join(cells) for cells in [lines[0], *moved]) + "\n")
    home.services.scorer.score_file(path, path.name, origin="cli")


def test_a_week_counts_from_when_it_was_set_and_then_from_the_last_turn(own_home: Home):
    schedules = own_home.services.schedules
    assert schedules.find("customers") is None
    schedules.save("customers", "weekly", person="Ann")
    known = schedules.find("customers")
    assert (known.when, known.person) == ("weekly", "Ann")
    assert not at(schedules, known.at + WEEK - timedelta(seconds=1))
    assert at(schedules, known.at + WEEK)
    own_home.services.ledger.record("scheduled retraining", "customers", detail=TURN)
    last = schedules.last_turn("customers")
    assert not at(schedules, last.at + WEEK - timedelta(seconds=1))
    assert at(schedules, last.at + WEEK)
    schedules.save("customers", "never", person="Ann")
    assert not at(schedules, datetime.now(UTC) + 9 * WEEK)


def test_an_alert_makes_it_due_once(own_home: Home, tmp_path):
    services, schedules = own_home.services, own_home.services.schedules
    score(own_home, tmp_path, shift=25)
    schedules.save("customers", "alert", person="Ann")
    assert not at(schedules, datetime.now(UTC))  # that alert was there before
    score(own_home, tmp_path, shift=0)
    assert not at(schedules, datetime.now(UTC))
    score(own_home, tmp_path, shift=30)
    assert at(schedules, datetime.now(UTC))
    schedules.step()
    turn = schedules.last_turn("customers")
    assert (turn.person, turn.detail["result"]) == (PERSON, "nothing new")
    assert not at(schedules, datetime.now(UTC))
    score(own_home, tmp_path, shift=30)
    assert not at(schedules, datetime.now(UTC))  # the same file again
    # Outcomes that come later raise an alert of a file that had none.
    wrong = pa.table({"id": [str(1000 + row) for row in range(300)], "y": ["yes", "no"] * 150})
    services.monitor.add_outcomes("customers", wrong, "id", "y", "truth.csv")
    assert {alert.kind for alert in services.monitor.last_files("customers")[1]} >= {"metric"}
    assert at(schedules, datetime.now(UTC))
    schedules.step()
    score(own_home, tmp_path, shift=30)
    assert not at(schedules, datetime.now(UTC))


@pytest.fixture
def due(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with a schedule whose turn has come."""
    schedules = own_home.services.schedules
    monkeypatch.setattr("core.work.schedule.WEEK", timedelta(0))
    schedules.save("customers", "weekly", person="Ann")
    return own_home


@pytest.mark.slow
def test_a_turn_trains_in_the_queue_and_says_what_came_of_it(due: Home, tmp_path):
    services = due.services
    lines = write_customers(tmp_path / "more.csv", 640).read_text().splitlines()
    newer = tmp_path / "newer.csv"
    newer.write_text("\n".join([lines[0], *lines[241:]]) + "\n")  # ids from 1240 on
    services.datasets.add(newer, newer.name, version_of=due.dataset.name)
    services.engine.release()
    services.jobs.start()
    try:
        services.schedules.step()
    finally:
        services.close()
    newest = services.store.list_runs()[0]
    assert (newest.person, newest.status) == (PERSON, "finished")
    turn = services.schedules.last_turn("customers")
    assert turn.detail["result"] in ("challenger", "promoted")
    assert turn.detail["note"].startswith("Scheduled every week, by Ann. Trained again: ")
    assert "on the newest 200 of 400 rows" in turn.detail["note"]


def test_who_set_it_and_what_becomes_of_the_new_leader_are_kept_and_followed(due: Home, monkeypatch):
    schedules, asked = due.services.schedules, []
    with pytest.raises(ReviewError) as refused:
        schedules.save("customers", "weekly", person="  ")
    assert refused.value.code == "review.who"
    schedules.save("customers", "weekly", promote="never", person=" Bob\n")
    known = schedules.find("customers")
    assert (known.promote, known.person) == ("never", "Bob")

    def retrain(*args, **options):
        asked.append((options["promote"], options["note"]))
        raise DataError("enough")

    monkeypatch.setattr(due.services.retraining, "retrain", retrain)
    schedules.step()
    assert asked == [("never", "Scheduled every week, by Bob")]


def test_a_turn_that_fails_is_over_and_says_why(due: Home):
    services = due.services
    services.datasets.delete(due.dataset.id, used_by=())
    services.schedules.step()
    turn = services.schedules.last_turn("customers")
    assert turn.detail["result"] == "failed"
    assert "dataset" in turn.detail["note"]


def test_a_bug_ends_the_turn_too(due: Home, monkeypatch):
    schedules = due.services.schedules
    monkeypatch.setattr(due.services.retraining, "retrain", lambda *args, **options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        schedules.step()
    schedules.drop("abcd1234")
    assert "abcd1234" in schedules.last_turn("customers").detail["note"]


def test_what_the_end_of_the_app_interrupts_is_done_after_the_next_start(due: Home, monkeypatch):
    schedules = due.services.schedules

    def ended(*args, **options):
        schedules.stop()
        raise ModelNotFoundError("gone with the app")

    monkeypatch.setattr(due.services.retraining, "retrain", ended)
    schedules.step()
    assert schedules.last_turn("customers") is None
