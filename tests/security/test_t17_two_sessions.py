"""T17: two people at once, each in a browser of their own, never see a cell or a choice of the other.

Datasets, runs and models are the team's; what one session looks at, chose, sorted or is about to add is its own.
"""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.driver import Server, Tab, new_tab, run_browser, run_server
from tests.browser.test_journey import keyed

pytestmark = pytest.mark.browser
N_ACTIONS = 50 if os.environ.get("BELLWETHER_SOAK") else 25  # of each of the two
N_ROWS = 300
PAGES = ("Data", "Explore", "Prepare", "Train")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with run_server(tmp_path_factory.mktemp("two") / "home") as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with run_browser() as found:
        yield found


@dataclass
class Person:
    """Somebody with a browser: every column and every text of their file carries their word."""

    word: str
    tab: Tab
    columns: tuple[str, ...] = field(init=False)
    at: str = "Data"

    def __post_init__(self) -> None:
        self.columns = tuple(f"{self.word}_{name}" for name in ("age", "colour", "bought"))

    def write(self, folder: Path) -> Path:
        """Write their file."""
        path = folder / f"{self.word}_table.csv"
        rows = [f"{k % 61},{self.word}-{'red' if k % 3 else 'blue'},{'yes' if k % 4 else 'no'}" for k in range(N_ROWS)]
        path.write_text("\n".join([",".join(self.columns), *rows]) + "\n", encoding="utf-8")
        return path

    def upload(self, path: Path) -> None:
        """Bring the file in on Data."""
        page = self.tab.open("/data")
        keyed(page, "data_upload").locator("input[type=file]").set_input_files(path)
        expect(keyed(page, "data_select").locator("input")).to_have_value(f"{self.word}_table", timeout=60_000)

    def go(self, name: str) -> None:
        """Open a page within the session."""
        self.at = name
        self.tab.page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()

    def choose(self, key: str, value: str) -> None:
        """Choose in a select box, where the page has it."""
        box = keyed(self.tab.page, key).locator("input")
        if box.count():
            box.first.click()
            box.first.fill(value)
            self.tab.page.get_by_role("option", name=value).first.click()

    def open_tab(self, number: int) -> None:
        """Open one of the page's tabs, where it has them; not the one that compares with other datasets."""
        tabs = self.tab.page.get_by_role("tab").filter(has_not_text="Compare")
        if tabs.count():
            tabs.nth(number % tabs.count()).click()

    def seen(self) -> str:
        """Return all that their page holds, the cells of tables and the choices of widgets included."""
        expect(self.tab.page.get_by_role("heading", name=self.at, level=1, exact=True)).to_be_visible(timeout=30_000)
        return self.tab.settle().content()


def act(person: Person, rng: random.Random) -> str:
    """Do something on the page that is open; return what, for the message of a failure."""
    column = rng.choice(person.columns)
    number = rng.randrange(5)
    acts: dict[str, Callable[[], None]] = {
        **{f"go to {name}": (lambda name=name: person.go(name)) for name in PAGES},
        f"tab {number}": lambda: person.open_tab(number),
        f"explore {column}": lambda: person.choose("explore_target", column),
        f"look at {column}": lambda: person.choose("explore_column", column),
        f"predict {column}": lambda: person.choose("train_target", column),
    }
    what = rng.choice(sorted(acts))
    acts[what]()
    return f"{person.word}: {what}"


@pytest.mark.soak
def test_fifty_random_acts_of_two_people_at_once_show_nothing_of_each_other(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    people = [Person(word, new_tab(browser, server)) for word in ("aurora", "borealis")]
    for person in people:
        person.upload(person.write(tmp_path))
    rng = random.Random(17)
    done, own = [], 0
    for _ in range(N_ACTIONS):
        # Both act before either is waited for, so that their scripts run side by side.
        done += [act(person, rng) for person in people]
        for person, other in (people, people[::-1]):
            seen = person.seen()
            place = seen.find(other.word)
            assert place < 0, f"{person.word} sees …{seen[place - 200 : place + 40]}… after {done[-6:]}"
            own += person.word in seen
        assert not people[0].tab.errors + people[1].tab.errors
    assert own == 2 * N_ACTIONS  # each page shows the dataset that its own session chose


def test_a_file_that_waits_for_an_answer_waits_for_its_own_session(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    import pandas as pd

    path = tmp_path / "zephyr.xlsx"
    with pd.ExcelWriter(path) as book:
        for sheet in ("zephyr_one", "zephyr_two"):
            pd.DataFrame({"zephyr_amount": range(5)}).to_excel(book, sheet_name=sheet, index=False)
    owner, other = (new_tab(browser, server) for _ in range(2))
    page = owner.open("/data")
    keyed(page, "data_upload").locator("input[type=file]").set_input_files(path)
    expect(keyed(page, "data_add_sheet").locator("button:visible").first).to_be_visible(timeout=60_000)
    for target in ("/data", "/explore", "/train"):
        assert "zephyr" not in other.open(target).content()
    assert "zephyr" in owner.settle().content()
    assert owner.errors + other.errors == []
