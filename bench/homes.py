"""Three homes on one MLflow server: the same predictions, what one, two and three app processes give, who touches what.

    python -m bench.homes [SECONDS] [COMMANDS]

One home trains a champion; all three predict with it, from one more app process each time. Six clients send rows as
JSON, then files of 10,000 rows, as fast as they are answered, for SECONDS each (20). Processor time is counted beside
the clock, since clients, MLflow and its database have the same cores. Then COMMANDS (100) of the command line in homes
at random: no run of another home may change. The goals: the same answers, no errors, no foreign run touched.
"""

import http.client
import itertools
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.csv as pa_csv

from bench.common import data_folder, report, train, unpacked
from bench.home_commands import run_commands
from bench.http_rows import CSV, JSON, Line, as_csv
from bench.shared import shared_mlflow
from core.services import build
from core.settings import load_settings
from tests.browser.driver import Server, run_server

N_HOMES, CLIENTS, FILE_ROWS = 3, 6, 10_000
SAMPLE, EXPERIMENT = "insurance_cross_sell_sample.csv", "insurance_cross_sell_sample"
PATH = f"/predict?experiment={EXPERIMENT}"


@dataclass(frozen=True)
class Load:
    """What clients send: bodies of a kind, each of a number of rows."""

    name: str
    bodies: Sequence[bytes]
    kind: str
    n_rows: int


def main(seconds: float = 20.0, n_commands: int = 100) -> None:
    """Train once, start one app after the other, measure, and let commands loose."""
    with ExitStack() as stack:
        shared = stack.enter_context(shared_mlflow())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bellwether-bench-")))
        homes = [folder / f"home{number}" for number in range(N_HOMES)]
        _train(homes[0], shared.uri)
        source = pa_csv.read_csv(unpacked(data_folder() / "insurance_cross_sell_unlabelled.csv.gz", folder))
        loads = _loads(source)
        environ = {"BELLWETHER_MLFLOW_URI": shared.uri, "BELLWETHER_H2O_MEMORY": "1g"}
        servers: list[Server] = []
        stacks = [stack.enter_context(ExitStack()) for _ in homes]
        for home, own in zip(homes, stacks, strict=True):
            servers.append(own.enter_context(run_server(home, **environ)))
            _ask(servers[-1].url, loads[0].bodies[0], JSON)  # loads the model
            for load in loads:
                report(**_measure(servers, shared.uri, load, seconds), database=shared.database)
        _compare(servers, source)
        if n_commands:
            found = run_commands(homes, servers, stacks, environ, n_commands)
            is_right = not found["touched"] and found["trained_through_restart"] == "FINISHED"
            report(bench="homes_commands", **found, load_1min=os.getloadavg()[0], ok=is_right)


def _train(home: Path, uri: str) -> None:
    services = build(replace(load_settings(), home=home, mlflow_uri=uri, h2o_memory_bytes=1024**3))
    try:
        train(services, data_folder() / SAMPLE, "Response", ignored=("id",),
              max_models=1, nfolds=2, include_algos=("GBM",))  # fmt: skip
    finally:
        services.close()


def _loads(source: pa.Table) -> tuple[Load, ...]:
    rows = source.slice(0, 2000).to_pylist()
    return (
        Load("one row as JSON", [json.dumps([row]).encode() for row in rows], JSON, 1),
        Load("100 rows as JSON", [json.dumps(rows[at : at + 100]).encode() for at in range(0, 2000, 100)], JSON, 100),
        Load("a file of 10,000 rows",
             [as_csv(source.slice(at * 1000, FILE_ROWS)) for at in range(CLIENTS)], CSV, FILE_ROWS),
    )  # fmt: skip


# --- the same answers -------------------------------------------------------------------------------------------------


def _compare(servers: Sequence[Server], source: pa.Table) -> None:
    """Ask every home for the same rows, as JSON and as a file, and compare what they say."""
    rows, file = source.slice(500, 1000), as_csv(source.slice(3000, FILE_ROWS))
    as_json = {_ask(server.url, json.dumps(rows.to_pylist()).encode(), JSON) for server in servers}
    as_files = {_ask(server.url, file, CSV) for server in servers}
    one = json.loads(next(iter(as_files)))
    report(
        bench="homes_answers", homes=len(servers), rows=rows.num_rows + FILE_ROWS, answers=len(one),
        different=len(as_json) + len(as_files) - 2,
        ok=len(as_json) == len(as_files) == 1 and len(one) == FILE_ROWS and len(set(one.values())) > 1,
    )  # fmt: skip


