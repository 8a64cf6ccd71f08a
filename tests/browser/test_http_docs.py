"""The page `/docs` in a browser: it sends a file, shows the answer, and its command line does the same."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from core.data.datasets.samples import sample_scoring_path
from tests.browser.driver import Server, new_tab, run_browser, run_server

pytestmark = [pytest.mark.browser, pytest.mark.engine]

ANSWER_MS = 60_000


@pytest.fixture(scope="module")
def server(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("docs") / "home"
    shutil.copytree(trained_home, home, ignore=shutil.ignore_patterns("server.json", "work", "engine"))
    with run_server(home, BELLWETHER_H2O_MEMORY="1g", BELLWETHER_MIN_FREE="1m") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with run_browser() as running:
        yield running


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The page, open; at the end it has asked no other server, and its console knows no error but refusals."""
    tab = new_tab(browser, server)
    others: list[str] = []
    tab.page.on("request", lambda sent: others.append(sent.url))
    tab.page.goto(f"{server.url}/docs")
    expect(tab.page.locator("#models input")).to_have_count(2)
    expect(tab.page.locator("#statuses code").first).to_be_visible()
    yield tab.page
    assert {urlsplit(url).netloc for url in others if not url.startswith("blob:")} == {urlsplit(server.url).netloc}
    assert [error for error in tab.errors if "status of 4" not in error] == []
    tab.page.context.close()


def send(page: Page, file: str | dict) -> None:
    page.set_input_files("#file", file)
    page.click("#send")
    expect(page.locator("#status")).to_be_visible(timeout=ANSWER_MS)


def test_it_sends_a_file_and_the_command_line_gives_the_same(page: Page, tmp_path: Path) -> None:
    send(page, str(sample_scoring_path()))
    expect(page.locator("#status")).to_contain_text("200")
    expect(page.locator("#words")).to_contain_text("500 rows scored")
    shown = json.loads(page.inner_text("#body"))
    assert len(shown) == 500
    command = page.inner_text("#curl")
    run = subprocess.run(
        ["bash", "-c", f"{command} -s"], cwd=sample_scoring_path().parent, capture_output=True, check=True, timeout=60
    )
    assert json.loads(run.stdout) == shown


def test_a_file_comes_back_in_the_format_chosen(page: Page, tmp_path: Path) -> None:
    page.locator("input[value='text/csv']").check(force=True)
    page.locator("#models input").nth(1).check()
    send(page, str(sample_scoring_path()))
    with page.expect_download() as download:
        page.click("#link")
    assert download.value.suggested_filename == "insurance_customers_to_score_predictions.csv"
    header, *rows = Path(download.value.path()).read_text("utf-8").splitlines()
    assert "prediction_sample_v1" in header.split(",")
    assert len(rows) == 500


def test_t18_names_and_answers_are_shown_as_text(page: Page) -> None:
    markup = "<img src=x onerror=alert(1)>"
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    rows = f"customer_id,{markup}\n1,2\n".encode()
    send(page, {"name": f"{markup}'; $(touch x).csv", "mimeType": "text/csv", "buffer": rows})
    expect(page.locator("#status")).to_contain_text("422")
    assert markup in page.inner_text("#file-name")
    assert markup in page.inner_text("#body")
    assert page.locator("main img").count() == 0
    assert dialogs == []
    # The name is one quoted word of the command line, so that nothing in it is run.
    words = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {page.inner_text('#curl')}"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert words[1:3] == ["-F", f'file=@"{markup}\'; $(touch x).csv"']


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")])
def test_it_fits_every_screen(browser: Browser, server: Server, width: int, scheme: str) -> None:
    tab = new_tab(browser, server, width=width, scheme=scheme)
    tab.page.goto(f"{server.url}/docs")
    expect(tab.page.locator("#parameters code").first).to_be_visible()
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    ground = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(20, 25, 29)" if scheme == "dark" else "rgb(255, 255, 255)")
    assert tab.errors == []
    tab.page.context.close()
