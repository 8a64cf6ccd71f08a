"""The journeys of an analyst, a business user and a team, from an empty home, in a real browser: clicks and seconds.

The first minute of a new user is `first_minute`. Nobody reads or thinks here, so the seconds are those of the machine.
"""

import tempfile
from pathlib import Path

import openpyxl
from playwright.sync_api import Browser, Locator, Page

from bench.common import data_folder, report
from bench.walk import PATIENCE_MS, Walk
from tests.browser.driver import Server, Tab, new_tab, run_browser, run_server

MOVES_S = 2.0
_TICK_X = 16


def main() -> None:
    """Walk three journeys one after the other in one home, each in tabs of its own."""
    data = data_folder()
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as name, run_browser() as browser:
        folder = Path(name)
        with run_server(folder / "home") as server:
            walks = {
                "analyst": _analyst(new_tab(browser, server), data / "insurance_cross_sell_sample.csv"),
                "business user": _business(
                    new_tab(browser, server), data / "insurance_score_sample.xlsx", folder / "predictions.xlsx"
                ),
                "team": _team(browser, server),
            }
            warned = [line for line in server.log.splitlines() if " WARNING " in line or " ERROR " in line]
    for who, walk in walks.items():
        report(
            bench="journeys",
            who=who,
            clicks=walk.count("click"),
            files=walk.count("file"),
            texts=walk.count("text"),
            seconds=walk.steps[-1]["since_first_click_s"],
            slowest_to_move_s=walk.slowest_to_move_s(),
            steps=walk.steps,
            warned=warned,
            ok=walk.slowest_to_move_s() <= MOVES_S and not warned,
        )


def _analyst(tab: Tab, path: Path) -> Walk:
    """Bring data in, look at it, prepare a column, train with the recipe, judge and explain the leader."""
    page = tab.open("/")
    walk = Walk(page)
    figure = page.locator(".js-plotly-plot .main-svg")
    upload = page.locator(".st-key-data_upload input[type=file]")
    walk.click("Data", walk.to_page("Data"), lambda: upload.first.wait_for(state="attached", timeout=PATIENCE_MS))
    walk.give("A CSV file", upload, path, walk.shown(page.get_by_text("5,000", exact=True)))
    walk.click("Explore", walk.to_page("Explore"), walk.shown(figure))
    walk.click("Prepare", walk.to_page("Prepare"), walk.shown(walk.keyed("prepare_suggested_0")))
    step = page.locator("[class*='st-key-prepare_step_']")
    walk.click("Add a suggested step", walk.keyed("prepare_suggested_0"), walk.shown(step))
    target = page.locator(".st-key-train_target input").first
    walk.click("Train with this recipe", walk.keyed("prepare_train"), walk.shown(target))
    walk.click("Suggested target: Response", _option(page, "Response"), walk.shown(walk.keyed("train_start")))
    quick = page.locator(".st-key-train_preset").get_by_text("Quick", exact=True)
    walk.click("Quick", quick, walk.shown(page.get_by_text("up to 5 models")))
    walk.click("Start training", walk.keyed("train_start"), walk.shown(walk.keyed("train_leaderboard")))
    table = page.locator(".st-key-leaderboard_table .dvn-scroller")
    walk.click("See the leaderboard", walk.keyed("train_leaderboard"), walk.shown(table))
    walk.click("Explain", walk.to_page("Explain"), walk.shown(figure))
    weak = page.locator(".st-key-explain_view button", has_text="Weak spots")
    walk.click("Weak spots", weak, walk.shown(page.locator(".st-key-explain_weak .main-svg")))
    return walk


def _option(page: Page, name: str) -> Locator:
    return page.locator("[class*='st-key-train_likely_'] button:visible").filter(has_text=name).first


def _business(tab: Tab, path: Path, out: Path) -> Walk:
    """Bring a workbook, read whether it fits, ask for reasons, and take the predictions away."""
    page = tab.open("/")
    walk = Walk(page)
    upload = page.locator(".st-key-predict_upload input[type=file]")
    start = page.locator(".st-key-predict_start button:visible:enabled")
    walk.click("Predict", walk.to_page("Predict"), lambda: upload.first.wait_for(state="attached", timeout=PATIENCE_MS))
    walk.give("A workbook", upload, path, walk.shown(start))
    three = page.locator(".st-key-predict_reasons").get_by_text("Three")
    walk.click("Three reasons", three, tab.settle)
    walk.click("Predict the rows", start.first, walk.shown(walk.keyed("predict_download")))
    tab.settle()
    walk.save("Download predictions", walk.keyed("predict_download"), out)
    assert "Predictions" in openpyxl.load_workbook(out, read_only=True).sheetnames
    return walk


def _team(browser: Browser, server: Server) -> Walk:
    """Compare two models, propose one, approve it in another tab, promote it and read the history."""
    ann = new_tab(browser, server)
    page = ann.open("/")
    walk = Walk(page)
    table = page.locator(".st-key-leaderboard_table .dvn-scroller")
    walk.click("Leaderboard", walk.to_page("Leaderboard"), walk.shown(table))
    ann.settle()
    _tick(walk, ann, 0)
    _tick(walk, ann, 1)
    walk.click("Compare", walk.keyed("leaderboard_compare"), walk.shown(page.get_by_text("models on the same rows")))
    walk.click("Leaderboard", walk.to_page("Leaderboard"), walk.shown(table))
    ann.settle()
    _tick(walk, ann, 1)
    walk.write("Why", "leaderboard_comment_0", "As good on the same rows, and simpler.")
    walk.write("Who", "leaderboard_person", "Ann")
    walk.click("Propose", walk.keyed("leaderboard_propose"), walk.shown(page.get_by_text("Proposed")))
    model = page.url  # she sends Bob the address of what she sees
    bob = new_tab(browser, server)
    bob.open(model.removeprefix(server.url))
    theirs = _joined(walk, bob.page)
    theirs.write("Why", "leaderboard_comment_0", "Checked.")
    theirs.write("Who", "leaderboard_person", "Bob")
    theirs.click("Approve", theirs.keyed("leaderboard_approve"), theirs.shown(bob.page.get_by_text("Approved")))
    note = bob.page.locator(".st-key-leaderboard_note")
    theirs.click("Promote to champion", theirs.keyed("leaderboard_promote_open"), theirs.shown(note))
    theirs.write("Why this model", "leaderboard_note", "As good, and simpler.")
    promoted = bob.page.get_by_text("is now the champion")
    theirs.click("Promote", theirs.keyed("leaderboard_promote"), theirs.shown(promoted))
    history = bob.page.locator(".st-key-leaderboard_history summary")
    theirs.click("Champion history", history, theirs.shown(bob.page.get_by_text("As good, and simpler.")))
    return theirs


def _joined(walk: Walk, page: Page) -> Walk:
    """Return the same walk, gone on with in another tab."""
    other = Walk(page)
    other.begun, other.steps = walk.begun, walk.steps
    return other


def _tick(walk: Walk, tab: Tab, row: int) -> None:
    """Tick a row of the leaderboard, which is drawn on a canvas."""
    table = tab.page.locator(".st-key-leaderboard_table .dvn-scroller")
    walk.click(f"Row {row + 1}", table, tab.settle, at={"x": _TICK_X, "y": 35 * (row + 1) + 17})


if __name__ == "__main__":
    main()
