"""The real MOJO runtime: what it gives many at once, what it keeps, what it refuses."""

import shutil
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest

from core.engine.mojo.runtime import MojoRuntime
from core.engine.protocol import Mojo
from core.errors import (
    EmptyDataError,
    EngineError,
    ModelIncompatibleError,
    ModelIntegrityError,
    ModelNotFoundError,
)
from tests.fixtures_engine import wait_for
from tests.fixtures_mojo import CODE, NOISE, SIZE, of_file, rows

pytestmark = pytest.mark.engine


def changed(mojo: Mojo, path: Path, change: Callable[[str], str]) -> Mojo:
    """Copy a MOJO with another model.ini."""
    with zipfile.ZipFile(mojo[0]) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            new.writestr(entry, change(data.decode()).encode() if entry.filename == "model.ini" else data)
    return of_file(path)


# --- many at once, and what is kept -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n_threads", [2, 20])
def test_each_of_many_threads_gets_its_own_rows(runtime: MojoRuntime, mojos: dict[str, Mojo], n_threads: int) -> None:
    names = list(mojos)
    questions = [(mojos[names[n % 3]], rows(1 + 997 * (n % 5), seed=n)) for n in range(n_threads)]
    ready = threading.Barrier(n_threads)

    def ask(question: tuple[Mojo, list[pa.RecordBatch]]) -> pa.Table:
        ready.wait(30)  # a stampede: nobody has started the process yet
        return runtime.predict(*question)

    with ThreadPoolExecutor(n_threads) as pool:
        found = list(pool.map(ask, questions))
    pid = runtime.pid
    assert found == [runtime.predict(*question) for question in questions]
    assert len({table.slice(0, 1)["no"][0].as_py() for table in found}) == n_threads
    assert runtime.pid == pid


def test_a_runtime_that_was_closed_starts_again(runtime: MojoRuntime, mojos: dict[str, Mojo]) -> None:
    assert runtime.pid is None
    first = runtime.predict(mojos["GBM"], rows(100))
    pid = runtime.pid
    runtime.close()
    assert runtime.pid is None
    assert runtime.predict(mojos["GBM"], rows(100)).equals(first)
    assert runtime.pid not in (None, pid)
    runtime.close()
    runtime.close()


def test_models_that_were_let_go_are_opened_again(runtime: MojoRuntime, mojos: dict[str, Mojo], tmp_path: Path) -> None:
    expected = {name: runtime.predict(mojo, rows(50)) for name, mojo in mojos.items()}
    copies = []
    for number in range(18):  # more than are kept
        name = list(mojos)[number % 3]
        copies.append((name, (Path(shutil.copy(mojos[name][0], tmp_path / f"{number}.zip")), mojos[name][1])))
    for name, mojo in [*copies, *copies[:4]]:
        assert runtime.predict(mojo, rows(50)).equals(expected[name])


# --- what is refused, by a process that goes on -----------------------------------------------------------------------


@pytest.fixture
def started(runtime: MojoRuntime, mojos: dict[str, Mojo]) -> MojoRuntime:
    """A runtime that has scored with the GBM already."""
    runtime.predict(mojos["GBM"], rows(10))
    return runtime


def refuse(runtime: MojoRuntime, mojo: Mojo, kind: type[EngineError] | type[ModelNotFoundError], words: str) -> None:
    """Expect a refusal, from a process that goes on."""
    pid = runtime.pid
    with pytest.raises(kind, match=words):
        runtime.predict(mojo, rows(10))
    assert runtime.pid == pid


def test_rows_that_do_not_fit_are_refused(started: MojoRuntime, mojos: dict[str, Mojo]) -> None:
    pid, (batch,) = started.pid, rows(10)
    cases = {
        f"needs a column '{SIZE}'": batch.select([CODE, NOISE]),
        f"'{SIZE}' is not a category": batch.set_column(0, SIZE, batch[CODE]),
        f"'{CODE.replace('[', '.').replace(']', '.')}' is a category": batch.set_column(1, CODE, batch[NOISE]),
    }
    for words, odd in cases.items():
        with pytest.raises(EngineError, match=words):
            started.predict(mojos["GBM"], [odd])
    for none in ([], [batch.slice(0, 0)]):
        with pytest.raises(EmptyDataError):
            started.predict(mojos["GBM"], none)
    assert started.predict(mojos["GBM"], [batch.slice(0, 0), batch]).num_rows == 10
    assert started.pid == pid


