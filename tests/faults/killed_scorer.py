"""A process that scores what waits in a home, and holds the first prediction until it is killed or told to stop.

Run as ``python killed_scorer.py HOME``. Prints ``scoring`` once it is at the prediction; ends in order on SIGTERM.
"""

import signal
import sys
import threading
from pathlib import Path

from core.services import build
from core.settings import Settings
from tests.engines.fake import FakeEngine


def held_engine(closing: threading.Event) -> FakeEngine:
    """Return the engine in memory, whose predictions wait for the process to be told to stop."""
    engine = FakeEngine()
    predict = engine.mojos.predict

    def held(*args):
        print("scoring", flush=True)
        closing.wait()
        return predict(*args)

    engine.mojos.predict = held
    return engine


def main(home: Path) -> None:
    """Work until told to stop."""
    stopped, closing = threading.Event(), threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    settings = Settings(home=home, h2o_memory_bytes=1024**3, min_free_bytes=1024**2)
    services = build(settings, engine=held_engine(closing))
    services.scorings.settle()
    services.scorings.start()
    while not stopped.wait(0.1):
        pass
    services.scorings.stop()
    closing.set()
    services.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
