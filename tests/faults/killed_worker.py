"""A process that works on the queue of a home as the app does, for tests that kill it.

Run as ``python killed_worker.py HOME``. Prints ``ready`` once it works; ends in order on SIGTERM.
"""

import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

from core.services import build
from core.settings import load_settings


def main(home: Path) -> None:
    """Work until told to stop."""
    settings = replace(
        load_settings(), home=home, h2o_memory_bytes=1024**3, h2o_start_timeout_s=60, min_free_bytes=1024**2
    )
    services = build(settings)
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    services.start()
    print("ready", flush=True)
    stopped.wait()
    services.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
