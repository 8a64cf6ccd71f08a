"""F01: the JVM is killed while it trains or scores. Known at once, and the next start works."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.domain.runs import AutoMLJob
from core.engine.h2o import H2OEngine
from core.engine.jvm.jvm import Address
from core.errors import EngineDiedError, EngineOutOfMemoryError
from core.settings import Settings
from tests.fixtures_engine import (
    COLUMNS,
    FEATURES,
    finish,
    three_classes,
    tiny_training,
    two_classes,
    wait_for,
    write_rows,
)

pytestmark = pytest.mark.engine

NOTICED_S = 5.0
STARTED_S = 20.0
KILLS = 10 if os.environ.get("BELLWETHER_SOAK") else 2


def address_of(settings: Settings) -> Address:
    address = Address.load(settings.mlruns_dir / "server.json")
    assert address is not None
    return address


def kill(settings: Settings) -> float:
    os.kill(address_of(settings).pid, signal.SIGKILL)
    return time.monotonic()


def failing_after(work: Callable[[], object], act: Callable[[], float]) -> tuple[EngineDiedError, float]:
    """Repeat `work` in a thread, `act` meanwhile; return the error that ended it and how long after `act` it came."""
    seen: list[tuple[EngineDiedError, float]] = []
    began = threading.Event()

    def loop() -> None:
        try:
            while True:
                work()
                began.set()
        except EngineDiedError as error:
            seen.append((error, time.monotonic()))

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    assert began.wait(60)
    acted = act()
    thread.join(30)
    assert seen, "the work went on, or ended with another error"
    return seen[0][0], seen[0][1] - acted


def test_killed_while_training_and_scoring(own_engine: H2OEngine, engine_settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    write_rows(path, three_classes)
    first = own_engine.ensure_ready()
    frame = own_engine.frames.upload(path, [*COLUMNS, ("target", "Enum")])
    settings = tiny_training(max_models=500, include_algos=(), task="multiclass", positive=None)
    job = own_engine.automl.start(frame, settings, features=FEATURES, project="killed", holdout=None)
    models = wait_for(lambda: own_engine.automl.poll(job).models, lambda keys: len(keys) >= 1, 60)
    error, after_s = failing_after(lambda: own_engine.models.predict(models[0], frame), lambda: kill(engine_settings))
    assert after_s <= NOTICED_S
    assert error.exit_code == -signal.SIGKILL
    with pytest.raises(EngineDiedError):
        own_engine.automl.poll(job)
    assert not own_engine.is_alive(first)
    assert own_engine.status().state == "failed"

    began = time.monotonic()
    second = own_engine.ensure_ready()
    assert time.monotonic() - began <= STARTED_S
    assert second != first
    assert own_engine.status().state == "ready"
    with pytest.raises(EngineDiedError):  # the new engine knows nothing of the old one's training
        own_engine.automl.poll(job)


@pytest.mark.soak
def test_killed_again_and_again_at_random_moments(
    own_engine: H2OEngine, engine_settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    write_rows(path, three_classes)
    settings = tiny_training(max_models=500, include_algos=(), task="multiclass", positive=None)
    rng, names = random.Random(1), set()
    for number in range(KILLS):
        began = time.monotonic()
        names.add(own_engine.ensure_ready())
        assert time.monotonic() - began <= STARTED_S, number
        frame = own_engine.frames.upload(path, [*COLUMNS, ("target", "Enum")])
        job = own_engine.automl.start(frame, settings, features=FEATURES, project=f"killed-{number}", holdout=None)
        seen: list[str] = []
        n_polls = rng.randrange(1, 100)

        def work(job: AutoMLJob = job, seen: list[str] = seen) -> None:
            seen.append(own_engine.automl.poll(job).status)

        def act(seen: list[str] = seen, n_polls: int = n_polls) -> float:
            wait_for(lambda: len(seen), lambda polls: polls >= n_polls, 60)
            return kill(engine_settings)

        error, after_s = failing_after(work, act)
        assert after_s <= NOTICED_S, number
        assert error.exit_code == -signal.SIGKILL, number
        assert set(seen) == {"running"}, number
    assert len(names) == KILLS


def test_killed_while_one_long_call_is_pending(
    own_engine: H2OEngine, engine_settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    write_rows(path, two_classes, n_rows=20_000)
    frame = own_engine.frames.upload(path, [*COLUMNS, ("target", "Enum")])
    settings = tiny_training(include_algos=("GBM",), max_models=1)
    job = own_engine.automl.start(frame, settings, features=FEATURES, project="pending", holdout=None)
    (model,) = finish(own_engine, job).models
    _, after_s = failing_after(
        lambda: own_engine.explanations.contributions(model, frame), lambda: kill(engine_settings)
    )
    assert after_s <= NOTICED_S


def test_an_attached_process_knows_too(own_engine: H2OEngine, engine_settings: Settings) -> None:
    other = H2OEngine(engine_settings)
    try:
        name = own_engine.ensure_ready()
        assert other.ensure_ready() == name
        assert other.has_xgboost() == own_engine.has_xgboost()
        killed = kill(engine_settings)
        wait_for(lambda: other.is_alive(name), lambda alive: not alive, NOTICED_S)
        with pytest.raises(EngineDiedError):
            other.has_xgboost()
        assert time.monotonic() - killed <= NOTICED_S
        new = other.ensure_ready()
        assert own_engine.ensure_ready() == new != name
    finally:
        other.stop()


def test_out_of_memory_is_told_apart(engine_settings: Settings, tmp_path: Path) -> None:
    small = Settings(home=engine_settings.home, h2o_memory_bytes=96 * 1024**2, h2o_start_timeout_s=60)
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        for _ in range(150):
            file.write(os.urandom(1024**2))
    engine = H2OEngine(small)
    try:
        with pytest.raises(EngineOutOfMemoryError) as caught:
            engine.frames.upload(path, [("a", "Enum"), ("b", "Enum")])
        assert caught.value.code == "engine.out_of_memory"
        assert "BELLWETHER_H2O_MEMORY" in caught.value.hint
        assert engine.status().state == "failed"
    finally:
        engine.stop()
