"""Explanations on the real engine: what it computes is what its predictions say."""

import csv
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from core.domain.columns import Column, Schema
from core.domain.models import ModelInfo, ModelSpec
from core.domain.training import Task
from core.engine.encoded import BIAS
from core.engine.h2o import H2OEngine
from core.explain import Explainer
from core.explain.computed.grids import Grids
from core.explain.sample import Sample, SentFrames, draw_sample
from core.explanations.items import Explanations
from core.models.opened import StoredModel
from core.plain import to_json
from core.settings import Settings
from tests.fixtures_engine import (
    COLUMNS,
    FEATURES,
    LEVELS,
    finish,
    three_classes,
    tiny_training,
    two_classes,
    write_rows,
)
from tests.fixtures_explain import FakeDatasets, FakeStore

pytestmark = pytest.mark.engine

DATASET = "d" * 32
SIZE, CODE, NOISE = FEATURES
SCHEMA = Schema((Column(SIZE, "numeric"), Column(CODE, "category", levels=LEVELS), Column(NOISE, "numeric")))


def _table(folder: Path, target) -> pa.Table:
    """Read the rows of `write_rows`, which are the same each time."""
    path = folder / "rows.csv"
    write_rows(path, target)
    with path.open(encoding="utf-8", newline="") as file:
        size, code, noise, _, answer = zip(*csv.reader(file), strict=True)
    numbers = pa.array([float(text) if text else None for text in size], pa.float64())
    return pa.table({SIZE: numbers, CODE: list(code), NOISE: [float(text) for text in noise], "target": list(answer)})


def _spec(task: Task, classes: tuple[str, ...]) -> ModelSpec:
    return ModelSpec(
        task=task,
        target="target",
        target_column=Column("target", "category"),
        features=SCHEMA,
        classes=classes,
        positive=classes[-1] if task == "binary" else None,
        threshold=0.5 if task == "binary" else None,
        dataset_id=DATASET,
    )


def _explain(engine: H2OEngine, folder: Path, key: str, spec: ModelSpec, table: pa.Table) -> Explanations:
    store = FakeStore(folder)
    details = engine.models.details(key)
    engine.models.save_native(key, folder / "model.bin")
    engine.models.save_mojo(key, folder / "model.mojo.zip")
    store.put("spec.json", to_json(spec).encode())
    store.put(f"details/{key}.json", json.dumps(asdict(details)).encode())
    model = ModelInfo(
        id="m-1", model_key=key, algo=details.algo, run_id="r", experiment="e", task=spec.task, metrics={},
        created_at=datetime(2026, 1, 1, tzinfo=UTC), has_files=True,
    )  # fmt: skip
    found = Explainer(engine, store, FakeDatasets(DATASET, table, folder)).compute(model)
    assert StoredModel(store, model).explanations == found
    return found


