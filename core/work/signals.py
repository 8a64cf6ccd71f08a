"""What the processes of a home tell each other about the queue, by files: locks, a bell, requests to cancel."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.files import make_folder
from core.locks import FileLock

_LOOKS = 3
_LOOK_PAUSE_S = 0.005


class QueueSignals:
    """The files of the queue.

    ``trainer.lock`` is held by whoever trains; ``worker.lock`` is shared by all that work on every run of the queue;
    ``queue.bell`` is touched when there is something new; ``cancels/RUN_ID`` asks for the end of a run.
    """

    def __init__(self, folder: Path) -> None:
        self.submit_lock = folder / "submit.lock"
        self._trainer_lock = folder / "trainer.lock"
        self._worker_lock = folder / "worker.lock"
        self.worker = FileLock(self._worker_lock)  # this process's share of it
        self._bell = folder / "queue.bell"
        self._cancels = folder / "cancels"

    def ring(self) -> None:
        """Tell all workers that something is new."""
        self._bell.touch(mode=0o600)

    def rung_at(self) -> float:
        """Return when the bell was rung last; 0 when it never was."""
        try:
            return self._bell.stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def ask_to_cancel(self, run_id: str) -> None:
        """Ask whoever trains a run, now or later, to stop it."""
        make_folder(self._cancels)
        (self._cancels / run_id).touch(mode=0o600)

    def is_to_cancel(self, run_id: str) -> bool:
        """Return whether somebody asked for the end of a run."""
        return (self._cancels / run_id).exists()

    def to_cancel(self) -> frozenset[str]:
        """Return the runs whose end somebody asked for."""
        return frozenset(request.name for request in self._cancels.glob("*"))

    def forget_cancels(self, run_ids: Iterable[str]) -> None:
        """Drop the requests for runs that have ended."""
        for run_id in run_ids:
            (self._cancels / run_id).unlink(missing_ok=True)

    @contextmanager
    def training(self) -> Iterator[bool]:
        """Be the one that trains, if nobody else is; yield whether that worked."""
        with FileLock(self._trainer_lock) as lock:
            yield lock.try_alone()

    def has_worker(self) -> bool:
        """Return whether a process works on every run of this home. Not for a thread that does so itself."""
        for _ in range(_LOOKS):
            with FileLock(self._worker_lock) as lock:
                if lock.try_alone():
                    return False
            time.sleep(_LOOK_PAUSE_S)  # it may have been another one that looked
        return True
