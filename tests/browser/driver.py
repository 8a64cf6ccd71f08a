"""The real app in a process of its own, and a real browser on it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as BrowserTimeoutError

ROOT = Path(__file__).resolve().parents[2]
_BASE_PROBE = re.compile(r"//[^/]+/[^/]+/_stcore/(host-config|health)$")
_STARTS_MS = 250
_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

# How fast a page is drawn is measured in bench/pages.py; here both cores may be training meanwhile.
expect.set_options(timeout=60_000)


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str) -> float:
    """Wait until a condition holds and return how long it took; TimeoutError names `what`."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > timeout_s:
            raise TimeoutError(f"{what}: not within {timeout_s:g} s")
        time.sleep(0.05)
    return time.monotonic() - begun


@dataclass
class Server:
    """A running app."""

    process: subprocess.Popen
    url: str
    log_path: Path
    started_s: float

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def stop(self, timeout_s: float = 15) -> int:
        """Ask it to end and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)


def answers(url: str) -> bool:
    """Whether an HTTP request to `url` is answered with success."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except OSError:
        return False


@contextmanager
def run_server(
    home: Path, *, main: Path = ROOT / "app" / "main.py", under: tuple[str, ...] = (), **env: str
) -> Iterator[Server]:
    """Start the app on a free port with its own home, `under` a program if wanted; its log is shown on failure."""
    home.mkdir(parents=True, exist_ok=True)
    port = free_port()
    log_path = home / "server.log"
    root = main.resolve().parents[1]
    command = [*under, sys.executable, "-m", "streamlit", "run", str(main), "--server.port", str(port)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("BELLWETHER_", "STREAMLIT_"))}
    begun = time.monotonic()
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=root, env={**clean, "BELLWETHER_HOME": str(home), **env}, stdout=log, stderr=subprocess.STDOUT
        )
    server = Server(process, f"http://localhost:{port}", log_path, 0.0)
    try:
        wait_until(lambda: answers(f"{server.url}/healthz") or process.poll() is not None, 180, "the server's start")
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with code {process.returncode}")
        server.started_s = time.monotonic() - begun
        yield server
    except BaseException:
        sys.stderr.write(server.log[-20000:])
        raise
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass
class Tab:
    """A browser tab on the app, with what its console said."""

    page: Page
    base_url: str
    errors: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Page:
        """Open a path and wait until the page is drawn."""
        self.page.goto(self.base_url + path)
        return self.settle()

    def settle(self, timeout_s: float = 90) -> Page:
        """Wait until the script of the page has run to its end; what was just clicked gets a moment to start it."""
        with suppress(BrowserTimeoutError):
            self.page.wait_for_selector(
                '[data-testid="stApp"]:not([data-test-script-state="notRunning"])', timeout=_STARTS_MS
            )
        self.page.wait_for_selector(
            '[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=timeout_s * 1000
        )
        return self.page

    def screenshot(self, path: Path) -> Path:
        """Keep a picture of the whole page, as high as its content."""
        path.parent.mkdir(parents=True, exist_ok=True)
        size = self.page.viewport_size
        height = self.page.evaluate(
            "Math.max(...[...document.querySelectorAll('[data-testid=stMain]')].map(e => e.scrollHeight), 300)"
        )
        self.page.set_viewport_size({"width": size["width"], "height": min(max(height, size["height"]), 6000)})
        self.page.wait_for_timeout(600)
        self.page.screenshot(path=path)
        self.page.set_viewport_size(size)
        return path


def wait_for_model(page: Page, timeout_s: float = 300) -> None:
    """Wait until the training that was just started has ended with a model.

    What a run in progress shows is no sign: it is drawn anew when its turn comes, and is gone for a moment then.
    """
    expect(page.locator(".st-key-train_leaderboard")).to_be_visible(timeout=timeout_s * 1000)


@contextmanager
def run_browser() -> Iterator[Browser]:
    """Start a headless Chromium: the one that `tests/ensure_browser.py` finds."""
    from tests.ensure_browser import find_browser

    path = find_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path) if path else None, args=list(_ARGS))
        try:
            yield browser
        finally:
            browser.close()


def new_tab(
    browser: Browser,
    server: Server,
    *,
    width: int = 1440,
    height: int = 900,
    scheme: Literal["light", "dark"] = "light",
) -> Tab:
    """Open a tab in a fresh session; console errors and page errors are collected in `Tab.errors`."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True, reduced_motion="reduce"
    )
    tab = Tab(context.new_page(), server.url)

    def note(message: ConsoleMessage) -> None:
        # On an address below the root Streamlit's page asks there first whether the app lives there: a 404 by design.
        probe = _BASE_PROBE.search(message.location.get("url", ""))
        if message.type == "error" and not probe:
            tab.errors.append(f"{message.text} {message.location.get('url', '')}")

    tab.page.on("console", note)
    tab.page.on("pageerror", lambda error: tab.errors.append(str(error)))
    return tab
