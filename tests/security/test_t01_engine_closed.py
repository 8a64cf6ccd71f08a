"""T01: the engine is closed to everybody who does not know its password."""

import os
from pathlib import Path

import psutil
import pytest
import requests

from core.engine.h2o import H2OEngine
from core.engine.jvm.jvm import Address
from core.settings import Settings

pytestmark = pytest.mark.engine

ENDPOINTS = (
    ("GET", "/"),
    ("GET", "/3/Cloud"),
    ("GET", "/3/About"),
    ("GET", "/3/Frames"),
    ("GET", "/3/Models"),
    ("GET", "/3/Jobs"),
    ("GET", "/3/ImportFiles?path=/etc/passwd"),
    ("POST", "/3/ImportFilesMulti"),
    ("POST", "/3/PostFile?destination_frame=x"),
    ("POST", "/3/PostFile.bin?destination_frame=x"),
    ("POST", "/3/Parse"),
    ("POST", "/99/Rapids"),
    ("POST", "/99/ImportSQLTable"),
    ("POST", "/99/AutoMLBuilder"),
    ("POST", "/3/ModelBuilders/generic"),
    ("POST", "/99/Models.upload.bin/"),
    ("GET", "/3/DownloadDataset?frame_id=x"),
    ("GET", "/3/Logs/download"),
    ("DELETE", "/3/DKV"),
    ("POST", "/3/Shutdown"),
    ("GET", "/flow/index.html"),
)


@pytest.fixture(scope="module")
def address(engine: H2OEngine) -> Address:
    engine.ensure_ready()
    found = Address.load(engine._server._state_file)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def settings_of(engine: H2OEngine) -> Settings:
    return engine._server._settings


def test_without_the_password_everything_is_refused(address: Address) -> None:
    for auth in (None, (address.user, "wrong"), ("admin", address.password)):
        for method, path in ENDPOINTS:
            answer = requests.request(method, address.url + path, auth=auth, timeout=10, allow_redirects=False)
            assert answer.status_code == 401, (method, path)


def test_flow_is_off_also_with_the_password(address: Address) -> None:
    answer = requests.get(address.url + "/flow/index.html", auth=(address.user, address.password), timeout=10)
    assert answer.status_code == 404


def test_only_loopback_listens_and_on_one_port(address: Address) -> None:
    port = int(address.url.rpartition(":")[2])
    sockets = psutil.Process(address.pid).net_connections("inet")
    listening = {(s.laddr.ip.removeprefix("::ffff:"), s.laddr.port) for s in sockets if s.status == psutil.CONN_LISTEN}
    assert listening == {("127.0.0.1", port)}
    assert not [s for s in sockets if s.status == psutil.CONN_NONE]  # no datagram socket: nothing answers multicast


def test_password_is_strong_and_nowhere_to_be_read(address: Address, settings_of: Settings) -> None:
    assert len(address.password) * 6 >= 192
    process = psutil.Process(address.pid)
    assert address.password not in " ".join(process.cmdline())
    assert address.password not in " ".join(f"{key}={value}" for key, value in process.environ().items())
    folder = settings_of.mlruns_dir / "engine"
    logs = [folder / "h2o.log", *folder.rglob("*.log")]
    assert logs
    assert not [path for path in logs if address.password.encode() in path.read_bytes()]
    assert address.password not in repr(address)


def test_jvm_gets_no_secrets_of_the_environment(address: Address) -> None:
    usual = {"HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "USER"}
    assert set(psutil.Process(address.pid).environ()) <= usual | {"OMP_WAIT_POLICY"}


def test_files_are_for_this_user_only(address: Address, settings_of: Settings) -> None:
    assert address.name
    folder = settings_of.mlruns_dir / "engine"
    paths = [folder, settings_of.mlruns_dir / "server.json", *folder.rglob("*")]
    for path in paths:
        assert path.stat().st_mode & 0o077 == 0, path
        assert path.stat().st_uid == os.getuid()
    assert (folder / address.name / "login.conf").is_file()


def test_each_start_has_a_new_password(own_engine: H2OEngine, engine_settings: Settings, address: Address) -> None:
    own_engine.ensure_ready()
    other = Address.load(engine_settings.mlruns_dir / "server.json")
    assert other is not None
    assert other.password != address.password
    assert other.name != address.name
    own_engine.stop()
    assert not Path(engine_settings.mlruns_dir / "server.json").exists()
