"""The one loop of background work: waits, works, goes on after an error, and ends only when it is told to."""

import logging
import threading
import uuid
from typing import Final

from core.errors import AppError

logger = logging.getLogger(__name__)

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 8.0
_JOIN_S: Final = 8.0


class Worker:
    """Background work in a thread of its own, from `start` to `stop`; a kind of work says what one `step` of it is.

    No error ends the thread. One that is expected (a busy store, a full disk) is waited out, longer each time; so is a
    bug, which is logged with a reference first.

    Parameters
    ----------
    name : str
        What it is called in the log, and its thread.
    interval_s : float
        How long to wait between two steps, unless somebody calls `wake`.
    """

    def __init__(self, name: str, interval_s: float) -> None:
        self._name = name
        self._interval_s = interval_s
        self._stopping = threading.Event()
        self._waking = threading.Event()
        self._thread: threading.Thread | None = None

    # --- what a kind of work says -------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Put in order what a killed process left; done before the first step, and again until it succeeds."""

    def step(self) -> None:
        """Do all that can be done now; a long one asks now and then whether `stop` was called."""
        raise NotImplementedError

    def drop(self, reference: str) -> None:
        """Give up what met a bug, so that it is not tried for ever; done again until it succeeds."""

    # --- the thread ---------------------------------------------------------------------------------------------------

    @property
    def is_working(self) -> bool:
        """Whether the thread is there, also while a stopped one ends."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin to work; returns at once."""
        if not self.is_working:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Say that there is something new, so that the next step does not wait."""
        self._waking.set()

    def stop(self) -> None:
        """Say that the work has to end; returns at once."""
        self._stopping.set()
        self._waking.set()

    def join(self, timeout_s: float = _JOIN_S) -> None:
        """Wait a little until the thread has ended."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _work(self, *, is_settled: bool = False) -> None:
        reference, pause_s = "", _FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                if reference:
                    self.drop(reference)
                    reference = ""
                if not is_settled:
                    self.settle()
                    is_settled = True
                self.step()
            except AppError as error:
                logger.warning("%s: has to wait: %s", self._name, error.message, exc_info=error)
            except Exception:  # the outer border of background work: one bad run or file must not end all of it
                reference = reference or uuid.uuid4().hex[:8]
                logger.exception("%s: a bug (ref %s)", self._name, reference, extra={"ref": reference})
            else:
                pause_s = _FIRST_PAUSE_S
                self._waking.wait(self._interval_s)
                self._waking.clear()
                continue
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
