"""The pictures of the documentation, taken of the built-in sample, and of made-up files, in a real browser.

python -m tests.browser.pictures docs/images
"""

import csv
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from core.data.datasets.samples import SAMPLE_TARGET, sample_training_path
from tests.browser.driver import Tab, new_tab, run_browser, run_server, wait_for_model
from tests.browser.test_journey import choose, keyed
from tests.browser.test_review import click_row, fill, press

_TRAIN_TIMEOUT_MS = 400_000
_OLDER, _MOST_LOOKS = 50, 60


def main(folder: Path) -> None:
    """Walk from an empty home to predictions, with a picture of each page."""
    with (
        tempfile.TemporaryDirectory(prefix="bellwether-pictures-") as name,
        run_browser() as browser,
        run_server(Path(name) / "home", BELLWETHER_H2O_MEMORY="2g") as server,
    ):
        tab = new_tab(browser, server)
        walk(tab, folder)
        print(*tab.errors, sep="\n")


def walk(tab: Tab, folder: Path) -> None:
    """Take in the sample, prepare it, train on it, explain and predict."""
    page = tab.open("/")
    page.get_by_role("button", name="Try it with sample data").first.click()
    page.wait_for_url("**/train*", timeout=60_000)
    tab.settle()
    for name in ("data", "explore"):
        draw(tab.open(f"/{name}"), name)
        keep(tab, folder, name)
    page = tab.open(f"/explore?target={SAMPLE_TARGET}&view=pairs")
    expect(page.locator(".js-plotly-plot")).to_have_count(2, timeout=60_000)
    page.wait_for_timeout(1_500)
    keep(tab, folder, "explore_pairs")
    page = tab.open("/prepare")
    keyed(page, "prepare_use_0").locator("button:visible").first.click()
    expect(page.locator("[class*='st-key-prepare_step_']")).to_have_count(5, timeout=30_000)
    tab.settle()
    keep(tab, folder, "prepare")
    run = train(tab, folder)
    for name in ("home", "runs", "leaderboard", "compare", "explain", "settings"):
        draw(tab.open("/" if name == "home" else f"/{name}"), name)
        keep(tab, folder, name)
    reproduce(tab, folder, run)
    review(tab, folder)
    page = tab.open("/predict")
    keyed(page, "predict_sample").locator("button:visible").first.click()
    predict(tab)
    keep(tab, folder, "predict")
    monitor(tab, folder)
    read(tab, folder)


def reproduce(tab: Tab, folder: Path, run: str) -> None:
    """Train a run once more and look at the verdict."""
    page = tab.open(f"/runs?run={run}")
    keyed(page, "run_reproduce").locator("summary").click()
    press(tab, "run_verify")
    verdict = page.get_by_text("Trained again: ")
    for _ in range(_MOST_LOOKS):
        tab.open(f"/runs?run={run}")
        keyed(page, "run_reproduce").locator("summary").click()
        tab.settle()
        if verdict.count():
            break
        page.wait_for_timeout(5_000)
    expect(verdict).to_be_visible()
    keep(tab, folder, "run_reproduce")


def predict(tab: Tab) -> None:
    """Score the file that was chosen, whatever was found in it."""
    start = keyed(tab.page, "predict_start").locator("button:visible").first
    expect(start).to_be_enabled(timeout=60_000)
    tab.settle()
    start.click()
    expect(keyed(tab.page, "predict_download")).to_be_visible(timeout=60_000)
    tab.settle()


def monitor(tab: Tab, folder: Path) -> None:
    """Score customers of whom most are older than those of training, with what they did."""
    rows = list(csv.DictReader(sample_training_path().read_text("utf-8").splitlines()))
    older = [row | {"customer_id": f"9{row['customer_id']}"} for row in rows if int(row["age"] or 0) >= _OLDER]
    with tempfile.TemporaryDirectory(prefix="bellwether-pictures-") as name:
        path = Path(name) / "november.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(older)
        page = tab.open("/predict")
        keyed(page, "predict_upload").locator("input[type=file]").set_input_files(path)
        predict(tab)
    page = tab.open("/monitor")
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)
    page.wait_for_timeout(1_500)
    keep(tab, folder, "monitor")


def read(tab: Tab, folder: Path) -> None:
    """Bring in a file with titles, a total and numbers with commas, which has to be looked at."""
    lines = ["Kundenliste Kranken;;;;", "Stand: 1. Mai 2024;;;;", "id;Geschlecht;Alter;Jahresprämie;Beginn"]
    lines += [
        f"{n};{'Male' if n % 3 else 'Female'};{20 + n % 60};{300 + 7 * n % 900},50;0{1 + n % 9}.03.2023"
        for n in range(1, 901)
    ]
    lines.append("Summe;;;24.504.354,00;")
    page = tab.open("/data")
    file = {"name": "kunden.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode("cp1252")}
    keyed(page, "data_upload").locator("input[type=file]").set_input_files(file)
    page.get_by_text("Change how it is read").first.click(timeout=60_000)
    tab.settle()
    keep(tab, folder, "data_reading")


def review(tab: Tab, folder: Path) -> None:
    """Say something about the model that is not the leader and approve it; the picture is of this section."""
    page = tab.open("/leaderboard")
    click_row(tab, "leaderboard_table", 3, x=16)  # below the leader and its twin of the run that verified it
    said = (("**Simpler** than the leader. Would it do, @Bob?", "Ann", "say"), ("It would.", "Bob", "approve"))
    for number, (words, person, act) in enumerate(said):
        fill(tab, f"leaderboard_comment_{number}", words)
        fill(tab, "leaderboard_person", person)
        press(tab, f"leaderboard_{act}")
    section = keyed(page, "leaderboard_section")
    expect(section.get_by_text("Approved").first).to_be_visible()
    tab.settle()
    page.wait_for_timeout(5_000)  # what was said in passing is gone
    section.screenshot(path=folder / "review.png")
    shrink(folder / "review.png")


def train(tab: Tab, folder: Path) -> str:
    """Train three models, wait until they are explained, and return the run's id."""
    page = tab.open("/train")
    choose(page, "train_target", SAMPLE_TARGET)
    tab.settle()
    for key, value in (("train_max_models", "3"), ("train_nfolds", "3")):
        box = keyed(page, key).locator("input")
        box.fill(value)
        box.press("Tab")
    tab.settle()
    keep(tab, folder, "train")
    keyed(page, "train_start").locator("button:visible").first.click()
    wait_for_model(page)
    tab.settle()
    run = page.url.partition("run=")[2].partition("&")[0]
    keep(tab, folder, "train_run")
    expect(tab.open("/explain").locator(".js-plotly-plot").first).to_be_visible(timeout=_TRAIN_TIMEOUT_MS)
    return run


def draw(page: Page, name: str) -> None:
    """Wait until what a page draws last is there."""
    if name == "explore":
        choose(page, "explore_target", SAMPLE_TARGET)
    if name in ("explore", "leaderboard", "explain"):
        expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)
    page.wait_for_timeout(1_500)  # figures fade in


def keep(tab: Tab, folder: Path, name: str) -> None:
    """Keep a picture of the whole page, with nothing under the pointer."""
    tab.page.mouse.move(2, 2)
    tab.page.wait_for_timeout(500)
    shrink(tab.screenshot(folder / f"{name}.png"))


def shrink(path: Path) -> None:
    """Make a picture small: few colours do."""
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
