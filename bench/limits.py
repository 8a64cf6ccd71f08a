"""How fast what is over a limit is refused, a killed reader is told, and pages are read while eight processes write."""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil

from bench.common import report
from bench.many_models import fill
from core.data.datasets.samples import sample_training_path
from core.data.reading.reader import read_file
from core.errors import AppError, UnreadableFileError
from core.services import Services, build
from core.settings import Settings, load_settings
from core.store.mlflow import Store
from core.training.plan.plan import propose

TIMES, READ_FOR_S, WRITERS = 5, 20.0, 8
REFUSED_S, QUEUE_S, DIED_S, READ_S = 2.0, 0.2, 50.0, 0.3
_READS_S = 0.05  # of processor time: then it is in the midst of the file
_WRITE = """
import itertools, sys, time
from pathlib import Path
from core.errors import StoreBusyError
from core.settings import Settings
from core.store.mlflow import Store
from tests.fixtures_store import add_run, make_details
store, name = Store(Settings(home=Path(sys.argv[1])), attempts=5), sys.argv[2]
until = time.monotonic() + float(sys.argv[3])
written = busy = 0
for turn in itertools.count():
    if time.monotonic() > until:
        print(written, busy)
        break
    try:
        run_id = add_run(store, key=f"{name}-{turn}", person=name)
        store.add_model(run_id, make_details(f"m{turn}", cv_auc=0.6), "binary")
        store.set_status(run_id, "finished")
        written += 1
    except StoreBusyError:
        busy += 1
"""


def refused(act: Callable[[], object]) -> float:
    """Return how long a refusal takes: the median of some."""
    times = []
    for _ in range(TIMES):
        begun = time.monotonic()
        try:
            act()
        except AppError:
            times.append(time.monotonic() - begun)
        else:
            sys.exit("it was not refused")
    return statistics.median(times)


def over_caps(folder: Path, settings: Settings) -> dict[str, float]:
    """Return the seconds until each file that is over a limit is refused."""
    wide, cell, large = folder / "wide.csv", folder / "cell.csv", folder / "large.csv"
    n = settings.max_columns + 1
    wide.write_text(",".join(f"c{i}" for i in range(n)) + "\n" + ("1," * n)[:-1] + "\n", encoding="utf-8")
    cell.write_text("a,b\n1," + "x" * (settings.max_cell_bytes + 1) + "\n", encoding="utf-8")
    with large.open("wb") as file:
        file.truncate(settings.max_file_bytes + 1)
    return {
        path.stem: refused(lambda path=path: read_file(path, path.name, folder / "out.parquet", settings))  # type: ignore[misc]
        for path in (wide, cell, large)
    }


def killed_readers(folder: Path, settings: Settings) -> list[float]:
    """Return the seconds from the kill of a reader in the midst of a file to the error."""
    path = folder / "long.csv"
    path.write_text("a,b\n" + "1234567.25,some words\n" * 8_000_000, encoding="utf-8")
    found = []
    for number in range(TIMES):
        told: list[float] = []

        def read(told: list[float] = told) -> None:
            try:
                read_file(path, path.name, folder / "out.parquet", settings)
            except UnreadableFileError:
                told.append(time.monotonic())

        thread = threading.Thread(target=read)
        thread.start()
        child = None
        while child is None and thread.is_alive():
            below = psutil.Process().children(recursive=True)  # the server, what watches a reader, and the reader
            child = next((one for one in below[2:] if one.cpu_times().user > _READS_S), None)
        if child is None:
            sys.exit("the file was read before the reader could be killed")
        begun = time.monotonic()
        child.send_signal((signal.SIGKILL, signal.SIGABRT)[number % 2])
        thread.join()
        found.append(told[0] - begun)
    return found


def page_reads(folder: Path) -> dict[str, object]:
    """Return how long the reads of a page take while processes write as fast as they can."""
    settings = Settings(home=folder / "home")
    store = Store(settings)
    store.maintain()
    fill(settings, n_runs=60, n_models=4, n_versions=20)
    command = [sys.executable, "-c", _WRITE, str(settings.home)]
    writers = [
        subprocess.Popen([*command, f"w{n}", str(READ_FOR_S)], stdout=subprocess.PIPE, text=True)
        for n in range(WRITERS)
    ]
    times = []
    while any(writer.poll() is None for writer in writers):
        begun = time.monotonic()
        store.list_runs(limit=20)
        store.models(sort="cv_auc", limit=50)
        times.append(time.monotonic() - begun)
    told = [tuple(map(int, writer.communicate()[0].split())) for writer in writers]
    written, busy = map(sum, zip(*told, strict=True))
    p50, p99 = np.quantile(times, [0.5, 0.99])
    return {"reads": len(times), "runs_written": written, "busy": busy, "p50_s": float(p50), "p99_s": float(p99)}


def full_queue(services: Services) -> float:
    """Return the seconds until a run too many is refused."""
    path = sample_training_path()
    dataset = services.datasets.add(path, path.name)
    settings = propose(services.datasets.open(dataset.id), "interested", experiment="sample")
    for seed in range(services.settings.max_queue):
        services.jobs.submit(replace(settings, seed=seed))
    return refused(lambda: services.jobs.submit(replace(settings, seed=99)))


def too_many_datasets(services: Services, folder: Path) -> float:
    """Return the seconds until a dataset too many is refused."""
    object.__setattr__(services.settings, "max_datasets", 1)
    path = folder / "more.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    return refused(lambda: services.datasets.add(path, path.name))


def main() -> None:
    """Measure all of it on a home of its own; `load` is what else the machine did."""
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as name:
        folder = Path(name)
        settings = replace(load_settings(), home=folder / "one")
        services = build(settings)
        caps = over_caps(folder, settings)
        _say("over_cap_s", caps, max(caps.values()) <= REFUSED_S)
        queue, dataset = full_queue(services), too_many_datasets(services, folder)
        _say("queue_full_s", queue, queue <= QUEUE_S)
        _say("dataset_quota_s", dataset, dataset <= REFUSED_S)
        killed = killed_readers(folder, settings)
        _say("killed_reader_s", killed, max(killed) <= DIED_S)
        services.close()
        reads = page_reads(folder)
        _say("page_read_while_8_write", reads, float(str(reads["p99_s"])) <= READ_S)


def _say(what: str, found: object, ok: bool) -> None:  # noqa: FBT001
    report(bench="limits", what=what, found=found, ok=ok, load=os.getloadavg()[0])


if __name__ == "__main__":
    main()
