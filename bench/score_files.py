"""Scoring 1,000,000 x 12 cells from file to file against the bare engine, and the memory this process takes for it.

    python -m bench.score_files [ROWS]

The bare engine uploads, parses, predicts, joins the predictions to the rows and downloads both, with nothing checked.
"""

import core  # noqa: F401, I001  (first: it chooses where Arrow takes its memory from)

import sys
import tempfile
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.csv as pa_csv

from bench.common import data_folder, median_s, report, scratch_services, train, unpacked
from bench.memory import watched
from bench.scoring import BareEngine
from core.exports.answers import save
from core.services import Services
from core.models.opened import StoredModel
from core.domain.models import ModelSpec

RATIO, MEMORY = 1.20, 2.0


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


def main(n_rows: int) -> None:
    """Train one GBM on the sample and measure."""
    with scratch_services() as services, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = train(
            services, data_folder() / "insurance_cross_sell_sample.csv", "Response", ignored=("id",),
            max_models=1, nfolds=2, include_algos=("GBM",),
        )  # fmt: skip
        measure(services, f"models:/{run.leader_id}", make_file(folder, n_rows), folder, n_rows)


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
    with watched() as peak:
        csv_s = median_s(lambda: ours(folder / "ours.csv"))
    csv_steps = dict(steps)
    parquet_s = median_s(lambda: ours(folder / "ours.parquet"))
    size = path.stat().st_size
    report(
        bench="score_files", rows=n_rows, bare_s=bare_s, csv_s=csv_s, parquet_s=parquet_s, ratio=csv_s / bare_s,
        file_bytes=size, memory_growth_bytes=peak.growth_bytes, memory_share=peak.growth_bytes / size,
        steps=csv_steps, write_parquet_s=steps["write"],
        ok=csv_s / bare_s <= RATIO and parquet_s <= csv_s and peak.growth_bytes <= MEMORY * size,
    )  # fmt: skip


def _kinds(spec: ModelSpec, header: list[str]) -> list[str]:
    return ["Enum" if n in spec.features and spec.features[n].type == "category" else "Numeric" for n in header]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
