"""The watch folder with a stand-in for the scorer: what is taken and when, where it ends, and never twice."""

import logging
import os
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from core.errors import DataError, EngineDiedError, StoreBusyError
from core.ledger.database import Ledger
from core.scoring.result import Scored
from core.settings import Settings
from core.store.mlflow import Store
from core.work.inbox import Inbox
from tests.browser.driver import wait_until
from tests.core.scoring.test_scorer import scored
from tests.fixtures_store import add_champion

CSV = b"id,Age\n1,33\n2,51\n"


class FakeScorer:
    """Scores by a rule; notes each file, and raises what a test says."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.errors: list[Exception] = []
        self.before = lambda: None

    def score_file(self, path: Path, file_name: str, *, experiment: str, **wanted: object) -> Scored:
        assert wanted == {"person": "inbox", "details": True, "checked": True, "origin": "inbox"}
        self.files.append(f"{experiment}/{file_name}")
        self.before()
        if self.errors:
            raise self.errors.pop(0)
        source = pa.table({"id": ["1", "2"], "Age": ["33", "51"]})
        return scored(source, pa.table({"prediction": [0, 1], "probability_1": [0.1, 0.9]}))


class Killed(BaseException):
    """Stands for the end of the process at this very moment."""


@pytest.fixture
def scorer() -> FakeScorer:
    return FakeScorer()


@pytest.fixture(scope="module")
def database_with_champion(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Path:
    settings = Settings(home=tmp_path_factory.mktemp("champion"))
    settings.mlruns_dir.mkdir(parents=True)
    shutil.copy(migrated_database, settings.mlruns_dir / "mlflow.db")
    store = Store(settings)
    add_champion(store, "sales")
    return store.back_up()


@pytest.fixture
def make_inbox(settings: Settings, scorer: FakeScorer, database_with_champion: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that makes an inbox as a process that starts has it, on one home."""
    settings.mlruns_dir.mkdir(parents=True)
    shutil.copy(database_with_champion, settings.mlruns_dir / "mlflow.db")
    store = Store(settings)
    # Our own store has no such name; another tool's experiment may.
    champions = store.champions() | {"..": store.champion("sales")}
    monkeypatch.setattr(store, "champions", lambda: champions)
    settings.data_dir.mkdir(parents=True)
    made = replace(settings, inbox_interval_s=0.05)
    return lambda: Inbox(made, store, Ledger(settings.ledger_path), scorer)


@pytest.fixture
def inbox(make_inbox) -> Inbox:
    """An inbox that has made its folders."""
    made = make_inbox()
    made._settings.inbox_dir.mkdir()
    made.look()
    return made


@pytest.fixture
def running(inbox: Inbox) -> Iterator[Inbox]:
    """That inbox, at work."""
    inbox.start()
    yield inbox
    inbox.stop()
    inbox.join()


@pytest.fixture
def folder(settings: Settings, inbox: Inbox) -> Path:
    return settings.inbox_dir / "sales"


def tree(folder: Path) -> dict[str, str | bytes]:
    """Return every file below a folder with its content; notes as text."""
    return {
        path.relative_to(folder).as_posix(): path.read_text() if path.suffix == ".txt" else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_each_problem_gets_its_folder_and_no_name_leads_out(settings, folder):
    assert [path.name for path in settings.inbox_dir.iterdir()] == ["sales"]
    assert sorted(path.name for path in folder.iterdir()) == ["done", "failed", "working"]
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_file_is_scored_once_it_has_stopped_to_grow(settings, inbox, folder, scorer):
    (folder / "May.csv").write_bytes(CSV[:9])
    inbox.look()
    assert scorer.files == []
    (folder / "May.csv").write_bytes(CSV)
    inbox.look()
    assert scorer.files == []
    inbox.look()
    assert scorer.files == ["sales/May.csv"]
    assert set(tree(folder)) == {"done/May.csv", "done/May.csv.txt"}
    assert tree(folder)["done/May.csv"] == CSV
    assert "Rows: 2" in tree(folder)["done/May.csv.txt"]
    table = pa_csv.read_csv(settings.outbox_dir / "sales" / "May_predictions.csv")
    assert table.to_pydict() == {"id": [1, 2], "Age": [33, 51], "prediction": [0, 1], "probability_1": [0.1, 0.9]}
    inbox.look()
    inbox.look()
    assert scorer.files == ["sales/May.csv"]


@pytest.mark.parametrize("name", [".May.csv", "~$May.xlsx", "May.csv.part", "May.csv.crdownload", "May.csv.tmp"])
def test_unfinished_and_hidden_files_are_left_alone(inbox, folder, scorer, name):
    (folder / name).write_bytes(CSV)
    (folder / "empty.csv").touch()
    for _ in range(3):
        inbox.look()
    assert scorer.files == []
    assert set(tree(folder)) == {name, "empty.csv"}


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("a.xlsx", "a_predictions.xlsx"),
        ("a.ods", "a_predictions.xlsx"),
        ("a.parquet", "a_predictions.parquet"),
        ("a.tsv", "a_predictions.csv"),
        ("a.csv.gz", "a_predictions.csv"),
        ("a.b.CSV", "a.b_predictions.csv"),
    ],
)
def test_the_result_is_of_the_kind_that_the_file_is(settings, inbox, folder, name, result):
    (folder / name).write_bytes(CSV)
    inbox.look()
    inbox.look()
    (found,) = (settings.outbox_dir / "sales").iterdir()
    assert found.name == result
    if found.suffix == ".xlsx":
        assert openpyxl.load_workbook(found).sheetnames[:2] == ["Predictions", "Summary"]
    elif found.suffix == ".parquet":
        assert pq.read_table(found)["prediction"].to_pylist() == [0, 1]