def _ask(url: str, body: bytes, kind: str) -> bytes:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    connection.request("POST", PATH, body, {"Content-Type": kind})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status != 200:
        sys.exit(f"{url}: {answer.status}: {content[:300]!r}")
    return content


# --- how much ---------------------------------------------------------------------------------------------------------


def _measure(servers: Sequence[Server], uri: str, load: Load, seconds: float) -> dict[str, object]:
    """Let the clients send for a while, each to one of the apps; return rates, times and processor time."""
    apps = [psutil.Process(server.process.pid) for server in servers]
    mlflow = _listener(urlsplit(uri).port or 0)
    load_1min = os.getloadavg()[0]
    app_s, mlflow_s, own_s = _cpu_s(apps), _cpu_s([mlflow]), time.process_time()
    times, errors, taken_s = _send(servers, load, seconds)
    n_requests = len(times)
    app_s, mlflow_s, own_s = _cpu_s(apps) - app_s, _cpu_s([mlflow]) - mlflow_s, time.process_time() - own_s
    each_ms = 1000 / max(n_requests, 1)
    return {
        "bench": "homes", "apps": len(servers), "load": load.name, "clients": CLIENTS, "errors": len(errors),
        "first_error": (errors or [""])[0], "requests_a_second": round(n_requests / taken_s, 1),
        "rows_a_second": round(n_requests * load.n_rows / taken_s, 1),
        "p50_ms": round(1000 * float(np.median(times or [np.nan])), 1),
        "p95_ms": round(1000 * float(np.quantile(times or [np.nan], 0.95)), 1),
        "app_cpu_ms": round(app_s * each_ms, 2), "mlflow_cpu_ms": round(mlflow_s * each_ms, 2),
        "client_cpu_ms": round(own_s * each_ms, 2), "cores_used": round((app_s + mlflow_s + own_s) / taken_s, 2),
        "requests_a_core": round(n_requests / max(app_s, 1e-9), 1),
        "rows_a_core": round(n_requests * load.n_rows / max(app_s, 1e-9), 1),
        "cpus": os.cpu_count(), "load_1min": load_1min, "ok": bool(n_requests) and not errors,
    }  # fmt: skip


def _send(servers: Sequence[Server], load: Load, seconds: float) -> tuple[list[float], list[str], float]:
    times: list[float] = []
    errors: list[str] = []
    begun = time.monotonic()

    def client(number: int) -> None:
        line = Line(servers[number % len(servers)].url, PATH)
        for count in itertools.count():
            sent = time.monotonic()
            if sent - begun >= seconds:
                return
            try:
                line.send(load.bodies[(number + CLIENTS * count) % len(load.bodies)], load.kind)
            except (OSError, RuntimeError, http.client.HTTPException) as error:
                errors.append(str(error))
                line = Line(servers[number % len(servers)].url, PATH)
            else:
                times.append(time.monotonic() - sent)

    _at_once(client)
    return times, errors, time.monotonic() - begun


def _at_once(work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _listener(port: int) -> psutil.Process:
    """Return the process at the top of those that listen at a port."""
    (pid, *_) = (one.pid for one in psutil.net_connections("tcp")
                 if one.status == psutil.CONN_LISTEN and one.laddr.port == port and one.pid)  # fmt: skip
    process = psutil.Process(pid)
    parent = process.parent()
    return parent if parent is not None and "mlflow" in " ".join(parent.cmdline()) else process


def _cpu_s(processes: Sequence[psutil.Process]) -> float:
    """Return the processor time of processes with all that they started."""
    found = 0.0
    for process in processes:
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                found += times.user + times.system
    return found


if __name__ == "__main__":
    asked = sys.argv[1:]
    main(*map(float, asked[:1]), *map(int, asked[1:2]))