@pytest.fixture(scope="module")
def natives(engine: H2OEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Native binaries of an AutoML of this module's own, for explaining a model removes it from the engine."""
    folder = tmp_path_factory.mktemp("natives")
    write_rows(folder / "rows.csv", two_classes)
    raw = engine.frames.upload(folder / "rows.csv", [*COLUMNS, ("target", "Enum")])
    frame = engine.frames.relevel(raw, "target", "yes")
    job = engine.automl.start(frame, tiny_training(), features=FEATURES, project="explain_binary", holdout=None)
    state = finish(engine, job)
    kept = {prefix: folder / prefix for prefix in ("GBM", "GLM", "StackedEnsemble")}
    for prefix, path in kept.items():
        engine.models.save_native(next(key for key in state.models if key.startswith(prefix)), path)
    yield kept
    engine.delete([job.dest_key, raw, frame])


@pytest.fixture
def load(engine: H2OEngine, natives: dict[str, Path]) -> Iterator[Callable[[str], str]]:
    """A function that loads one of the models and returns its key; an ensemble goes with its members afterwards."""
    loaded: list[str] = []

    def one(prefix: str) -> str:
        key = engine.models.load_native(natives[prefix], hashlib.sha256(natives[prefix].read_bytes()).hexdigest())
        loaded.extend((key, *engine.models.details(key).base_models))
        return key

    yield one
    engine.delete(loaded)


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    folder = tmp_path / "sample"
    folder.mkdir()
    datasets = FakeDatasets(DATASET, _table(folder, two_classes), folder)
    return draw_sample(datasets, _spec("binary", ("yes", "no")), np.arange(0))


@pytest.mark.parametrize("prefix", ["GBM", "GLM", "StackedEnsemble"])
def test_contributions_add_up_to_the_logit(
    engine: H2OEngine, load, sample: Sample, tmp_path: Path, prefix: str
) -> None:
    key = load(prefix)
    frames = SentFrames(engine, Settings(home=tmp_path), _spec("binary", ("yes", "no")))
    try:
        frame = frames.send(sample.head(100))
        background = None if prefix == "GBM" else frames.send(sample.tail(50))
        table = engine.explanations.contributions(key, frame, background=background)
        p = engine.models.predict(key, frame)["no"].to_numpy()
    finally:
        frames.close()
    assert set(table.column_names) == {*FEATURES, BIAS}
    total = sum(table[name].to_numpy() for name in table.column_names)
    assert np.abs(total - np.log(p / (1 - p))).max() < 1e-5


@pytest.mark.parametrize("prefix", ["GBM", "StackedEnsemble"])
def test_dependence_is_the_mean_prediction_with_the_column_set(
    engine: H2OEngine, load, sample: Sample, tmp_path: Path, prefix: str
) -> None:
    key = load(prefix)
    rows = sample.head(80)
    engine.models.save_mojo(key, tmp_path / "m.zip")
    mojo = tmp_path / "m.zip", hashlib.sha256((tmp_path / "m.zip").read_bytes()).hexdigest()
    grids = Grids(lambda some: engine.mojos.predict(mojo, some.engine_rows()), _spec("binary", ("yes", "no")), rows)
    found = {name: grids.dependence(rows, name, 5, [""])[0] for name in (SIZE, CODE)}
    frames = SentFrames(engine, Settings(home=tmp_path), _spec("binary", ("yes", "no")))
    try:
        for name, one in found.items():
            place = rows.table.schema.get_field_index(name)
            for value, mean in zip(one.values, one.mean, strict=True):
                changed = rows.table.set_column(place, name, pa.array([value] * rows.n_rows))
                p = engine.models.predict(key, frames.send(Sample(changed, rows.schema)))["no"].to_numpy()
                assert mean == pytest.approx(p.mean(), abs=1e-6)
    finally:
        frames.close()
    assert set(found[CODE].values) == set(LEVELS)


@pytest.mark.parametrize("prefix", ["GBM", "GLM", "StackedEnsemble"])
def test_two_classes(engine: H2OEngine, load, tmp_path: Path, prefix: str) -> None:
    found = _explain(engine, tmp_path, load(prefix), _spec("binary", ("yes", "no")), _table(tmp_path, two_classes))
    assert found.shap_summary.data is not None, found.shap_summary.reason
    assert found.shap_summary.data.scale == "log-odds"
    assert {one.feature for one in found.shap_summary.data.features} == set(FEATURES)
    assert found.variable_importance.data is not None
    assert {SIZE, CODE} <= {one.feature for one in found.variable_importance.data}
    assert found.variable_importance.method.startswith("permutation importance")
    assert found.partial_dependence.data is not None
    assert {one.feature for one in found.partial_dependence.data} == set(FEATURES)
    assert found.learning_curve.data is not None
    assert ("metalearner" in found.learning_curve.method) == (prefix == "StackedEnsemble")
    assert "cross-validation predictions" in found.roc["cv"].reason  # none were stored here


def test_several_classes(engine: H2OEngine, tmp_path: Path) -> None:
    table = _table(tmp_path, three_classes)
    path = tmp_path / "rows.csv"
    frame = engine.frames.upload(path, [*COLUMNS, ("target", "Enum")])
    settings = tiny_training(task="multiclass", positive=None, include_algos=("GBM",), max_models=1)
    job = engine.automl.start(frame, settings, features=FEATURES, project="explain_multiclass", holdout=None)
    try:
        key = finish(engine, job).models[0]
        found = _explain(engine, tmp_path, key, _spec("multiclass", ("0", "1", "2")), table)
    finally:
        engine.delete([job.dest_key, frame])
    assert "several classes" in found.shap_summary.reason
    assert found.partial_dependence.data is not None, found.partial_dependence.reason
    lines = found.partial_dependence.data[0].lines
    assert [line.name for line in lines] == ["0", "1", "2"]
    assert np.sum([line.mean for line in lines], axis=0) == pytest.approx(1, abs=1e-6)
