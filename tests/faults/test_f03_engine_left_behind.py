"""F03, the engine's part: who shares, inherits and ends a JVM when processes stop or are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from core.engine.h2o import H2OEngine
from core.engine.jvm.jvm import Address
from core.errors import EngineUnavailableError
from core.settings import ROOT, Settings
from tests.fixtures_engine import COLUMNS, FEATURES, three_classes, tiny_training, wait_for, write_rows

pytestmark = pytest.mark.engine

GONE_S = 10.0
OWNER = """
import sys, time
from pathlib import Path
from core.settings import Settings
from core.engine.h2o import H2OEngine
engine = H2OEngine(Settings(home=Path(sys.argv[1]), h2o_memory_bytes=1024**3, h2o_start_timeout_s=60))
print(engine.ensure_ready(), flush=True)
sys.stdin.read()
"""


class Owner:
    """Another process of the same home that started the engine."""

    def __init__(self, settings: Settings) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(settings.home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        assert self.process.stdout is not None
        self.name = self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def leave(self) -> str:
        """End it cleanly; return what else it wrote to stdout."""
        return self.process.communicate("", timeout=30)[0]


def address_of(settings: Settings) -> Address:
    address = Address.load(settings.mlruns_dir / "server.json")
    assert address is not None
    return address


def assert_gone(settings: Settings, address: Address) -> None:
    wait_for(address.process, lambda process: process is None, GONE_S)
    assert not (settings.mlruns_dir / "server.json").exists()
    assert list((settings.mlruns_dir / "engine").glob("bellwether_*")) == []


def test_one_engine_for_all_and_the_last_one_ends_it(own_engine: H2OEngine, engine_settings: Settings) -> None:
    owner = Owner(engine_settings)
    assert own_engine.ensure_ready() == owner.name
    address = address_of(engine_settings)
    assert owner.leave() == ""  # nothing but its own word on stdout
    assert own_engine.is_alive(owner.name)
    assert own_engine.has_xgboost() in (True, False)
    began = time.monotonic()
    own_engine.stop()
    assert time.monotonic() - began <= GONE_S
    assert_gone(engine_settings, address)


def test_two_processes_start_one_engine(engine_settings: Settings) -> None:
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(Owner, [engine_settings] * 2)
    assert one.name == two.name != ""
    address = address_of(engine_settings)
    one.leave()
    assert address.process() is not None
    two.leave()
    assert_gone(engine_settings, address)


def test_owner_alone_ends_it_at_exit(engine_settings: Settings) -> None:
    owner = Owner(engine_settings)
    address = address_of(engine_settings)
    owner.leave()
    assert_gone(engine_settings, address)


def test_idle_engine_of_a_killed_owner_is_ended(own_engine: H2OEngine, engine_settings: Settings) -> None:
    owner = Owner(engine_settings)
    address = address_of(engine_settings)
    assert not own_engine.end_idle()  # its owner lives
    owner.kill()
    assert own_engine.is_alive(owner.name)
    assert own_engine.end_idle()
    assert_gone(engine_settings, address)
    assert not own_engine.is_alive(owner.name)
    assert not own_engine.end_idle()


def test_training_engine_of_a_killed_owner_is_taken_up(
    own_engine: H2OEngine, engine_settings: Settings, tmp_path: Path
) -> None:
    owner = Owner(engine_settings)
    path = tmp_path / "rows.csv"
    write_rows(path, three_classes)
    frame = own_engine.frames.upload(path, [*COLUMNS, ("target", "Enum")])
    settings = tiny_training(max_models=500, include_algos=(), task="multiclass", positive=None)
    job = own_engine.automl.start(frame, settings, features=FEATURES, project="left", holdout=None)
    owner.kill()
    address = address_of(engine_settings)
    assert not own_engine.end_idle()
    assert own_engine.automl.poll(job).status == "running"
    own_engine.stop()  # who only looked at it leaves it
    assert address.process() is not None
    assert own_engine.ensure_ready() == owner.name
    # Who died before it could note the answer down is found by the project.
    assert own_engine.automl.find(replace(job, job_key="", dest_key="")) == job
    assert own_engine.automl.find(replace(job, job_key="", dest_key="", project="lef")) is None
    own_engine.automl.cancel(job)
    wait_for(lambda: own_engine.automl.poll(job).status, lambda status: status != "running", 30)
    assert own_engine.end_idle()
    assert_gone(engine_settings, address)


def test_stale_state_file_never_ends_a_foreign_process(own_engine: H2OEngine, engine_settings: Settings) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        engine_settings.mlruns_dir.mkdir(parents=True)
        state = engine_settings.mlruns_dir / "server.json"
        stale = {"pid": bystander.pid, "create_time": psutil.Process(bystander.pid).create_time(), "user": "bellwether"}
        stale |= {"url": "http://127.0.0.1:1", "password": "x", "name": "bellwether_old", "started_at": ""}
        state.write_text(json.dumps(stale))
        assert not own_engine.is_alive("bellwether_old")
        assert not own_engine.end_idle()
        state.write_text("{half a fi")
        name = own_engine.ensure_ready()
        assert address_of(engine_settings).name == name
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_half_dead_engine_is_replaced(own_engine: H2OEngine, engine_settings: Settings) -> None:
    owner = Owner(engine_settings)
    address = address_of(engine_settings)
    owner.kill()
    os.kill(address.pid, signal.SIGSTOP)
    assert own_engine.ensure_ready() != owner.name
    wait_for(address.process, lambda process: process is None, GONE_S)


@pytest.mark.parametrize("stops", [True, False], ids=["stopped meanwhile", "given up"])
def test_an_engine_in_use_is_never_ended_by_who_cannot_attach(
    own_engine: H2OEngine, engine_settings: Settings, stops: bool
) -> None:
    owner = Owner(engine_settings)
    address = address_of(engine_settings)
    process = address.process()
    assert process is not None
    process.suspend()  # as busy as can be
    try:
        with ThreadPoolExecutor(1) as pool:
            attaching = pool.submit(own_engine.ensure_ready)
            wait_for(own_engine.status, lambda status: status.state == "starting", GONE_S)
            if stops:
                own_engine.stop()
            with pytest.raises(EngineUnavailableError):
                attaching.result(60)
    finally:
        process.resume()
    assert address.process() is not None
    assert own_engine.ensure_ready() == owner.name
    own_engine.stop()
    owner.leave()
    assert_gone(engine_settings, address)


def test_engine_without_state_file_is_ended_before_a_new_one_starts(
    own_engine: H2OEngine, engine_settings: Settings
) -> None:
    owner = Owner(engine_settings)
    address = address_of(engine_settings)
    owner.kill()
    (engine_settings.mlruns_dir / "server.json").unlink()
    assert own_engine.ensure_ready() != owner.name
    assert address.process() is None
