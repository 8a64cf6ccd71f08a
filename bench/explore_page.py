"""The first visit of Explore for a small file: from the click to the first figure, where nothing was drawn before."""

import statistics
import tempfile
import time
from pathlib import Path

from bench.common import report
from core.data.datasets.registry import Datasets
from core.data.datasets.samples import sample_training_path
from core.settings import Settings
from tests.browser.driver import new_tab, run_browser, run_server

COLD_S, WARM_S = 2.0, 0.3
REPEATS = 5


def main() -> None:
    """Open Explore once after the start, then from another page several times."""
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as name, run_browser() as browser:
        home = Path(name)
        path = sample_training_path()
        Datasets(Settings(home=home)).add(path, path.name)
        with run_server(home) as server:
            tab = new_tab(browser, server)
            page = tab.open("/settings")
            times = []
            for _ in range(REPEATS + 1):
                begun = time.monotonic()
                page.get_by_role("link", name="Explore", exact=True).first.click()
                page.locator(".st-key-explore_look .js-plotly-plot .main-svg").first.wait_for(timeout=120_000)
                times.append(time.monotonic() - begun)
                tab.settle()
                page.get_by_role("link", name="Settings", exact=True).first.click()
                page.get_by_role("heading", name="Settings", exact=True).first.wait_for(timeout=60_000)
                tab.settle()
            cold, warm = times[0], statistics.median(times[1:])
            report(bench="explore_page", cold_s=cold, warm_s=warm, warm=times[1:], ok=cold <= COLD_S and warm <= WARM_S)


if __name__ == "__main__":
    main()
