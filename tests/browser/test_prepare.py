"""A recipe in a real browser against the real engine: a step made by clicks, trained with, applied to a raw file."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.data.datasets.samples import SAMPLE_TARGET, sample_scoring_path, sample_training_path
from tests.browser.driver import Tab, new_tab, run_browser, run_server, wait_for_model
from tests.browser.test_journey import choose, keyed, shoot

pytestmark = pytest.mark.browser


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


def train(tab: Tab, page: Page) -> None:
    """Train one model with the recipe that Train shows, and wait for its end."""
    choose(page, "train_target", SAMPLE_TARGET)
    tab.settle()
    for key, value in (("train_max_models", "1"), ("train_nfolds", "2")):
        box = keyed(page, key).locator("input")
        box.fill(value)
        box.press("Tab")
    tab.settle()
    button(page, "train_start").click()
    wait_for_model(page)


def predict(tab: Tab, page: Page, path: Path, folder: Path) -> list[dict[str, str]]:
    """Score a file on the Predict page and return the rows of the download."""
    keyed(page, "predict_upload").locator("input[type=file]").set_input_files(path)
    start = button(page, "predict_start")
    expect(start).to_be_enabled(timeout=60_000)
    start.click()
    download = button(page, "predict_download")
    expect(download).to_be_visible(timeout=120_000)
    tab.settle()
    with page.expect_download(timeout=60_000) as waiting:
        download.click()
    waiting.value.save_as(folder / "predictions.csv")
    return list(csv.DictReader((folder / "predictions.csv").read_text("utf-8").splitlines()))


def test_from_a_raw_file_over_a_recipe_to_predictions_of_a_raw_file(tab: Tab, tmp_path: Path) -> None:
    page = tab.open("/data")
    keyed(page, "data_upload").locator("input[type=file]").set_input_files(sample_training_path())
    expect(page.get_by_text("5,000", exact=True).first).to_be_visible(timeout=60_000)
    tab.settle()

    page = tab.open("/prepare")
    button(page, "prepare_use_0").click()
    expect(steps(page)).to_have_count(5, timeout=30_000)
    button(page, "prepare_add").click()
    tab.settle()  # nobody chooses from a form while it is still being drawn
    choose(page, "prepare_kind", "Extract date parts")
    expect(page.get_by_text("Cells changed").or_(page.get_by_text("Columns", exact=True)).first).to_be_visible()
    button(page, "prepare_save").click()
    expect(steps(page)).to_have_count(6, timeout=30_000)
    expect(page.get_by_text("Extract year, month and weekday of")).not_to_have_count(0)
    button(page, "prepare_undo").click()
    expect(steps(page)).to_have_count(5, timeout=30_000)
    button(page, "prepare_redo").click()
    expect(steps(page)).to_have_count(6, timeout=30_000)
    tab.settle()
    shoot(tab, "prepare")

    button(page, "prepare_train").click()
    expect(keyed(page, "train_target")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Extract year, month and weekday of")).to_be_visible()
    train(tab, page)

    page = tab.open("/predict")
    rows = predict(tab, page, sample_scoring_path(), tmp_path)
    source = list(csv.DictReader(sample_scoring_path().read_text("utf-8").splitlines()))
    # The person's own raw columns come back, none of the recipe's.
    answer = ["prediction", "probability_no", "probability_yes", "rank", "decile", "trust", "trust_note"]
    assert list(rows[0]) == [*source[0], *answer]
    assert [row["vehicle_age"] for row in rows] == [row["vehicle_age"] for row in source]
    assert tab.errors == []


def with_faults(source: Path, target: Path, *, learned: bool) -> Path:
    """Write a sample with amounts that stand there as words and, where it is learned from, a column of one value."""
    rows = list(csv.DictReader(source.read_text("utf-8").splitlines()))
    for number, row in enumerate(rows):
        row["income"] = "unknown" if number % 50 == 7 else f"{1_000 + 37 * (number % 211)},5"
        if learned:
            row["office"] = "Basel"
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return target


def test_from_an_alert_to_a_mended_recipe_to_a_scored_raw_file(tab: Tab, tmp_path: Path) -> None:
    page = tab.open("/data")
    path = with_faults(sample_training_path(), tmp_path / "faulty.csv", learned=True)
    keyed(page, "data_upload").locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text("faulty", exact=True).first).to_be_visible(timeout=60_000)
    tab.settle()

    page = tab.open("/explore")
    choose(page, "explore_target", SAMPLE_TARGET)
    tab.settle()
    keyed(page, "explore_alerts").locator("summary").click()
    for code in ("constant", "number_as_text"):
        mend = page.locator(f"[class*='st-key-explore_mend_{code}'] button:visible").first
        mend.scroll_into_view_if_needed(timeout=30_000)
        mend.click()
        expect(page.locator(f"[class*='st-key-explore_unmend_{code}'] button:visible").first).to_be_visible()
    tab.settle()
    shoot(tab, "explore_mended")
    page.get_by_role("link", name="Open Prepare").first.click()
    expect(steps(page)).to_have_count(2, timeout=30_000)

    button(page, "prepare_train").click()
    expect(keyed(page, "train_target")).to_be_visible(timeout=30_000)
    train(tab, page)

    page = tab.open("/predict")
    choose(page, "predict_experiment", "faulty")
    scored = with_faults(sample_scoring_path(), tmp_path / "new.csv", learned=False)
    rows = predict(tab, page, scored, tmp_path)
    assert [row["income"] for row in rows] == [
        row["income"] for row in csv.DictReader(scored.read_text("utf-8").splitlines())
    ]
    assert {row["prediction"] for row in rows} <= {"yes", "no"}
    assert tab.errors == []
