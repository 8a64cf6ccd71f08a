"""Predictions by page, command line, HTTP and the cluster's own model, row for row, on three real problems."""

import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import numpy as np

from bench.common import data_folder, report, scratch_services, train
from core.domain.models import ModelInfo
from core.features.engine_input import engine_csv
from core.features.matching import prepare
from core.models.opened import StoredModel
from core.services import Services

PROBLEMS: tuple[tuple[str, str, dict[str, Any], float], ...] = (
    ("insurance_cross_sell_sample.csv", "Response", {"ignored": ("id",)}, 1e-6),
    ("vehicle.csv", "Class", {}, 1e-6),
    ("diamonds.csv.gz", "price", {}, 1e-5),
)
ROWS = 2000


def main() -> None:
    """Train a small model per problem and score the same rows in four ways."""
    for file, target, options, tolerance in PROBLEMS:
        with scratch_services() as services, tempfile.TemporaryDirectory() as name:
            run = train(
                services, data_folder() / file, target, max_models=3, nfolds=2,
                include_algos=("GLM", "GBM", "XGBoost", "StackedEnsemble"), **options,
            )  # fmt: skip
            services.jobs.wait(run.run_id, until_explained=True)
            leader = services.store.resolve(f"models:/{run.leader_id}")
            rows = _some_rows(data_folder() / file, Path(name) / "rows.csv")
            ways = {
                "library": _by_library(services, leader, rows),
                "cluster": _by_cluster(services, leader, rows),
                "command_line": _by_command(services, leader, rows),
                "http": _by_http(services, leader, rows),
            }
            base = ways.pop("cluster")
            relative = leader.task == "regression"
            gaps = {way: _gap(base, found, relative=relative) for way, found in ways.items()}
            report(
                bench="parity", file=file, leader=leader.algo, rows=len(base), tolerance=tolerance,
                relative=relative, largest_gap=gaps, ok=max(gaps.values()) <= tolerance,
            )  # fmt: skip


def _some_rows(source: Path, target: Path) -> Path:
    """Copy the first rows of a CSV file."""
    with gzip.open(source, "rt", encoding="utf-8") if source.suffix == ".gz" else source.open(encoding="utf-8") as file:
        target.write_text("".join(line for _, line in zip(range(ROWS + 1), file, strict=False)), encoding="utf-8")
    return target


def _numbers(rows: list[dict[str, Any]]) -> np.ndarray:
    names = [n for n in rows[0] if n.startswith("probability_")] or ["prediction"]
    return np.array([[float(row[name]) for name in names] for row in rows])


def _by_library(services: Services, model: ModelInfo, path: Path) -> np.ndarray:
    """Score as the Predict page does: the same call."""
    return _numbers(services.scorer.score_file(path, path.name, model_uri=model.uri).results.to_pylist())


def _by_cluster(services: Services, model: ModelInfo, path: Path) -> np.ndarray:
    """Score with the native model, not with its MOJO."""
    spec = StoredModel(services.store, model).spec
    scored = services.scorer.score_file(path, path.name, model_uri=model.uri)
    typed, _ = prepare(scored.source, spec)
    sent = path.with_suffix(".engine.csv")
    frame = services.engine.frames.upload(sent, engine_csv(typed, spec.features, sent))
    file, sha256 = StoredModel(services.store, model).native()
    raw = services.engine.models.predict(services.engine.models.load_native(file, sha256), frame)
    services.engine.delete([frame])
    return np.column_stack([raw[name].to_numpy() for name in spec.classes or ("predict",)])


def _by_command(services: Services, model: ModelInfo, path: Path) -> np.ndarray:
    out = path.with_suffix(".out.csv")
    subprocess.run(
        [sys.executable, "-m", "core", "score", "--data", path, "--out", out, "--model", model.uri],
        env={**os.environ, "BELLWETHER_HOME": str(services.settings.home)}, check=True, capture_output=True,
    )  # fmt: skip
    with out.open(encoding="utf-8", newline="") as file:
        return _numbers(list(csv.DictReader(file)))


def _by_http(services: Services, model: ModelInfo, path: Path) -> np.ndarray:
    """Post the file to the running app on the same home."""
    from tests.browser.driver import run_server

    mark = uuid.uuid4().hex
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n\r\n'
    body = head.encode() + path.read_bytes() + f"\r\n--{mark}--\r\n".encode()
    with run_server(services.settings.home) as server:
        request = urllib.request.Request(f"{server.url}/predict?model={model.uri}&shape=records", body)
        request.add_header("Content-Type", f"multipart/form-data; boundary={mark}")
        with urllib.request.urlopen(request, timeout=120) as response:
            return _numbers(json.load(response))


def _gap(base: np.ndarray, found: np.ndarray, *, relative: bool) -> float:
    if base.shape != found.shape:
        return float("inf")
    gap = np.abs(base - found) / (np.abs(base) if relative else 1.0)
    return float(gap.max())


if __name__ == "__main__":
    main()
