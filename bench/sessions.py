"""Many browser sessions at once on a trained home: errors, how long pages take, and whether their memory comes back.

    python -m bench.sessions [--minutes 10] [--idle 50] [--active 10] [--rounds 1]

A session is what a tab of the app holds: Streamlit's websocket with its messages, which are read as the browser reads
them, and whose parts that refresh themselves are asked for when they are due. Idle ones look at a page; active ones go
to another page, or run the same again, about every 3 seconds. One real tab goes through the pages meanwhile as a
witness: sixty of them would measure the browser. The goals: no exception, no message of an error, no line of the log at
WARNING or worse; from a click to the end of the page's script at most 1 s (95th percentile); memory within a tenth of
what it was before, once all have left and Streamlit has forgotten them, which takes it two minutes.
"""

import argparse
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
from playwright.sync_api import Page
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from bench.common import report, scratch_services, train
from core.data.datasets.samples import sample_training_path
from tests.browser.driver import Server, new_tab, run_browser, run_server

ACT_S, OPEN_S, ANSWER_S = 3.0, 0.3, 120.0
PAGE_S, MEMORY_SHARE = 1.0, 0.1
FORGOTTEN_S, LEFT_S, LOOK_S = 125.0, 420.0, 15.0
BUG = b"Something went wrong (ref "
LEVELS = frozenset({"WARNING", "ERROR", "CRITICAL"})
WITNESSED = ("Data", "Explore", "Runs", "Leaderboard", "Explain", "Predict", "Settings")


def main(minutes: float, n_idle: int, n_active: int, rounds: int) -> None:
    """Train on the sample, start the app on that home, and let the sessions come and go, in rounds."""
    with scratch_services() as services:
        train(services, sample_training_path(), "interested",
              max_models=2, nfolds=2, include_algos=("GLM", "GBM"))  # fmt: skip
        services.close()
        with run_server(services.settings.home, BELLWETHER_LOG_JSON="1") as server:
            for number in range(1, rounds + 1):
                found = _measure(server, minutes, n_idle, n_active)
                _report(
                    found | {"log": _log_lines(server)}, round=number, minutes=minutes, idle=n_idle, active=n_active
                )


def _report(found: dict[str, Any], **asked: float) -> None:
    memory, slow_s = found["memory_mb"], found["page_p95_s"]
    back = memory["after"] <= (1 + MEMORY_SHARE) * memory["before"]
    n_errors = sum(found["errors"].values()) + sum(found["log"].values()) + len(found["witness"]["errors"])
    report(
        bench="sessions", **asked, **found, back=back, n_errors=n_errors, cpus=os.cpu_count(),
        ok=not n_errors and slow_s <= PAGE_S and back,
    )  # fmt: skip


def _measure(server: Server, minutes: float, n_idle: int, n_active: int) -> dict[str, Any]:
    _visit_all(server)
    _visit_all(server)  # what a page loads and keeps at its first visit is no memory of a session
    watched = _Memory(server)
    before = watched.now()
    load_1min = os.getloadavg()[0]
    stop = threading.Event()
    sessions = [Session(server, number, is_active=number >= n_idle) for number in range(n_idle + n_active)]
    with ThreadPoolExecutor(len(sessions) + 1) as pool:
        watching = pool.submit(watched.watch, stop)
        going = []
        for session in sessions:
            going.append(pool.submit(session.live, stop))
            time.sleep(OPEN_S)
        witness = _witness(server, 60 * minutes)
        stop.set()
        for one in (*going, watching):
            one.result()
    peak = watched.peak
    after, waited_s = _when_forgotten(server, watched, before)
    pages = [seconds for session in sessions for seconds in session.pages]
    opened = [session.opened_s for session in sessions]
    return {
        "load_1min": load_1min, "pages": len(pages), "page_p50_s": _quantile(pages, 0.5),
        "page_p95_s": _quantile(pages, 0.95), "page_most_s": max(pages, default=0.0),
        "slowest_p95_s": _slowest(sessions), "opened_p95_s": _quantile(opened, 0.95),
        "refreshes": sum(session.n_refreshes for session in sessions),
        "errors": dict(sum((session.errors for session in sessions), Counter[str]())), "witness": witness,
        "memory_mb": {"before": before, "peak": peak, "after": after}, "after_s": waited_s,
    }  # fmt: skip