def test_what_is_no_ensemble_has_no_members(started: MojoRuntime, mojos: dict[str, Mojo]) -> None:
    assert started.ensemble(mojos["GBM"]) is None
    ensemble = started.ensemble(mojos["StackedEnsemble"])
    assert ensemble is not None
    assert {member.algo for member in ensemble.members} <= {"GLM", "GBM"}
    assert ensemble.adds_up
    assert started.contributions(mojos["StackedEnsemble"], rows(10), rows(10)).num_rows == 10


@pytest.mark.parametrize("damage", ["flipped", "cut short", "garbage"])
def test_a_damaged_file_never_reaches_java(
    started: MojoRuntime, mojos: dict[str, Mojo], tmp_path: Path, damage: str
) -> None:
    path, sha256 = tmp_path / "model.zip", mojos["GBM"][1]
    shutil.copy(mojos["GBM"][0], path)
    expected = started.predict((path, sha256), rows(10))
    data, seen = path.read_bytes(), path.stat()
    middle = len(data) // 2
    flipped = bytes([*data[:middle], data[middle] ^ 1, *data[middle + 1 :]])
    path.write_bytes({"flipped": flipped, "cut short": data[:middle], "garbage": b"no zip at all"}[damage])
    # Not even when its times are set back to those of the file that was scored a moment ago.
    shutil.os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    refuse(started, (path, sha256), ModelIntegrityError, "changed or damaged")
    refuse(started, of_file(path), ModelIncompatibleError, "cannot open") if damage == "garbage" else None
    path.write_bytes(data)
    assert started.predict((path, sha256), rows(10)).equals(expected)


def test_a_file_that_is_gone(started: MojoRuntime, mojos: dict[str, Mojo], tmp_path: Path) -> None:
    refuse(started, (tmp_path / "gone.zip", mojos["GBM"][1]), ModelNotFoundError, "not there any more")


def test_a_format_of_a_newer_h2o_is_refused_with_its_version(
    started: MojoRuntime, mojos: dict[str, Mojo], tmp_path: Path
) -> None:
    def newer(text: str) -> str:
        lines = [line for line in text.splitlines() if not line.startswith(("mojo_version", "h2o_version"))]
        return "\n".join([lines[0], "mojo_version = 9.00", "h2o_version = 9.88.0.7", *lines[1:]])

    mojo = changed(mojos["GBM"], tmp_path / "newer.zip", newer)
    refuse(started, mojo, ModelIncompatibleError, r"written by H2O 9\.88\.0\.7: .*version")


def test_an_algorithm_that_this_h2o_does_not_know_is_refused(
    started: MojoRuntime, mojos: dict[str, Mojo], tmp_path: Path
) -> None:
    mojo = changed(
        mojos["GBM"],
        tmp_path / "odd.zip",
        lambda text: text.replace("algorithm = Gradient Boosting Machine", "algorithm = Oracle"),
    )
    refuse(started, mojo, ModelIncompatibleError, "Oracle")


def test_a_known_format_of_another_h2o_is_scored(started: MojoRuntime, mojos: dict[str, Mojo], tmp_path: Path) -> None:
    mojo = changed(mojos["GBM"], tmp_path / "older.zip", lambda text: text.replace("= 3.46.0.11", "= 3.40.0.1"))
    assert "3.40.0.1" in zipfile.ZipFile(mojo[0]).read("model.ini").decode()
    assert started.predict(mojo, rows(50)).equals(started.predict(mojos["GBM"], rows(50)))


def test_what_is_no_message_ends_the_process_and_not_the_next_question(
    started: MojoRuntime, mojos: dict[str, Mojo]
) -> None:
    process = started._ready()
    process._line.sendall(b"\xff" * 64)
    wait_for(process.is_alive, lambda is_alive: not is_alive, 30)
    assert started.predict(mojos["GBM"], rows(10)).num_rows == 10
