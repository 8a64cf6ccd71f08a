"""The report in a real browser, from the disk: no request leaves it, each figure is drawn, the card is one page."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from core.metrics.policy import Policy
from core.models.decisions import save_policy
from tests.browser.driver import run_browser, wait_until
from tests.fixtures_runs import Home, make_home, run_to_end
from tests.html_text import parse_html

pytestmark = pytest.mark.browser
SHOTS = Path(os.environ["BELLWETHER_SCREENSHOTS"]) if os.environ.get("BELLWETHER_SCREENSHOTS") else None
TASKS = {"binary": {}, "multiclass": {"target": "city"}, "regression": {"target": "premium", "holdout_share": 0.0}}
PAPER = (680, 1016)  # CSS pixels of an A4 page within its margins


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with run_browser() as found:
        yield found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Home:
    """A home with a run of each task, the binary one with a policy."""
    home = make_home(tmp_path_factory.mktemp("report"), migrated_database, n_runs=0)
    asked = [home.settings(task=task, **changes) for task, changes in TASKS.items()]
    experiments = ("customers", *(f"customers {one.target}" for one in asked[1:]))  # one problem in each
    runs = [run_to_end(home.services, replace(s, experiment=e)) for s, e in zip(asked, experiments, strict=True)]
    model = home.services.store.resolve(f"models:/{runs[0].leader_id}")
    policy = Policy(threshold=0.55, rule="threshold", n_rows=192)
    save_policy(home.services.ledger, model, policy, why="to call fewer people", person="Ann")
    return replace(home, runs=tuple(runs))


@pytest.fixture(params=tuple(TASKS))
def opened(
    request: pytest.FixtureRequest, browser: Browser, home: Home, tmp_path: Path
) -> Iterator[tuple[Page, str, list[str]]]:
    """The report of a task, its source, and what went wrong while it was opened."""
    services, place = home.services, list(TASKS).index(request.param)
    model = services.store.resolve(f"models:/{home.runs[place].leader_id}")
    saved = services.reports.make(model)
    path = tmp_path / f"{request.param}.html"
    path.write_bytes(services.store.artifact(model.run_id, saved.whole).read_bytes())
    said: list[str] = []

    def check(route: Route) -> None:
        if route.request.url == path.as_uri() or route.request.url.startswith("data:"):
            route.continue_()
        else:
            said.append(f"asked for {route.request.url}")
            route.abort()

    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.route("**/*", check)
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(path.as_uri())
    yield page, path.read_text("utf-8"), said
    context.close()


def test_every_figure_is_drawn_and_nothing_is_asked_for(opened: tuple[Page, str, list[str]]) -> None:
    page, html, said = opened
    wanted = parse_html(html).n_figures
    assert wanted > 10
    expect(page.locator(".js-plotly-plot")).to_have_count(wanted)
    expect(page.locator(".js-plotly-plot svg.main-svg").first).to_be_visible()
    drawn = "[...document.querySelectorAll('.js-plotly-plot')].filter(f => f.querySelector('.trace, .hm')).length"
    wait_until(lambda: page.evaluate(drawn) == wanted, 30, "every figure drawn")
    assert len(html.encode()) < 2 * 1024**2, "with Plotly's own script, of 4.8 MB"
    assert said == []


def test_it_fits_a_telephone(opened: tuple[Page, str, list[str]]) -> None:
    page, _, said = opened
    page.set_viewport_size({"width": 390, "height": 844})
    # Asked from here: the page's own policy lets nothing be evaluated in it, which waiting for a condition there needs.
    widest = "Math.max(...[...document.querySelectorAll('.main-svg')].map(s => s.clientWidth))"
    # Before the first is drawn the widest of none is less than nothing.
    wait_until(lambda: 250 < page.evaluate(widest) <= 390, 20, "figures of a telephone's width")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert said == []


def test_on_paper_the_card_is_one_page_and_figures_are_as_wide_as_it(
    opened: tuple[Page, str, list[str]], tmp_path: Path
) -> None:
    page, html, said = opened
    expect(page.locator(".js-plotly-plot")).to_have_count(parse_html(html).n_figures)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER[0], "height": PAPER[1]})
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    on_paper = "[...document.querySelectorAll('.figures.two .js-plotly-plot')].every(f => f._fullLayout.width === 332)"
    wait_until(lambda: page.evaluate(on_paper), 20, "figures of half a page's width")
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER[0]
    card = page.locator(".card").bounding_box()
    assert card is not None
    assert card["height"] <= PAPER[1]
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.pdf(path=tmp_path / "report.pdf", format="A4", print_background=True, prefer_css_page_size=True)
    printed = (tmp_path / "report.pdf").read_bytes()
    assert printed[:5] == b"%PDF-"
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 10
    if SHOTS:
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 1440, "height": 900})
        page.screenshot(path=SHOTS / f"report_{page.url.rpartition('/')[2]}.png", full_page=True)
    assert said == []