def test_the_same_name_again_takes_nothing_away(settings, inbox, folder):
    for _ in range(3):
        (folder / "May.csv.gz").write_bytes(CSV)
        inbox.look()
        inbox.look()
    assert {path.name for path in (settings.outbox_dir / "sales").iterdir()} == {
        "May_predictions.csv", "May_predictions (2).csv", "May_predictions (3).csv",
    }  # fmt: skip
    assert {name for name in tree(folder) if not name.endswith(".txt")} == {
        "done/May.csv.gz", "done/May (2).csv.gz", "done/May (3).csv.gz",
    }  # fmt: skip


def test_a_file_that_does_not_fit_says_why(settings, inbox, folder, scorer):
    scorer.errors = [DataError("The column “Age” is missing.", hint="Add it.", code="schema.missing_columns")]
    (folder / "May.csv").write_bytes(CSV)
    inbox.look()
    inbox.look()
    assert set(tree(folder)) == {"failed/May.csv", "failed/May.csv.txt"}
    note = tree(folder)["failed/May.csv.txt"]
    assert "The column “Age” is missing." in note
    assert "Add it." in note
    assert "schema.missing_columns" in note
    assert not settings.outbox_dir.exists()


def test_a_folder_of_no_problem_says_so(settings, inbox, scorer):
    other = settings.inbox_dir / "slaes"
    other.mkdir()
    (other / "May.csv").write_bytes(CSV)
    inbox.look()
    inbox.look()
    assert "'slaes' has no champion" in tree(other)["failed/May.csv.txt"]
    assert scorer.files == []


def test_a_link_is_not_followed(inbox, folder, scorer, tmp_path):
    (tmp_path / "secret.csv").write_bytes(CSV)
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    os.mkfifo(folder / "pipe.csv")
    inbox.look()
    inbox.look()
    assert scorer.files == []
    assert "not a regular file" in tree(folder)["failed/link.csv.txt"]
    assert "not a regular file" in tree(folder)["failed/pipe.csv.txt"]


@pytest.mark.parametrize(
    "name",
    [b"x" * 251 + b".csv", "日".encode() * 80 + b".csv.gz", b"bad \xff name.csv", b"two\nlines.csv", b"=cmd.csv"],
)
def test_any_name_is_scored(settings, inbox, folder, name):
    with open(os.fsencode(folder) + b"/" + name, "wb") as file:  # noqa: PTH123 - a name of bytes
        file.write(CSV)
    inbox.look()
    inbox.look()
    (found,) = (settings.outbox_dir / "sales").iterdir()
    assert found.name.endswith("_predictions.csv")


def test_an_engine_that_is_away_is_waited_for_but_not_for_ever(inbox, folder, scorer):
    (folder / "May.csv").write_bytes(CSV)
    scorer.errors = [EngineDiedError("Gone."), StoreBusyError("Busy.")]
    inbox.look()
    inbox.look()
    assert set(tree(folder)) == {"working/May.csv"}
    inbox.look()
    inbox.look()
    assert set(tree(folder)) == {"done/May.csv", "done/May.csv.txt"}
    (folder / "June.csv").write_bytes(CSV)
    scorer.errors = [EngineDiedError("Gone.")] * 3
    for _ in range(4):
        inbox.look()
    assert "Gone." in tree(folder)["failed/June.csv.txt"]


@pytest.mark.slow
def test_a_bug_costs_one_file_and_leaves_a_reference(settings, running, folder, scorer, caplog):
    scorer.errors = [RuntimeError("canary-4711")]
    (folder / "May.csv").write_bytes(CSV)
    wait_until((folder / "failed" / "May.csv.txt").exists, 20, "the reason")
    note = tree(folder)["failed/May.csv.txt"]
    (reference,) = re.findall(r"Something went wrong \(ref (\w+)\)", note)
    assert reference in caplog.text
    assert "canary" not in note
    (folder / "June.csv").write_bytes(CSV)
    wait_until((folder / "done" / "June.csv.txt").exists, 20, "the next file")
    # The result leaves the folder after the note has come.
    wait_until((settings.outbox_dir / "sales" / "June_predictions.csv").exists, 20, "its result")
    assert list((folder / "working").iterdir()) == []


