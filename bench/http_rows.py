"""One row and a few over HTTP: the app, and the same model behind `mlflow models serve` and the article's endpoint.

    python -m bench.http_rows [SECONDS]

The goals: one row as JSON p50 <= 30 ms and p95 <= 60 ms, a file of one row p50 <= 80 ms, of 1,000 rows <= 110 ms, 20
clients at 200 rows a second together without an error, and one row at least 5 times as fast as each of the others.
"""

import csv
import http.client
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.csv as pa_csv

from bench.common import data_folder, report, scratch_services, train, unpacked
from core.engine.jvm.java import find_java
from core.models.opened import StoredModel

JSON, CSV = "application/json", "text/csv"
P50_MS, P95_MS, FILE_MS, FILE_1000_MS, TIMES = 30, 60, 80, 110, 5
CLIENTS, ROWS_A_SECOND = 20, 200
WARM_UP, REQUESTS, OTHERS = 20, 200, 30
_START_S = 180


def main(seconds: float) -> None:
    """Train one GBM on the sample, stop the cluster, and measure."""
    with scratch_services() as services, tempfile.TemporaryDirectory() as name:
        from tests.browser.driver import run_server

        folder = Path(name)
        run = train(
            services, data_folder() / "insurance_cross_sell_sample.csv", "Response", ignored=("id",),
            max_models=1, nfolds=2, include_algos=("GBM",),
        )  # fmt: skip
        model = StoredModel(services.store, services.store.resolve(f"models:/{run.leader_id}"))
        native, features = folder / "native", list(model.spec.needed.names)
        native.write_bytes(model.native()[0].read_bytes())
        services.engine.stop()
        source = pa_csv.read_csv(unpacked(data_folder() / "insurance_cross_sell_unlabelled.csv.gz", folder))
        with run_server(services.settings.home) as server:
            ours = measure_app(server.url, f"/predict?model={model.info.uri}", source, seconds)
        report_app(ours)
        rows = source.select(features).slice(0, 500).to_pylist()
        for against, serving, path in (
            ("mlflow", mlflow_server(native, folder), "/invocations"),
            ("article", article_server(native), "/predict"),
        ):
            found = measure_other(serving, path, rows)
            times = found["p50_ms"] / ours["json_row"]["p50_ms"] if "p50_ms" in found else None
            report(bench="http_rows", against=against, **found, times=times, ok=times is not None and times >= TIMES)


def report_app(ours: dict[str, Any]) -> None:
    """Print what was found of the app, and whether each goal is met."""
    one, crowd = ours["json_row"], ours["crowd"]
    is_fast = one["p50_ms"] <= P50_MS and one["p95_ms"] <= P95_MS
    are_files_fast = ours["file_row"]["p50_ms"] <= FILE_MS and ours["file_1000"]["p50_ms"] <= FILE_1000_MS
    is_steady = not crowd["errors"] and crowd["rows_a_second"] >= 0.99 * ROWS_A_SECOND
    report(
        bench="http_rows", **ours, cpus=os.cpu_count(), load=os.getloadavg()[0],
        ok=is_fast and are_files_fast and is_steady,
    )  # fmt: skip


# --- the app ----------------------------------------------------------------------------------------------------------


