"""T24: the process that scores has no way out, no secret, and leaves no people's data behind."""

import os
import resource
from pathlib import Path

import psutil
import pyarrow as pa
import pytest

from core.engine.mojo.runtime import MojoRuntime
from core.engine.protocol import Mojo
from core.errors import EngineError, ScoringProcessError
from core.settings import Settings, load_settings
from tests.fixtures_mojo import CODE, SIZE, rows

pytestmark = pytest.mark.engine

SECRET = "a-password-that-nobody-may-see"
CANARY = "Erika Mustermann, 12 Example Street"


@pytest.fixture
def scoring(settings: Settings, mojos: dict[str, Mojo], monkeypatch: pytest.MonkeyPatch):
    """A runtime that has scored, of an owner whose environment and settings hold a secret."""
    monkeypatch.setenv("BELLWETHER_H2O_PASSWORD", SECRET)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("BELLWETHER_HOME", str(settings.home))
    runtime = MojoRuntime(load_settings())
    runtime.predict(mojos["GBM"], rows(100))
    yield runtime
    runtime.close()


@pytest.fixture
def child(scoring: MojoRuntime) -> psutil.Process:
    return psutil.Process(scoring.pid)


def test_it_has_one_socket_pair_and_no_address(child: psutil.Process) -> None:
    assert child.net_connections("inet") == []
    (own,) = child.net_connections("unix")
    assert (own.laddr, own.raddr) == ("", "")


def test_it_knows_no_secret(child: psutil.Process) -> None:
    assert SECRET in os.environ["BELLWETHER_H2O_PASSWORD"]
    assert SECRET.encode() not in Path(f"/proc/{child.pid}/environ").read_bytes()
    assert set(child.environ()) == {"LANG", "MALLOC_ARENA_MAX", "OPENBLAS_NUM_THREADS", "ARROW_DEFAULT_MEMORY_POOL"}
    assert SECRET not in " ".join(child.cmdline())


def test_its_limits_are_set(child: psutil.Process, settings: Settings) -> None:
    assert child.rlimit(resource.RLIMIT_CORE) == (0, 0)
    assert child.rlimit(resource.RLIMIT_FSIZE)[1] <= 64 * 1024**2
    assert settings.scoring_memory_bytes < child.rlimit(resource.RLIMIT_AS)[1] <= 8 * 1024**3


def test_it_leaves_one_file_for_its_owner_alone(
    scoring: MojoRuntime, child: psutil.Process, settings: Settings, mojos: dict[str, Mojo]
) -> None:
    scoring.contributions(mojos["GLM"], rows(100), rows(100))
    folder = settings.mlruns_dir / "engine"
    assert [(path.name, path.stat().st_mode & 0o777) for path in folder.iterdir()] == [("scoring.log", 0o600)]
    assert folder.stat().st_mode & 0o777 == 0o700
    written = {Path(file.path) for file in child.open_files() if file.mode != "r"}
    assert written <= {folder / "scoring.log"}
    assert not Path(f"/tmp/hsperfdata_{os.environ.get('USER', 'root')}/{child.pid}").exists()


def test_its_log_holds_nothing_of_the_rows(
    scoring: MojoRuntime, child: psutil.Process, settings: Settings, mojos: dict[str, Mojo]
) -> None:
    (batch,) = rows(10)
    odd = pa.array([CANARY] * 10).dictionary_encode()
    assert scoring.predict(mojos["GBM"], [batch.set_column(1, CODE, odd)]).num_rows == 10
    with pytest.raises(EngineError, match="not a category"):
        scoring.predict(mojos["GBM"], [batch.set_column(0, SIZE, odd)])
    head = {"wanted": "predict", "path": str(mojos["GBM"][0]), "sha256": mojos["GBM"][1], "member": None}
    process = scoring._ready()
    assert process.pid == child.pid
    with pytest.raises(ScoringProcessError):  # what is no Arrow: a fault that nobody expects
        process.ask(head, pa.py_buffer(CANARY.encode())).result(30)
    log = (settings.mlruns_dir / "engine" / "scoring.log").read_text()
    assert "ArrowInvalid" in log
    assert "from_buffer" in log
    assert not any(word in log for word in ("Erika", "Example Street", SECRET))
