"""A run whose disk fills up while it trains, then has space again; prints what came of it as JSON.

Run by test_f08_training.py in a process of its own: ``python full_disk_training_child.py HOME limit|tmpfs``.
"""

import json
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.files import sha256_of
from core.models.opened import MOJO, NATIVE, SPEC
from core.services import Services, build
from core.settings import Settings
from tests.engines.fake import FakeEngine
from tests.faults.full_disk_child import fill, free
from tests.fixtures_runs import Home, write_customers

DEADLINE_S = 120.0
FULL_S = 4.0  # the queue has tried again several times by then


def until(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds and return its value."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if value := condition():
            return value
        threading.Event().wait(0.05)
    raise TimeoutError


def look(services: Services, run_id: str) -> dict[str, Any]:
    """Return what is stored of a run, with every file of its models checked."""
    run = services.store.get_run(run_id)
    models = services.store.models(run_id=run_id)
    files = [services.store.model_file(m.id, name) for m in models if m.has_files for name in (MOJO, NATIVE, SPEC)]
    return {
        "status": run.status,
        "code": (run.error or {}).get("code"),
        "models": sorted(model.model_key for model in models),
        "with_files": sum(model.has_files for model in models),
        "damaged": [path.name for path, sha256 in files if sha256_of(path) != sha256],
    }


def main(folder: Path, how: str) -> None:
    """Train on a disk that fills up after the first model."""
    settings = Settings(home=folder / "home", min_free_bytes=0)
    engine = FakeEngine(hold=True)
    services = build(settings, engine=engine)
    source = write_customers(folder / "customers.csv")
    home = Home(services, services.datasets.add(source, source.name), ())
    run_id = services.jobs.submit(home.settings())
    services.jobs.start()
    until(lambda: [model for model in services.store.models(run_id=run_id) if model.has_files])
    until(lambda: services.store.get_run(run_id).n_models == 1)
    before = look(services, run_id)
    fill(folder, how)
    engine.release()
    threading.Event().wait(FULL_S)
    full = look(services, run_id)
    free(folder, how)
    until(lambda: services.store.get_run(run_id).is_final)
    after = look(services, run_id)
    second = services.jobs.submit(replace(home.settings(), seed=2))
    until(lambda: services.store.get_run(second).is_final)
    again = look(services, second)
    services.jobs.stop()
    services.jobs.join()
    checks = {}
    for path in (settings.ledger_path, settings.mlruns_dir / "mlflow.db"):
        with closing(sqlite3.connect(path)) as connection:
            checks[path.name] = connection.execute("PRAGMA integrity_check").fetchone()[0]
    parts = [path.name for path in settings.mlruns_dir.rglob(".part-*")]
    print(
        json.dumps({"before": before, "full": full, "after": after, "again": again, "checks": checks, "parts": parts})
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
