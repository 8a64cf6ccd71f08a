"""Locks between processes, on files; the kernel lets go of them when a process ends, however it ends."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from core.errors import EngineUnavailableError

_POLL_S = 0.05


class FileLock:
    """A `flock` that can be shared or exclusive. Two objects on one file are two owners, also inside one process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def share(self, timeout_s: float) -> None:
        """Hold the lock together with others.

        Raises
        ------
        EngineUnavailableError
            If somebody holds it alone for longer than `timeout_s`.
        """
        self._wait(fcntl.LOCK_SH, timeout_s)

    @contextlib.contextmanager
    def alone(self, timeout_s: float) -> Iterator[None]:
        """Hold the lock alone for a while; `EngineUnavailableError` as in `share`."""
        self._wait(fcntl.LOCK_EX, timeout_s)
        try:
            yield
        finally:
            self.release()

    def try_alone(self) -> bool:
        """Hold the lock alone if nobody else holds it. When not, a share held before is lost."""
        return self._try(fcntl.LOCK_EX)

    def release(self) -> None:
        """Let go; does nothing when it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _wait(self, kind: int, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not self._try(kind):
            if time.monotonic() > deadline:
                raise EngineUnavailableError(
                    "Another process of this home is starting or stopping the engine and does not finish.",
                    hint="Look for a process that hangs, end it and try again.",
                )
            time.sleep(_POLL_S)

    def _try(self, kind: int) -> bool:
        if self._fd is None:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
