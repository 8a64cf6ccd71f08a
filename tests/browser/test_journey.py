"""The whole journey in a real browser against the real engine, from a raw file to a workbook of predictions."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core.data.datasets.samples import SAMPLE_TARGET, sample_scoring_path, sample_training_path
from tests.browser.driver import Tab, new_tab, run_browser, run_server, wait_for_model, wait_until

pytestmark = pytest.mark.browser
SHOTS = Path(os.environ.get("BELLWETHER_SCREENSHOTS", "")) if os.environ.get("BELLWETHER_SCREENSHOTS") else None
PAGES = (
    "/",
    "/data",
    "/explore",
    "/prepare",
    "/train",
    "/runs",
    "/leaderboard",
    "/explain",
    "/predict",
    "/monitor",
    "/settings",
)


@dataclass(frozen=True)
class Problem:
    """What the journey works on: the real insurance sample where it is at hand, else the built-in sample."""

    training: Path
    scoring: Path
    target: str
    n_rows: int


@pytest.fixture(scope="module")
def problem() -> Problem:
    folder = os.environ.get("BELLWETHER_TEST_DATA")
    if folder:
        data = Path(folder)
        return Problem(data / "insurance_cross_sell_sample.csv", data / "insurance_score_sample.xlsx", "Response", 1000)
    return Problem(sample_training_path(), sample_scoring_path(), SAMPLE_TARGET, 500)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with run_browser() as found:
        yield found


@pytest.fixture(scope="module")
def tab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    home = tmp_path_factory.mktemp("journey") / "home"
    with run_server(home, BELLWETHER_H2O_MEMORY="2g") as server:
        yield new_tab(browser, server)


def keyed(page: Page, key: str) -> Locator:
    """Return the widget with a key."""
    return page.locator(f".st-key-{key}")


def choose(page: Page, key: str, value: str) -> None:
    """Choose a value in a select box by typing it."""
    box = keyed(page, key).locator("input").first
    box.click()
    box.fill(value)
    page.get_by_role("option", name=re.compile(rf"^{re.escape(value)}")).first.click()


def download_workbook(tab: Tab, folder: Path) -> Path:
    """Choose Excel on Predict and download; what is clicked before the page has taken the choice is another format."""
    page, path = tab.settle(), folder / "predictions.xlsx"
    keyed(page, "predict_format").get_by_text("Excel").click()

    def is_workbook() -> bool:
        tab.settle()
        with page.expect_download(timeout=60_000) as waiting:
            keyed(page, "predict_download").locator("button").click()
        waiting.value.save_as(path)
        return waiting.value.suggested_filename.endswith(".xlsx")

    wait_until(is_workbook, 60, "a workbook")
    return path


def shoot(tab: Tab, name: str) -> None:
    """Keep a picture when somebody asked for pictures."""
    if SHOTS:
        tab.screenshot(SHOTS / f"{name}.png")


def test_the_journey_from_a_raw_file_to_a_workbook_of_predictions(tab: Tab, problem: Problem, tmp_path: Path) -> None:
    page = tab.open("/data")
    keyed(page, "data_upload").locator("input[type=file]").set_input_files(problem.training)
    expect(page.get_by_text("5,000", exact=True).first).to_be_visible(timeout=60_000)
    tab.settle()
    shoot(tab, "data")

    page = tab.open("/explore")
    choose(page, "explore_target", problem.target)
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)
    tab.settle()
    shoot(tab, "explore")

    page = tab.open("/train")
    choose(page, "train_target", problem.target)
    tab.settle()
    models = keyed(page, "train_max_models").locator("input")
    models.fill("2")
    models.press("Tab")
    folds = keyed(page, "train_nfolds").locator("input")
    folds.fill("2")
    folds.press("Tab")
    tab.settle()
    shoot(tab, "train")
    keyed(page, "train_start").locator("button").click()
    expect(keyed(page, "train_cancel")).to_be_visible(timeout=60_000)
    shoot(tab, "running")
    wait_for_model(page)
    tab.settle()
    shoot(tab, "run")

    page = tab.open("/leaderboard")
    expect(keyed(page, "leaderboard_table")).to_be_visible(timeout=30_000)
    shoot(tab, "leaderboard")

    page = tab.open("/explain")
    expect(keyed(page, "explain_model")).to_be_visible(timeout=30_000)
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=240_000)
    shoot(tab, "explain")

    page = tab.open("/predict")
    keyed(page, "predict_upload").locator("input[type=file]").set_input_files(problem.scoring)
    start = keyed(page, "predict_start").locator("button")
    expect(start).to_be_enabled(timeout=60_000)
    start.click()
    download = keyed(page, "predict_download").locator("button")
    expect(download).to_be_visible(timeout=120_000)
    workbook_path = download_workbook(tab, tmp_path)
    shoot(tab, "predict")

    workbook = openpyxl.load_workbook(workbook_path)
    rows = list(workbook.worksheets[0].iter_rows(values_only=True))
    header, first = rows[0], rows[1]
    assert len(rows) == problem.n_rows + 1
    place = header.index("prediction")
    shares = [at for at, name in enumerate(header) if str(name).startswith("probability_")]
    assert shares == list(range(place + 1, place + 1 + len(shares)))
    assert sum(first[at] for at in shares) == pytest.approx(1)
    assert header[shares[-1] + 1 :] == ("rank", "decile", "trust", "trust_note")
    assert "Summary" in workbook.sheetnames
    assert tab.errors == []


def test_a_business_user_from_a_file_that_does_not_fit_to_a_workbook_with_reasons(
    tab: Tab, problem: Problem, tmp_path: Path
) -> None:
    frame = pd.read_csv(problem.training, dtype=str).drop(columns=problem.target).head(60)
    names = [name for name in frame.columns if not name.lower().endswith("id")]  # the model does not read ids
    odd = next(name for name in names if frame[name].str.fullmatch(r"\d+").all())
    renamed = next(name for name in names if name != odd)
    frame.loc[4, odd] = "unknown"
    path = tmp_path / "march.csv"
    frame.rename(columns={renamed: f"{renamed} (new)"}).to_csv(path, index=False)

    page = tab.open("/predict")
    keyed(page, "predict_upload").locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text("This file does not fit yet")).to_be_visible(timeout=60_000)
    expect(keyed(page, "predict_start").locator("button")).to_be_disabled()
    tab.settle()
    shoot(tab, "predict-red")
    keyed(page, "predict_use_column").locator("button:visible").first.click()  # the likely rename, in one click
    expect(page.get_by_text(f"“{renamed} (new)” is used as “{renamed}”")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("1 cell is not a number")).to_be_visible()
    keyed(page, "predict_reasons").get_by_text("Three").click()
    tab.settle()
    start = keyed(page, "predict_start").locator("button")
    expect(start).to_contain_text("anyway")
    shoot(tab, "predict-amber")
    start.click()
    download = keyed(page, "predict_download").locator("button")
    expect(download).to_be_visible(timeout=180_000)
    workbook_path = download_workbook(tab, tmp_path)
    shoot(tab, "predict-result")
    with pd.ExcelFile(workbook_path, engine="openpyxl") as book:
        assert book.sheet_names == ["Predictions", "Summary", "Data dictionary", "Model card"]
        scored = pd.read_excel(book, "Predictions")
    assert len(scored) == 60
    assert f"{renamed} (new)" in scored.columns
    assert scored["trust"][4] == "outside"
    assert "“unknown” is not a number" in scored["trust_note"][4]
    reasons = scored["reason_1"].dropna()
    assert len(reasons) > 30
    assert reasons.str.contains(" raised it by | lowered it by ").all()
    assert tab.errors == []


def test_a_policy_saved_on_explain_makes_the_labels_of_the_next_file(
    tab: Tab, problem: Problem, tmp_path: Path
) -> None:
    page = tab.open("/explain")
    expect(keyed(page, "explain_view")).to_be_visible(timeout=30_000)
    for view in ("Performance", "Weak spots", "Fairness", "Decision"):
        keyed(page, "explain_view").get_by_text(view, exact=True).click()
        expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)
        tab.settle()
        shoot(tab, f"explain-{view.replace(' ', '-').lower()}")
    keyed(page, "explain_rule").get_by_text("Rows at most").click()
    tab.settle()
    keyed(page, "explain_policy_why").locator("input").fill("Two people can call one in five")
    keyed(page, "explain_policy_person").locator("input").fill("Ann")
    keyed(page, "explain_policy_save").locator("button").click()
    expect(page.get_by_text("from now on.")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("selects at most 20%").first).to_be_visible()
    tab.settle()

    page = tab.open("/predict")
    keyed(page, "predict_upload").locator("input[type=file]").set_input_files(problem.scoring)
    start = keyed(page, "predict_start").locator("button")
    expect(start).to_be_enabled(timeout=60_000)
    start.click()
    download = keyed(page, "predict_download").locator("button")
    expect(download).to_be_visible(timeout=120_000)
    workbook_path = download_workbook(tab, tmp_path)
    shoot(tab, "predict-policy")
    workbook = openpyxl.load_workbook(workbook_path)
    told = {str(row[0]): str(row[1]) for row in workbook["Summary"].iter_rows(values_only=True)}
    assert told["Policy"].endswith("Two people can call one in five")
    name, cut = re.match(r"(\S+) when probability_\S+ is at least (\S+)", told["Decision"]).groups()
    header, *rows = workbook.worksheets[0].iter_rows(values_only=True)
    label, chance = header.index("prediction"), header.index(f"probability_{name}")
    labels = [f"{row[label]:g}" if isinstance(row[label], float) else str(row[label]) for row in rows]
    assert [one == name for one in labels] == [row[chance] >= float(cut) for row in rows]
    assert 0.05 < labels.count(name) / len(rows) < 0.35
    assert tab.errors == []


@pytest.fixture(scope="module")
def phone(browser: Browser, tab: Tab) -> Iterator[Tab]:
    """A telephone in the dark; each address opens a session of its own."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark", reduced_motion="reduce")
    found = Tab(context.new_page(), tab.base_url)
    found.page.on("pageerror", lambda error: found.errors.append(str(error)))
    yield found
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_on_a_phone_in_the_dark(phone: Tab, path: str) -> None:
    page = phone.open(path)
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(phone, f"phone-{path.strip('/') or 'home'}")
    assert phone.errors == []
