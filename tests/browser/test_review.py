"""Two people in a real browser: one comments and proposes, the other approves, promotes and rolls back."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.driver import Tab, new_tab, run_browser, run_server
from tests.fixtures_runs import make_home

pytestmark = pytest.mark.browser


def press(tab: Tab, key: str) -> None:
    tab.page.locator(f".st-key-{key} button").click()
    tab.settle()


def fill(tab: Tab, key: str, value: str) -> None:
    box = tab.page.locator(f".st-key-{key}").locator("input, textarea")
    box.fill(value)
    box.blur()
    tab.settle()


def test_one_proposes_the_other_approves_promotes_and_rolls_back(tmp_path: Path, migrated_database: Path) -> None:
    home = make_home(tmp_path, migrated_database, n_runs=1)
    services = home.services
    model = services.store.models(run_id=home.runs[0].run_id)[1]
    services.close()
    address = f"/leaderboard?run={model.run_id}&model={model.id}"
    settings = services.settings
    with run_browser() as browser, run_server(settings.home, BELLWETHER_FOUR_EYES="1") as server:
        ann, bob = new_tab(browser, server), new_tab(browser, server, width=390, scheme="dark")
        ann.open(address)
        expect(ann.page.locator(".st-key-leaderboard_say")).to_be_visible(timeout=90_000)
        fill(ann, "leaderboard_comment_0", "**Simpler**, @Bob?")
        fill(ann, "leaderboard_person", "Ann")
        press(ann, "leaderboard_say")
        fill(ann, "leaderboard_comment_1", "as good and cheaper")
        press(ann, "leaderboard_propose")
        expect(ann.page.get_by_text("Proposed").first).to_be_visible()

        bob.open(address)
        expect(bob.page.get_by_text("as good and cheaper")).to_be_visible(timeout=60_000)
        fill(bob, "leaderboard_comment_0", "checked")
        fill(bob, "leaderboard_person", "Bob")
        press(bob, "leaderboard_approve")
        expect(bob.page.get_by_text("Approved").first).to_be_visible()
        press(bob, "leaderboard_promote_open")
        fill(bob, "leaderboard_note", "cheaper")
        press(bob, "leaderboard_promote")
        expect(bob.page.get_by_text("somebody else has to promote it")).to_be_visible()  # he approved it himself

        press(ann, "leaderboard_promote_open")
        fill(ann, "leaderboard_note", "cheaper")
        press(ann, "leaderboard_promote")
        expect(ann.page.get_by_text("Version 2 is now the champion").first).to_be_visible()
        assert services.store.champion("customers").id == model.id
        assert not [*ann.errors, *bob.errors]

    with run_browser() as browser, run_server(settings.home) as server:  # without four eyes one click goes back
        tab = new_tab(browser, server)
        tab.open(address)
        tab.page.locator(".st-key-leaderboard_history summary").click(timeout=60_000)
        tab.page.get_by_role("button", name="Roll back to version 1").click()
        fill(tab, "leaderboard_back_person", "Bob")
        press(tab, "leaderboard_back")
        expect(tab.page.get_by_text("Version 1 is the champion").first).to_be_visible()
        assert not tab.errors
    newest, cheaper, _ = services.reviews.history("customers")
    assert (newest.version, newest.person, newest.why) == (1, "Bob", "Roll back from version 2")
    assert (cheaper.person, cheaper.why, cheaper.approved_by) == ("Ann", "cheaper", "Bob")
