"""T18: markup in names, levels, a file's name and an experiment is shown as it is, on every page, and never acts.

The browser goes without the app's content policy here, so that nothing but the escaping stands between a name and a
listening beacon.
"""

import csv
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, expect

from tests.browser.driver import Tab, run_browser, run_server, wait_for_model
from tests.browser.test_journey import keyed

pytestmark = pytest.mark.browser
N_ROWS = 240
REST_S = 0.5
EXPERIMENT = "<i>e [e](x) $x^2$ *s*"
FILE_NAME = "![x](y) <img src=x onerror=alert(4)> $a^2$ :red[b].csv"
# What markup would leave behind in the page, had it been taken for markup.
TRACES = ", ".join(
    [
        "[onerror]",
        "img[src*='127.0.0.1:']",
        "a[href^='javascript:']",
        "a[href*='127.0.0.1:']",
        "image[*|href*='127.0.0.1:']",
        ".katex",
        "[data-testid=stMain] script",
    ]
)


@dataclass
class Beacon:
    """A web server that notes who asks it for something."""

    address: str
    hits: list[str] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Beacon]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            beacon.hits.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    beacon = Beacon(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield beacon
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Names:
    """Columns and levels made of markup that would call the beacon."""

    address: str

    def __post_init__(self) -> None:
        self.image = f"<img src={self.address}/column onerror=alert(1)>"
        self.picture = f"![pic]({self.address}/picture)"
        self.link = f"[go](javascript:alert(2)) {self.address}/bare"
        self.formula = "$x^2$ <b>bold</b> :red[r] :material/home:"
        self.target = f"<a href={self.address}/target>t</a> ![t]({self.address}/t) :blue[t]"
        self.yes = f"<img src={self.address}/yes onerror=alert(3)>"
        self.no = f"![no]({self.address}/no)"

    def write(self, path: Path, *, target: bool) -> Path:
        """Write a table in which the target follows from the numbers, more or less."""
        columns = [self.image, self.picture, self.link, self.formula]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*columns, self.target] if target else columns)
            for k in range(N_ROWS):
                level = f"<img src={self.address}/level{k % 3} onerror=alert(5)>"
                formula = ("$x$", "[l](javascript:alert(6))")[k % 2]
                row = [(7 * k) % 50, level, formula, (k * k) % 17]
                label = self.yes if ((7 * k) % 50) + (k % 5) > 30 else self.no
                writer.writerow([*row, label] if target else row)
        return path


@dataclass
class Watch:
    """A tab that fails as soon as something of a name has acted."""

    tab: Tab
    beacon: Beacon
    dialogs: list[str] = field(default_factory=list)
    moved_at: float = 0.0

    def dialog(self, dialog: Dialog) -> None:
        """Note a dialog and close it."""
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def watch(self) -> None:
        """Note when the page asks for something or gets it."""
        for event in ("request", "requestfinished", "requestfailed"):
            self.tab.page.on(event, self._note)

    def _note(self, _: Request) -> None:
        self.moved_at = time.monotonic()

    def rest(self, timeout_s: float = 30) -> None:
        """Wait until nothing has been asked for or has come in half a second.

        The browser's own "networkidle" never comes where a frame has its document in an attribute, as the card has.
        """
        deadline = time.monotonic() + timeout_s
        self.moved_at = time.monotonic()
        while time.monotonic() - self.moved_at < REST_S:
            assert time.monotonic() < deadline, "the page goes on asking for things"
            self.tab.page.wait_for_timeout(50)

    def check(self, where: str, *literal: str) -> Page:
        """Check the page that is open, and that names stand on it as they are."""
        page = self.tab.settle()
        self.rest()
        for frame in page.frames:  # the card of a report is one of its own
            traces = frame.locator(TRACES)
            assert traces.count() == 0, f"{where}: {traces.first.evaluate('e => e.outerHTML')[:300]}"
        assert self.beacon.hits == [], where
        assert self.dialogs == [], where
        shown = page.locator("body").inner_text().replace("\u2060", "")
        for name in literal:
            assert " ".join(name.split()) in " ".join(shown.split()), f"{where}: {name} is not shown as it is"
        return page


@pytest.fixture(scope="module")
def beacon() -> Iterator[Beacon]:
    with listening() as beacon:
        yield beacon


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with run_browser() as found:
        yield found


def choose(page: Page, key: str, value: str) -> None:
    """Choose a value in a select box; it is found as the text that it is."""
    box = keyed(page, key).locator("input").first
    box.click()
    box.fill(value)
    page.get_by_role("option", name=value).first.click()


