"""Axe on every page and view, light and dark: nothing serious that is ours; what is not ours, with the reason."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.driver import Server, Tab, new_tab, run_browser, run_server
from tests.browser.test_journey import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.engine]

VIEWS = (
    "/explain?view=performance",
    "/explain?view=performance&show=calibration",
    "/explain?view=learning",
    "/explain?view=features&show=shap",
    "/explain?view=one-case",
    "/explain?view=weak-spots",
    "/explain?view=fairness",
    "/explain?view=decision",
    "/explain?view=models",
    "/explain?view=report",
    "/explore?target=interested&view=target",
    "/explore?view=pairs",
    "/compare",
)
MOST_STOPS, ROUNDS = 30, 3
SERIOUS = ("serious", "critical")
ALSO = ("heading-order", "page-has-heading-one")  # only moderate to axe, but how a screen reader finds its way
# Streamlit's own markup, out of reach of its configuration and theme: rule, where the element lies, and why it is so.
THEIRS = (
    ("list", "[data-testid=stSidebarNav]", "st.navigation puts the heads of sections into the list of pages, as div"),
    ("listitem", "[data-testid=stSidebarNav]", "the pages of a section lie in a div of that list"),
    (
        "color-contrast",
        "[data-testid=stSelectbox]:has(input:disabled)",
        "the label of an inactive field, which WCAG 1.4.3 exempts",
    ),
    (
        "color-contrast",
        "[data-testid=stSliderThumbValue]",
        "in the primary colour, on which buttons write in white: none has a contrast of 4.5 to white and to dark",
    ),
)


@pytest.fixture(scope="module")
def server(trained_home: Path) -> Iterator[Server]:
    with run_server(trained_home) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with run_browser() as found:
        yield found


def ours(page: Page, violations: list[dict[str, Any]]) -> list[str]:
    """The serious findings on elements that are not listed above, one line each."""
    return [
        f"{one['id']} ({one['impact']}) {node['html'][:200]}"
        for one in violations
        if one["impact"] in SERIOUS or one["id"] in ALSO
        for node in one["nodes"]
        if not any(one["id"] == rule and _lies_in(page, node["target"][0], place) for rule, place, _ in THEIRS)
    ]


def _lies_in(page: Page, target: str, place: str) -> bool:
    return page.locator(target).first.evaluate("(element, place) => element.closest(place) !== null", place)


# In the dark only colours differ.
@pytest.mark.parametrize(
    ("scheme", "options"), [("light", None), ("dark", {"runOnly": ["color-contrast"]})], ids=["light", "dark"]
)
def test_no_page_has_a_serious_finding_of_ours(
    server: Server,
    browser: Browser,
    scheme: Literal["light", "dark"],
    options: dict[str, Any] | None,
) -> None:
    tab, axe = new_tab(browser, server, scheme=scheme), Axe()
    found = {}
    for path in (*PAGES, *VIEWS):
        tab.open(path)
        expect(tab.page.get_by_test_id("stSkeleton")).to_have_count(0)
        if lines := ours(
            tab.page,
            axe.run(tab.page, options={"resultTypes": ["violations"], **(options or {})}).response["violations"],
        ):
            found[path] = lines
    assert not found, "\n".join(f"{path}: {line}" for path, lines in found.items() for line in lines)
    assert not tab.errors


@pytest.mark.parametrize("path", ["/data", "/leaderboard"])
def test_the_tools_of_a_table_cover_nothing_where_nothing_hovers(server: Server, browser: Browser, path: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    tab = Tab(context.new_page(), server.url)
    tools = tab.open(path).get_by_test_id("stElementToolbar").first
    expect(tools).to_be_visible()
    assert tools.evaluate(
        "(tools) => tools.getBoundingClientRect().top >= tools.parentElement.getBoundingClientRect().top"
    )
    context.close()


# Keeps how what has the focus looks, it and what it lies in.
KEEP = """
() => {
    // A tint of the background alone is hardly seen: a ring, a shadow or the colour of a border.
    window.lookOf = (element) => {
        const { outlineStyle, outlineWidth, boxShadow, borderColor } = getComputedStyle(element);
        return [outlineStyle, outlineStyle === "none" ? "" : outlineWidth, boxShadow, borderColor].join();
    };
    window.stops = window.stops || [];
    const element = document.activeElement;
    if (["BODY", "MAIN"].includes(element.tagName)) return;  // these are the page itself, which scrolls
    const family = [];
    for (let one = element; one && family.length < 8; one = one.parentElement) family.push([one, lookOf(one)]);
    const name = `${element.tagName} ${element.getAttribute("aria-label") || element.innerText}`.slice(0, 80);
    window.stops.push({ name, family });
}
"""
# Returns of each stop its name and whether it looked otherwise with the focus than now, without.
JUDGE = """
() => window.stops.filter(({ family }) => family[0][0].isConnected).map(({ name, family }) =>
    [name, family.some(([one, focused]) => one.isConnected && lookOf(one) !== focused)])
"""
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.mark.parametrize("path", ["/", "/leaderboard", "/explain", "/predict"])
def test_where_the_keyboard_is_can_be_seen(server: Server, browser: Browser, path: str) -> None:
    stops: dict[str, bool] = {}
    tab = new_tab(browser, server)
    for _ in range(ROUNDS):  # a busy machine draws a ring too late for one look
        page = tab.open(path)
        page.add_style_tag(content="* { transition: none !important }")  # or what lost the focus looks as if it had it
        for _ in range(MOST_STOPS):
            page.keyboard.press("Tab")
            page.evaluate(FRAMES)  # React draws the focus in the frame that follows
            page.evaluate(KEEP)
        page.evaluate("() => document.activeElement.blur()")
        page.evaluate(FRAMES)
        for name, is_seen in page.evaluate(JUDGE):
            stops[name] = is_seen or stops.get(name, False)
        if all(stops.values()):
            break
    assert len(stops) > MOST_STOPS / 2
    assert [name for name, is_seen in stops.items() if not is_seen] == []
