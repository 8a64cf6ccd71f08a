"""A file of many rows scored from file to file, and by `mlflow.pyfunc` with the same model as MLflow's h2o flavour.

    python -m bench.pyfunc [ROWS]

Theirs is what MLflow's documentation shows: `pandas.read_csv`, `load_model`, `predict`, `to_csv`; the engine is up and
the model loaded before the clock starts. Ours reads, checks, scores and writes the rows with their predictions.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from bench.common import data_folder, median_s, report, scratch_services, train, unpacked
from bench.http_rows import java_environ, save_flavour
from core.exports.answers import save
from core.models.opened import StoredModel

ROWS, TIMEOUT_S = 127_037, 1800


def main(n_rows: int) -> None:
    """Train one GBM on the sample and measure both on the same rows."""
    with scratch_services() as services, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = train(
            services, data_folder() / "insurance_cross_sell_sample.csv", "Response", ignored=("id",),
            max_models=1, nfolds=2, include_algos=("GBM",),
        )  # fmt: skip
        leader = services.store.resolve(f"models:/{run.leader_id}")
        native = folder / "native"
        native.write_bytes(StoredModel(services.store, leader).native()[0].read_bytes())
        services.engine.stop()
        rows, out = some_rows(folder, n_rows), folder / "ours.csv"
        ours_s = median_s(lambda: save(services.scorer.score_file(rows, rows.name, model_uri=leader.uri), out))
        theirs = by_pyfunc(native, rows, folder)
        ok = ours_s <= theirs["pyfunc_s"] if "pyfunc_s" in theirs else None
        report(bench="pyfunc", rows=n_rows, ours_s=ours_s, **theirs, ok=ok)


def some_rows(folder: Path, n_rows: int) -> Path:
    """Write as many of the real unlabelled rows, again and again where they are too few."""
    source = pa_csv.read_csv(unpacked(data_folder() / "insurance_cross_sell_unlabelled.csv.gz", folder))
    path = folder / "rows.csv"
    pa_csv.write_csv(pa.concat_tables([source] * (n_rows // source.num_rows + 1)).slice(0, n_rows), path)
    return path


def by_pyfunc(native: Path, rows: Path, folder: Path) -> dict[str, Any]:
    """Return the seconds that `mlflow.pyfunc` takes, in a process of its own; where it cannot be had, why."""
    logged = folder / "logged"
    try:
        save_flavour(native, logged)
    except RuntimeError as error:
        return {"missing": str(error)}
    done = subprocess.run(
        [sys.executable, "-m", "bench.pyfunc", "--theirs", str(logged), str(rows)], env=java_environ(),
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    if done.returncode:
        return {"missing": done.stderr[-600:]}
    # The libraries print there, too.
    (found,) = (json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"pyfunc_s"'))
    return dict(found)


def measure_theirs(logged: str, rows: str) -> None:
    """Load the model once and score the file several times."""
    import h2o
    import mlflow.pyfunc
    import pandas as pd

    h2o.init(max_mem_size="2g", verbose=False)
    h2o.no_progress()
    try:
        model = mlflow.pyfunc.load_model(logged)

        def score() -> None:
            frame = pd.read_csv(rows)
            found = model.predict(frame)
            pd.concat([frame, found], axis=1).to_csv(Path(rows).with_suffix(".theirs.csv"), index=False)

        print(json.dumps({"pyfunc_s": median_s(score)}))
    finally:
        h2o.cluster().shutdown()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--theirs"]:
        measure_theirs(sys.argv[2], sys.argv[3])
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else ROWS)
