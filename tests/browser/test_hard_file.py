"""A file as it comes out of an office, from Data to a right prediction, with everything that was guessed said."""

import random
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.driver import new_tab, run_browser, run_server, wait_for_model
from tests.browser.test_journey import choose, download_workbook, keyed

pytestmark = pytest.mark.browser

N_ROWS, SEVERAL = 240, 1_000
HEADER = "region;visits;opened;price;buys"


def german(number: int) -> str:
    return f"{number:,}".replace(",", ".")


def rows(rng: random.Random, visits: list[int]) -> list[str]:
    """Who visits a thousand times buys; taken for 1.234, most of those who do would be those who hardly come."""
    return [
        f"{rng.choice(('north', 'south'))};{german(n)};2014{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}T000000;"
        f"€ {rng.randrange(5, 90)},{rng.randrange(100):02d};{'yes' if n >= SEVERAL else 'no'}"
        for n in visits
    ]


def write_training(path: Path) -> None:
    rng = random.Random(7)
    parts = [[rng.randrange(20, 3_000) for _ in range(N_ROWS // 2)] for _ in range(2)]
    lines = ["Visits 2014", "made by hand;;;;", HEADER]
    for part in parts:
        lines += [*rows(rng, part), f"Subtotal;{german(sum(part))};;;"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with run_browser() as found:
        yield found


def test_a_hard_file_is_read_right_or_said_and_predicts_right(browser: Browser, tmp_path: Path) -> None:
    training, later = tmp_path / "visits.csv", tmp_path / "later.csv"
    write_training(training)
    asked = [2_644, 1_950, 60, 2_001, 150]
    cells = [line.rpartition(";")[0] for line in rows(random.Random(8), asked)]
    later.write_text("\n".join([HEADER.rpartition(";")[0], *cells]) + "\n", encoding="utf-8")
    with run_server(tmp_path / "home", BELLWETHER_H2O_MEMORY="1g", BELLWETHER_MIN_FREE="1m") as server:
        tab = new_tab(browser, server)
        page = tab.open("/data")
        keyed(page, "data_upload").locator("input[type=file]").set_input_files(training)
        expect(page.get_by_text(f"{N_ROWS} rows", exact=True).first).to_be_visible(timeout=60_000)
        for said in ("2 rows above the header were left out", "sums up others was left out", "looks like a total"):
            expect(page.get_by_text(said).first).to_be_visible()
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_text("are read as numbers").first).to_be_visible(timeout=30_000)

        page = tab.open("/train")
        choose(page, "train_target", "buys")
        tab.settle()
        for key, value in (("train_max_models", "1"), ("train_nfolds", "2")):
            box = keyed(page, key).locator("input")
            box.fill(value)
            box.press("Tab")
        tab.settle()
        keyed(page, "train_start").locator("button").click()
        wait_for_model(page)

        page = tab.open("/predict")
        keyed(page, "predict_upload").locator("input[type=file]").set_input_files(later)
        start = keyed(page, "predict_start").locator("button")
        expect(start).to_be_enabled(timeout=60_000)
        start.click()
        download = keyed(page, "predict_download").locator("button")
        expect(download).to_be_visible(timeout=120_000)
        path = download_workbook(tab, tmp_path)
        assert tab.errors == []
    header, *found = openpyxl.load_workbook(path)["Predictions"].iter_rows(values_only=True)
    assert [row[header.index("prediction")] for row in found] == ["yes" if n >= SEVERAL else "no" for n in asked]
