"""Two people in a real browser: one compares, comments and proposes, the other approves and rolls back."""

import re
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


def click_row(tab: Tab, key: str, row: int, x: int) -> None:
    """Click into a row of a table, which is drawn on a canvas; at 16 is the box that ticks it."""
    table = tab.page.locator(f".st-key-{key} .dvn-scroller")
    expect(table).to_be_visible(timeout=90_000)
    tab.settle()  # what stands above it may still push it down
    table.click(position={"x": x, "y": 35 * (row + 1) + 17})
    tab.settle()


def test_two_people_decide_which_model_is_used(tmp_path: Path, migrated_database: Path) -> None:
    """Ann compares, comments and proposes; Bob, on a telephone, approves and, when Ann has promoted it, rolls back."""
    home = make_home(tmp_path, migrated_database, n_runs=1)
    services, run = home.services, home.runs[0]
    first, model, _ = services.store.models(run_id=run.run_id)
    services.reviews.approve(first, "in use for months", person="Ann")  # with four eyes nobody goes back to less
    services.close()
    settings = services.settings
    with run_browser() as browser, run_server(settings.home, BELLWETHER_FOUR_EYES="1") as server:
        ann, bob = new_tab(browser, server), new_tab(browser, server, width=390, scheme="dark")
        page = ann.open("/runs")
        expect(page.get_by_text("1 run.")).to_be_visible(timeout=60_000)
        click_row(ann, "runs_table", 0, x=80)
        expect(page).to_have_url(re.compile(f"run={run.run_id}"))
        expect(page.get_by_text("The best of 3 models")).to_be_visible()
        ann.settle()
        page.go_back()
        expect(page.get_by_text("1 run.")).to_be_visible()
        ann.settle()
        page.go_forward()
        expect(page.get_by_text("The best of 3 models")).to_be_visible()
        ann.settle()

        press(ann, "train_leaderboard")
        for row in (0, 1):
            click_row(ann, "leaderboard_table", row, x=16)
        press(ann, "leaderboard_compare")
        same = "2 models on the same rows: holdout, 48 rows"
        expect(page.get_by_text(same)).to_be_visible(timeout=60_000)
        expect(page).to_have_url(re.compile(f"model={first.id}&model={model.id}"))
        bob.open(page.url.removeprefix(server.url))  # she sends him the address
        expect(bob.page.get_by_text(same)).to_be_visible(timeout=60_000)
        chosen = str(page.locator(".st-key-compare_chosen").text_content())
        expect(bob.page.locator(".st-key-compare_chosen")).to_have_text(chosen)

        address = f"/leaderboard?run={model.run_id}&model={model.id}"
        ann.open(address)
        expect(page.locator(".st-key-leaderboard_say")).to_be_visible(timeout=60_000)
        fill(ann, "leaderboard_comment_0", "**Simpler**, @Bob?")
        fill(ann, "leaderboard_person", "Ann")
        press(ann, "leaderboard_say")
        fill(ann, "leaderboard_comment_1", "as good and cheaper")
        press(ann, "leaderboard_propose")
        expect(page.get_by_text("Proposed").first).to_be_visible()

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
        expect(page.get_by_text("Version 2 is now the champion").first).to_be_visible()
        assert services.store.champion("customers").id == model.id

        bob.open(address)
        bob.page.locator(".st-key-leaderboard_history summary").first.click(timeout=60_000)
        bob.page.locator(".st-key-leaderboard_back_open summary", has_text="Roll back to version 1").click()
        fill(bob, "leaderboard_back_person", "Bob")
        press(bob, "leaderboard_back")
        expect(bob.page.get_by_text("Version 1 is the champion").first).to_be_visible()
        assert not [*ann.errors, *bob.errors]
    newest, cheaper, _ = services.reviews.history("customers")
    assert (newest.version, newest.person, newest.why) == (1, "Bob", "Roll back from version 2")
    assert (cheaper.person, cheaper.why, cheaper.approved_by) == ("Ann", "cheaper", "Bob")
