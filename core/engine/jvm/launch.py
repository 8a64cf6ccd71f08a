"""The command that starts our own JVM, and the files it needs."""

import contextlib
import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from core.engine.jvm.java import find_java
from core.errors import EngineUnavailableError
from core.files import atomic_path, make_folder
from core.settings import Settings

USER = "bellwether"
HOST = "127.0.0.1"
PREFIX = "bellwether_"
# 32 bytes are 256 bits: more than the 192 that docs/security.md promises.
_PASSWORD_BYTES = 32
_MIB = 1024**2
# Nothing of the parent's environment but what a Java program needs: secrets live in the rest.
# XGBoost's threads wait for each other after every split: asleep, or else they take the CPU from the one they wait for.
_PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE"}
_ENV = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "USER")


@dataclass(frozen=True)
class Launched:
    """A JVM that was just started: its process and how to reach it once it answers."""

    process: subprocess.Popen[bytes]
    name: str
    url: str
    password: str
    notify: Path


def launch(settings: Settings, engine_dir: Path) -> Launched:
    """Start a JVM and return at once.

    Parameters
    ----------
    engine_dir : Path
        Gets ``h2o.log`` and a folder of the JVM's own, named like the cluster; both for this user only.
    """
    java = find_java()
    jar = jar_path()
    name = PREFIX + secrets.token_hex(12)
    folder = engine_dir / name
    make_folder(folder / "tmp")
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    with atomic_path(folder / "login.conf") as temporary:
        temporary.write_text(f"{USER}: {password}\n", encoding="utf-8")
    port = free_port()
    log = os.open(engine_dir / "h2o.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        process = subprocess.Popen(
            command(settings, java.path, jar, name, port, folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=_PASSIVE | {key: os.environ[key] for key in _ENV if key in os.environ},
            start_new_session=True,
            umask=0o077,
        )
    except OSError as error:
        raise EngineUnavailableError(f"Java could not be started: {error.strerror}.") from error
    finally:
        os.close(log)
    return Launched(process, name, f"http://{HOST}:{port}", password, folder / "notify")


def command(settings: Settings, java: Path, jar: Path, name: str, port: int, folder: Path) -> list[str]:
    """Return the command line. It has no secret: everybody on the machine can read it."""
    return [
        str(java),
        f"-Xmx{max(settings.h2o_memory_bytes // _MIB, 64)}m",
        "-XX:+ExitOnOutOfMemoryError",
        # No world-readable /tmp/hsperfdata, and native libraries unpacked where they are removed again.
        "-XX:-UsePerfData",
        f"-Djava.io.tmpdir={folder / 'tmp'}",
        "-Duser.timezone=UTC",
        # Lets us say of a single algorithm of AutoML how it is to be trained (`core.engine.rest.spec.glm_search`).
        "-Dsys.ai.h2o.automl.algo_parameters.all.enabled=true",
        "-jar",
        str(jar),
        # One node for ever: no node port, no multicast (docs/decisions/0011-node-port.md).
        "-disable_net",
        *("-ip", HOST, "-web_ip", HOST, "-port", str(port), "-name", name),
        *("-nthreads", str(settings.engine_threads)),
        *("-ice_root", str(folder), "-notify_local", str(folder / "notify")),
        *("-hash_login", "-login_conf", str(folder / "login.conf")),
        *("-disable_flow", "-file_deny_glob", "{/**}"),
        # At INFO H2O writes request parameters and column statistics, that is people's data, into its log.
        *("-log_level", "WARN"),
    ]


def jar_path() -> Path:
    """Return the path of h2o.jar without importing the package h2o, which costs a second."""
    spec = importlib.util.find_spec("h2o")
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).parent / "backend" / "bin" / "h2o.jar"
        if path.is_file():
            return path
    raise EngineUnavailableError("The package h2o is not installed.", hint="Run `make setup`.")


def free_port() -> int:
    """Return a free port whose successor is free too: H2O looks at both."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind((HOST, 0))
            port: int = first.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                second.bind((HOST, port + 1))
                return port


def remove_folder(engine_dir: Path, name: str) -> None:
    """Remove a JVM's own folder."""
    shutil.rmtree(engine_dir / name, ignore_errors=True)
