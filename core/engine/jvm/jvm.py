"""One running JVM of ours: which process it is, whether it lives, how it died, and its end."""

import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from core.errors import EngineDiedError, EngineOutOfMemoryError, StoreCorruptError
from core.files import atomic_path
from core.plain import from_json, to_json
from core.processes import Mark, is_over

POLL_S = 0.5
TERMINATE_S = 5.0
KILL_S = 5.0
_OUT_OF_MEMORY_EXIT = 3
_TAIL_BYTES = 64 * 1024


@dataclass(frozen=True)
class Address:
    """What another process needs to find, recognise and use a JVM; the content of ``mlruns/server.json``.

    Attributes
    ----------
    create_time : float
        The process's start by a clock that does not jump (see `core.processes.start_mark`).
    started_at : str
        ISO 8601, UTC.
    """

    pid: int
    create_time: float
    url: str
    user: str
    name: str
    started_at: str
    password: str = field(repr=False)

    def save(self, path: Path) -> None:
        """Write the file, for this user only."""
        with atomic_path(path) as temporary:
            temporary.write_text(to_json(self, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Address | None":
        """Read the file; None when there is none or it is not ours."""
        try:
            return from_json(cls, path.read_bytes())
        except (FileNotFoundError, StoreCorruptError):
            return None

    def process(self) -> psutil.Process | None:
        """Return the living process: that pid, started then, with the random name on its command line."""
        process = Mark(self.pid, self.create_time).process()
        try:
            return process if process is not None and self.name in process.cmdline() else None
        except psutil.Error:
            return None


class Jvm:
    """A JVM watched by a thread of its own, whether this process started it or not.

    Parameters
    ----------
    address : Address
        Of the living process.
    process : psutil.Process or subprocess.Popen
        `Popen` when this process is its parent.
    """

    def __init__(self, address: Address, process: "psutil.Process | subprocess.Popen[bytes]", log: Path) -> None:
        self.address = address
        self.dead = threading.Event()
        self.exit_code: int | None = None
        self._process = process
        self._log = log
        self._out_of_memory = False
        self._left = threading.Event()
        threading.Thread(target=self._watch, name=f"watch {address.name}", daemon=True).start()

    @property
    def is_ours(self) -> bool:
        """Whether this process started it."""
        return isinstance(self._process, subprocess.Popen)

    def death(self) -> EngineDiedError:
        """Return the error that tells how it died."""
        if self._out_of_memory:
            return EngineOutOfMemoryError("The engine ran out of memory.", exit_code=self.exit_code)
        return EngineDiedError(f"The engine's process ended{_how(self.exit_code)}.", exit_code=self.exit_code)

    def end(self) -> None:
        """End the process, gently first; returns when it is gone, at most 10 s later."""
        try:
            self._process.terminate()
            if not self.dead.wait(TERMINATE_S):
                self._process.kill()
                self.dead.wait(KILL_S)
        except psutil.NoSuchProcess:
            self.dead.wait(KILL_S)

    def leave(self) -> None:
        """Watch no longer; a child of ours is still waited for, or it would stay as a zombie."""
        self._left.set()

    def _watch(self) -> None:
        if isinstance(self._process, subprocess.Popen):
            self.exit_code = self._process.wait()
        else:
            while self._process.is_running() and not is_over(self._process):
                if self._left.wait(POLL_S):
                    return
        self._out_of_memory = self.exit_code == _OUT_OF_MEMORY_EXIT or "OutOfMemoryError" in tail(self._log)
        self.dead.set()


def tail(log: Path) -> str:
    """Return the end of a log; empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _how(exit_code: int | None) -> str:
    if exit_code is None:
        return ""
    return f", killed by signal {-exit_code}" if exit_code < 0 else f" with exit code {exit_code}"
