"""The first minute of a new user: from an empty home to a trained model and an Excel file, in a real browser.

Prints each click with the seconds until something moved on the page and until the step was done.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
from playwright.sync_api import Download, Locator, Page

from bench.common import report
from tests.browser.driver import new_tab, run_browser, run_server

FIRST_MODEL_S, EXCEL_S, MOVES_S = 25.0, 90.0, 2.0
_PATIENCE_MS = 180_000
# When something in the page was added, taken away or written anew since the click.
_WATCH = """
() => {
  window.moved = null;
  const begun = performance.now();
  const seen = new MutationObserver(() => {
    window.moved = (performance.now() - begun) / 1000;
    seen.disconnect();
  });
  seen.observe(document.querySelector('[data-testid=stAppViewContainer]'),
               {subtree: true, childList: true, characterData: true});
}
"""


class Walk:
    """The clicks so far and what each took."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.begun = time.monotonic()
        self.steps: list[dict[str, Any]] = []

    def click(self, what: str, where: Locator, until: Callable[[], object]) -> None:
        """Click, wait until the step is done, and note when something moved."""
        where.wait_for(timeout=_PATIENCE_MS)
        self.page.evaluate(_WATCH)
        clicked = time.monotonic()
        where.click()
        until()
        done = time.monotonic()
        self.page.wait_for_function("window.moved !== null")
        moved_s = self.page.evaluate("window.moved")
        self.steps.append({
            "click": what, "moved_s": round(moved_s, 2), "done_s": round(done - clicked, 2),
            "since_first_click_s": round(done - self.begun, 2),
        })  # fmt: skip

    def keyed(self, key: str) -> Locator:
        """Return the button of a widget with a key."""
        return self.page.locator(f".st-key-{key} button").first

    def shown(self, where: Locator) -> Callable[[], None]:
        """Return how to wait for something to be seen."""
        return lambda: where.first.wait_for(timeout=_PATIENCE_MS)


def main() -> None:
    """Walk from an empty home through the sample, a training and a prediction to an Excel file."""
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as name, run_browser() as browser:
        home = Path(name)
        begun = time.monotonic()
        with run_server(home / "home") as server:
            tab = new_tab(browser, server)
            page = tab.open("/")
            page.get_by_role("button", name="Try it with sample data").first.wait_for(timeout=60_000)
            first_page_s = time.monotonic() - begun
            walk = Walk(page)
            walk.click("Try it with sample data", walk.keyed("home_sample"), walk.shown(walk.keyed("train_start")))
            walk.click("Start training", walk.keyed("train_start"), walk.shown(page.get_by_text("leads in")))
            first_model_s = walk.steps[-1]["since_first_click_s"]
            walk.click("Predict with it", walk.keyed("train_predict"), walk.shown(walk.keyed("predict_sample")))
            walk.click("Use the sample file", walk.keyed("predict_sample"), walk.shown(walk.keyed("predict_start")))
            walk.click("Predict", walk.keyed("predict_start"), walk.shown(walk.keyed("predict_download")))
            tab.settle()
            path, files = home / "predictions.xlsx", list[Download]()

            def arrived(download: Download) -> None:
                files.append(download)

            page.on("download", arrived)

            def saved() -> None:
                while not files:
                    page.wait_for_timeout(20)
                files[0].save_as(path)

            walk.click("Download", walk.keyed("predict_download"), saved)
            excel_s = walk.steps[-1]["since_first_click_s"]
            rows = openpyxl.load_workbook(path, read_only=True).worksheets[0].max_row - 1
    slowest = max(step["moved_s"] for step in walk.steps)
    report(
        bench="first minute",
        first_page_s=first_page_s,
        steps=walk.steps,
        clicks=len(walk.steps),
        first_model_s=first_model_s,
        excel_s=excel_s,
        excel_rows=rows,
        slowest_to_move_s=slowest,
        ok=first_model_s <= FIRST_MODEL_S and excel_s <= EXCEL_S and slowest <= MOVES_S,
    )


if __name__ == "__main__":
    main()
