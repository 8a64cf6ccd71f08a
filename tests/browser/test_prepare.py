"""A recipe in a real browser against the real engine: a step made by clicks, trained with, applied to a raw file."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.samples import SAMPLE_TARGET, sample_scoring_path, sample_training_path
from tests.browser.driver import Tab, new_tab, run_browser, run_server
from tests.browser.test_journey import choose, keyed, shoot

pytestmark = pytest.mark.browser
TRAIN_TIMEOUT_MS = 300_000


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    home = tmp_path_factory.mktemp("prepare") / "home"
    with run_browser() as browser, run_server(home, BELLWETHER_H2O_MEMORY="2g") as server:
        yield new_tab(browser, server)


def button(page: Page, key: str) -> Locator:
    # A button with an icon has a hidden twin that Streamlit measures.
    return keyed(page, key).locator("button:visible").first


def steps(page: Page) -> Locator:
    return page.locator("[class*='st-key-prepare_step_']")


def test_from_a_raw_file_over_a_recipe_to_predictions_of_a_raw_file(tab: Tab, tmp_path: Path) -> None:
    page = tab.open("/data")
    keyed(page, "data_upload").locator("input[type=file]").set_input_files(sample_training_path())
    expect(page.get_by_text("5,000", exact=True).first).to_be_visible(timeout=60_000)
    tab.settle()

    page = tab.open("/prepare")
    button(page, "prepare_use_0").click()
    expect(steps(page)).to_have_count(5, timeout=30_000)
    button(page, "prepare_add").click()
    choose(page, "prepare_kind", "Take dates apart")
    expect(page.get_by_text("Cells changed").or_(page.get_by_text("Columns", exact=True)).first).to_be_visible()
    button(page, "prepare_save").click()
    expect(steps(page)).to_have_count(6, timeout=30_000)
    expect(page.get_by_text("Take year, month and weekday of")).not_to_have_count(0)
    button(page, "prepare_undo").click()
    expect(steps(page)).to_have_count(5, timeout=30_000)
    button(page, "prepare_redo").click()
    expect(steps(page)).to_have_count(6, timeout=30_000)
    tab.settle()
    shoot(tab, "prepare")

    button(page, "prepare_train").click()
    expect(keyed(page, "train_target")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Take year, month and weekday of")).to_be_visible()
    choose(page, "train_target", SAMPLE_TARGET)
    tab.settle()
    for key, value in (("train_max_models", "1"), ("train_nfolds", "2")):
        box = keyed(page, key).locator("input")
        box.fill(value)
        box.press("Tab")
    tab.settle()
    button(page, "train_start").click()
    expect(keyed(page, "train_cancel")).to_be_visible(timeout=60_000)
    expect(keyed(page, "train_cancel")).to_have_count(0, timeout=TRAIN_TIMEOUT_MS)

    page = tab.open("/predict")
    keyed(page, "predict_upload").locator("input[type=file]").set_input_files(sample_scoring_path())
    start = button(page, "predict_start")
    expect(start).to_be_enabled(timeout=60_000)
    start.click()
    download = button(page, "predict_download")
    expect(download).to_be_visible(timeout=120_000)
    tab.settle()
    with page.expect_download(timeout=60_000) as waiting:
        download.click()
    path = tmp_path / "predictions.csv"
    waiting.value.save_as(path)
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    source = list(csv.DictReader(sample_scoring_path().read_text("utf-8").splitlines()))
    # The person's own raw columns come back, none of the recipe's.
    assert list(rows[0]) == [*source[0], "prediction", "probability_no", "probability_yes"]
    assert [row["vehicle_age"] for row in rows] == [row["vehicle_age"] for row in source]
    assert tab.errors == []
