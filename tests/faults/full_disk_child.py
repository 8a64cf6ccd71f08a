"""Work in a home whose disk is full, then in the same process with space again; prints what came of it as JSON.

Run by test_f08_disk_full.py in a process of its own: ``python full_disk_child.py HOME limit|tmpfs``.
"""

import errno
import json
import resource
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from core.data.datasets.registry import Datasets
from core.domain.columns import Column, Schema
from core.errors import AppError
from core.exports.tables import write_table
from core.features.engine_input import engine_csv
from core.files import scratch
from core.ledger.database import Ledger
from core.settings import Settings
from core.store.mlflow import Store
from tests.fixtures_store import DATASET, SETTINGS

LIMIT_BYTES = 4096
SMALL = b"a,b\n1,2\n3,4\n"
ENDINGS = (".csv", ".xlsx", ".json", ".parquet")


def fill(home: Path, how: str) -> None:
    """Take the space away: by a limit on the size of each file, or by a file that fills the disk."""
    if how == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, resource.RLIM_INFINITY))
        return
    with (home / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65_536))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def free(home: Path, how: str) -> None:
    """Give the space back."""
    if how == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        return
    (home / "filler").unlink()


def outcome(work: Callable[[], Any]) -> dict[str, str]:
    """Return the error that the work ends with; empty when it goes well."""
    try:
        work()
    except AppError as error:
        return error.to_dict()
    return {}


def send(table: pa.Table, settings: Settings) -> None:
    """Write rows for the engine."""
    with scratch(settings, "send-") as folder:
        engine_csv(table, Schema((Column("n", "numeric"),)), folder / "rows.csv")


def main(home: Path, how: str) -> None:
    """Do each piece of work once on a full disk and once with space again."""
    settings = Settings(home=home, min_free_bytes=0)
    datasets, store, ledger = Datasets(settings), Store(settings), Ledger(home / "audit.db")
    small, large = home / "small.csv", home / "large.csv"
    small.write_bytes(SMALL)
    large.write_bytes(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(20_000)))
    kept = datasets.add(small, "small.csv")
    run_id = store.create_run(SETTINGS, DATASET, key="first")
    ledger.record("first", "s")
    table = pa.table({"n": range(50_000)})
    (home / "out").mkdir()
    (home / "out" / "scored.csv").write_text("old")
    work: dict[str, Callable[[], Any]] = {
        "dataset": lambda: datasets.add(large, "large.csv"),
        "store": lambda: store.create_run(SETTINGS, DATASET, key="second"),
        "tag": lambda: store.update_run(run_id, stage="x" * 4000),
        "ledger": lambda: ledger.record("second", "s", detail={"text": "x" * 20_000}),
        "engine": lambda: send(table, settings),
        **{ending: lambda e=ending: write_table(table, home / "out" / f"scored{e}") for ending in ENDINGS},  # type: ignore[misc]
    }
    fill(home, how)
    full = {name: outcome(one) for name, one in work.items()}
    seen = {
        "datasets": [one.name for one in datasets.list()],
        "rows": datasets.open(kept.id).source().num_rows,
        "runs": len(store.list_runs()),
        "out": {path.name: path.read_text() for path in (home / "out").iterdir()},
        "folders": sorted(path.name for path in settings.datasets_dir.iterdir()),
        "work": [path.name for path in settings.work_dir.iterdir()],
    }
    free(home, how)
    again = {name: outcome(one) for name, one in work.items()}
    checks = {}
    for path in (home / "audit.db", settings.mlruns_dir / "mlflow.db"):
        with closing(sqlite3.connect(path)) as connection:
            checks[path.name] = connection.execute("PRAGMA integrity_check").fetchone()[0]
    after = {
        "datasets": sorted(one.name for one in datasets.list()),
        "rows": {one.name: datasets.open(one.id).source().num_rows for one in datasets.list()},
        "runs": len(store.list_runs()),
        "entries": [entry.action for entry in ledger.entries()],
        "out": sorted(path.name for path in (home / "out").iterdir()),
    }
    print(json.dumps({"kept": kept.id, "full": full, "seen": seen, "again": again, "checks": checks, "after": after}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
