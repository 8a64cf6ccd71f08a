"""How much memory work takes: of this process above what it had, or of it and all of its children."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

_PAGE = 4096
_EVERY_S = 0.005


@dataclass
class Peak:
    """Filled in when the block ends."""

    before_bytes: int = 0
    most_bytes: int = 0

    @property
    def growth_bytes(self) -> int:
        """The most above what there was before."""
        return self.most_bytes - self.before_bytes


def resident_bytes() -> int:
    """Return the resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def family_bytes() -> int:
    """Return the memory of this process and of all below it but an H2O engine; a page that two share counts half."""
    own = psutil.Process()
    return sum(_share_bytes(one) for one in (own, *own.children(recursive=True)))


def _share_bytes(process: psutil.Process) -> int:
    try:
        return 0 if process.name() == "java" else int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


@contextmanager
def watched(read: Callable[[], int] = resident_bytes) -> Iterator[Peak]:
    """Watch what `read` returns."""
    now = read()
    peak, done = Peak(now, now), threading.Event()

    def watch() -> None:
        while not done.wait(_EVERY_S):
            peak.most_bytes = max(peak.most_bytes, read())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
