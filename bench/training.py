"""Training in the app with its live view open in a browser, over the bare H2OAutoML call with the same settings.

On the insurance data; a run of at least three minutes on two cores. `BENCH_MODELS` asks for another number of models.
"""

import json
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import h2o
from h2o.automl import H2OAutoML

from bench.common import connect_h2o, data_folder, kept_settings, report
from core.domain.datasets import Dataset
from core.domain.runs import RunInfo
from core.services import Services, build
from core.settings import load_settings
from core.training.plan.plan import propose
from tests.browser.driver import Server, new_tab, run_browser, run_server

OPTIONS = {"max_models": int(os.environ.get("BENCH_MODELS", "6")), "nfolds": 3, "seed": 1}
ALGORITHMS = ("GLM", "GBM", "XGBoost", "StackedEnsemble")
ALLOWED, LEAST_S = 1.05, 180.0
SAMPLE, WHOLE = "insurance_cross_sell_sample.csv", "insurance_cross_sell.csv.gz"


def main() -> None:
    """Train the same plan twice in the same JVM: through the app's queue, then by the bare call."""
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as name:
        home = Path(name) / "home"
        services = build(replace(load_settings(), home=home))
        with run_server(home, **kept_settings()) as server:
            # Whoever comes first must not pay for a cold JVM: both find it warm.
            run_in_app(services, server, add(services, SAMPLE), watched=False)
            dataset = add(services, WHOLE)
            run, ours_s = run_in_app(services, server, dataset, watched=True)
            bare_s = bare(home, dataset)
        report(
            bench="training_over_bare",
            status=run.status,
            n_models=run.n_models,
            bare_s=bare_s,
            ours_s=ours_s,
            ratio=ours_s / bare_s,
            ok=ours_s / bare_s <= ALLOWED and run.status == "finished",
            long_enough=bare_s >= LEAST_S,
            steps=run.seconds,
        )


def add(services: Services, name: str) -> Dataset:
    """Take a file in."""
    path = data_folder() / name
    return services.datasets.add(path, name)


def run_in_app(services: Services, server: Server, dataset: Dataset, *, watched: bool) -> tuple[RunInfo, float]:
    """Train in the app, with the run's page open when it is watched; return the run and its seconds with the queue."""
    settings = replace(
        propose(services.datasets.open(dataset.id), "Response", experiment="bench"),
        ignored=("id",),
        include_algos=ALGORITHMS,
        **OPTIONS,  # type: ignore[arg-type]
    )
    with run_browser() as browser:
        tab = new_tab(browser, server)
        tab.open("/")  # the browser itself is up before the clock starts
        begun = time.monotonic()
        run_id = services.jobs.submit(settings)
        if watched:
            tab.open(f"/train?run={run_id}").locator(".st-key-train_cancel").wait_for(timeout=60_000)
        services.jobs.wait(run_id)
        seconds = time.monotonic() - begun
    services.jobs.wait(run_id, until_explained=True)
    return services.store.get_run(run_id), seconds


def bare(home: Path, dataset: Dataset) -> float:
    """Upload the data and call H2OAutoML as its users do; return the seconds."""
    connect_h2o(json.loads((home / "mlruns" / "server.json").read_text()))
    begun = time.monotonic()
    types = {c.name: "enum" if c.type == "category" else "numeric" for c in dataset.schema.columns}
    frame = h2o.upload_file(str(data_folder() / WHOLE), col_types={**types, "Response": "enum", "id": "numeric"})
    automl = H2OAutoML(
        include_algos=list(ALGORITHMS), keep_cross_validation_predictions=True, sort_metric="AUTO", **OPTIONS
    )
    automl.train(y="Response", x=[c for c in frame.columns if c not in ("Response", "id")], training_frame=frame)
    return time.monotonic() - begun


if __name__ == "__main__":
    main()
