"""Training, submit to logged, over the bare H2OAutoML call with the same settings on the insurance data."""

import json
import time
from dataclasses import replace

import h2o
from h2o.automl import H2OAutoML

from bench.common import connect_h2o, data_folder, report, scratch_services, train
from core.plan import propose

OPTIONS = {"max_models": 4, "nfolds": 3, "seed": 1}
ALGORITHMS = ("GLM", "GBM", "XGBoost", "StackedEnsemble")
ALLOWED = 1.10


def main() -> None:
    """Train the same plan twice in the same JVM: through the queue, then by the bare call."""
    path = data_folder() / "insurance_cross_sell.csv.gz"
    with scratch_services() as services:
        services.engine.ensure_ready()
        services.store.maintain()
        # Whoever comes first must not pay for a cold JVM: both find it warm.
        sample = data_folder() / "insurance_cross_sell_sample.csv"
        train(services, sample, "Response", ignored=("id",), max_models=3, nfolds=3, include_algos=ALGORITHMS)
        dataset = services.datasets.add(path, path.name)
        settings = replace(
            propose(dataset, services.datasets, "Response", experiment="bench"),
            ignored=("id",),
            include_algos=ALGORITHMS,
            **OPTIONS,  # type: ignore[arg-type]
        )
        services.jobs.start()
        begun = time.monotonic()
        run = services.jobs.wait(services.jobs.submit(settings))
        ours_s = time.monotonic() - begun
        services.jobs.wait(run.run_id, until_explained=True)
        services.jobs.stop()

        connect_h2o(json.loads((services.settings.mlruns_dir / "server.json").read_text()))
        begun = time.monotonic()
        types = {c.name: "enum" if c.type == "category" else "numeric" for c in dataset.schema.columns}
        frame = h2o.upload_file(str(path), col_types={**types, "Response": "enum", "id": "numeric"})
        automl = H2OAutoML(
            include_algos=list(ALGORITHMS), keep_cross_validation_predictions=True, sort_metric="AUTO", **OPTIONS
        )
        automl.train(y="Response", x=[c for c in frame.columns if c not in ("Response", "id")], training_frame=frame)
        bare_s = time.monotonic() - begun
        report(
            bench="training_over_bare",
            status=run.status,
            n_models=run.n_models,
            bare_s=bare_s,
            ours_s=ours_s,
            ratio=ours_s / bare_s,
            ok=ours_s / bare_s <= ALLOWED,
            steps=json.loads(run.tags["seconds"]),
        )


if __name__ == "__main__":
    main()
