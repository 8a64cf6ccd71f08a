"""First page after start, page changes, and finished runs opened without an engine, in a real browser."""

import statistics
import tempfile
import time
from pathlib import Path

from bench.common import report
from tests.browser.driver import new_tab, run_browser, run_server

FIRST_PAGE_S, CHANGE_S = 4.0, 0.5
LINKS = ("Data", "Explore", "Train", "Runs", "Leaderboard", "Explain", "Predict", "Settings")


def main() -> None:
    """Time the first page from the start of the process, then each page through the navigation, three times."""
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as name, run_browser() as browser:
        begun = time.monotonic()
        with run_server(Path(name)) as server:
            tab = new_tab(browser, server)
            page = tab.open("/")
            page.get_by_role("button", name="Try it with sample data").first.wait_for(timeout=60_000)
            first_page_s = time.monotonic() - begun
            changes: dict[str, list[float]] = {link: [] for link in LINKS}
            for _ in range(4):
                for link in LINKS:
                    begun = time.monotonic()
                    page.get_by_role("link", name=link, exact=True).first.click()
                    page.wait_for_url(f"**/{link.lower()}*")
                    page.get_by_role("heading", name=link, exact=True).first.wait_for(timeout=30_000)
                    changes[link].append(time.monotonic() - begun)
                    tab.settle()
            medians = {link: statistics.median(times[1:]) for link, times in changes.items()}
            slowest = max(medians.values())
            report(
                bench="pages",
                first_page_s=first_page_s,
                change_s=medians,
                slowest_change_s=slowest,
                ok=first_page_s <= FIRST_PAGE_S and slowest <= CHANGE_S,
            )


if __name__ == "__main__":
    main()
