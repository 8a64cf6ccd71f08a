"""Explore in a real browser: an alert is mended, bars and cells are clicked, a report opens without a network."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.driver import Tab, new_tab, run_browser, run_server

pytestmark = pytest.mark.browser
SHOTS = Path(os.environ["BELLWETHER_SCREENSHOTS"]) if os.environ.get("BELLWETHER_SCREENSHOTS") else None


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with a leak, a slice worth a look and a name with markup."""
    path = tmp_path_factory.mktemp("explore") / "calls.csv"
    head = 'age,channel,"<b>bold</b> note",outcome_code,bought'
    rows = [
        ",".join(
            [
                str(20 + (7 * k) % 50),
                ("phone", "mail", "web")[k % 3],
                "long" if k % 5 else "short",
                "A" if k % 4 else "B",
                "no" if k % 4 else "yes",
            ]
        )
        for k in range(600)
    ]
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with run_browser() as found:
        yield found


@pytest.fixture(scope="module")
def tab(browser: Browser, table: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with run_server(tmp_path_factory.mktemp("explore-home") / "home") as server:
        tab = new_tab(browser, server, height=1100)
        page = tab.open("/data")
        keyed(page, "data_upload").locator("input[type=file]").set_input_files(table)
        expect(page.get_by_text("600", exact=True).first).to_be_visible(timeout=60_000)
        tab.settle()
        page = tab.open("/explore")
        choose(tab, "explore_target", "bought")
        yield tab


def keyed(page: Page, key: str) -> Locator:
    """Return the widget with a key."""
    return page.locator(f".st-key-{key}")


def choose(tab: Tab, key: str, value: str) -> None:
    """Choose a value in a select box by typing it."""
    box = keyed(tab.page, key).locator("input").first
    box.click()
    box.fill(value)
    tab.page.get_by_role("option", name=value).first.click()
    tab.settle()


def click_middle(page: Page, target: Locator) -> None:
    """Click a shape of a figure where it is: Plotly lays a transparent sheet over it."""
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.click(x, y)


def test_a_leak_is_told_first_and_mended(tab: Tab) -> None:
    page = tab.page
    strip = keyed(page, "explore_alerts").locator("summary")
    expect(strip).to_contain_text("1 serious", timeout=30_000)  # what gives the target away has been looked for
    tab.settle()
    strip.click()
    expect(page.get_by_text("On its own it predicts the target with AUC 1.000")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Leave it out").first.click()
    expect(page.get_by_text("The recipe of this dataset has 1 step.")).to_be_visible()
    expect(page.get_by_role("button", name="Added, take back")).to_be_visible()
    assert not tab.errors


def test_a_clicked_bar_becomes_a_filter_and_goes_with_its_chip(tab: Tab) -> None:
    page = tab.page
    choose(tab, "explore_column", "channel")
    bars = keyed(page, "explore_levels_channel").locator(".points .point")
    expect(bars).to_have_count(3)
    click_middle(page, bars.first)
    page.get_by_role("button", name="Slice to 1 bar").click()
    expect(page.get_by_text("200 of 600 rows (33.3%)")).to_be_visible()
    expect(page.get_by_text("all rows", exact=True).first).to_be_visible()
    if SHOTS:
        tab.screenshot(SHOTS / "explore_slice.png")
    page.get_by_role("button", name="channel: phone").click()
    expect(page.get_by_text("200 of 600 rows (33.3%)")).to_have_count(0)
    assert not tab.errors


def test_a_clicked_cell_opens_the_pair(tab: Tab) -> None:
    page = tab.page
    page.get_by_role("tab", name="Pairs").click()
    square = keyed(page, "explore_square")
    square.scroll_into_view_if_needed()
    expect(square.locator(".points path").first).to_be_attached()
    names = [text.text_content() for text in square.locator(".ytick text").all()]
    click_middle(page, square.locator(".points path").nth(3 * (len(names) - 1)))
    tab.settle()
    expect(keyed(page, "explore_first").locator("input").first).to_have_value(str(names[3]))
    page.get_by_role("tab", name="Columns").click()
    tab.settle()
    assert not tab.errors


def test_the_report_opens_without_a_network(tab: Tab, browser: Browser, tmp_path: Path) -> None:
    with tab.page.expect_download(timeout=60_000) as download:
        tab.page.get_by_role("button", name="Export report").click()
    path = tmp_path / "report.html"
    download.value.save_as(path)
    context = browser.new_context(offline=True, viewport={"width": 1200, "height": 900})
    said: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(path.as_uri())
    expect(page.locator(".js-plotly-plot")).to_have_count(5 + 4)
    expect(page.get_by_text("<b>bold</b> note").first).to_be_visible()
    assert page.locator("h1 b, h3 b, td b").count() == 0
    context.close()
    assert said == []
