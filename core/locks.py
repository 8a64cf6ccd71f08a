"""Locks between threads and processes, on files; the kernel releases them when a process ends, however it ends."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from core.errors import AppError, StoreBusyError
from core.files import disk_errors, make_folder

_WAIT_S = 20.0
_POLL_S = 0.02


def _store_busy() -> StoreBusyError:
    return StoreBusyError("The store is in use by another process.")


class FileLock:
    """A `flock` that can be shared or exclusive; two objects on one file are two owners, also inside one process.

    As a context manager it is released at the end, whatever was held. What waits does so for 20 s, or as long as it is
    told, and then raises what `busy` makes.

    Parameters
    ----------
    path : Path
        The file, made (0600) when it is not there.
    busy : callable, optional
        Makes the error for a lock that is not had in time; a `StoreBusyError` when omitted.
    """

    def __init__(self, path: Path, busy: Callable[[], AppError] = _store_busy) -> None:
        self._path = path
        self._busy = busy
        self._fd: int | None = None

    def __enter__(self) -> Self:
        """Return the lock as it is."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go."""
        self.release()

    def share(self, timeout_s: float | None = None) -> None:
        """Hold the lock together with others, as soon as nobody holds it alone."""
        self._wait(fcntl.LOCK_SH, timeout_s)

    @contextmanager
    def alone(self, timeout_s: float | None = None) -> Iterator[None]:
        """Hold the lock alone for a while, as soon as nobody else holds it."""
        try:
            self._wait(fcntl.LOCK_EX, timeout_s)
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

    def _wait(self, kind: int, timeout_s: float | None) -> None:
        deadline = time.monotonic() + (_WAIT_S if timeout_s is None else timeout_s)
        while not self._try(kind):
            if time.monotonic() > deadline:
                raise self._busy()
            time.sleep(_POLL_S)

    def _try(self, kind: int) -> bool:
        if self._fd is None:
            make_folder(self._path.parent)
            with disk_errors(self._path.parent):
                self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
