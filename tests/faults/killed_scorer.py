"""A process that scores what waits in a home, and holds the first prediction until it is killed or told to stop.

Run as ``python killed_scorer.py HOME``. Prints ``scoring`` once it is at the prediction; ends in order on SIGTERM.
"""

import signal
import sys
import threading
from pathlib import Path

from core.services import build
from core.settings import Settings
from tests.fixtures_runs import FakeEngine


class HeldEngine(FakeEngine):
    """The small engine of the tests, whose predictions wait for the process to be told to stop."""

    def __init__(self, closing: threading.Event) -> None:
        super().__init__()
        self._closing = closing

    def predict(self, model_key: str, frame: str):
        print("scoring", flush=True)
        self._closing.wait()
        return super().predict(model_key, frame)


def main(home: Path) -> None:
    """Work until told to stop."""
    stopped, closing = threading.Event(), threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    settings = Settings(home=home, h2o_memory_bytes=1024**3, min_free_bytes=1024**2)
    services = build(settings, engine=HeldEngine(closing))
    services.scorings.settle()
    services.scorings.start()
    while not stopped.wait(0.1):
        pass
    services.scorings.stop()
    closing.set()
    services.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
