"""F03 and F01 over whole runs: the app, or its engine, is killed at random moments of real runs, again and again.

No run is left RUNNING, no model that was stored is lost, no engine stays with nothing to do, and the next run starts.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.domain.runs import RunInfo
from core.engine.jvm.jvm import Address
from core.models.opened import MOJO
from core.services import Services, build
from core.settings import ROOT, Settings
from core.training.plan.plan import propose
from tests.fixtures_engine import wait_for
from tests.fixtures_runs import write_customers
from tests.fixtures_store import stored_tags

pytestmark = [pytest.mark.engine, pytest.mark.soak]

SOAK = bool(os.environ.get("BELLWETHER_SOAK"))
APP_KILLS, ENGINE_KILLS, TRAINER_KILLS = (20, 10, 10) if SOAK else (1, 1, 1)
FAILED_S, GONE_S, STARTED_S, RUN_S = 5.0, 10.0, 20.0, 240.0
LONGEST_S, ROWS = (20.0, 8_000) if SOAK else (12.0, 800)
COMMAND_S = 120.0
ENDED_S = 15.0  # 8 s at most for what is kept, 5 s at most for the engine
WORKER = Path(__file__).with_name("killed_worker.py")


@dataclass
class Watched:
    """A home that other processes work on, looked at from outside."""

    services: Services
    rng: random.Random
    workers: list[subprocess.Popen] = field(default_factory=list)

    def work(self) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, str(WORKER), str(self.services.settings.home)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.workers.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def submit(self, seed: int, max_models: int = 3) -> str:
        path = write_customers(self.services.settings.home.parent / "customers.csv", ROWS)
        dataset = self.services.datasets.add(path, path.name)
        settings = propose(self.services.datasets.open(dataset.id), "buys", experiment="customers")
        changes = {
            "max_models": max_models,
            "nfolds": 2,
            "include_algos": ("GLM", "GBM", "StackedEnsemble"),
            "seed": seed,
        }
        return self.services.jobs.submit(replace(settings, **changes))

    def run(self, run_id: str) -> RunInfo:
        return self.services.store.get_run(run_id)

    def stored(self, run_id: str) -> dict[str, bool]:
        return {model.id: model.has_files for model in self.services.store.models(run_id=run_id)}

    def address(self) -> Address | None:
        return Address.load(self.services.settings.mlruns_dir / "server.json")

    def wait(self, run_id: str, wanted: Callable[[RunInfo], bool], timeout_s: float = RUN_S) -> RunInfo:
        return wait_for(lambda: self.run(run_id), wanted, timeout_s)

    def wait_for_end(self, run_id: str) -> RunInfo:
        run = self.wait(run_id, lambda run: run.is_final)
        assert run.status in ("finished", "failed"), run
        return run

    def check_kept(self, run_id: str, before: dict[str, bool]) -> None:
        """Check that each model that was there still is, and that what is said to be stored can be read."""
        after = self.stored(run_id)
        assert before.keys() <= after.keys()
        for model_id, has_files in after.items():
            if has_files:
                path, sha256 = self.services.store.model_file(model_id, MOJO)
                assert path.stat().st_size > 0
                assert len(sha256) == 64


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Watched]:
    settings = Settings(home=tmp_path / "home", min_free_bytes=1024**2, max_queue=100)
    watched = Watched(build(settings), random.Random(int(os.environ.get("BELLWETHER_SOAK") or 1)))
    watched.services.store.maintain()
    yield watched
    for process in watched.workers:
        process.stdout.close()
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    if (address := watched.address()) and (left := address.process()):
        left.kill()
        pytest.fail("an engine was left behind")


@contextmanager
def noting(watched: Watched, what: str) -> Iterator[None]:
    """Add to a failure what the runs are like."""
    try:
        yield
    except AssertionError as error:
        runs = [(run.run_id[:6], run.status, run.stage, run.error) for run in watched.services.store.list_runs()]
        error.add_note(f"{what}: {runs}")
        raise


def test_f03_the_app_is_killed_at_random_moments_and_the_run_goes_on(home: Watched) -> None:
    # The moments of a run: waiting, engine starting, data on its way, models built, files written, explanations.
    for number in range(APP_KILLS):
        process = home.work()
        run_id = home.submit(seed=number)
        pause_s = home.rng.uniform(0.2, LONGEST_S)
        threading.Event().wait(pause_s)  # a random moment is what is tested
        moment, before = home.run(run_id), home.stored(run_id)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with noting(home, f"kill {number} after {pause_s:.1f} s at {moment.status!r}, {moment.stage!r}"):
            second = home.work()
            run = home.wait_for_end(run_id)
            home.check_kept(run_id, before)
            if run.status == "failed":  # killed before its training had begun
                assert run.error["code"] == "run.interrupted"
                assert stored_tags(home.services.store, run_id)["interrupted"] == "true"
                assert moment.trained_since is None
            home.wait(run_id, lambda run: run.explanations != "computing")
            assert not [one for one in home.services.store.list_runs() if not one.is_final]
            address = home.address()
            second.terminate()
            assert second.wait(20) == 0
            if address is not None:
                wait_for(address.process, lambda process: process is None, GONE_S)


def command(watched: Watched, *words: str) -> dict[str, Any]:
    """Run a command of the product in a process of its own, as a person would."""
    done = subprocess.run(
        [sys.executable, "-m", "core", *words],
        cwd=ROOT,
        env={**os.environ, "BELLWETHER_HOME": str(watched.services.settings.home), "BELLWETHER_H2O_MEMORY": "1g"},
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_f03_a_training_whose_trainer_was_killed_goes_on_through_any_command(home: Watched) -> None:
    run_id = home.submit(seed=1, max_models=400)
    for number in range(TRAINER_KILLS):
        trainer, known = home.work(), home.run(run_id).n_models
        with noting(home, f"before kill {number}"):
            run = home.wait(run_id, lambda run, known=known: run.n_models > known or run.is_final)
            assert run.status == "running"
        address, before = home.address(), home.stored(run_id)
        assert address is not None
        trainer.send_signal(signal.SIGKILL)
        trainer.wait()
        for words in (("runs",), ("leaderboard", run_id)):
            with noting(home, f"{words[0]} after kill {number}"):
                command(home, *words)
                assert home.run(run_id).status == "running"
                assert home.address() == address
                assert address.process() is not None
        home.check_kept(run_id, before)
    ended = command(home, "cancel", run_id)  # a command takes it up to end it
    assert ended["status"] == "cancelled"
    assert ended["n_models"] >= len(before)
    wait_for(address.process, lambda process: process is None, GONE_S)


def test_f03_an_engine_with_nothing_to_do_is_gone_when_the_app_was_killed(home: Watched) -> None:
    process = home.work()
    run_id = home.submit(seed=1)
    home.wait_for_end(run_id)
    home.wait(run_id, lambda run: run.explanations == "done")
    address = home.address()
    assert address is not None
    process.kill()
    process.wait()
    assert address.process() is not None
    begun = time.monotonic()
    home.services.jobs.settle(finish=True)  # what any command does first
    wait_for(address.process, lambda process: process is None, GONE_S)
    assert time.monotonic() - begun <= GONE_S


def test_f04_sigterm_while_it_trains_cancels_the_run_and_keeps_its_models(home: Watched) -> None:
    process = home.work()
    run_id = home.submit(seed=1, max_models=60)
    home.wait(run_id, lambda run: run.n_models >= 2)
    before, address = home.stored(run_id), home.address()
    assert address is not None
    process.terminate()
    begun = time.monotonic()
    assert process.wait(ENDED_S) == 0
    wait_for(address.process, lambda process: process is None, GONE_S)
    assert time.monotonic() - begun <= ENDED_S
    run = home.run(run_id)
    assert (run.status, run.error) == ("cancelled", None)
    home.check_kept(run_id, before)
    assert home.stored(run_id)[run.leader_id]


def test_f01_the_engine_is_killed_at_random_moments_and_the_next_run_starts(home: Watched) -> None:
    home.work()
    for number in range(ENGINE_KILLS):
        run_id = home.submit(seed=number)
        run = home.wait(run_id, lambda run: run.trained_since or run.is_final)
        if number:  # the first one waits for a cold start of everything
            assert (run.started_at - run.created_at).total_seconds() <= STARTED_S
        wanted = home.rng.randrange(0, 3)
        home.wait(run_id, lambda run, wanted=wanted: run.n_models >= wanted or run.is_final)
        before = home.stored(run_id)
        address = home.address()
        assert address is not None
        psutil.Process(address.pid).kill()
        killed = time.monotonic()
        with noting(home, f"kill {number} after {wanted} models"):
            run = home.wait_for_end(run_id)
            if run.status == "failed":
                assert time.monotonic() - killed <= FAILED_S
                assert run.error["code"] == "engine.died"
                assert run.error["hint"]
            home.check_kept(run_id, before)
            if any(before.values()):
                assert run.leader_id is not None
    last = home.submit(seed=99)
    assert home.wait_for_end(last).status == "finished"
