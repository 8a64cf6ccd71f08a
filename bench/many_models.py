"""1,000 runs, 10,000 models, 200 versions: what the Runs and Leaderboard pages cost, embedded and on a server.

    python -m bench.many_models [embedded|server] [RUNS] [MODELS of each]

The goal: embedded at most 1.0 s cold and 0.3 s warm a page; on an MLflow server with the same content at most 3 s cold,
and faster than the REST calls of `mlflow ui` for the same view; the app at most 400 MB.
"""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from streamlit.testing.v1 import AppTest

from app.ui.services import set_services
from bench.common import report
from core.domain.columns import Column, Schema
from core.domain.datasets import Dataset
from core.domain.models import ModelDetails
from core.domain.training import TrainingSettings
from core.services import build
from core.settings import Settings, load_settings
from core.sqlite import connect
from core.store.items import Metric, iter_settings
from core.store.mlflow import Store
from core.store.records import PREFIX

N_RUNS, N_MODELS, N_VERSIONS, N_EXPERIMENTS = 1_000, 10, 200, 5
PEOPLE = ("ada", "ben", "chen", "dora")
ALGOS = ("GBM", "XGBoost", "GLM", "DRF", "DeepLearning", "StackedEnsemble")
METRICS = ("auc", "logloss", "aucpr", "mean_per_class_error", "rmse", "mse")
_NOW = datetime.now(UTC)
_SHELL = Path(__file__).resolve().parents[1] / "app" / "ui" / "shell.py"


def fill(settings: Settings, *, n_runs: int = N_RUNS, n_models: int = N_MODELS, n_versions: int = N_VERSIONS) -> str:
    """Fill the store of a home: in each experiment a run, model and version by the store, then copies of their rows.

    Parameters
    ----------
    n_models : int
        Of each run.

    Returns
    -------
    str
        Id of the best model of all, with a cross-validated AUC of .999; it belongs to one of the oldest runs.
    """
    store, random = Store(settings), np.random.default_rng(0)
    patterns = [_pattern(store, number) for number in range(N_EXPERIMENTS)]
    runs, models = [], []
    for number in range(n_runs):
        run_id, model_id = patterns[number % N_EXPERIMENTS]
        new_run = run_id if number < N_EXPERIMENTS else f"{number:032x}"
        new_models = [f"m-{number:020x}{place:012x}" for place in range(n_models)]
        new_models[0] = model_id if number < N_EXPERIMENTS else new_models[0]
        started = (_NOW - timedelta(hours=number)).isoformat()
        runs.append((run_id, new_run, number, new_models[0], PEOPLE[number % len(PEOPLE)], started))
        for place, (new, quality) in enumerate(
            zip(new_models, -np.sort(-random.uniform(0.5, 0.95, n_models)), strict=True)
        ):
            models.append((model_id, new, new_run, number, place, ALGOS[place % len(ALGOS)], float(quality)))
    best = models[n_models * (n_runs - 1)][1]
    models[n_models * (n_runs - 1)] = (*models[n_models * (n_runs - 1)][:-1], 0.999)
    with connect(settings.mlruns_dir / "mlflow.db") as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TEMP TABLE r (old, new, n, leader, person, started)")
        connection.execute("CREATE TEMP TABLE m (old, new, run, n, place, algo, quality)")
        connection.executemany("INSERT INTO r VALUES (?, ?, ?, ?, ?, ?)", runs[N_EXPERIMENTS:])
        connection.executemany(
            "INSERT INTO m VALUES (?, ?, ?, ?, ?, ?, ?)", [one for one in models if one[0] != one[1]]
        )
        connection.execute(
            "CREATE TEMP TABLE v AS SELECT r.*, r.n / ? + 1 AS version FROM r WHERE n < ?", (N_EXPERIMENTS, n_versions)
        )
        _copy_rows(connection)
        connection.execute("COMMIT")
    return best


