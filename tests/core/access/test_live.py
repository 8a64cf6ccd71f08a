"""Settings that administrators change while the app runs."""

import pytest

from core.access.live import LIVE, Live
from core.errors import SettingMovedError, SettingsError
from core.ledger.database import Ledger
from core.settings import Settings


@pytest.fixture
def ledger(settings):
    return Ledger(settings.ledger_path)


@pytest.fixture
def live(settings, ledger):
    return Live(settings, ledger, {"BELLWETHER_MIN_FREE": "1m"})


def row(live, name):
    return next(row for row in live.rows() if row.name == name)


def test_every_setting_says_its_value_and_where_it_came_from(live):
    rows = {row.variable: row for row in live.rows()}
    assert (rows["BELLWETHER_MAX_QUEUE"].value, rows["BELLWETHER_MAX_QUEUE"].source) == ("20", "default")
    assert (rows["BELLWETHER_MIN_FREE"].value, rows["BELLWETHER_MIN_FREE"].source) == ("1 MiB", "environment")
    assert rows["BELLWETHER_H2O_PASSWORD"].value == "not set"
    assert not rows["BELLWETHER_ADMINS"].can_change
    assert {row.name for row in rows.values() if row.can_change} == set(LIVE)


def test_a_change_counts_at_once_for_all_who_hold_the_settings(live, settings, ledger):
    live.change("max_queue", "7", seen=0, person="ada")
    assert settings.max_queue == 7
    found = row(live, "max_queue")
    assert (found.value, found.source, found.changed_by) == ("7", "changed here", "ada")
    (entry,) = ledger.entries(action="setting")
    assert (entry.person, entry.subject, entry.detail) == ("ada", "max_queue", {"value": "7"})


def test_a_change_is_there_after_a_restart_and_in_other_processes(live, settings):
    other = Settings(home=settings.home)
    theirs = Live(other, Ledger(other.ledger_path), {})
    live.change("max_file_bytes", "3g", seen=0)
    live.change("four_eyes", "1", seen=0)
    theirs.refresh()
    assert (other.max_file_bytes, other.four_eyes) == (3 * 1024**3, True)
    started = Settings(home=settings.home)
    Live(started, Ledger(started.ledger_path), {})
    assert (started.max_file_bytes, started.four_eyes) == (3 * 1024**3, True)


def test_a_setting_goes_back_to_what_the_environment_says(live, settings):
    live.change("min_free_bytes", "5g", seen=0)
    live.reset("min_free_bytes", seen=row(live, "min_free_bytes").seen, person="bea")
    assert settings.min_free_bytes == 1024**2
    found = row(live, "min_free_bytes")
    assert (found.source, found.changed_by) == ("environment", "bea")


def test_the_second_of_two_administrators_is_told(live, settings):
    seen = row(live, "max_queue").seen
    live.change("max_queue", "7", seen=seen, person="ada")
    with pytest.raises(SettingMovedError, match=r"ada changed it .*: it is 7 now"):
        live.change("max_queue", "9", seen=seen, person="bea")
    with pytest.raises(SettingMovedError):
        live.reset("max_queue", seen=seen, person="bea")
    assert settings.max_queue == 7
    live.change("max_queue", "9", seen=row(live, "max_queue").seen, person="bea")
    assert settings.max_queue == 9


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("max_queue", "0"), ("max_queue", "-3"), ("max_queue", "many"), ("max_queue", ""), ("max_queue", "9" * 30),
        ("alert_psi", "nan"), ("alert_psi", "inf"), ("max_file_bytes", "3 parsecs"), ("four_eyes", "maybe"),
        ("analysts", "ann"), ("analysts", "a@b.de, ml"), ("analysts", "x@y.de," * 1000),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_used_changes_nothing(live, settings, name, text):
    before = getattr(settings, name)
    with pytest.raises(SettingsError):
        live.change(name, text, seen=0)
    assert getattr(settings, name) == before


@pytest.mark.parametrize("name", ["admins", "home", "h2o_password", "groups_claim", "nonsense"])
def test_what_only_a_start_can_change_is_refused(live, name):
    with pytest.raises(SettingsError) as caught:
        live.change(name, "x@y.de", seen=0)
    assert caught.value.code == "settings.fixed"
