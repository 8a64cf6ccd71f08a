"""A model followed in a real browser: two files, one of them drifted, the alert, the outcomes, the next training."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.driver import Server, Tab, new_tab, run_browser, run_server
from tests.browser.test_journey import keyed, shoot

pytestmark = [pytest.mark.browser, pytest.mark.engine]

EXPERIMENT = "cross sell"
TARGET = "Response"


@pytest.fixture(scope="module")
def frames(test_data: Path) -> dict[str, pd.DataFrame]:
    """Training rows, and other real rows to score: some like them, some of older people only."""
    training = pd.read_csv(test_data / "insurance_cross_sell_sample.csv")
    every = pd.read_csv(test_data / "insurance_cross_sell.csv.gz")
    others = every[~every["id"].isin(training["id"])]
    june = others.sample(800, random_state=1)
    july = others[(others["Age"] > 50) & ~others["id"].isin(june["id"])].sample(900, random_state=2)
    return {"training": training, "june": june, "july": july}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, frames: dict[str, pd.DataFrame]) -> Iterator[Server]:
    """The app on a home with a trained model; files of more than 850 rows are scored in the background."""
    from dataclasses import replace

    from core.domain.training import TrainingSettings
    from core.services import build
    from core.settings import Settings
    from tests.fixtures_runs import run_to_end

    folder = tmp_path_factory.mktemp("monitor")
    home = folder / "home"
    env = {"BELLWETHER_H2O_MEMORY": "1g", "BELLWETHER_H2O_THREADS": "2", "BELLWETHER_MIN_FREE": "1m"}
    services = build(Settings(home=home, h2o_memory_bytes=1024**3, h2o_threads=2, min_free_bytes=1024**2))
    try:
        path = folder / "training.csv"
        frames["training"].to_csv(path, index=False)
        dataset = services.datasets.add(path, path.name)
        settings = TrainingSettings(dataset_id=dataset.id, target=TARGET, experiment=EXPERIMENT, task="binary")
        wanted = replace(settings, ignored=("id",), max_models=1, nfolds=2, holdout_share=0.2, include_algos=("GBM",))
        assert run_to_end(services, wanted, explain=False).status == "finished"
    finally:
        services.close()
    with run_server(home, BELLWETHER_BACKGROUND_ROWS="850", **env) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with run_browser() as browser:
        yield browser


@pytest.fixture
def tab(browser: Browser, server: Server) -> Tab:
    return new_tab(browser, server)


def hand_in(tab: Tab, path: Path) -> None:
    page = tab.open("/predict")
    keyed(page, "predict_upload").locator("input[type=file]").set_input_files(path)
    start = keyed(page, "predict_start").locator("button")
    expect(start).to_be_enabled(timeout=60_000)
    tab.settle()
    start.click()


def hand_in_slowly(page: Page, path: Path) -> None:
    """Upload outcomes over a slow line: the file before leaves the field long before this one is in."""
    held: list[Route] = []
    page.route("**/_stcore/upload_file/**", lambda route: held.append(route))  # noqa: PLW0108 - no builtin is taken
    keyed(page, "monitor_upload").locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text(re.compile("can now be compared"))).to_have_count(0, timeout=60_000)
    while held:
        held.pop(0).continue_()
    page.unroute("**/_stcore/upload_file/**")


def test_a_drifted_file_raises_an_alert_and_outcomes_become_metrics(
    tab: Tab, frames: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    for name in ("june", "july"):
        frames[name].drop(columns=TARGET).to_csv(tmp_path / f"{name}.csv", index=False)
        frames[name][["id", TARGET]].to_csv(tmp_path / f"{name}_outcomes.csv", index=False)

    hand_in(tab, tmp_path / "june.csv")
    expect(keyed(tab.page, "predict_download").locator("button")).to_be_visible(timeout=180_000)
    page = tab.open("/monitor")
    expect(page.get_by_text("looks like the training data")).to_be_visible(timeout=30_000)

    # The larger file is scored in the background: this tab leaves it at once, and comes back to its result.
    hand_in(tab, tmp_path / "july.csv")
    expect(page).to_have_url(re.compile(r"/predict\?scoring=[0-9a-f]{32}"), timeout=30_000)
    address = page.url
    tab.open("/")
    page.goto(address)
    expect(keyed(page, "predict_download").locator("button")).to_be_visible(timeout=180_000)
    tab.settle()
    shoot(tab, "predict-background")

    page = tab.open("/monitor")
    expect(page.get_by_text(re.compile(r"^Age is distributed differently than in training"))).to_be_visible(
        timeout=30_000
    )
    expect(page.get_by_text(re.compile(r"The last file, july\.csv, raises \d+ alerts"))).to_be_visible()
    shoot(tab, "monitor")
    keyed(page, "monitor_view").get_by_text("Drift").click()
    expect(keyed(page, "monitor_feature_bins")).to_be_visible(timeout=30_000)
    tab.settle()
    shoot(tab, "monitor-drift")

    keyed(page, "monitor_view").get_by_text("Outcomes").click()
    for name, count in (("june", "800"), ("july", "1,700")):
        hand_in_slowly(page, tmp_path / f"{name}_outcomes.csv")
        compare = keyed(page, "monitor_compare").locator("button")
        expect(compare).to_be_visible(timeout=60_000)
        tab.settle()
        compare.click()
        expect(page.get_by_text(f"{count} rows of")).to_be_visible(timeout=60_000)
        tab.settle()  # the words stand at the top; the next file has to find the new field below them
    expect(keyed(page, "monitor_metric")).to_be_visible()
    expect(keyed(page, "monitor_calibration")).to_be_visible()
    tab.settle()
    shoot(tab, "monitor-outcomes")

    keyed(page, "monitor_train_new").locator("button").click()
    expect(page).to_have_url(re.compile(r"/train"), timeout=60_000)
    tab.settle()
    expect(keyed(page, "train_experiment").locator("input")).to_have_value(EXPERIMENT)
    expect(keyed(page, "train_nfolds").locator("input")).to_have_value("2")
    expect(page.get_by_text("6,700 rows")).to_be_visible()
    assert tab.errors == []
