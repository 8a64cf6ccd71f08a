"""Axe on every page and view, light and dark: nothing serious that is ours; what is not ours, with the reason."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.driver import Server, new_tab, run_browser, run_server
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
MOST_STOPS = 30
SERIOUS = ("serious", "critical")
# Streamlit's own markup, out of reach of its configuration and theme: rule, where the element lies, and why it is so.
THEIRS = (
    ("list", "[data-testid=stSidebarNav]", "st.navigation puts the heads of sections into the list of pages, as div"),
    ("listitem", "[data-testid=stSidebarNav]", "the pages of a section lie in a div of that list"),
    (
        "color-contrast",
        "[data-testid=stSelectbox]:has(input:disabled)",
        "the label of an inactive field, which WCAG 1.4.3 exempts",
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
        if one["impact"] in SERIOUS
        for node in one["nodes"]
        if not any(one["id"] == rule and _lies_in(page, node["target"][0], place) for rule, place, _ in THEIRS)
    ]


def _lies_in(page: Page, target: str, place: str) -> bool:
    return page.locator(target).first.evaluate("(element, place) => element.closest(place) !== null", place)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_finding_of_ours(
    server: Server, browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    tab, axe = new_tab(browser, server, scheme=scheme), Axe()
    found = {}
    for path in (*PAGES, *VIEWS):
        tab.open(path)
        tab.page.wait_for_function("document.querySelectorAll('[data-testid=stSkeleton]').length === 0")
        if lines := ours(tab.page, axe.run(tab.page).response["violations"]):
            found[path] = lines
    assert not found, "\n".join(f"{path}: {line}" for path, lines in found.items() for line in lines)
    assert not tab.errors


# Keeps how what has the focus looks, it and what it lies in, and returns of the stop before: its name, and whether it
# looked otherwise then than it does now.
SEEN = """
() => {
    const look = (element) => {
        // A tint of the background alone is hardly seen: a ring, a shadow or the colour of a border.
        const { outlineStyle, outlineWidth, boxShadow, borderColor } = getComputedStyle(element);
        return [outlineStyle, outlineStyle === "none" ? "" : outlineWidth, boxShadow, borderColor].join();
    };
    const before = window.lastStop;
    const element = document.activeElement;
    window.lastStop = null;
    if (!["BODY", "MAIN"].includes(element.tagName)) {  // these are the page itself, which scrolls
        const family = [];
        for (let one = element; one && family.length < 8; one = one.parentElement) family.push([one, look(one)]);
        const name = `${element.tagName} ${element.getAttribute("aria-label") || element.innerText}`.slice(0, 80);
        window.lastStop = { name, family };
    }
    return before && [before.name, before.family.some(([one, focused]) => look(one) !== focused)];
}
"""


@pytest.mark.parametrize("path", ["/", "/leaderboard", "/explain", "/predict"])
def test_where_the_keyboard_is_can_be_seen(server: Server, browser: Browser, path: str) -> None:
    tab = new_tab(browser, server)
    page = tab.open(path)
    page.add_style_tag(content="* { transition: none !important }")  # or what has lost the focus still looks as if
    stops = {}
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        # React draws the focus in the frame that follows.
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        if stop := page.evaluate(SEEN):
            stops[stop[0]] = stop[1]
    assert len(stops) > MOST_STOPS / 2
    assert [name for name, is_seen in stops.items() if not is_seen] == []
