"""The Explain page of a finished run in a real browser, engine asleep: how long it takes to open, and each view.

The run is one on the whole insurance data with a holdout; the app that trained it has ended before the page is opened.
"""

import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Locator, Page

from bench.common import data_folder, report, train
from core.services import build
from core.settings import load_settings
from tests.browser.driver import new_tab, run_browser, run_server

OPEN_S, CLICK_S = 0.5, 0.2
ROUNDS = 9  # the first one is not counted: nobody has opened the page since the app started
OPTIONS = {"max_models": 4, "nfolds": 3, "seed": 1, "holdout_share": 0.2}
_PRESS = """async ([element, view]) => {
    const app = document.querySelector('[data-testid=stApp]'), begun = performance.now();
    let ran = false;
    const watch = new MutationObserver(() => { ran ||= app.dataset.testScriptState !== 'notRunning'; });
    watch.observe(app, { attributes: true });
    element.click();
    const isDrawn = () => {
        const chosen = document.querySelector('.st-key-explain_view [aria-checked="true"]');
        const figure = document.querySelector('[data-testid=stPlotlyChart]:not([data-stale=true] *) .main-svg');
        return chosen?.textContent.includes(view) && figure !== null;
    };
    while (!(ran && app.dataset.testScriptState === 'notRunning' && isDrawn())) {
        if (performance.now() - begun > 30000) throw new Error('nothing was drawn: ' + view);
        await new Promise(requestAnimationFrame);
    }
    watch.disconnect();
    return (performance.now() - begun) / 1000;
}"""
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
        opened: list[float] = []
        clicks: dict[str, list[float]] = {view: [] for view in STORED}
        for _ in range(ROUNDS):
            page = tab.open("/")
            opened.append(seconds_to_see(page, page.get_by_role("link", name="Explain", exact=True).first, STORED[0]))
            for view in STORED[1:] + STORED[:1]:
                button = page.locator(".st-key-explain_view button", has_text=view).first
                clicks[view].append(seconds_to_see(page, button, view))
        medians = {view: statistics.median(times[1:]) for view, times in clicks.items()}
        open_s = statistics.median(opened[1:])
        report(
            bench="explain_page",
            first_open_s=opened[0],
            open_s=open_s,
            first_click_s={view: times[0] for view, times in clicks.items()},
            click_s=medians,
            slowest_click_s=max(medians.values()),
            ok=open_s <= OPEN_S and max(medians.values()) <= CLICK_S,
        )


def seconds_to_see(page: Page, pressed: Locator, view: str) -> float:
    """Press something; return the seconds until the script has ended and a figure of the view is drawn.

    Counted in the browser, frame by frame: to ask from outside whether a short run of the script has begun takes longer
    than the run.
    """
    element = pressed.element_handle()
    return float(page.evaluate(_PRESS, [element, view]))


if __name__ == "__main__":
    main()
