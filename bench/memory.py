"""How much memory this process takes while it works: the most resident pages above what it had before."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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


@contextmanager
def watched() -> Iterator[Peak]:
    """Watch the resident memory of this process."""
    peak, done = Peak(resident_bytes(), resident_bytes()), threading.Event()

    def watch() -> None:
        while not done.wait(_EVERY_S):
            peak.most_bytes = max(peak.most_bytes, resident_bytes())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
