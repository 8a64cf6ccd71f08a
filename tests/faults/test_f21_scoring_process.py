"""F21: the process that scores is killed, runs out of memory or time, or cannot start; its owner is killed.

3 kills in `make test`, 20 with BELLWETHER_SOAK=1 (`make soak`).
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pyarrow as pa
import pytest

import core.engine.jvm.java as java
from core.engine.h2o import H2OEngine
from core.engine.mojo.runtime import MojoRuntime
from core.engine.protocol import Mojo
from core.errors import EngineUnavailableError, ScoringProcessError
from core.services import build
from core.settings import ROOT, Settings
from tests.fixtures_engine import wait_for
from tests.fixtures_mojo import of_file, rows
from tests.fixtures_runs import Home, run_to_end, write_customers

pytestmark = pytest.mark.engine

KILLS = 20 if os.environ.get("BELLWETHER_SOAK") else 3
N_ROWS = 120_000
SMALL_HEAP = 64 * 1024**2


def kill(runtime: MojoRuntime) -> None:
    """Kill its process, if there is one."""
    if (pid := runtime.pid) is not None:
        os.kill(pid, signal.SIGKILL)


# --- killed -----------------------------------------------------------------------------------------------------------


@pytest.mark.soak
def test_killed_at_any_moment_all_rows_are_right_or_an_error_is_told(
    runtime: MojoRuntime, mojos: dict[str, Mojo]
) -> None:
    batches, chance = rows(N_ROWS), random.Random(21)
    expected = runtime.predict(mojos["GBM"], batches)
    begun = time.monotonic()
    runtime.predict(mojos["GBM"], batches)
    usual_s, told = time.monotonic() - begun, []
    for _ in range(KILLS):
        process = runtime._ready()
        timer = threading.Timer(chance.random() * usual_s, os.kill, [process.pid, signal.SIGKILL])
        timer.start()
        try:
            assert runtime.predict(mojos["GBM"], batches).equals(expected)
        except ScoringProcessError as error:
            told.append((error.code, error.message))
        timer.join()
        wait_for(process.is_alive, lambda is_alive: not is_alive, 30)  # the kill may come when all is scored
        assert runtime.predict(mojos["GBM"], batches).equals(expected)
    assert set(told) == {("scoring.process", "The process that scores ended (exit code -9).")}


def test_killed_while_twenty_score_each_is_told_and_the_next_one_works(
    runtime: MojoRuntime, mojos: dict[str, Mojo]
) -> None:
    batches = rows(N_ROWS // 2)
    expected = runtime.predict(mojos["GBM"], batches)

    def ask(_: int) -> bool:
        try:
            return runtime.predict(mojos["GBM"], batches).equals(expected)
        except ScoringProcessError:
            return False

    process = runtime._ready()
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(ask, n) for n in range(20)]
        wait_for(lambda: len(process._waiting), lambda n: n >= 2, 30)
        kill(runtime)
        told = [one.result(120) for one in asked]
    assert not all(told)
    assert process._waiting == {}
    assert runtime.predict(mojos["GBM"], batches).equals(expected)


@pytest.fixture(scope="module")
def home(engine: H2OEngine, tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Home:
    """A home with one model of the real engine."""
    folder = tmp_path_factory.mktemp("f21")
    settings = Settings(home=folder / "home", h2o_memory_bytes=1024**3, min_free_bytes=1024**2)
    settings.mlruns_dir.mkdir(parents=True, mode=0o700)
    shutil.copy(migrated_database, settings.mlruns_dir / "mlflow.db")
    services = build(settings, engine=engine)
    home = Home(services, services.datasets.add(write_customers(folder / "customers.csv"), "customers.csv"), ())
    run = run_to_end(services, home.settings(include_algos=("GBM",), max_models=1), explain=False)
    return replace(home, runs=(run,))


def test_a_scoring_whose_process_was_killed_has_failed_and_leaves_nothing(
    home: Home, engine: H2OEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, runtime = home.services, engine._runtime
    path = write_customers(tmp_path / "new.csv", 300, seed=3, with_target=False)
    uri = f"models:/{home.runs[0].leader_id}"
    expected = services.scorer.score_file(path, path.name, model_uri=uri).results
    predict = runtime.predict

    def killed(mojo: Mojo, batches: Iterator[pa.RecordBatch]) -> pa.Table:
        def first_then_kill() -> Iterator[pa.RecordBatch]:
            batch = next(batches)
            yield batch.slice(0, 100)
            kill(runtime)
            yield batch.slice(100)

        return predict(mojo, first_then_kill())

    monkeypatch.setattr(runtime, "predict", killed)
    with pytest.raises(ScoringProcessError):
        services.scorer.score_file(path, path.name, model_uri=uri)
    monkeypatch.undo()
    record, before = services.scoring_log.list()[:2]
    assert (record.status, record.error["code"], before.status) == ("failed", "scoring.process", "finished")
    assert not services.scoring_log.folder(record.id).exists()
    assert list(services.settings.work_dir.iterdir()) == []
    assert services.scorer.score_file(path, path.name, model_uri=uri).results.equals(expected)
    assert services.scoring_log.list()[0].status == "finished"


OWNER = """
import sys
from pathlib import Path
from core.engine.mojo.runtime import MojoRuntime
from core.settings import Settings
from tests.fixtures_mojo import of_file, rows

