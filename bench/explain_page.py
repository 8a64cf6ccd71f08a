"""The Explain page of a finished run in a real browser, engine asleep: how long it takes to open, and each view.

The run is one on the whole insurance data with a holdout; the app that trained it has ended before the page is opened.
"""

import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Page

from bench.common import data_folder, report, train
from core.config import load_settings
from core.services import build
from tests.browser.driver import Tab, new_tab, run_browser, run_server

OPEN_S, CLICK_S = 0.5, 0.2
ROUNDS = 4  # the first one is not counted: nobody has opened the page since the app started
OPTIONS = {"max_models": 4, "nfolds": 3, "seed": 1, "holdout_share": 0.2}
STORED = ("Overview", "Features", "Performance", "Decision", "Weak spots", "Fairness", "Models", "Learning")


def main() -> None:
    """Train once, start the app anew, then open the page and click through its views."""
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as name:
        home = Path(name) / "home"
        services = build(replace(load_settings(), home=home))
        path = data_folder() / "insurance_cross_sell.csv.gz"
        train(services, path, "Response", ignored=("id",), include_algos=("GLM", "GBM"), **OPTIONS)
        services.close()
        measure(home)


def measure(home: Path) -> None:
    """Report the medians for the newest run of a home."""
    with run_browser() as browser, run_server(home) as server:
        tab = new_tab(browser, server)
        opened, first = [], 0.0
        clicks: dict[str, list[float]] = {view: [] for view in STORED}
        for _ in range(ROUNDS):
            page = tab.open("/")
            begun = time.monotonic()
            page.get_by_role("link", name="Explain", exact=True).first.click()
            page.wait_for_url("**/explain*")
            drawn(tab)
            opened.append(time.monotonic() - begun)
            first = first or opened[0]
            for view in STORED[1:] + STORED[:1]:
                begun = time.monotonic()
                click(page, view)
                drawn(tab)
                clicks[view].append(time.monotonic() - begun)
        medians = {view: statistics.median(times[1:]) for view, times in clicks.items()}
        open_s = statistics.median(opened[1:])
        report(
            bench="explain_page",
            first_open_s=first,
            open_s=open_s,
            first_click_s={view: times[0] for view, times in clicks.items()},
            click_s=medians,
            slowest_click_s=max(medians.values()),
            ok=open_s <= OPEN_S and max(medians.values()) <= CLICK_S,
        )


def click(page: Page, view: str) -> None:
    """Press the button of a view."""
    page.locator(".st-key-explain_view button", has_text=view).first.click()
    page.locator(f'.st-key-explain_view button[aria-checked="true"]:has-text("{view}")').wait_for()


def drawn(tab: Tab) -> None:
    """Wait until the script has ended and there is a figure that is not of the page before."""
    tab.page.locator('.st-key-explain_view [aria-checked="true"]').first.wait_for()
    tab.settle()
    tab.page.locator("[data-testid=stPlotlyChart]:not([data-stale=true] *) .main-svg").first.wait_for()


if __name__ == "__main__":
    main()
