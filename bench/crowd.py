"""Twenty people at once, 10,000 rows each, through one scorer: errors, row counts, and how long they wait.

    python -m bench.crowd [PEOPLE,…] [ROWS]

The goal: no errors, every row back, and the 95th percentile at most twice one alone times people over cores.
"""

import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.csv as pa_csv

from bench.common import data_folder, median_s, report, scratch_services, train, unpacked
from core.errors import AppError
from core.exports.answers import save
from core.services import Services


def main(crowds: tuple[int, ...], n_rows: int) -> None:
    """Train one GBM on the sample and measure."""
    with scratch_services() as services, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = train(
            services, data_folder() / "insurance_cross_sell_sample.csv", "Response", ignored=("id",),
            max_models=1, nfolds=2, include_algos=("GBM",),
        )  # fmt: skip
        source = pa_csv.read_csv(unpacked(data_folder() / "insurance_cross_sell_unlabelled.csv.gz", folder))
        paths = [folder / f"person_{number}.csv" for number in range(max(crowds))]
        for number, path in enumerate(paths):
            pa_csv.write_csv(source.slice(number * 1000, n_rows), path)
        uri = f"models:/{run.leader_id}"
        alone_s = median_s(lambda: _score(services, uri, paths[0]))
        for n_people in crowds:
            _measure(services, uri, paths[:n_people], n_rows, alone_s)


def _measure(services: Services, uri: str, paths: list[Path], n_rows: int, alone_s: float) -> None:
    n_people = len(paths)
    with ThreadPoolExecutor(n_people) as pool:
        answers = list(pool.map(lambda path: _timed(services, uri, path), paths))
    times = [seconds for seconds, _ in answers]
    n_errors = sum(rows < 0 for _, rows in answers)
    n_right = sum(rows == n_rows for _, rows in answers)
    allowed_s = 2 * alone_s * n_people / (os.cpu_count() or 1)
    p95_s = float(np.quantile(times, 0.95))
    report(
        bench="crowd", people=n_people, rows=n_rows, alone_s=alone_s, p95_s=p95_s, allowed_s=allowed_s,
        errors=n_errors, right_counts=n_right, ok=not n_errors and n_right == n_people and p95_s <= allowed_s,
    )  # fmt: skip


def _score(services: Services, uri: str, path: Path) -> int:
    out = path.with_suffix(".out.csv")
    save(services.scorer.score_file(path, path.name, model_uri=uri, details=True), out)
    return int(pa_csv.read_csv(out).num_rows)


def _timed(services: Services, uri: str, path: Path) -> tuple[float, int]:
    begun = time.monotonic()
    try:
        rows = _score(services, uri, path)
    except AppError as error:
        sys.stderr.write(f"{error.code}: {error.message}\n")
        rows = -1
    return time.monotonic() - begun, rows


if __name__ == "__main__":
    asked, rows = (sys.argv[1:] + ["20", "10000"][len(sys.argv) - 1 :])[:2]
    main(tuple(int(text) for text in asked.split(",")), int(rows))
