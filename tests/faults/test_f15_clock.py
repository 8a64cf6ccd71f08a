"""F15: the clock jumps by an hour, or to another day: no run dies of it, no duration, no copy is lost, no file goes."""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core import backups
from core.backups import back_up, is_due
from core.ledger.database import Ledger
from core.settings import Settings
from core.work import heartbeat
from core.work.heartbeat import GRACE_S, HomeWatch, is_alive
from tests.fixtures_store import make_run

ROOT = Path(__file__).resolve().parents[2]
JUMPS_S = [3600.0, -3600.0, 400 * 24 * 3600.0, -400 * 24 * 3600.0]


def test_f15_durations_are_never_taken_from_the_clock_on_the_wall():
    """That clock tells the age of what is stored, and when a sign-in that others gave ends; nothing else."""
    paths = [*ROOT.glob("core/**/*.py"), *ROOT.glob("app/**/*.py")]
    users = {path.relative_to(ROOT).as_posix() for path in paths if "time.time()" in path.read_text(encoding="utf-8")}
    assert users == {"core/backups.py", "app/ui/sign_in.py"}


@pytest.mark.parametrize("jump_s", JUMPS_S)
def test_f15_a_home_that_shows_life_stays_alive_and_a_silent_one_is_found(
    monkeypatch: pytest.MonkeyPatch, jump_s: float
):
    watch, clock = HomeWatch(), [100.0]
    monkeypatch.setattr(heartbeat.time, "monotonic", lambda: clock[0])
    run = make_run(1, "running", home="a", heartbeat=datetime.now(UTC))
    quiet = make_run(2, "running", home="b", heartbeat=datetime.now(UTC))
    assert watch.silent([run, quiet]) == set()
    for beat in range(1, 6):  # the other home's clock has jumped between two beats
        clock[0] += GRACE_S / 3
        run = replace(run, heartbeat=datetime.now(UTC) + timedelta(seconds=jump_s + beat))
        found = watch.silent([run, quiet])
    assert found == {"b"}


@pytest.mark.parametrize("jump_s", JUMPS_S)
def test_f15_a_beat_of_another_time_is_no_sign_of_life(jump_s: float):
    assert is_alive(make_run(1, "running", heartbeat=datetime.now(UTC)))
    assert not is_alive(make_run(1, "running", heartbeat=datetime.now(UTC) + timedelta(seconds=jump_s)))


@pytest.mark.parametrize("jump_s", JUMPS_S)
def test_f15_copies_go_on_after_the_clock_was_wrong(settings: Settings, jump_s: float):
    Ledger(settings.ledger_path)
    folder = settings.mlruns_dir / "backups"
    copy = back_up(settings.ledger_path, folder)
    assert not is_due(settings.ledger_path, folder)
    then = time.time() + jump_s
    os.utime(copy, (then, then))
    assert is_due(settings.ledger_path, folder) == (jump_s > 0 or -jump_s > backups.EVERY_S)


def test_f15_what_is_stored_says_which_time_it_means(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "America/Sao_Paulo")
    time.tzset()
    try:
        ledger = Ledger(settings.ledger_path)
        ledger.record("train", "x")
        (entry,) = ledger.entries()
        assert entry.at.utcoffset() == timedelta(0)
        assert abs((datetime.now(UTC) - entry.at).total_seconds()) < 300
    finally:
        monkeypatch.undo()
        time.tzset()