def _slowest(sessions: Sequence["Session"]) -> dict[str, float]:
    """Return the three pages with the largest 95th percentile."""
    times: dict[str, list[float]] = {}
    for session in sessions:
        for name, seconds in zip(session.visited, session.pages, strict=True):
            times.setdefault(name, []).append(seconds)
    found = {name or "home": _quantile(values, 0.95) for name, values in times.items()}
    return dict(sorted(found.items(), key=lambda item: -item[1])[:3])


def _quantile(values: Sequence[float], share: float) -> float:
    return round(float(np.quantile(values, share)), 3) if values else float("nan")


# --- a session --------------------------------------------------------------------------------------------------------


class Session:
    """A tab without a browser; `errors` counts what it was shown that it should not have been, by kind."""

    def __init__(self, server: Server, number: int, *, is_active: bool) -> None:
        self.pages: list[float] = []
        self.visited: list[str] = []
        self.errors: Counter[str] = Counter()
        self.opened_s, self.n_refreshes = 0.0, 0
        self._server, self._is_active, self._random = server, is_active, random.Random(number)
        self._known: dict[str, str] = {}  # hash by name, of all pages
        self._page, self._cached = "", set[str]()
        self._refreshing: dict[str, tuple[float, float]] = {}  # every so many seconds, and when next

    def live(self, stop: threading.Event) -> None:
        """Open the app, and be there until it is over."""
        with self._connected():
            self.opened_s = self.go("")
            if not self._is_active:
                self.go(self._random.choice(sorted(self._known)))
            while not stop.is_set():
                if self._is_active:
                    self.visited.append(self._next())
                    self.pages.append(self.go(self.visited[-1]))
                self._read_until(time.monotonic() + ACT_S * self._random.uniform(0.7, 1.3))

    def visit_all(self) -> None:
        """Open the app, look at every page once, and leave."""
        with self._connected():
            self.go("")
            for name in sorted(self._known):
                self.go(name)

    def go(self, name: str) -> float:
        """Ask for a page and wait until its script has run to its end; return how long that took."""
        begun = time.monotonic()
        self._page = name
        self._refreshing.clear()
        self._ask(BackMsg())
        while not self._read(ANSWER_S):
            pass
        return time.monotonic() - begun

    def _connected(self) -> Any:
        address = f"ws://localhost:{urlsplit(self._server.url).port}/_stcore/stream"
        self._socket = connect(address, subprotocols=["streamlit"], max_size=None, open_timeout=ANSWER_S,
                               origin=self._server.url, ping_interval=None, compression=None)  # fmt: skip
        return self._socket

    def _next(self) -> str:
        """Return the page to go to: one time in four the same again."""
        if self._random.random() < 0.25:
            return self._page
        return self._random.choice(sorted(self._known))

    def _ask(self, message: BackMsg) -> None:
        asked = message.rerun_script
        asked.page_script_hash = self._known.get(self._page, "")
        asked.cached_message_hashes.extend(self._cached)
        asked.context_info.timezone, asked.context_info.locale = "Europe/Berlin", "en-GB"
        asked.context_info.url = f"{self._server.url}/{self._page}"
        asked.context_info.color_scheme = "light"
        self._socket.send(message.SerializeToString())

    def _read_until(self, end: float) -> None:
        """Read what comes, and ask for what refreshes itself when it is due, as the page in a browser does."""
        while (now := time.monotonic()) < end:
            for fragment, (every_s, due) in list(self._refreshing.items()):
                if due <= now:
                    message = BackMsg()
                    message.rerun_script.fragment_id = fragment
                    message.rerun_script.is_auto_rerun = True
                    self._refreshing[fragment] = (every_s, now + every_s)
                    self.n_refreshes += 1
                    self._ask(message)
            next_due = min([end, *(due for _, due in self._refreshing.values())])
            with suppress(TimeoutError):
                self._read(max(next_due - time.monotonic(), 0.001))

    def _read(self, timeout_s: float) -> bool:
        """Take one message; return whether it ends a page's script."""
        content = self._socket.recv(timeout=timeout_s)
        message = ForwardMsg()
        message.ParseFromString(content if isinstance(content, bytes) else content.encode())
        if message.metadata.cacheable:
            self._cached.add(message.hash)
        kind = message.WhichOneof("type")
        if kind == "navigation":
            self._known = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages
                           if not page.external_url}  # fmt: skip
        elif kind == "auto_rerun":
            every_s = message.auto_rerun.interval
            self._refreshing[message.auto_rerun.fragment_id] = (every_s, time.monotonic() + every_s)
        elif kind == "stop_auto_rerun":
            self._refreshing.pop(message.stop_auto_rerun.fragment_id, None)
        elif kind == "delta":
            self._look_at(message)
        elif kind == "page_not_found":
            self.errors["page not found"] += 1
        if kind != "script_finished":
            return False
        if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            self.errors["script that does not compile"] += 1
        return message.script_finished in (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_WITH_COMPILE_ERROR)

    def _look_at(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.errors[f"exception {element.exception.type}"] += 1
        elif kind == "alert" and element.alert.format == Alert.ERROR:
            self.errors[f"{self._page or 'home'}: {element.alert.body[:120]}"] += 1
        elif BUG in message.SerializeToString():
            self.errors[f"{self._page or 'home'}: something went wrong"] += 1


def _visit_all(server: Server) -> None:
    visitor = Session(server, 0, is_active=False)
    visitor.visit_all()
    if visitor.errors:
        sys.exit(f"before anybody else is there: {dict(visitor.errors)}")


# --- the witness ------------------------------------------------------------------------------------------------------


def _witness(server: Server, seconds: float) -> dict[str, Any]:
    """Go through the pages in a real tab for a while; return what its console said and how long pages took."""
    end, times = time.monotonic() + seconds, []
    with run_browser() as browser:
        tab = new_tab(browser, server)
        page = tab.open("/")
        while time.monotonic() < end:
            for link in WITNESSED:
                times.append(_click(page, link))
                tab.settle()
                page.wait_for_timeout(1000 * ACT_S)
        return {"pages": len(times), "p50_s": _quantile(times, 0.5), "p95_s": _quantile(times, 0.95),
                "errors": tab.errors}  # fmt: skip


def _click(page: Page, link: str) -> float:
    begun = time.monotonic()
    page.get_by_role("link", name=link, exact=True).first.click()
    page.get_by_role("heading", name=link, exact=True).first.wait_for(timeout=1000 * ANSWER_S)
    return time.monotonic() - begun


# --- the app ----------------------------------------------------------------------------------------------------------


class _Memory:
    """The memory of the app with all its processes, in megabytes."""

    def __init__(self, server: Server) -> None:
        self._process, self.peak = psutil.Process(server.process.pid), 0.0

    def now(self) -> float:
        found = 0.0
        for one in (self._process, *self._process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                found += one.memory_info().rss
        return round(found / 1e6, 1)

    def watch(self, stop: threading.Event) -> None:
        while not stop.wait(1.0):
            self.peak = max(self.peak, self.now())


def _when_forgotten(server: Server, memory: _Memory, before: float) -> tuple[float, float]:
    """Return the memory once Streamlit has forgotten who left, and how long after they did; the least within minutes.

    It keeps a session for two minutes, in case its tab comes back, and drops it when the next one leaves.
    """
    begun = time.monotonic()
    time.sleep(FORGOTTEN_S)
    least = float("inf")
    while time.monotonic() - begun < LEFT_S:
        _visit_all(server)
        least = min(least, memory.now())
        if least <= (1 + MEMORY_SHARE) * before:
            break
        time.sleep(LOOK_S)
    return least, round(time.monotonic() - begun, 1)


def _log_lines(server: Server) -> dict[str, int]:
    """Count what the log says at WARNING or worse, by its words."""
    found: Counter[str] = Counter()
    for line in server.log.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            found.update([line[:120]] if "Traceback" in line or "Warning" in line else [])
            continue
        if isinstance(entry, dict) and entry.get("level") in LEVELS:
            found[f"{entry.get('logger')}: {str(entry.get('message'))[:120]}"] += 1
    return dict(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the sessions are there (10)")
    parser.add_argument("--idle", type=int, default=50, help="sessions that look at a page (50)")
    parser.add_argument("--active", type=int, default=10, help="sessions that go from page to page (10)")
    parser.add_argument(
        "--rounds", type=int, default=1, help="how often they come and go; what is kept twice leaks (1)"
    )
    asked = parser.parse_args()
    main(asked.minutes, asked.idle, asked.active, asked.rounds)
