"""What a rerun of each page takes of our own time, a first visit of Explore, and what the server warns of."""

import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from streamlit.testing.v1 import AppTest

from app.ui.services import set_services
from bench.common import data_folder, report, train
from core.services import Services, build
from core.settings import load_settings
from tests.browser.driver import ROOT, new_tab, run_browser, run_server
from tests.fixtures_runs import SHELL

RERUN_S, EXPLORE_S, TIMES = 0.15, 2.0, 7
PAGES = tuple(path.stem for path in sorted((ROOT / "app" / "pages").glob("*.py")))


def main() -> None:
    """Train on credit_g, rerun each page without the browser, then walk all pages with one."""
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as name:
        home = Path(name)
        services = build(replace(load_settings(), home=home))
        try:
            train(services, data_folder() / "credit_g.csv", "class", max_models=3, nfolds=3)
            reruns = {page: _rerun_s(services, page) for page in PAGES}
        finally:
            set_services(None)
            services.close()
        explore_s, warned = _walk(home)
    slowest = max(reruns, key=reruns.__getitem__)
    report(
        bench="reruns",
        rerun_s=reruns,
        slowest=slowest,
        slowest_s=reruns[slowest],
        explore_first_s=explore_s,
        warnings=len(warned),
        warned=warned[:5],
        ok=reruns[slowest] <= RERUN_S and explore_s <= EXPLORE_S and not warned,
    )


def _rerun_s(services: Services, page: str) -> float:
    """Return the median time of the script with the page in it, by Streamlit's own test runner."""
    set_services(services)
    app = AppTest.from_file(str(SHELL), default_timeout=120).run()
    app.switch_page(f"../pages/{page}.py").run()
    app.run()
    times = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        app.run()
        times.append(time.perf_counter() - begun)
    if app.exception:
        raise RuntimeError(f"{page}: {app.exception[0].message}")
    return statistics.median(times)


def _walk(home: Path) -> tuple[float, list[str]]:
    """Return how long the first visit of Explore takes after a start, and lines that warn after all pages were seen."""
    with run_browser() as browser, run_server(home) as server:
        tab = new_tab(browser, server)
        tab.open("/")
        begun = time.monotonic()
        tab.page.get_by_role("link", name="Explore", exact=True).first.click()
        tab.page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=60_000)
        tab.settle()
        explore_s = time.monotonic() - begun
        for page in PAGES:
            tab.open("/" if page == "home" else f"/{page}")
        return explore_s, [line for line in server.log.splitlines() if " WARNING " in line or " ERROR " in line]


if __name__ == "__main__":
    main()