runtime, mojo, batches = MojoRuntime(Settings(home=Path(sys.argv[1]))), of_file(Path(sys.argv[2])), rows(50_000)
while True:
    runtime.predict(mojo, batches)
    print(runtime.pid, flush=True)
"""


def test_no_process_outlives_an_owner_that_was_killed(mojos: dict[str, Mojo], tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, tmp_path / "home", mojos["GBM"][0]],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    ) as owner:  # fmt: skip
        assert owner.stdout is not None
        child = psutil.Process(int(owner.stdout.readline()))
        assert child.is_running()
        owner.kill()
    wait_for(child.is_running, lambda is_running: not is_running, 5)


# --- memory and time --------------------------------------------------------------------------------------------------


def test_out_of_memory_is_told_and_the_next_one_works(
    settings: Settings, mojos: dict[str, Mojo], tmp_path: Path
) -> None:
    path = tmp_path / "large.zip"
    shutil.copy(mojos["GBM"][0], path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("trees/more.bin", bytes(2 * SMALL_HEAP))
    runtime = MojoRuntime(replace(settings, scoring_memory_bytes=SMALL_HEAP))
    try:
        with pytest.raises(ScoringProcessError) as caught:
            runtime.predict(of_file(path), rows(10))
        assert caught.value.code == "scoring.memory"
        assert "BELLWETHER_SCORING_MEMORY" in caught.value.hint
        assert runtime.predict(mojos["GBM"], rows(10)).num_rows == 10
    finally:
        runtime.close()


def test_a_process_that_stands_still_is_given_up(
    settings: Settings, runtime: MojoRuntime, mojos: dict[str, Mojo]
) -> None:
    expected = runtime.predict(mojos["GBM"], rows(10))
    assert runtime.pid is not None
    os.kill(runtime.pid, signal.SIGSTOP)
    runtime._settings = replace(settings, scoring_timeout_s=0.5)
    with pytest.raises(ScoringProcessError, match=r"longer than 0\.5 s") as caught:
        runtime.predict(mojos["GBM"], rows(10))
    assert caught.value.code == "scoring.too_slow"
    assert "BELLWETHER_SCORING_TIMEOUT" in caught.value.hint
    runtime._settings = settings
    assert runtime.predict(mojos["GBM"], rows(10)).equals(expected)


def test_a_process_that_takes_nothing_in_does_not_hold_up_its_owner(settings: Settings, mojos: dict[str, Mojo]) -> None:
    runtime = MojoRuntime(replace(settings, scoring_timeout_s=2))
    try:
        process = runtime._ready()
        os.kill(process.pid, signal.SIGSTOP)  # before its first look at the socket: large rows do not go in
        with pytest.raises(ScoringProcessError) as caught:
            runtime.predict(mojos["GBM"], [pa.concat_batches([*rows(50_000)] * 20)])
        assert caught.value.code == "scoring.too_slow"
        runtime._settings = settings
        assert runtime.predict(mojos["GBM"], rows(10)).num_rows == 10
    finally:
        runtime.close()


# --- Java -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def only_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """A machine without any Java but the one that H2O_JAVA_HOME names, which is not there yet."""
    monkeypatch.setattr(java, "bundled_java", lambda: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("H2O_JAVA_HOME", str(tmp_path / "java"))
    program = tmp_path / "java" / "bin" / "java"

    def make(version: str) -> None:
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
        (tmp_path / "java" / "release").write_text(f'JAVA_VERSION="{version}"\n')

    return SimpleNamespace(make=make)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (None, r"H2O needs Java 8 to 17\. Found: H2O_JAVA_HOME"),
        ("21.0.2", r"H2O needs Java 8 to 17\. .*\(version 21\.0\.2\)"),
        ("1.8.0_402", r"Scoring needs Java 9 to 17\. .*\(version 1\.8\.0_402\)"),
        ("17.0.9", "no JVM library"),
    ],
)
def test_without_a_java_that_fits_it_is_said(
    only_java: SimpleNamespace, runtime: MojoRuntime, mojos: dict[str, Mojo], version: str | None, words: str
) -> None:
    if version is not None:
        only_java.make(version)
    runtime.start()  # says nothing
    with pytest.raises(EngineUnavailableError, match=words) as caught:
        runtime.predict(mojos["GBM"], rows(10))
    assert "make setup" in caught.value.hint
    assert runtime.pid is None


def test_a_jvm_that_does_not_start_is_told(
    only_java: SimpleNamespace, runtime: MojoRuntime, mojos: dict[str, Mojo], tmp_path: Path
) -> None:
    only_java.make("17.0.9")
    (tmp_path / "java" / "libjvm.so").write_bytes(b"no library")
    with pytest.raises(ScoringProcessError, match="exit code 1"):
        runtime.predict(mojos["GBM"], rows(10))
