"""What others notice of a training: scoring over HTTP against the bare engine under the same load, and pages."""

import csv
import io
import itertools
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import requests

from bench.common import data_folder, kept_settings, report, train
from bench.scoring import BareEngine
from core.models.opened import StoredModel
from core.services import Services, build
from core.settings import load_settings
from core.training.plan.plan import propose
from tests.browser.driver import Server, new_tab, run_browser, run_server

REQUESTS, TURN, CLIENTS, ROWS = 200, 20, 10, 1000
TRAINING_S = 210
TIMES_BARE, TIMES_ALONE, PAGE_S = 3.0, 1.5, 0.5
LINKS = ("Data", "Train", "Runs", "Leaderboard", "Explain", "Predict", "Settings")
ROUNDS = 3
SAMPLE = "insurance_cross_sell_sample.csv"


def main() -> None:
    """Make a champion, start a long training in the app, and load it: first the app, then the bare engine."""
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as name:
        folder = Path(name)
        home = folder / "home"
        rows = first_rows(data_folder() / SAMPLE, folder / "rows.csv")
        services = build(replace(load_settings(), home=home))
        run = train(
            services, data_folder() / SAMPLE, "Response", ignored=("id",),
            max_models=1, nfolds=2, include_algos=("GBM",),
        )  # fmt: skip
        services.jobs.stop()
        services.jobs.join()
        with run_server(home, **kept_settings()) as server:
            try:
                # One request warms each way up: loading the model is not what is measured.
                ask(server, rows)
                alone_s, alone_errors = under_load(lambda: ask(server, rows), REQUESTS // 2)
                long_run = start_training(services)
                bare = bare_work(services, run.leader_id or "", rows, folder)
                bare()
                app_s, app_errors, bare_s, bare_errors = in_turns(lambda: ask(server, rows), bare)
                pages_s = page_changes(server)
                state = services.store.get_run(long_run)
                ratio, slower = percentile(app_s) / percentile(bare_s), percentile(app_s) / percentile(alone_s)
                errors = alone_errors + app_errors + bare_errors
                report(
                    bench="while_training", requests=REQUESTS, clients=CLIENTS, rows=ROWS,
                    still_training=state.status == "running", n_models=state.n_models, errors=errors,
                    app_p50_s=percentile(app_s, 50), app_p95_s=percentile(app_s), bare_p50_s=percentile(bare_s, 50),
                    bare_p95_s=percentile(bare_s), ratio_p95=ratio, alone_p95_s=percentile(alone_s), slower_p95=slower,
                    page_p50_s=percentile(pages_s, 50), page_p95_s=percentile(pages_s),
                    ok=not errors and state.status == "running" and ratio <= TIMES_BARE and slower <= TIMES_ALONE
                    and percentile(pages_s) <= PAGE_S,
                )  # fmt: skip
            finally:
                services.close()


def first_rows(path: Path, out: Path) -> Path:
    """Write the header and the first rows of a CSV file, without the target."""
    with path.open(newline="") as source, out.open("w", newline="") as target:
        reader = csv.reader(source)
        header = next(reader)
        place = header.index("Response")
        writer = csv.writer(target, lineterminator="\n")
        for row in itertools.chain([header], itertools.islice(reader, ROWS)):
            writer.writerow(row[:place] + row[place + 1 :])
    return out


def start_training(services: Services) -> str:
    """Queue a training for the app that outlasts the measurement, and wait until it builds models."""
    path = data_folder() / "insurance_cross_sell.csv.gz"
    dataset = services.datasets.add(path, path.name)
    settings = replace(
        propose(services.datasets.open(dataset.id), "Response", experiment="long"),
        ignored=("id",), max_models=0, max_runtime_secs=TRAINING_S, nfolds=3,
    )  # fmt: skip
    run_id = services.jobs.submit(settings)
    waited = threading.Event()
    for _ in range(1200):
        if services.store.get_run(run_id).trained_since:
            return run_id
        waited.wait(0.1)
    sys.exit("the training did not start")


def ask(server: Server, rows: Path) -> None:
    """Have the app score the rows over HTTP."""
    with rows.open("rb") as content:
        answer = requests.post(
            f"{server.url}/predict?experiment=insurance_cross_sell_sample", files={"file": content}, timeout=120
        )
    answer.raise_for_status()
    if len(answer.json()) != ROWS:
        raise ValueError(f"{len(answer.json())} answers for {ROWS} rows")


def bare_work(services: Services, model_id: str, rows: Path, folder: Path) -> Callable[[], None]:
    """Return the same work on the bare engine: upload, parse, predict, download."""
    model = services.store.resolve(f"models:/{model_id}")
    spec = StoredModel(services.store, model).spec
    key = services.engine.models.load_native(*StoredModel(services.store, model).native())
    header = next(csv.reader(io.StringIO(rows.read_text().splitlines()[0])))
    kinds = ["Enum" if n in spec.features and spec.features[n].type == "category" else "Numeric" for n in header]
    local, counter = threading.local(), itertools.count()

    def work() -> None:
        if not hasattr(local, "bare"):  # one connection per client
            local.bare, local.out = BareEngine(services), folder / f"bare-{next(counter)}.csv"
        local.bare.score(key, rows, header, kinds, local.out)
        if len(local.out.read_text().splitlines()) != ROWS + 1:
            raise ValueError("rows are missing")

    return work


def in_turns(
    app: Callable[[], None], bare: Callable[[], None]
) -> tuple[list[float], list[str], list[float], list[str]]:
    """Do both in turns of 20 requests: what a training leaves of the cores depends on the model that it builds."""
    app_s: list[float] = []
    bare_s: list[float] = []
    app_errors: list[str] = []
    bare_errors: list[str] = []
    ways = [(app, app_s, app_errors), (bare, bare_s, bare_errors)]
    for turn in range(REQUESTS // TURN):
        for work, times, errors in ways if turn % 2 else ways[::-1]:
            found = under_load(work, TURN)
            times.extend(found[0])
            errors.extend(found[1])
    return app_s, app_errors, bare_s, bare_errors


def under_load(work: Callable[[], None], n_requests: int) -> tuple[list[float], list[str]]:
    """Do the work many times from several threads at once; return how long each took, and the errors."""
    durations: list[float] = []
    errors: list[str] = []

    def once(_: int) -> None:
        begun = time.monotonic()
        try:
            work()
        except (requests.RequestException, ValueError, KeyError, OSError) as error:
            errors.append(f"{type(error).__name__}: {error}"[:200])
        durations.append(time.monotonic() - begun)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(once, range(n_requests)))
    return durations, errors


def page_changes(server: Server) -> list[float]:
    """Return how long each change of page takes in a browser."""
    found = []
    with run_browser() as browser:
        tab = new_tab(browser, server)
        page = tab.open("/")
        for number in range(ROUNDS + 1):
            for link in LINKS:
                begun = time.monotonic()
                page.get_by_role("link", name=link, exact=True).first.click()
                page.wait_for_url(f"**/{link.lower()}*")
                page.get_by_role("heading", name=link, exact=True).first.wait_for(timeout=30_000)
                if number:  # the first visit loads the page's code
                    found.append(time.monotonic() - begun)
                tab.settle()
    return found


def percentile(values: list[float], share: float = 95) -> float:
    """Return a percentile, the nearest value at or above it."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))]


if __name__ == "__main__":
    main()
