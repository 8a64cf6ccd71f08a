"""A fresh start with a trained model: predictions of a file and of one case, while the engine stays asleep."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect

from core.data.datasets.samples import sample_scoring_path
from tests.browser.driver import Server, Tab, new_tab, run_browser, run_server
from tests.browser.test_journey import keyed, shoot

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("asleep") / "home"
    shutil.copytree(trained_home, home, ignore=shutil.ignore_patterns("server.json", "work", "engine"))
    with run_server(home) as server:
        yield server


@pytest.fixture(scope="module")
def tab(server: Server) -> Iterator[Tab]:
    with run_browser() as browser:
        yield new_tab(browser, server)


def is_asleep(page: Page, server: Server) -> bool:
    """Return whether the sidebar says so and no H2O runs below the server."""
    expect(page.get_by_text("Engine asleep")).to_be_visible()
    return not any(is_java(child) for child in psutil.Process(server.process.pid).children(recursive=True))


def is_java(process: psutil.Process) -> bool:
    try:
        return process.name() == "java"
    except psutil.NoSuchProcess:  # a reader, say, that has ended since it was listed
        return False


def test_a_file_is_predicted_and_downloaded(tab: Tab, server: Server, tmp_path: Path) -> None:
    page = tab.open("/predict")
    keyed(page, "predict_upload").locator("input[type=file]").set_input_files(sample_scoring_path())
    start = keyed(page, "predict_start").locator("button:visible").first
    expect(start).to_be_enabled(timeout=60_000)
    start.click()
    download = keyed(page, "predict_download").locator("button:visible").first
    expect(download).to_be_visible(timeout=60_000)
    tab.settle()
    shoot(tab, "predict_asleep")
    with page.expect_download(timeout=60_000) as waiting:
        download.click()
    waiting.value.save_as(tmp_path / "predictions.csv")
    assert len((tmp_path / "predictions.csv").read_text("utf-8").splitlines()) == 501
    assert is_asleep(page, server)
    assert tab.errors == []


def test_one_case_gets_its_prediction_and_reasons(tab: Tab, server: Server) -> None:
    page = tab.open("/predict")
    page.get_by_text("One case").first.click()
    keyed(page, "predict_case_start").locator("button:visible").first.click()
    expect(page.get_by_text("by TreeSHAP").or_(page.get_by_text("by coefficients")).first).to_be_visible(timeout=60_000)
    shoot(tab, "case_asleep")
    assert is_asleep(page, server)
    assert tab.errors == []
