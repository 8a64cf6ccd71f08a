"""Reasons for many rows against the engine's bare contributions of the same rows, in one run.

    python -m bench.reasons [ROWS]

Ours is everything between the rows in the engine and the sentences; the bare call ends with the contributions in hand.
"""

import sys
import tempfile
from pathlib import Path

import pyarrow.csv as pa_csv

from bench.common import data_folder, median_s, report, scratch_services, train, unpacked
from core.features.engine_input import engine_csv
from core.features.matching import prepare
from core.models.opened import StoredModel
from core.scoring.reasons import Reasoner

N_REASONS, SHARE = 3, 0.8


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
        columns = engine_csv(typed, spec.features, folder / "rows.csv")
        frame = services.engine.frames.upload(folder / "rows.csv", columns)
        key = services.engine.models.load_mojo(*stored.mojo())
        raw = services.engine.models.predict(key, frame)
        reasoner = Reasoner(services.engine, services.datasets, folder)
        bare_s = median_s(lambda: services.engine.explanations.contributions(key, frame), times=1)
        ours_s = median_s(lambda: reasoner.explain(stored, frame, typed, raw, N_REASONS), times=1)
        report(
            bench="reasons", rows=typed.num_rows, reasons=N_REASONS, bare_s=bare_s, ours_s=ours_s,
            speed=bare_s / ours_s, ok=bare_s / ours_s >= SHARE,
        )  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
