"""One client of a home's queue, in a process of its own.

Run as ``python queue_client.py HOME DATASET NUMBER COUNT worker|client``. It submits COUNT runs from COUNT threads when
it reads a line, and as a worker works on the queue until it is told to end. The engine is the small one in memory.
"""

import sys
import threading
from dataclasses import replace
from pathlib import Path

from core.services import build
from core.settings import Settings
from tests.engines.fake import FakeEngine
from tests.fixtures_runs import Home


def main(folder: Path, dataset_id: str, number: int, count: int, role: str) -> None:
    """Submit, and work when asked to."""
    settings = Settings(home=folder, min_free_bytes=1024**2, max_queue=1000)
    engine = FakeEngine()
    engine.cluster = f"fake-{number}"
    services = build(settings, engine=engine)
    home = Home(services, services.datasets.get(dataset_id), ())
    requests = [replace(home.settings(), seed=number * 1000 + place, max_models=1) for place in range(count)]
    services.store.check()  # MLflow is loaded before the start, so that all clients ask at the same time
    print("ready", flush=True)
    sys.stdin.readline()
    threads = [threading.Thread(target=services.jobs.submit, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("submitted", flush=True)
    if role == "worker":
        services.jobs.start()
    sys.stdin.readline()
    services.jobs.stop()
    services.jobs.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
