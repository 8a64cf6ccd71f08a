"""The first minute of a new user: from an empty home to a trained model and an Excel file, in a real browser.

Prints each click with the seconds until something moved on the page and until the step was done.
"""

import tempfile
import time
from pathlib import Path

import openpyxl

from bench.common import report
from bench.walk import Walk
from tests.browser.driver import new_tab, run_browser, run_server

FIRST_MODEL_S, EXCEL_S, MOVES_S = 25.0, 90.0, 2.0


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
            path = home / "predictions.xlsx"
            walk.save("Download", walk.keyed("predict_download"), path)
            excel_s = walk.steps[-1]["since_first_click_s"]
            rows = openpyxl.load_workbook(path, read_only=True).worksheets[0].max_row - 1
    slowest = walk.slowest_to_move_s()
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
