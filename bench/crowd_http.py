"""Twenty people at once, 10,000 rows each, through `POST /predict` of the running app, CSV in and CSV back.

    python -m bench.crowd_http [PEOPLE] [ROWS]

The goal: no errors, every row back, and the 95th percentile at most twice one alone times people over cores.
"""

import http.client
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from bench.common import data_folder, median_s, report, scratch_services, train, unpacked


def main(n_people: int, n_rows: int) -> None:
    """Train one GBM on the sample and measure."""
    from tests.browser.driver import run_server

    with scratch_services() as services, tempfile.TemporaryDirectory() as name:
        run = train(
            services, data_folder() / "insurance_cross_sell_sample.csv", "Response", ignored=("id",),
            max_models=1, nfolds=2, include_algos=("GBM",),
        )  # fmt: skip
        source = pa_csv.read_csv(unpacked(data_folder() / "insurance_cross_sell_unlabelled.csv.gz", Path(name)))
        parts = [source.slice(number * 1000, n_rows) for number in range(n_people)]
        with run_server(services.settings.home) as server:
            path = f"/predict?model=models:/{run.leader_id}"
            alone_s = median_s(lambda: _score(server.url, path, parts[0]))
            with ThreadPoolExecutor(n_people) as pool:
                answers = list(pool.map(lambda part: _score(server.url, path, part), parts))
    times = [seconds for seconds, _ in answers]
    n_right = sum(is_right for _, is_right in answers)
    allowed_s = 2 * alone_s * n_people / (os.cpu_count() or 1)
    p95_s = float(np.quantile(times, 0.95))
    report(
        bench="http", people=n_people, rows=n_rows, alone_s=alone_s, p95_s=p95_s, allowed_s=allowed_s,
        right=n_right, ok=n_right == n_people and p95_s <= allowed_s,
    )  # fmt: skip


def _score(url: str, path: str, part: pa.Table) -> tuple[float, bool]:
    """Send rows; return the seconds it took and whether exactly these rows came back in their order."""
    body = pa.BufferOutputStream()
    pa_csv.write_csv(part, body)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=300)
    begun = time.monotonic()
    connection.request("POST", path, body.getvalue().to_pybytes(), {"Content-Type": "text/csv", "Accept": "text/csv"})
    answer = connection.getresponse()
    content = answer.read()
    seconds = time.monotonic() - begun
    connection.close()
    if answer.status != 200:
        return seconds, False
    return seconds, pa_csv.read_csv(pa.BufferReader(content))["id"].equals(part["id"])


if __name__ == "__main__":
    main(*(int(text) for text in (sys.argv[1:] + ["20", "10000"][len(sys.argv) - 1 :])))
