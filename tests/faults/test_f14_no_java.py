"""F14: no Java, the wrong Java, a Java that hangs, a port that is taken."""

import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

import core.engine.jvm.java as java
import core.engine.jvm.launch as launch
from core.engine.h2o import H2OEngine
from core.errors import EngineUnavailableError
from core.settings import Settings

ANSWERS = """#!/bin/sh
if [ "$1" = "-version" ]; then echo 'openjdk version "{version}"' >&2; exit 0; fi
{then}
"""


def fake_java(home: Path, version: str, then: str = "exit 1") -> Path:
    """Make a Java home whose program tells a version and, started for real, does `then`."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(ANSWERS.format(version=version, then=then))
    program.chmod(0o755)
    return home


@pytest.fixture
def no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without any Java."""
    monkeypatch.setattr(java, "bundled_java", lambda: None)
    monkeypatch.delenv("H2O_JAVA_HOME", raising=False)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("no_java")
def test_no_java(own_engine: H2OEngine, engine_settings: Settings) -> None:
    with pytest.raises(EngineUnavailableError, match=r"H2O needs Java 8 to 17\. Found: none at all\.") as caught:
        own_engine.ensure_ready()
    assert "make setup" in caught.value.hint
    assert own_engine.status().state == "failed"
    assert "Java 8 to 17" in own_engine.status().detail
    assert not (engine_settings.mlruns_dir / "server.json").exists()


@pytest.mark.usefixtures("no_java")
def test_wrong_java_is_named(own_engine: H2OEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("H2O_JAVA_HOME", str(fake_java(tmp_path / "new", "21.0.2")))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nothing"))
    with pytest.raises(EngineUnavailableError, match=r"H2O_JAVA_HOME: .*/new/bin/java \(version 21\.0\.2\); JAVA_HOME"):
        own_engine.ensure_ready()


@pytest.mark.usefixtures("no_java")
def test_java_that_does_not_tell_its_version(
    own_engine: H2OEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = fake_java(tmp_path / "hangs", "17")
    (home / "bin" / "java").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    monkeypatch.setattr(java, "VERSION_TIMEOUT_S", 0.3)
    monkeypatch.setenv("H2O_JAVA_HOME", str(home))
    with pytest.raises(EngineUnavailableError, match="unknown version"):
        own_engine.ensure_ready()


@pytest.mark.usefixtures("no_java")
def test_java_that_never_gets_ready(engine_settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("H2O_JAVA_HOME", str(fake_java(tmp_path / "slow", "17.0.1", "exec /bin/sleep 60")))
    engine = H2OEngine(replace(engine_settings, h2o_start_timeout_s=1.0))
    began = time.monotonic()
    with pytest.raises(EngineUnavailableError, match="not ready within 1 s"):
        engine.ensure_ready()
    assert time.monotonic() - began < 10
    assert not (engine_settings.mlruns_dir / "server.json").exists()
    assert list((engine_settings.mlruns_dir / "engine").glob("bellwether_*")) == []


@pytest.mark.usefixtures("no_java")
def test_java_that_ends_at_once(own_engine: H2OEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = fake_java(tmp_path / "ends", "17.0.1", "echo Invalid maximum heap size; exit 1")
    monkeypatch.setenv("H2O_JAVA_HOME", str(home))
    with pytest.raises(EngineUnavailableError, match=r"exit code 1.*Java said: Invalid maximum heap size"):
        own_engine.ensure_ready()


@pytest.mark.usefixtures("no_java")
def test_failed_start_in_background_is_told_by_status(own_engine: H2OEngine) -> None:
    own_engine.start_in_background()
    deadline = time.monotonic() + 10
    while own_engine.status().state != "failed":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert "none at all" in own_engine.status().detail


def test_home_that_cannot_be_written(own_engine: H2OEngine, engine_settings: Settings) -> None:
    engine_settings.home.mkdir()
    engine_settings.mlruns_dir.write_text("a file where the folder should be")
    with pytest.raises(EngineUnavailableError, match="cannot be written"):
        own_engine.ensure_ready()
    assert own_engine.status().state == "failed"


@pytest.mark.engine
def test_port_that_is_taken_is_tried_around(own_engine: H2OEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    free = launch.free_port
    with socket.socket() as taken:
        taken.bind((launch.HOST, 0))
        taken.listen()
        ports = [taken.getsockname()[1]]
        monkeypatch.setattr(launch, "free_port", lambda: ports.pop() if ports else free())
        assert own_engine.ensure_ready()
    assert not ports
