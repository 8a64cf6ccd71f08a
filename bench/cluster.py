"""Data that stays with a cluster of two nodes: how much the app's memory grows on the whole way.

``python -m bench.cluster [ROWS]`` writes a file of that many rows (10 million when omitted), starts two JVMs of 2 GB
each on loopback and takes the whole way: added by its address, a GLM trained, all rows scored into Parquet. Prints one
JSON line.
"""

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.csv

from core.domain.training import TrainingSettings
from core.services import Services, build
from tests.fixtures_cluster import two_nodes

ROWS_AT_ONCE = 500_000


def write_file(path: Path, n_rows: int) -> None:
    """Write made-up numbers and categories with a target of two classes, some rows at a time."""
    random = np.random.default_rng(7)
    with path.open("wb") as file:
        for begin in range(0, n_rows, ROWS_AT_ONCE):
            n = min(ROWS_AT_ONCE, n_rows - begin)
            a, b, c = (random.normal(size=n).round(4) for _ in range(3))
            city = random.choice(["Bonn", "Oslo", "Turin", "Lyon"], n)
            buys = np.where(a + 0.5 * b + (city == "Oslo") + random.normal(size=n) > 0.5, "yes", "no")
            rows = pa.table({"row": np.arange(begin, begin + n), "a": a, "b": b, "c": c, "city": city, "buys": buys})
            pyarrow.csv.write_csv(rows, file, pyarrow.csv.WriteOptions(include_header=begin == 0))


class Memory:
    """The most memory that this process has had since `restart`."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.peak_bytes = 0
        threading.Thread(target=self._look, daemon=True).start()

    def restart(self) -> int:
        """Forget the peak; return what is in use now."""
        self.peak_bytes = int(self._process.memory_info().rss)
        return self.peak_bytes

    def _look(self) -> None:
        while True:
            self.peak_bytes = max(self.peak_bytes, int(self._process.memory_info().rss))
            time.sleep(0.05)


def measure(n_rows: int, folder: Path) -> dict[str, object]:
    """Take the whole way once with a file of that many rows."""
    lake = folder / "lake"
    lake.mkdir()
    write_file(lake / "rows.csv", n_rows)
    with two_nodes(folder / "nodes", memory="2g") as nodes:
        services = build(nodes.settings(folder / "home", import_prefixes=str(lake)))
        try:
            nodes.wait(services.engine)
            # What any first use loads, MLflow and the engine's client among it, is not the data's.
            warm = lake / "warm.csv"
            write_file(warm, 2_000)
            _way(services, str(warm), str(lake / "warm.parquet"), "warm")
            memory = Memory()
            before = memory.restart()
            seconds = _way(services, str(lake / "rows.csv"), str(lake / "scored.parquet"), "rows")
            grown = memory.peak_bytes - before
        finally:
            services.close()
    return {
        "rows": n_rows,
        "file_bytes": (lake / "rows.csv").stat().st_size,
        "app_growth_bytes": grown,
        "app_before_bytes": before,
        "seconds": seconds,
    }


def _way(services: Services, source: str, target: str, experiment: str) -> dict[str, float]:
    seconds, begun = {}, time.monotonic()
    dataset = services.cluster_data.add(source)
    seconds["add"] = time.monotonic() - begun
    settings = TrainingSettings(
        dataset_id=dataset.id, target="buys", experiment=experiment, task="binary", nfolds=2, holdout_share=0.2,
        max_models=1, include_algos=("GLM",), max_runtime_secs=3600,
    )  # fmt: skip
    begun = time.monotonic()
    run_id = services.jobs.submit(settings)
    services.jobs.start()
    run = services.jobs.wait(run_id, until_explained=True)
    if run.status != "finished":
        raise SystemExit(f"the run failed: {run.error}")
    seconds["train"] = time.monotonic() - begun
    begun = time.monotonic()
    model = services.store.resolve(f"models:/{run.leader_id}")
    n_rows = services.cluster_data.score(model, source, target)
    if n_rows != dataset.remote.frame.n_rows:
        raise SystemExit(f"{n_rows} rows were scored")
    seconds["score"] = time.monotonic() - begun
    return {name: round(value, 1) for name, value in seconds.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=10_000_000)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(parser.parse_args().rows, Path(folder))))


if __name__ == "__main__":
    main()
