"""One real engine for the whole test run, a small trained AutoML in it, and engines that a test may break."""

import csv
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from core.domain.runs import AutoMLJob, AutoMLState
from core.domain.training import TrainingSettings
from core.engine.h2o import H2OEngine
from core.engine.protocol import Engine
from core.settings import Settings
from tests.engines.fake import FakeEngine

T = TypeVar("T")
GIB = 1024**3
FEATURES = ("size, m²", "código [x]", "noise")
COLUMNS = ((FEATURES[0], "Numeric"), (FEATURES[1], "Enum"), (FEATURES[2], "Numeric"), ("id", "Numeric"))
LEVELS = ("007", 'say "hi"', "a,b", "数据")


@dataclass(frozen=True)
class Trained:
    """A finished AutoML with its training frame; `targets` are the classes of the rows in order."""

    job: AutoMLJob
    state: AutoMLState
    frame: str
    targets: tuple[str, ...]

    def model(self, prefix: str) -> str:
        return next(key for key in self.state.models if key.startswith(prefix))


def write_rows(path: Path, target: Callable[[float, str, float], str], n_rows: int = 600) -> tuple[str, ...]:
    """Write a headerless CSV of `COLUMNS` and a target; return the targets."""
    chance = random.Random(7)
    targets = []
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for row in range(n_rows):
            size, level, noise = chance.gauss(0, 1), chance.choice(LEVELS), chance.random()
            targets.append(target(size + chance.gauss(0, 0.7), level, noise))
            writer.writerow(["" if row % 50 == 0 else size, level, noise, row, targets[-1]])
    return tuple(targets)


def two_classes(size: float, level: str, _: float) -> str:
    return "yes" if size + (level == "a,b") > 0.4 else "no"


def three_classes(size: float, level: str, noise: float) -> str:
    return "2" if size + (level == "a,b") > 0.4 else "0" if noise > 0.5 else "1"


def tiny_training(**changes: object) -> TrainingSettings:
    """Settings of a training that takes seconds."""
    values: dict[str, object] = {
        "dataset_id": "d" * 32,
        "target": "target",
        "experiment": "contract",
        "task": "binary",
        "positive": "no",
        "max_models": 2,
        "nfolds": 2,
        "include_algos": ("GLM", "GBM", "StackedEnsemble"),
    }
    return TrainingSettings(**(values | changes))  # type: ignore[arg-type]


def finish(engine: Engine, job: AutoMLJob, timeout_s: float = 120) -> AutoMLState:
    """Wait for a training."""
    return wait_for(lambda: engine.automl.poll(job), lambda state: state.status != "running", timeout_s)


def wait_for(look: Callable[[], T], wanted: Callable[[T], bool], timeout_s: float) -> T:
    """Return the first look that is as wanted; fail at the deadline."""
    deadline = time.monotonic() + timeout_s
    while not wanted(seen := look()):
        assert time.monotonic() < deadline, f"still {seen!r} after {timeout_s} s"
        time.sleep(0.05)
    return seen


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[H2OEngine]:
    """The one real engine of the test run."""
    home = tmp_path_factory.mktemp("engine_home")
    engine = H2OEngine(Settings(home=home, h2o_memory_bytes=2 * GIB, h2o_start_timeout_s=60))
    engine.ensure_ready()
    yield engine
    engine.stop()


@pytest.fixture
def engine_settings(tmp_path: Path) -> Settings:
    """Settings of an engine that a test may start, break and end."""
    return Settings(home=tmp_path / "home", h2o_memory_bytes=GIB, h2o_start_timeout_s=60)


@pytest.fixture
def own_engine(engine_settings: Settings) -> Iterator[H2OEngine]:
    """An engine of the test's own, not started yet."""
    engine = H2OEngine(engine_settings)
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def trained(engine: H2OEngine, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A binary AutoML: GLM, GBM and an ensemble; `no` is the positive, that is the second, class."""
    return train(engine, tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="session", params=[pytest.param("h2o", marks=pytest.mark.engine), "memory"])
def each_engine(request: pytest.FixtureRequest) -> Engine:
    """What a case of the contract is kept by: the real engine, and the one in memory."""
    return FakeEngine() if request.param == "memory" else request.getfixturevalue("engine")


@pytest.fixture(scope="session")
def each_trained(
    each_engine: Engine, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    """What `trained` is, in each engine."""
    if isinstance(each_engine, FakeEngine):
        return train(each_engine, tmp_path_factory.mktemp("trained"))
    return request.getfixturevalue("trained")


def train(engine: Engine, folder: Path) -> Trained:
    path = folder / "rows.csv"
    targets = write_rows(path, two_classes)
    raw = engine.frames.upload(path, [*COLUMNS, ("target", "Enum")])
    frame = engine.frames.relevel(raw, "target", "yes")
    engine.delete([raw])
    job = engine.automl.start(frame, tiny_training(), features=FEATURES, project="contract_binary", holdout=None)
    return Trained(job, finish(engine, job), frame, targets)
