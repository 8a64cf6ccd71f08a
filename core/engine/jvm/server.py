"""Our own JVM, one for all processes of a home: started when needed, shared, watched, ended by its last user."""

import atexit
import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil

from core.domain.runs import EngineStatus
from core.engine.jvm.jvm import Address, Jvm, tail
from core.engine.jvm.launch import PREFIX, USER, Launched, launch, remove_folder
from core.engine.rest.automl import is_training
from core.engine.rest.client import Client
from core.errors import AppError, EngineDiedError, EngineError, EngineUnavailableError
from core.files import make_folder
from core.locks import FileLock
from core.processes import start_mark
from core.settings import Settings

_ATTACH_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 15.0
_PING_TIMEOUT_S = 2.0
_PAUSE_S = 0.05
_START_ATTEMPTS = 3


class Server:
    """The JVM of a home, as seen by this process.

    ``mlruns/server.json`` tells other processes where it is. Each process that uses it shares the lock
    ``mlruns/engine.lock``; who can get that lock alone is the last and may end the JVM. ``mlruns/engine.start.lock`` is
    held while looking for it or starting it, so that two processes never start two.

    Parameters
    ----------
    settings : Settings
        `home` decides where, `h2o_memory_bytes`, `h2o_threads` and `h2o_start_timeout_s` how.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine_dir = settings.mlruns_dir / "engine"
        self._log = self._engine_dir / "h2o.log"
        self._state_file = settings.mlruns_dir / "server.json"
        self._use = FileLock(settings.mlruns_dir / "engine.lock", _engine_busy)
        self._starting = FileLock(settings.mlruns_dir / "engine.start.lock", _engine_busy)
        self._mutex = threading.RLock()
        self._stopping = threading.Event()
        self._jvm: Jvm | None = None
        self._client: Client | None = None
        self._status = EngineStatus("stopped")

    def status(self) -> EngineStatus:
        """Return where the JVM stands, without waiting."""
        status, jvm = self._status, self._jvm
        if status.state == "ready" and jvm is not None and jvm.dead.is_set():
            return EngineStatus("failed", jvm.death().message)
        return status

    def connect(self) -> str:
        """Attach to the JVM or start it, wait until it answers, and return its name; see `Engine.ensure_ready`."""
        with self._mutex:
            if self._jvm is None or self._jvm.dead.is_set():
                if self._client is not None:
                    self._client.close()
                self._stopping.clear()
                self._status = EngineStatus("starting")
                try:
                    self._jvm = self._open()
                except AppError as error:
                    self._forget(EngineStatus("failed", error.message))
                    raise
                except OSError as error:
                    message = f"The engine's files under mlruns cannot be written: {error.strerror}."
                    self._forget(EngineStatus("failed", message))
                    raise EngineUnavailableError(message) from error
                self._client = self._client_of(self._jvm)
                self._status = EngineStatus("ready")
                atexit.register(self.stop)
            return self._jvm.address.name

    def client(self) -> Client:
        """Return the client of the JVM; it is started if this process has not used it yet.

        EngineDiedError if the JVM has died since: what was in it is lost, so only `connect` starts another one.
        """
        client, jvm = self._client, self._jvm
        if client is None or jvm is None:
            self.connect()
            return self.client()
        if jvm.dead.is_set():
            raise jvm.death()
        return client

    def is_alive(self, cluster: str) -> bool:
        """Return whether the JVM of that name runs, started by whomever."""
        jvm = self._jvm
        if jvm is not None and jvm.address.name == cluster:
            return not jvm.dead.is_set()
        address = Address.load(self._state_file)
        return address is not None and address.name == cluster and address.process() is not None

    def death(self) -> EngineDiedError:
        """Return that one which ran is not there any more."""
        return EngineDiedError("The engine that ran this training has ended.")

    def stop(self, *, leave: bool = False) -> None:
        """Let go of the JVM, and end it if nobody else uses it, nothing trains in it and it is not to be left."""
        self._stopping.set()
        with self._mutex:
            jvm = self._jvm
            if jvm is None:
                return
            if not leave and self._use.try_alone() and not self._trains(jvm):
                jvm.end()
                self._clear(jvm.address.name)
            jvm.leave()
            self._forget(EngineStatus("stopped"))

    def end_idle(self) -> bool:
        """End a JVM that a killed process left behind and that trains nothing; see `Engine.end_idle`."""
        with self._mutex:
            if self._jvm is not None and self._jvm.is_ours:
                return False
            address = Address.load(self._state_file)
            if address is None:
                return False
            with self._starting.alone(_STOP_TIMEOUT_S):
                ended = self._use.try_alone() and self._end_if_idle(address)
                if ended:
                    self._forget(EngineStatus("stopped"))
                elif self._jvm is not None:
                    self._use.share(_STOP_TIMEOUT_S)
                else:
                    self._use.release()
            return ended

    def _trains(self, jvm: Jvm) -> bool:
        """Return whether somebody, killed since, began a training that runs in a JVM."""
        client = self._client_of(jvm)
        try:
            client.cloud(_PING_TIMEOUT_S)
            return is_training(client)
        except EngineError:
            return not jvm.is_ours  # it does not answer: left to who can tell why

    def _end_if_idle(self, address: Address) -> bool:
        process = address.process()
        if process is None:
            self._clear(address.name)
            return False
        jvm = Jvm(address, process, self._log)
        # One that does not answer is of no use to anybody.
        if self._answers(jvm, time.monotonic() + _ATTACH_TIMEOUT_S) and is_training(self._client_of(jvm)):
            jvm.leave()
            return False
        jvm.end()
        self._clear(address.name)
        return True

    def _open(self) -> Jvm:
        make_folder(self._engine_dir)
        self._engine_dir.chmod(0o700)
        timeout_s = self._settings.h2o_start_timeout_s + _STOP_TIMEOUT_S
        with self._starting.alone(timeout_s):
            self._use.share(_STOP_TIMEOUT_S)
            return self._attach() or self._start()

    def _attach(self) -> Jvm | None:
        address = Address.load(self._state_file)
        if address is None:
            return None
        process = address.process()
        if process is not None:
            jvm = Jvm(address, process, self._log)
            if self._answers(jvm, time.monotonic() + _ATTACH_TIMEOUT_S):
                return jvm
            self._check_unused(jvm)
            jvm.end()
        self._clear(address.name)
        return None

    def _check_unused(self, jvm: Jvm) -> None:
        """Refuse to go on where a JVM that did not answer us is not ours to end."""
        if self._stopping.is_set():
            jvm.leave()
            raise EngineUnavailableError("The engine was stopped while it started.")
        alone = self._use.try_alone()
        self._use.share(_STOP_TIMEOUT_S)
        if not alone and not jvm.dead.is_set():
            jvm.leave()
            raise EngineUnavailableError(
                "The engine that another process of this home uses does not answer.",
                hint="Try again when the machine is less busy, or stop the other process.",
            )

    def _start(self) -> Jvm:
        self._end_strays()
        for attempt in range(1, _START_ATTEMPTS + 1):
            launched = launch(self._settings, self._engine_dir)
            jvm = self._watched(launched)
            if self._answers(jvm, time.monotonic() + self._settings.h2o_start_timeout_s, launched.notify):
                return jvm
            died = jvm.dead.is_set()
            jvm.end()
            text = tail(self._log)
            self._clear(jvm.address.name)
            if died and "not available" in text and attempt < _START_ATTEMPTS:
                continue  # somebody took the port after we had found it free
            raise self._failed(jvm if died else None, text)
        raise AssertionError

    def _watched(self, launched: Launched) -> Jvm:
        """Note the process down before it is ready, so that it is found again if we are killed now."""
        address = Address(
            pid=launched.process.pid,
            create_time=start_mark(psutil.Process(launched.process.pid)),
            url=launched.url,
            user=USER,
            name=launched.name,
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            password=launched.password,
        )
        address.save(self._state_file)
        return Jvm(address, launched.process, self._log)

    def _answers(self, jvm: Jvm, deadline: float, notify: Path | None = None) -> bool:
        client = self._client_of(jvm)
        while time.monotonic() < deadline and not self._stopping.is_set():
            if notify is None or notify.exists():
                with contextlib.suppress(EngineError):
                    cloud = client.cloud(_PING_TIMEOUT_S)
                    if cloud["cloud_healthy"] and cloud["cloud_name"] == jvm.address.name:
                        return True
            if jvm.dead.wait(_PAUSE_S):
                return False
        return False

    def _failed(self, died: Jvm | None, text: str) -> EngineUnavailableError:
        if self._stopping.is_set():
            return EngineUnavailableError("The engine was stopped while it started.")
        if died is not None:
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            reason = f" Java said: {lines[-1][:200]}" if lines else ""
            return EngineUnavailableError(f"{died.death().message} It had not been ready yet.{reason}")
        return EngineUnavailableError(
            f"The engine was not ready within {self._settings.h2o_start_timeout_s:g} s.",
            hint="Try again when the machine is less busy, or raise BELLWETHER_H2O_START_TIMEOUT.",
        )

    def _end_strays(self) -> None:
        """End JVMs of this home that no state file names any more, and remove their folders."""
        for process, folder in _jvms_under(self._engine_dir):
            with contextlib.suppress(psutil.Error, subprocess.TimeoutExpired):
                process.kill()
                process.wait(_STOP_TIMEOUT_S)
            remove_folder(self._engine_dir, folder)
        for left in self._engine_dir.glob(PREFIX + "*"):
            remove_folder(self._engine_dir, left.name)

    def _clear(self, name: str) -> None:
        self._state_file.unlink(missing_ok=True)
        remove_folder(self._engine_dir, name)

    def _forget(self, status: EngineStatus) -> None:
        if self._client is not None:
            self._client.close()
        self._use.release()
        self._jvm = self._client = None
        self._status = status
        atexit.unregister(self.stop)

    def _client_of(self, jvm: Jvm) -> Client:
        return Client(jvm.address.url, jvm.address.user, jvm.address.password, jvm)


def _engine_busy() -> EngineUnavailableError:
    return EngineUnavailableError(
        "Another process of this home is starting or stopping the engine and does not finish.",
        hint="Look for a process that hangs, end it and try again.",
    )


def _jvms_under(engine_dir: Path) -> Iterator[tuple[psutil.Process, str]]:
    """Yield the JVMs whose own folder lies in `engine_dir`, by their command line, with that folder's name."""
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if "-ice_root" in words[:-1]:
            folder = Path(words[words.index("-ice_root") + 1])
            if folder.parent == engine_dir and folder.name.startswith(PREFIX):
                yield process, folder.name
