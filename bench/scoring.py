"""Scoring, file to file, over the bare engine on 127,037 rows, and against the article's way on 1,000,000 rows.

    python -m bench.scoring [ROWS of the second]

The article's way is pandas -> bytes -> pandas -> H2OFrame -> predict -> pandas -> JSON, in one process here and without
the HTTP between its page and its endpoint. It ends in ``{id: label}`` as JSON, so ours does there too.
"""

import io
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import h2o
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import requests

from bench.common import connect_h2o, data_folder, median_s, report, scratch_services, train, unpacked
from core.domain.runs import RunInfo
from core.exports.answers import save, save_labels
from core.models.opened import StoredModel
from core.services import Services

ALLOWED_SHARE, ALLOWED_S = 0.30, 1.0
TIMES_FASTER = 2.2  # than the article's way


class BareEngine:
    """The same JVM by plain REST: upload, parse, predict, download; nothing checked."""

    def __init__(self, services: Services) -> None:
        services.engine.ensure_ready()
        self.state = json.loads((services.settings.mlruns_dir / "server.json").read_text())
        self.session = requests.Session()
        self.session.auth = (self.state["user"], self.state["password"])

    def post(self, path: str, **data: Any) -> dict[str, Any]:
        fields = {name: json.dumps(value) if isinstance(value, list | bool) else value for name, value in data.items()}
        answer: dict[str, Any] = self.session.post(self.state["url"] + path, data=fields, timeout=600).json()
        job = f"{self.state['url']}/3/Jobs/{(answer.get('job') or answer)['key']['name']}"
        while self.session.get(job, timeout=60).json()["jobs"][0]["status"] in ("CREATED", "RUNNING"):
            time.sleep(0.02)
        return answer

    def connect(self) -> None:
        connect_h2o(self.state)

    def score(self, model_key: str, path: Path, names: list[str], types: list[str], out: Path) -> None:
        raw, frame, result = (f"{kind}_{uuid4().hex}" for kind in ("raw", "frame", "result"))
        with path.open("rb") as content:
            url = f"{self.state['url']}/3/PostFile?destination_frame={raw}"
            self.session.post(url, files={"file": content}, timeout=600)
        self.post(
            "/3/Parse", source_frames=[raw], destination_frame=frame, column_names=names, column_types=types,
            number_columns=len(names), parse_type="CSV", separator=44, check_header=1, single_quotes=False,
            force_col_types=True, chunk_size=4194304, delete_on_done=True, blocking=False,
        )  # fmt: skip
        self.post(f"/4/Predictions/models/{model_key}/frames/{frame}", predictions_frame=result)
        download = f"{self.state['url']}/3/DownloadDataset?frame_id={result}&hex_string=false"
        out.write_bytes(self.session.get(download, timeout=600).content)
        for key in (frame, result):
            self.session.delete(f"{self.state['url']}/3/Frames/{key}", timeout=60)


def main(n_rows: int) -> None:
    """Train one GBM on the sample and measure both."""
    with scratch_services() as services, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = train(
            services, data_folder() / "insurance_cross_sell_sample.csv", "Response", ignored=("id",),
            max_models=1, nfolds=2, include_algos=("GBM",),
        )  # fmt: skip
        path = unpacked(data_folder() / "insurance_cross_sell_unlabelled.csv.gz", folder)
        bare = BareEngine(services)
        _over_bare(services, run, bare, path, folder)
        _against_article(services, run, bare, path, folder, n_rows)


def _over_bare(services: Services, run: RunInfo, bare: BareEngine, path: Path, folder: Path) -> None:
    model = services.store.resolve(f"models:/{run.leader_id}")
    spec = StoredModel(services.store, model).spec
    key = services.engine.models.load_native(*StoredModel(services.store, model).native())
    header = path.open(encoding="utf-8").readline().strip().split(",")
    kinds = ["Enum" if n in spec.features and spec.features[n].type == "category" else "Numeric" for n in header]
    out, bare_out = folder / "ours.csv", folder / "bare.csv"
    bare_s = median_s(lambda: bare.score(key, path, header, kinds, bare_out))
    ours_s = median_s(lambda: save(services.scorer.score_file(path, path.name, model_uri=model.uri), out))
    steps = services.scorer.score_file(path, path.name, model_uri=model.uri).seconds
    report(
        bench="scoring_over_bare", rows=127037, bare_s=bare_s, ours_s=ours_s, ratio=ours_s / bare_s, steps=steps,
        allowed_s=max(bare_s * (1 + ALLOWED_SHARE), bare_s + ALLOWED_S),
        ok=ours_s <= max(bare_s * (1 + ALLOWED_SHARE), bare_s + ALLOWED_S),
    )  # fmt: skip


def _against_article(services: Services, run: RunInfo, bare: BareEngine, path: Path, folder: Path, n_rows: int) -> None:
    big = folder / "million.csv"
    table = pa_csv.read_csv(path)
    copies = pa.concat_tables([table] * (n_rows // table.num_rows + 1)).slice(0, n_rows)
    ids = pa.array(range(n_rows))
    pa_csv.write_csv(copies.set_column(copies.schema.get_field_index("id"), "id", ids), big)
    model = services.store.resolve(f"models:/{run.leader_id}")
    key = services.engine.models.load_native(*StoredModel(services.store, model).native())
    bare.connect()
    spec = StoredModel(services.store, model).spec
    categories = {str(column.name): "enum" for column in spec.features.columns if column.type == "category"}

    def ours() -> None:
        scored = services.scorer.score_file(big, big.name, model_uri=model.uri)
        save_labels(scored, folder / "ours.json")

    def article() -> None:
        # Its page: the file to pandas, for the first five rows, and back to bytes, which are posted.
        posted = io.BytesIO()
        pd.read_csv(big).to_csv(posted, index=False)
        # Its endpoint: the bytes to pandas, to the engine, to pandas, to JSON.
        frame = pd.read_csv(io.BytesIO(posted.getvalue()))
        sent = h2o.H2OFrame(frame, column_types=categories)
        labels = h2o.get_model(key).predict(sent).as_data_frame()["predict"].tolist()
        (folder / "article.json").write_text(json.dumps(dict(zip(frame["id"].astype(str), labels, strict=True))))

    ours_s, article_s = median_s(ours), median_s(article)
    steps = services.scorer.score_file(big, big.name, model_uri=model.uri).seconds
    report(
        bench="scoring_against_article", rows=n_rows, article_s=article_s, ours_s=ours_s,
        times_faster=article_s / ours_s, ok=article_s / ours_s >= TIMES_FASTER, steps=steps,
    )  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
