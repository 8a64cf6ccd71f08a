"""Reasons for many rows against the bare contributions of the same rows, in one run: by the cluster, and by the MOJO.

    python -m bench.reasons [ROWS]

Ours is everything from prepared rows to sentences, by the MOJO; the bare call is the cluster's, on a frame that it has
already, and ends with the contributions in hand.
"""

import sys
import tempfile
from pathlib import Path

import pyarrow.csv as pa_csv

from bench.common import data_folder, median_s, report, scratch_services, train, unpacked
from core.features.engine_input import engine_csv, engine_rows
from core.features.matching import prepare
from core.models.opened import StoredModel
from core.scoring.reasons import Reasoner

N_REASONS, SHARE = 3, 1.3


def main(n_rows: int) -> None:
    """Train one GBM on the sample and measure."""
    with scratch_services() as services, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = train(
            services, data_folder() / "insurance_cross_sell_sample.csv", "Response", ignored=("id",),
            max_models=1, nfolds=2, include_algos=("GBM",),
        )  # fmt: skip
        model = services.store.resolve(f"models:/{run.leader_id}")
        stored = StoredModel(services.store, model)
        spec = stored.spec
        path = unpacked(data_folder() / "insurance_cross_sell_unlabelled.csv.gz", folder)
        typed, _ = prepare(pa_csv.read_csv(path).slice(0, n_rows), spec)
        engine = services.engine
        columns = engine_csv(typed, spec.features, folder / "rows.csv")
        frame = engine.frames.upload(folder / "rows.csv", columns)
        key = engine.models.load_native(*stored.native())
        raw = engine.mojos.predict(stored.mojo(), engine_rows(typed, spec.features))
        reasoner = Reasoner(engine, services.datasets)
        bare_s = median_s(lambda: engine.explanations.contributions(key, frame), times=1)
        ours_s = median_s(lambda: reasoner.explain(stored, typed, raw, N_REASONS), times=1)
        report(
            bench="reasons", rows=typed.num_rows, reasons=N_REASONS, bare_s=bare_s, ours_s=ours_s,
            speed=bare_s / ours_s, ok=bare_s / ours_s >= SHARE,
        )  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
