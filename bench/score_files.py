"""Scoring 1,000,000 x 12 cells from file to file against the bare engine, and the memory this process takes for it.

    python -m bench.score_files [ROWS …]

The bare engine uploads, parses, predicts, joins the predictions to the rows and downloads both, with nothing checked.
The command is measured from start to end, less what one takes that only lists a run. Memory is that of all our
processes; the bare engine's is not counted.
"""

import core  # noqa: F401, I001  (first: it chooses where Arrow takes its memory from)

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.csv as pa_csv

from bench.common import data_folder, median_s, report, scratch_services, train, unpacked
from bench.memory import family_bytes, watched
from bench.scoring import BareEngine
from core.exports.answers import save
from core.services import Services
from core.models.opened import StoredModel
from core.domain.models import ModelSpec

RATIO, COMMAND_RATIO, MEMORY_BYTES = 0.60, 0.75, 1.2e9


class JoiningEngine(BareEngine):
    """The bare engine that gives back the rows with their predictions."""

    def score_and_join(self, model_key: str, path: Path, names: list[str], types: list[str], out: Path) -> None:
        raw, frame, result, joined = (f"{kind}_{uuid4().hex}" for kind in ("raw", "frame", "result", "joined"))
        with path.open("rb") as content:
            url = f"{self.state['url']}/3/PostFile?destination_frame={raw}"
            self.session.post(url, files={"file": content}, timeout=600)
        self.post(
            "/3/Parse", source_frames=[raw], destination_frame=frame, column_names=names, column_types=types,
            number_columns=len(names), parse_type="CSV", separator=44, check_header=1, single_quotes=False,
            force_col_types=True, chunk_size=4194304, delete_on_done=True, blocking=False,
        )  # fmt: skip
        self.post(f"/4/Predictions/models/{model_key}/frames/{frame}", predictions_frame=result)
        ast = f"(assign {joined} (cbind {frame} {result}))"
        self.session.post(f"{self.state['url']}/99/Rapids", data={"ast": ast}, timeout=600).raise_for_status()
        download = f"{self.state['url']}/3/DownloadDataset?frame_id={joined}&hex_string=false"
        with self.session.get(download, timeout=600, stream=True) as answer, out.open("wb") as file:
            answer.raise_for_status()
            for chunk in answer.iter_content(1024**2):
                file.write(chunk)
        for key in (joined, frame, result):
            self.session.delete(f"{self.state['url']}/3/Frames/{key}", timeout=60)


def make_file(folder: Path, n_rows: int) -> Path:
    """Write the real unlabelled rows again and again, with ids of their own and a twelfth column."""
    source = pa_csv.read_csv(unpacked(data_folder() / "insurance_cross_sell_unlabelled.csv.gz", folder))
    copies = pa.concat_tables([source] * (n_rows // source.num_rows + 1)).slice(0, n_rows)
    copies = copies.set_column(0, "id", pa.array(range(n_rows)))
    path = folder / "many.csv"
    pa_csv.write_csv(copies.append_column("branch", pa.array([number % 97 for number in range(n_rows)])), path)
    return path


def main(*sizes: int) -> None:
    """Train one GBM on the sample and measure."""
    with scratch_services() as services, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = train(
            services, data_folder() / "insurance_cross_sell_sample.csv", "Response", ignored=("id",),
            max_models=1, nfolds=2, include_algos=("GBM",),
        )  # fmt: skip
        for n_rows in sizes:
            measure(services, f"models:/{run.leader_id}", make_file(folder, n_rows), folder, n_rows)


def command_s(services: Services, *words: str) -> float:
    """Run one of our commands in a process of its own on the same home and return how long it took."""
    begun = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "core", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"BELLWETHER_HOME": str(services.settings.home)},
    )  # fmt: skip
    return time.monotonic() - begun


def measure(services: Services, uri: str, path: Path, folder: Path, n_rows: int) -> None:
    """Measure one model on one file and report."""
    model = services.store.resolve(uri)
    spec = StoredModel(services.store, model).spec
    bare = JoiningEngine(services)
    key = services.engine.models.load_native(*StoredModel(services.store, model).native())
    header = path.open(encoding="utf-8").readline().replace('"', "").strip().split(",")
    kinds = _kinds(spec, header)
    steps: dict[str, float] = {}

    def ours(out: Path) -> None:
        scored = services.scorer.score_file(path, path.name, model_uri=uri)
        steps.update(scored.seconds, write=save(scored, out))

    bare_s = median_s(lambda: bare.score_and_join(key, path, header, kinds, folder / "bare.csv"))
    csv_s = median_s(lambda: ours(folder / "ours.csv"))
    csv_steps = dict(steps)
    parquet_s = median_s(lambda: ours(folder / "ours.parquet"))
    write_parquet_s = steps["write"]
    with watched(family_bytes) as peak:  # not timed: looking takes time too
        ours(folder / "ours.csv")
    words = ("score", "--data", str(path), "--out", str(folder / "command.csv"), "--model", uri)
    whole_s = command_s(services, *words) - command_s(services, "runs")
    report(
        bench="score_files", rows=n_rows, bare_s=bare_s, csv_s=csv_s, parquet_s=parquet_s, ratio=csv_s / bare_s,
        command_s=whole_s, command_ratio=whole_s / bare_s, file_bytes=path.stat().st_size,
        memory_bytes=peak.most_bytes, steps=csv_steps, write_parquet_s=write_parquet_s,
        ok=csv_s / bare_s <= RATIO and whole_s / bare_s <= COMMAND_RATIO and parquet_s <= csv_s
        and peak.most_bytes <= MEMORY_BYTES,
    )  # fmt: skip


def _kinds(spec: ModelSpec, header: list[str]) -> list[str]:
    return ["Enum" if n in spec.features and spec.features[n].type == "category" else "Numeric" for n in header]


if __name__ == "__main__":
    main(*[int(text) for text in sys.argv[1:] or ["1000000"]])