@pytest.mark.slow
def test_a_bug_between_two_files_costs_none(running, folder, scorer, monkeypatch):
    """The file that was scored last is done, and no bug of a later round puts it aside."""
    (folder / "May.csv").write_bytes(CSV)
    wait_until((folder / "done" / "May.csv.txt").exists, 20, "the first file")
    broken = threading.Event()
    real = running._folders

    def breaks_once():
        if not broken.is_set():
            broken.set()
            raise RuntimeError
        return real()

    monkeypatch.setattr(running, "_folders", breaks_once)
    assert broken.wait(20)
    (folder / "June.csv").write_bytes(CSV)
    wait_until((folder / "done" / "June.csv.txt").exists, 20, "the next file")
    assert list((folder / "failed").iterdir()) == []


STEPS = ("score", "save", "done", "note", "deliver")


@pytest.mark.parametrize("step", STEPS)
def test_f18_killed_at_any_step_the_next_process_ends_it_once(settings, make_inbox, folder, scorer, monkeypatch, step):
    """The outbox gets one result, and a file that counts as scored is not scored again."""
    import core.work.inbox as module

    def kill(*_args: object) -> None:
        raise Killed

    killed = make_inbox()
    (folder / "May.csv").write_bytes(CSV)
    killed.look()
    with monkeypatch.context() as patch:
        if step == "score":
            scorer.before = kill
        elif step == "save":
            patch.setattr(module, "save", kill)
        elif step == "done":
            real = module._move
            patch.setattr(
                module, "_move", lambda path, to, **name: kill() if to.name == "done" else real(path, to, **name)
            )
        elif step == "note":
            patch.setattr(module, "_write_note", kill)
        else:
            patch.setattr(killed, "_deliver", kill)
        with pytest.raises(Killed):
            killed.look()
    scorer.before = lambda: None
    n_before = len(scorer.files)
    assert not settings.outbox_dir.exists()
    is_done = (folder / "done" / "May.csv").exists()
    assert is_done == (step in ("note", "deliver"))

    following = make_inbox()
    for _ in range(3):
        following.look()
    assert [path.name for path in (settings.outbox_dir / "sales").iterdir()] == ["May_predictions.csv"]
    assert len(scorer.files) == n_before + (not is_done)
    assert list((folder / "working").iterdir()) == []
    assert (folder / "done" / "May.csv").read_bytes() == CSV


def test_it_watches_alone_goes_on_and_stops(settings, make_inbox, folder, scorer):
    first, second = make_inbox(), make_inbox()
    entered, leave = threading.Event(), threading.Event()
    scorer.before = lambda: (entered.set(), leave.wait(20))
    first.start()
    second.start()
    for number in range(5):
        (folder / f"{number}.csv").write_bytes(CSV)
    assert entered.wait(20)
    leave.set()
    wait_until(lambda: len(list((settings.outbox_dir / "sales").glob("*"))) == 5, 20, "five results")
    for inbox in (first, second):
        inbox.stop()
        inbox.join()
        assert not inbox.is_working
    assert sorted(scorer.files) == [f"sales/{number}.csv" for number in range(5)]


def test_a_stop_does_not_wait_for_a_file_and_loses_nothing(settings, make_inbox, folder, scorer):
    leave, entered = threading.Event(), threading.Event()
    scorer.before = lambda: (entered.set(), leave.wait(20))
    stopped = make_inbox()
    stopped.start()
    (folder / "May.csv").write_bytes(CSV)
    assert entered.wait(20)
    stopped.stop()
    assert stopped.is_working, "it is still at the file"
    leave.set()
    stopped.join()
    assert not stopped.is_working
    assert set(tree(folder)) == {"working/May.csv"}
    following = make_inbox()
    following.look()
    assert [path.name for path in (settings.outbox_dir / "sales").iterdir()] == ["May_predictions.csv"]


def test_a_file_that_the_end_of_the_engine_ends_waits_for_the_next_start(make_inbox, folder, scorer, settings):
    """However often: it is not the file's fault."""
    stopped = make_inbox()
    for _ in range(4):
        entered, leave = threading.Event(), threading.Event()
        scorer.before = lambda: (entered.set(), leave.wait(20))  # noqa: B023 - each round has its own
        scorer.errors = [EngineDiedError("Gone.")]
        if not (folder / "working" / "May.csv").exists():
            (folder / "May.csv").write_bytes(CSV)
        stopped.start()
        assert entered.wait(20)
        stopped.stop()
        leave.set()
        stopped.join()
        assert set(tree(folder)) == {"working/May.csv"}
    make_inbox().look()
    assert [path.name for path in (settings.outbox_dir / "sales").iterdir()] == ["May_predictions.csv"]


def test_it_is_off_unless_the_settings_say_so(settings):
    inbox = Inbox(settings, None, None, None)
    inbox.start()
    assert not inbox.is_working
    assert not settings.inbox_dir.exists()


def test_the_log_holds_no_cell_of_a_file(inbox, folder, scorer, caplog):
    caplog.set_level(logging.INFO)
    scorer.errors = [DataError("The value canary-4711 is odd.")]
    (folder / "May.csv").write_bytes(CSV)
    inbox.look()
    inbox.look()
    assert "a file was not scored [data.invalid]" in caplog.text
    assert "canary" not in caplog.text