def measure_app(url: str, path: str, source: pa.Table, seconds: float) -> dict[str, Any]:
    """Return the times of rows and files, one after the other, and of 20 clients at once."""
    rows = [json.dumps([row]).encode() for row in source.slice(0, 2000).to_pylist()]
    small, large = as_csv(source.slice(0, 1)), as_csv(source.slice(0, 1000))
    line = Line(url, path)
    return {
        "json_row": times_of(lambda number: line.send(rows[number % len(rows)], JSON), REQUESTS),
        "file_row": times_of(lambda _: line.send(small, CSV), REQUESTS // 4),
        "file_1000": times_of(lambda _: line.send(large, CSV), REQUESTS // 8),
        "crowd": send_at_once(url, path, rows, seconds),
    }


class Line:
    """A connection that stays open, as a client's pool has it."""

    def __init__(self, url: str, path: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
        self._path = path

    def send(self, body: bytes, kind: str) -> None:
        """Send one request; RuntimeError where the answer is none of rows."""
        self._connection.request("POST", self._path, body, {"Content-Type": kind})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {content[:300]!r}")


def times_of(send: Callable[[int], None], n_times: int) -> dict[str, float]:
    """Return the median and the 95th percentile in milliseconds, after some that do not count."""
    for number in range(min(WARM_UP, n_times)):
        send(number)
    found = []
    for number in range(n_times):
        begun = time.perf_counter()
        send(number)
        found.append(1000 * (time.perf_counter() - begun))
    return {"p50_ms": round(float(np.median(found)), 2), "p95_ms": round(float(np.quantile(found, 0.95)), 2)}


def send_at_once(url: str, path: str, rows: list[bytes], seconds: float) -> dict[str, Any]:
    """Let 20 clients send a row every tenth of a second; return errors, the rate and the times."""
    found: list[float] = []
    errors: list[str] = []
    every_s, begun = CLIENTS / ROWS_A_SECOND, time.perf_counter()

    def client(number: int) -> None:
        line, due = Line(url, path), begun + every_s * number / CLIENTS
        for count in range(int(seconds / every_s)):
            time.sleep(max(0.0, due + count * every_s - time.perf_counter()))
            sent = time.perf_counter()
            try:
                line.send(rows[(number + CLIENTS * count) % len(rows)], JSON)
            except (OSError, RuntimeError, http.client.HTTPException) as error:
                errors.append(str(error))
                line = Line(url, path)
            else:
                found.append(1000 * (time.perf_counter() - sent))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken_s = time.perf_counter() - begun
    return {
        "clients": CLIENTS, "seconds": round(taken_s, 1), "errors": len(errors), "first_error": (errors or [""])[0],
        "rows_a_second": round(len(found) / taken_s, 1), "p50_ms": round(float(np.median(found or [np.nan])), 2),
        "p95_ms": round(float(np.quantile(found or [np.nan], 0.95)), 2),
    }  # fmt: skip


def as_csv(table: pa.Table) -> bytes:
    """Return rows as a CSV file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, table.column_names)
    writer.writeheader()
    writer.writerows(table.to_pylist())
    return text.getvalue().encode()


# --- the others -------------------------------------------------------------------------------------------------------


def measure_other(serving: AbstractContextManager[str], path: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the times of single rows of a server that is started for this; where it cannot be had, why."""
    bodies = [json.dumps({"dataframe_records": [row]}).encode() for row in rows]
    try:
        with serving as url:
            line = Line(url, path)
            return dict(times_of(lambda number: line.send(bodies[number % len(bodies)], JSON), OTHERS))
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        return {"missing": str(error)[-600:]}


def save_flavour(native: Path, logged: Path) -> None:
    """Store a model as MLflow's h2o flavour (RuntimeError where that fails)."""
    code = (
        "import sys, h2o, mlflow.h2o; h2o.init(max_mem_size='1g'); "
        "mlflow.h2o.save_model(h2o.upload_model(sys.argv[1]), sys.argv[2]); h2o.cluster().shutdown()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(native), str(logged)], env=java_environ(), capture_output=True, text=True,
        timeout=_START_S, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"mlflow.h2o.save_model: {done.stderr[-500:]}")


@contextmanager
def mlflow_server(native: Path, folder: Path) -> Iterator[str]:
    """Serve the model as MLflow does: its h2o flavour, in this environment."""
    logged = folder / "logged"
    save_flavour(native, logged)
    command = ["-m", "mlflow", "models", "serve", "-m", str(logged), "--env-manager", "local", "--host", "127.0.0.1"]
    with _served(command, "/ping") as url:
        yield url


@contextmanager
def article_server(native: Path) -> Iterator[str]:
    """Serve the model as the article does: an endpoint that uploads a frame, predicts and downloads, per request."""
    with _served(["-m", "bench.http_rows", "--article", str(native)], "/ping") as url:
        yield url


@contextmanager
def _served(command: list[str], path: str) -> Iterator[str]:
    from tests.browser.driver import answers, free_port, wait_until

    port = free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, *command, "--port", str(port)], env=java_environ(), stdout=log, stderr=log
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: answers(url + path) or process.poll() is not None, _START_S, "its start")
            if process.poll() is not None:
                log.seek(0)
                raise RuntimeError(f"it ended: {log.read()[-500:].decode(errors='replace')}")
            yield url
        finally:
            started = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            process.terminate()
            process.wait(30)
            for left in started:  # h2o puts its Java into a session of its own, which outlives its owner
                with suppress(psutil.NoSuchProcess):
                    left.kill()


def java_environ() -> dict[str, str]:
    """Return an environment whose Java and uvicorn are those that the app uses."""
    folders = (find_java().path.parent, Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": ":".join([*map(str, folders), os.environ["PATH"]]),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def serve_article(native: str, port: int) -> None:
    """Run the article's endpoint until the process is ended."""
    import fastapi
    import h2o
    import pandas as pd
    import uvicorn

    h2o.init(max_mem_size="1g")
    h2o.no_progress()
    model, app = h2o.upload_model(native), fastapi.FastAPI()

    @app.get("/ping")
    def ping() -> str:
        return "ok"

    @app.post("/predict")
    def predict(body: dict[str, list[dict[str, Any]]]) -> list[Any]:
        frame = h2o.H2OFrame(pd.DataFrame(body["dataframe_records"]))
        found: list[Any] = model.predict(frame).as_data_frame()["predict"].tolist()
        return found

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
    h2o.cluster().shutdown()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--article"]:
        serve_article(sys.argv[2], int(sys.argv[4]))
    else:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