def _copy_rows(connection: sqlite3.Connection) -> None:
    """Copy what belongs to the first runs for all others, with ids, times, persons and metrics of their own."""

    def copy(table: str, join: str, **changes: str) -> None:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        values = ", ".join(changes.get(column, f"t.{column}") for column in columns)
        connection.execute(f"INSERT INTO {table} SELECT {values} FROM {table} t JOIN {join}")

    earlier = " - n * 3600000"
    own_run, own_model = "r ON t.run_uuid = r.old", "m ON t.model_id = m.old"
    times = {name: f"t.{name}{earlier}" for name in ("start_time", "end_time")}
    copy("runs", own_run, run_uuid="new", status="CASE WHEN n % 17 THEN t.status ELSE 'FAILED' END", **times)
    copy("tags", own_run, run_uuid="new", value=f"""CASE t.key WHEN '{PREFIX}key' THEN 'run-' || n
         WHEN '{PREFIX}leader_id' THEN leader WHEN '{PREFIX}person' THEN person
         WHEN '{PREFIX}started_at' THEN started ELSE t.value END""")  # fmt: skip
    for table in ("params", "metrics", "latest_metrics"):
        copy(table, own_run, run_uuid="new")
    copy("inputs", "r ON t.destination_id = r.old", destination_id="new", input_uuid="lower(hex(randomblob(16)))")
    copy("logged_models", own_model, model_id="new", source_run_id="run",
         creation_timestamp_ms=f"t.creation_timestamp_ms{earlier} - place")  # fmt: skip
    copy("logged_model_tags", own_model, model_id="new", tag_value=f"""CASE tag_key WHEN '{PREFIX}algo' THEN algo
         WHEN '{PREFIX}model_key' THEN algo || '_' || place || '_AutoML_' || n
         WHEN '{PREFIX}rank' THEN place + 1 ELSE tag_value END""")  # fmt: skip
    copy("logged_model_metrics", own_model, model_id="new", run_id="run",
         metric_value="CASE WHEN metric_name LIKE '%sd' THEN .01 ELSE quality END")  # fmt: skip
    copy("model_versions", "v ON t.run_id = v.old", version="v.version", run_id="new")
    copy("model_version_tags", "model_versions w USING (name, version) JOIN v ON w.run_id = v.old",
         version="v.version", value=f"CASE t.key WHEN '{PREFIX}model_id' THEN leader ELSE t.value END")  # fmt: skip


def _pattern(store: Store, number: int) -> tuple[str, str]:
    columns = Schema((Column("age", "numeric", integer=True), Column("income", "category", levels=("no", "yes"))))
    dataset = Dataset(
        id=f"{number:032x}", name=f"people {number}", file_name="people.csv", n_rows=1000, n_columns=2,
        size_bytes=10_000, created_at=_NOW, schema=columns, format="csv",
    )  # fmt: skip
    settings = TrainingSettings(
        dataset_id=dataset.id, target="income", experiment=f"experiment {number}", task="binary", positive="yes"
    )
    run_id = store.create_run(settings, dataset, key=f"pattern-{number}", person=PEOPLE[0])
    metrics = {f"{origin}_{name}": 0.5 for origin in ("cv", "holdout", "train") for name in METRICS}
    spread = {f"cv_{name}_{of}": 0.01 for name in METRICS for of in ("mean", "sd")}
    model_id = store.add_model(run_id, ModelDetails(key="GBM_1", algo="GBM", metrics=metrics | spread), "binary")
    store.set_model_tags(
        model_id, {"rank": "1", "files": "complete", "training_time_s": "2.5", "predict_time_per_row_s": "1e-6"}
    )
    store.log(run_id, [*iter_settings(settings), Metric("cv_auc", 0.5)])
    store.set_status(run_id, "running")
    store.set_status(run_id, "finished")
    store.update_run(run_id, n_models=10, leader_id=model_id, n_events=40, seconds={"total": 61.5})
    store.set_champion(settings.experiment, store.register(model_id))
    return run_id, model_id


# --- the store and the pages ------------------------------------------------------------------------------------------


def main(kind: str, n_runs: int = N_RUNS, n_models: int = N_MODELS) -> None:
    """Fill a home and measure, embedded or with a real MLflow server on the same database."""
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as name:
        home = replace(load_settings(), home=Path(name) / "home")
        begun = time.monotonic()
        best = fill(home, n_runs=n_runs, n_models=n_models, n_versions=min(N_VERSIONS, n_runs))
        n_all = n_runs * n_models
        filled_s = time.monotonic() - begun
        if kind == "embedded":
            _measure(home, best, kind, filled_s, n_all, cold=1.0, warm=0.3)
            return
        with mlflow_server(home.mlruns_dir) as uri:
            _measure(
                replace(home, home=Path(name) / "client", mlflow_uri=uri),
                best,
                kind,
                filled_s,
                n_all,
                cold=3.0,
                warm=3.0,
            )