def open_watch(browser: Browser, url: str, beacon: Beacon) -> Watch:
    context = browser.new_context(viewport={"width": 1440, "height": 1200}, bypass_csp=True, reduced_motion="reduce")
    watch = Watch(Tab(context.new_page(), url), beacon)
    watch.tab.page.on("dialog", watch.dialog)
    watch.watch()
    watch.tab.page.on("pageerror", lambda error: watch.tab.errors.append(str(error)))
    return watch


def test_the_watch_sees_a_name_that_acts(browser: Browser) -> None:
    """The control: markup that is taken for markup does call the beacon, and asks, and leaves traces."""
    with listening() as beacon:
        watch = open_watch(browser, beacon.address, beacon)
        page = watch.tab.page
        page.set_content(f"<div>{Names(beacon.address).image}</div><a href='javascript:alert(2)'>go</a>")
        page.wait_for_load_state("networkidle")
        expect(page.locator(TRACES)).to_have_count(2)
        assert beacon.hits == ["/column"]
        assert watch.dialogs == ["1"]  # 204 is no picture
        page.context.close()


def walk_tabs(watch: Watch, where: str) -> None:
    tabs = watch.tab.page.get_by_role("tab")
    for number in range(tabs.count()):
        tabs.nth(number).click()
        watch.check(f"{where}, tab {number}")


def test_markup_in_data_is_shown_and_does_nothing(browser: Browser, beacon: Beacon, tmp_path: Path) -> None:
    names = Names(beacon.address)
    training = names.write(tmp_path / FILE_NAME, target=True)
    scoring = names.write(tmp_path / f"new {FILE_NAME}", target=False)
    with run_server(tmp_path / "home", BELLWETHER_H2O_MEMORY="2g") as server:
        watch = open_watch(browser, server.url, beacon)
        page = watch.tab.open("/data")
        keyed(page, "data_upload").locator("input[type=file]").set_input_files(training)
        expect(page.get_by_text(str(N_ROWS), exact=True).first).to_be_visible(timeout=60_000)
        watch.check("Data", FILE_NAME)
        walk_tabs(watch, "Data")

        page = watch.tab.open("/explore")
        choose(page, "explore_target", names.target)
        watch.tab.settle()
        keyed(page, "explore_alerts").locator("summary").click()
        watch.check("Explore", names.image)
        for name in (names.picture, names.link, names.formula):
            choose(page, "explore_column", name)
            watch.check(f"Explore, {name}")
        walk_tabs(watch, "Explore")

        page = watch.tab.open("/prepare")
        keyed(page, "prepare_add").locator("button:visible").first.click()
        choose(page, "prepare_kind", "Drop")
        watch.check("Prepare")

        page = watch.tab.open("/train")
        choose(page, "train_target", names.target)
        watch.check("Train", names.target)
        page.get_by_text("Advanced", exact=True).first.click()
        walk_tabs(watch, "Train, advanced")
        keyed(page, "train_experiment").locator("input").fill(EXPERIMENT)
        for key, value in (("train_max_models", "1"), ("train_nfolds", "2")):
            box = keyed(page, key).locator("input")
            box.fill(value)
            box.press("Tab")
        watch.check("Train, filled")
        keyed(page, "train_start").locator("button:visible").first.click()
        wait_for_model(page)
        watch.check("Run", names.target, EXPERIMENT)
        run = page.url.partition("run=")[2].partition("&")[0]

        for path, shown in (
            ("/", (EXPERIMENT,)),
            (f"/runs?run={run}", (EXPERIMENT, names.target)),
            (f"/leaderboard?run={run}", ()),
            ("/settings", ()),
        ):
            watch.tab.open(path)
            watch.check(path, *shown)
            walk_tabs(watch, path)

        page = watch.tab.open("/explain")
        expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=240_000)
        watch.check("Explain", names.target)
        views = keyed(page, "explain_view").get_by_role("radio")
        assert views.count() > 3
        for number in range(views.count()):
            views.nth(number).click(force=True)
            watch.check(f"Explain, view {number}")

        page = watch.tab.open("/predict")
        keyed(page, "predict_upload").locator("input[type=file]").set_input_files(scoring)
        start = keyed(page, "predict_start").locator("button:visible").first
        expect(start).to_be_enabled(timeout=60_000)
        watch.check("Predict, checked", f"new {FILE_NAME}")
        start.click()
        expect(keyed(page, "predict_download").locator("button:visible").first).to_be_visible(timeout=120_000)
        watch.check("Predict, scored", names.yes)
        assert watch.tab.errors == []
        page.context.close()
