"""One MLflow server for several homes: its database, and what stands in it of whom."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import ViewType

from bench.many_models import mlflow_server
from core.engine.jvm.launch import free_port

HOME_TAG = "bellwether.home"
# A run that trains shows life by itself, and the run of an experiment's oldest version holds the promotions of all
# homes (decision 0036).
_OTHERS_MAY = ("bellwether.heartbeat", "bellwether.promotion.")
_START_S = 120.0


@dataclass(frozen=True)
class Shared:
    """A running MLflow server.

    Attributes
    ----------
    database : str
        What keeps its data, in words.
    """

    uri: str
    database: str


@contextmanager
def shared_mlflow() -> Iterator[Shared]:
    """Run an MLflow server until the block ends, on PostgreSQL where that is installed, else on SQLite."""
    with (
        tempfile.TemporaryDirectory(prefix="bellwether-pg-") as name,
        tempfile.TemporaryDirectory(prefix="bellwether-mlflow-") as folder,
        postgres(Path(name)) as database,
        mlflow_server(Path(folder), database=database) as uri,
    ):
        yield Shared(uri, "PostgreSQL" if database else "SQLite")


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run PostgreSQL in a folder until the block ends; yields MLflow's address for it, empty where it is missing.

    It is missing as well where its driver, of `requirements-dev.txt`, is not installed.
    """
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = shutil.which("initdb") or (installed and installed[-1] / "initdb")
    if not found or importlib.util.find_spec("psycopg2") is None:
        yield ""
        return
    programs, port, log = Path(found).resolve().parent, free_port(), folder / "postgres.log"
    owner = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    data = folder / "data"
    data.mkdir()
    if owner:
        shutil.chown(folder, owner)
        shutil.chown(data, owner)

    def call(program: str, *args: object) -> None:
        command = [programs / program, *map(str, args)]
        subprocess.run(command, check=True, user=owner, cwd=folder, stdout=subprocess.DEVNULL, timeout=_START_S)

    call("initdb", "-D", data, "-U", "bellwether", "-A", "trust", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    call("pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
    try:
        yield f"postgresql+psycopg2://bellwether@127.0.0.1:{port}/postgres"
    finally:
        call("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


# --- what stands in it ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StoredRun:
    """All that MLflow holds of a run, deleted ones too, and of the models it made."""

    home: str
    run: Mapping[str, object]
    models: Mapping[str, object]


def stored_runs(uri: str) -> dict[str, StoredRun]:
    """Return every run that a home made, by id: as MLflow's own client finds it."""
    client = MlflowClient(uri, uri)
    experiments = [one.experiment_id for one in client.search_experiments(view_type=ViewType.ALL)]
    runs = client.search_runs(experiments, run_view_type=ViewType.ALL, max_results=10_000)
    models: dict[str, dict[str, object]] = {}
    token: str | None = None
    while True:
        page = client.search_logged_models(experiments, max_results=100, page_token=token)
        for model in page:
            kept = (str(model.status), dict(model.tags), [(one.key, one.value) for one in model.metrics or ()])
            models.setdefault(model.source_run_id, {})[model.model_id] = kept
        token = page.token
        if not token:
            break
    return {
        run.info.run_id: StoredRun(
            run.data.tags[HOME_TAG],
            {
                "status": run.info.status, "end": run.info.end_time, "stage": run.info.lifecycle_stage,
                "name": run.info.run_name, "tags": _own(run.data.tags), "metrics": dict(run.data.metrics),
                "params": _own(run.data.params),
            },
            models.get(run.info.run_id, {}),
        )
        for run in runs
        if HOME_TAG in run.data.tags
    }  # fmt: skip


def _own(items: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in items.items() if not name.startswith(_OTHERS_MAY)}


def touched(
    before: Mapping[str, StoredRun], after: Mapping[str, StoredRun], home: str, named: str | None = None
) -> list[str]:
    """Return what a home's command changed of others' runs, a line each.

    Parameters
    ----------
    named : str, optional
        A run whose model the command was about: a version that was made of it stands in the model's tags, which is no
        change of the run.
    """
    found = []
    for run_id, was in before.items():
        if was.home == home:
            continue
        now = after.get(run_id)
        if now is None:
            found.append(f"{run_id}: gone")
            continue
        found += [f"{run_id}: {part} {old!r} -> {now.run[part]!r}" for part, old in was.run.items()
                  if now.run[part] != old]  # fmt: skip
        if run_id != named and now.models != was.models:
            found.append(f"{run_id}: its models")
    return found