def _measure(
    settings: Settings, best: str, kind: str, filled_s: float, n_all: int, *, cold: float, warm: float
) -> None:
    services = build(settings)
    begun_s = [_timed(lambda: _rest_view(settings.mlflow_uri))[1] for _ in range(2)] if settings.mlflow_uri else []
    store, experiment = services.store, "experiment 0"
    _, opened_s = _timed(store.check)
    calls: dict[str, Callable[[], Any]] = {
        "models_50": lambda: store.models(experiment=experiment, sort="cv_auc", limit=50),
        "count": store.count_models,
        "best": lambda: store.best("cv_auc"),
        "runs_200": lambda: store.list_runs(limit=200),
        "champions": store.champions,
        "resolve": lambda: store.resolve(f"models:/{experiment}@champion"),
    }
    times = {name: [round(_timed(call)[1], 3) for _ in range(2)] for name, call in calls.items()}
    is_right = store.count_models() == n_all and store.best("cv_auc").id == best  # type: ignore[union-attr]
    pages = {name: _page_times(services, name) for name in ("runs", "leaderboard")}
    services.close()
    rest: dict[str, Any] = {}
    if settings.mlflow_uri:
        # Before and after the pages: the best of these is what they are held against.
        begun_s += [_timed(lambda: _rest_view(settings.mlflow_uri))[1] for _ in range(2)]
        rest = {"rest_s": min(begun_s)}
        rest |= {f"{name}_to_rest": round(one[0] / min(begun_s), 2) for name, one in pages.items()}
    report(
        bench=f"many_models {kind}", models=n_all, filled_s=filled_s, opened_s=opened_s, store_s=times,
        pages_s=pages, **rest, right=is_right, memory_mb=psutil.Process().memory_info().rss / 1e6,
        ok=is_right and all(one[0] <= cold and max(one[1:]) <= warm for one in pages.values()),
    )  # fmt: skip


def _page_times(services: Any, page: str) -> list[float]:
    """Return how long a page takes in a session that has drawn another one before: cold, then twice warm."""
    set_services(services)
    app = AppTest.from_file(str(_SHELL), default_timeout=600)
    app.run()
    times = [_timed(lambda: app.switch_page(f"../pages/{page}.py").run())[1]]
    times += [_timed(app.run)[1] for _ in range(2)]
    if app.exception:
        sys.exit(str(app.exception))
    set_services(None)
    return [round(one, 3) for one in times]


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.monotonic()
    return call(), time.monotonic() - begun


# --- the server -------------------------------------------------------------------------------------------------------


@contextmanager
def mlflow_server(folder: Path, *, database: str = "", port: int = 0) -> Iterator[str]:
    """Run a real `mlflow server` until the block ends; yields its address.

    Parameters
    ----------
    folder : Path
        Where artifacts lie, and `mlflow.db` where no `database` is named.
    port : int, optional
        Where it listens; a free one when omitted.
    """
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        port = probe.getsockname()[1]
    uri = f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database or f"sqlite:///{folder}/mlflow.db",
        "--port", str(port), "--artifacts-destination", str(folder / "artifacts"), "--workers", "1",
    ]  # fmt: skip
    with (folder / "server.log").open("ab") as log:
        # Its own background jobs would take the cores from what is measured.
        environ = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env=environ)
        try:
            _wait_until_up(f"{uri}/health", process)
            yield uri
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # it holds nothing that a clean end would save
            process.wait(30)


def _wait_until_up(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.2)
    sys.exit("the MLflow server did not start")


def _rest_view(uri: str) -> None:
    """Ask what `mlflow ui` asks for its Models tab and its runs: the newest hundred of all experiments."""
    ids = [one["experiment_id"] for one in _post(uri, "experiments/search", {"max_results": 100})["experiments"]]
    _post(uri, "logged-models/search", {"experiment_ids": ids, "max_results": 100})
    _post(uri, "runs/search", {"experiment_ids": ids, "max_results": 100, "order_by": ["attributes.start_time DESC"]})


def _post(uri: str, name: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        f"{uri}/api/2.0/mlflow/{name}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main(*sys.argv[1:2] or ["embedded"], *map(int, sys.argv[2:]))
