"""1,000 rows scored by our command with nothing of ours running, against a plain script on H2O that does the same.

    python -m bench.cold

The script starts H2O, loads the same MOJO, reads the file, predicts and writes a CSV file; nothing is checked.
"""

import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import pyarrow.csv as pa_csv

from bench.common import data_folder, report, scratch_services, train, unpacked
from bench.score_files import command_s
from core.engine.jvm.java import find_java
from core.models.opened import StoredModel

ROWS, TIMES, RATIO, GOAL_S = 1_000, 3, 0.35, 2.5
SCRIPT = """
    import sys, h2o
    h2o.init(port=54990, name="cold", max_mem_size="2g", verbose=False)
    model = h2o.upload_mojo(sys.argv[1])
    frame = h2o.import_file(sys.argv[2])
    model.predict(frame).as_data_frame().to_csv(sys.argv[3], index=False)
    h2o.cluster().shutdown()
"""


def main() -> None:
    """Train one GBM on the sample, let go of everything, and time both by turns."""
    with tempfile.TemporaryDirectory() as name, scratch_services() as services:
        folder = Path(name)
        run = train(
            services, data_folder() / "insurance_cross_sell_sample.csv", "Response", ignored=("id",),
            max_models=1, nfolds=2, include_algos=("GBM",),
        )  # fmt: skip
        mojo, _ = StoredModel(services.store, services.store.resolve(f"models:/{run.leader_id}")).mojo()
        services.close()  # cold: no engine, no process that scores
        source = pa_csv.read_csv(unpacked(data_folder() / "insurance_cross_sell_unlabelled.csv.gz", folder))
        path, script, out = folder / "rows.csv", folder / "plain.py", str(folder / "out.csv")
        pa_csv.write_csv(source.slice(0, ROWS), path)
        script.write_text(textwrap.dedent(SCRIPT))
        java = find_java().path.parent
        ours, theirs = [], []
        for _ in range(TIMES):
            ours.append(command_s(services, "score", "--data", str(path), "--out", out))
            begun = time.monotonic()
            subprocess.run(
                [sys.executable, str(script), str(mojo), str(path), out], check=True,
                stdout=subprocess.DEVNULL, env={"PATH": f"{java}:/usr/bin:/bin", "HOME": name},
            )  # fmt: skip
            theirs.append(time.monotonic() - begun)
        imports_s = _imports_s()
        ours_s, theirs_s = sorted(ours)[TIMES // 2], sorted(theirs)[TIMES // 2]
        report(
            bench="cold", rows=ROWS, ours_s=ours_s, imports_s=imports_s, plain_s=theirs_s, ratio=ours_s / theirs_s,
            ok=ours_s / theirs_s <= RATIO and ours_s <= GOAL_S,
        )  # fmt: skip


def _imports_s() -> float:
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", "import core.cli.main, core.services"], check=True)
    return time.monotonic() - begun


if __name__ == "__main__":
    main()
