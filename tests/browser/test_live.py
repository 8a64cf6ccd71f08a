"""F05: a run is started in a tab, the tab is closed, another one finds it, sleeps, stops it, and the models are there.

The browser is stopped for 5 seconds in `make test`, for 180 with BELLWETHER_SOAK=1 (`make soak`): by then the server
has closed its connection and forgotten its session.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core.data.datasets.samples import sample_training_path
from core.services import Services, build
from core.settings import ROOT, Settings
from core.training.run_models import KEEP_TOP
from tests.browser.driver import Server, Tab, new_tab, run_browser, run_server
from tests.fixtures_engine import wait_for

pytestmark = pytest.mark.browser
SEEN_S, CANCELLED_S, MODEL_S = 5.0, 10.0, 240.0  # to be seen takes 2 s where nothing trains meanwhile
# To be awake takes as long as what else has the cores lets it: `make soak`, where nothing does, asserts what is asked.
ASLEEP_S, AWAKE_S, N_MODELS = (180.0, 2.0, 600) if os.environ.get("BELLWETHER_SOAK") else (5.0, 30.0, 60)

BROWSERS = ("chrom", "headless_shell")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with run_browser() as found:
        yield found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("live") / "home"


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with run_server(home, BELLWETHER_H2O_MEMORY="1g", BELLWETHER_MIN_FREE="1m") as running:
        yield running


@pytest.fixture(scope="module")
def services(home: Path, server: Server) -> Services:
    """The same home, looked at from outside."""
    return build(Settings(home=home))


def keyed(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key}")


def fill(tab: Tab, key: str, value: str) -> None:
    box = keyed(tab.page, key).locator("input")
    box.fill(value)
    box.press("Tab")
    tab.settle()


def sleep(tab: Tab, seconds: float) -> float:
    """Stop the browser as a closed laptop does; return how long its live view then takes to show a later time used."""
    used = tab.page.get_by_test_id("stMetric").filter(has_text="Time used")
    before = used.text_content() or ""
    assert "Time used" in before
    stopped = [one for one in psutil.Process().children(recursive=True) if one.name().startswith(BROWSERS)]
    assert stopped, "there is no browser to stop"
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    try:
        threading.Event().wait(seconds)  # this is what is tried: how long it is asleep
    finally:
        for process in reversed(stopped):
            process.send_signal(signal.SIGCONT)
    begun = time.monotonic()
    expect(used).not_to_have_text(before)
    expect(keyed(tab.page, "train_cancel")).to_be_visible()
    return time.monotonic() - begun


@pytest.mark.soak
def test_f05_a_closed_tab_changes_nothing_and_stopping_keeps_the_models(
    browser: Browser, server: Server, services: Services
) -> None:
    first = new_tab(browser, server)
    page = first.open("/")
    keyed(page, "home_sample").locator("button").click()
    expect(keyed(page, "train_start")).to_be_visible(timeout=60_000)
    first.settle()
    fill(first, "train_max_models", str(N_MODELS))
    fill(first, "train_nfolds", "2")
    keyed(page, "train_start").locator("button").click()
    expect(keyed(page, "train_cancel")).to_be_visible(timeout=60_000)
    address = page.url
    (run,) = services.jobs.queue()
    page.context.close()

    wait_for(lambda: services.store.get_run(run.run_id), lambda run: run.n_models >= 2, MODEL_S)
    second = new_tab(browser, server)
    page = second.open("/")
    expect(page.get_by_text("Running now")).to_be_visible()
    expect(page.get_by_text(run.experiment).first).to_be_visible()
    link = page.get_by_role("link", name="Open", exact=True).first
    begun = time.monotonic()
    link.click()
    expect(keyed(page, "train_cancel")).to_be_visible()
    assert time.monotonic() - begun <= SEEN_S
    assert f"run={run.run_id}" in address
    assert f"run={run.run_id}" in page.url
    expect(page.get_by_text("Only the model being built is lost").first).to_be_visible(timeout=15_000)
    assert sleep(second, ASLEEP_S) <= AWAKE_S
    assert f"run={run.run_id}" in page.url
    kept = services.store.get_run(run.run_id).n_models
    pressed = time.monotonic()
    keyed(page, "train_cancel").locator("button").click()
    ended = services.jobs.wait(run.run_id, 60)
    assert time.monotonic() - pressed <= CANCELLED_S
    assert ended.status == "cancelled"
    assert ended.n_models >= kept
    expect(page.get_by_text("Cancelled").first).to_be_visible(timeout=30_000)
    expect(keyed(page, "train_leaderboard")).to_be_visible(timeout=30_000)
    models = services.store.models(run_id=run.run_id)
    assert len(models) == ended.n_models
    assert sum(model.has_files for model in models) == min(KEEP_TOP + 1, len(models))
    assert first.errors == []
    assert [error for error in second.errors if "WebSocket" not in error] == []  # which the sleep broke off


def test_a_command_hands_its_run_to_the_app_and_cancels_it(home: Path, server: Server, services: Services) -> None:
    def command(*args: object) -> dict:
        done = subprocess.run(
            [sys.executable, "-m", "core", *map(str, args)],
            cwd=ROOT,
            env={**os.environ, "BELLWETHER_HOME": str(home), "BELLWETHER_MIN_FREE": "1m"},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    request = (
        "train",
        "--data",
        sample_training_path(),
        "--target",
        "interested",
        "--experiment",
        "handed",
        "--nfolds",
        2,
        "--include-algos",
        "glm,gbm",
    )
    handed = [command(*request, "--max-models", 40, "--seed", seed, "--no-wait") for seed in (1, 2)]
    assert [run["status"] for run in handed] == ["queued", "queued"]
    first, second = (run["run_id"] for run in handed)
    running = wait_for(lambda: services.store.get_run(first), lambda run: run.status == "running", 60)
    assert running.person == "command line"
    assert services.jobs.position(second) == 1
    assert command("cancel", second)["status"] == "cancelled"
    wait_for(lambda: services.store.get_run(first), lambda run: run.n_models >= 1, MODEL_S)
    ended = command("cancel", first)
    assert (ended["status"], ended["run_id"]) == ("cancelled", first)
    assert ended["n_models"] >= 1
    assert ended["leader"].startswith("models:/m-")
    assert command("cancel", first) == ended  # it stays as it is
