"""Find the browser that the browser tests drive; run as a script, install one when there is none.

Order: `BELLWETHER_TEST_BROWSER`, a Chromium or Chrome on PATH, Playwright's own. To install: the system's package as
root where apt-get is there, else Playwright's download.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser() -> Path | None:
    """Return the path of a Chromium that can be started, or None."""
    chosen = os.environ.get("BELLWETHER_TEST_BROWSER")
    if chosen:
        return Path(chosen) if os.access(chosen, os.X_OK) else None
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    return _playwright_browser()


def _playwright_browser() -> Path | None:
    """Return Playwright's own Chromium if it was downloaded."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if path.exists() else None


def install_browser() -> None:
    """Install Chromium: by apt-get as root, else, or if that fails, by Playwright."""
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        commands = (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "chromium"])
        # The first may fail on one stale source and the second still find the package.
        codes = [subprocess.run(command, env=env, stdout=sys.stderr, check=False).returncode for command in commands]
        if codes[-1] == 0:
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], stdout=sys.stderr, check=False)


def main() -> int:
    """Print the browser's path; install one first when none is found."""
    browser = find_browser()
    if browser is None:
        print("No Chromium found; installing one for the browser tests.", file=sys.stderr)
        install_browser()
        browser = find_browser()
    if browser is None:
        print(
            "error: no Chromium could be found or installed for the browser tests. Install Chromium or Google Chrome, "
            "or set BELLWETHER_TEST_BROWSER to one.",
            file=sys.stderr,
        )
        return 1
    print(browser)
    return 0


if __name__ == "__main__":
    sys.exit(main())
