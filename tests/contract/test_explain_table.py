"""Every algorithm and task on the real engine: numbers equal H2O's own, and there is what the docs' table says."""

import hashlib
import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h2o
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from h2o.estimators import (
    H2ODeepLearningEstimator,
    H2OGeneralizedLinearEstimator,
    H2OGradientBoostingEstimator,
    H2ORandomForestEstimator,
    H2OStackedEnsembleEstimator,
    H2OXGBoostEstimator,
)

from core.domain.columns import Column, Schema
from core.domain.models import ModelInfo, ModelSpec
from core.domain.training import Task
from core.engine.h2o import H2OEngine
from core.engine.protocol import Mojo
from core.errors import EngineError
from core.explain import Explainer
from core.explain.asked import TREES, WITHOUT_ENGINE
from core.explain.case.case import Case, Goal
from core.explain.case.rows import read_row
from core.explain.computed.grids import Grids, Predict
from core.explain.computed.permutation import permutation_importance
from core.explain.sample import Sample, SentFrames
from core.explanations.items import Dependence, DependenceLine
from core.explanations.reasons import ALGORITHMS, TASKS, why_not
from core.plain import to_json
from core.settings import Settings
from tests.fixtures_engine import LEVELS, three_classes, two_classes, write_rows
from tests.fixtures_explain import FakeDatasets, FakeStore

pytestmark = pytest.mark.engine

DATASET = "d" * 32
CLOSE = 1e-9
# Plain names: H2O's own client, the yardstick here, stumbles over the others that our tests have.
FEATURES = SIZE, CODE, NOISE = ("size", "code", "noise")
COLUMNS = ((SIZE, "Numeric"), (CODE, "Enum"), (NOISE, "Numeric"), ("id", "Numeric"))
SCHEMA = Schema((Column(SIZE, "numeric"), Column(CODE, "category", levels=LEVELS), Column(NOISE, "numeric")))
CLASSES = {"binary": ("no", "yes"), "multiclass": ("0", "1", "2"), "regression": ()}
FOLDS = {"nfolds": 2, "fold_assignment": "Modulo", "keep_cross_validation_predictions": True, "seed": 1}
BUILDERS: dict[str, Callable[[], Any]] = {
    "GBM": lambda: H2OGradientBoostingEstimator(ntrees=12, max_depth=3, score_each_iteration=True, **FOLDS),
    "XGBoost": lambda: H2OXGBoostEstimator(ntrees=12, max_depth=3, score_each_iteration=True, **FOLDS),
    "GLM": lambda: H2OGeneralizedLinearEstimator(lambda_search=True, nlambdas=8, **FOLDS),
    "DeepLearning": lambda: H2ODeepLearningEstimator(
        hidden=[8], epochs=8, score_interval=0, reproducible=True, **FOLDS
    ),
    "DRF": lambda: H2ORandomForestEstimator(ntrees=12, max_depth=5, score_each_iteration=True, **FOLDS),
}


def amount(size: float, level: str, noise: float) -> str:
    return f"{3 * size + 2 * (level == 'a,b') + noise + 20:.6f}"


TARGETS = {"binary": two_classes, "multiclass": three_classes, "regression": amount}


@dataclass(frozen=True)
class Trained:
    """The six models of one task in the engine, and the rows they learned from."""

    task: Task
    frame: str
    table: pa.Table
    models: dict[str, Any]
    folder: Path


def _table(path: Path, task: Task, target: tuple[str, ...]) -> pa.Table:
    import csv

    with path.open(encoding="utf-8", newline="") as file:
        size, code, noise, *_ = zip(*csv.reader(file), strict=True)
    numbers = pa.array([float(text) if text else None for text in size], pa.float64())
    answers = [float(text) for text in target] if task == "regression" else list(target)
    return pa.table({SIZE: numbers, CODE: list(code), NOISE: [float(text) for text in noise], "target": answers})


@pytest.fixture(scope="module", params=TASKS)
def trained(request: pytest.FixtureRequest, engine: H2OEngine, tmp_path_factory) -> Iterator[Trained]:
    """Six small models of one task, built by H2O's own client."""
    task: Task = request.param
    folder = tmp_path_factory.mktemp(task)
    target = write_rows(folder / "rows.csv", TARGETS[task], n_rows=400)
    key = engine.frames.upload(
        folder / "rows.csv", [*COLUMNS, ("target", "Numeric" if task == "regression" else "Enum")]
    )
    client = engine._server.client()  # H2O's own client is the yardstick here, so it needs the way in
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        h2o.connect(url=client._url, auth=client._auth, verbose=False, strict_version_check=False)
        h2o.no_progress()
        frame = h2o.get_frame(key)
        models = {}
        for algo, build in BUILDERS.items():
            models[algo] = build()
            models[algo].train(x=list(FEATURES), y="target", training_frame=frame)
        models["StackedEnsemble"] = H2OStackedEnsembleEstimator(
            base_models=list(models.values()), seed=1, metalearner_nfolds=2, keep_levelone_frame=False
        )
        models["StackedEnsemble"].train(x=list(FEATURES), y="target", training_frame=frame)
        yield Trained(task, key, _table(folder / "rows.csv", task, target), models, folder)
        engine.delete([key, *(model.model_id for model in models.values())])


def _frame(trained: Trained) -> Any:
    return h2o.get_frame(trained.frame)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # H2O's client warns of its own slowness
        yield


# --- numbers equal H2O's own ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algo", ALGORITHMS[:-1])
def test_importances_are_h2os(engine: H2OEngine, trained: Trained, algo: str) -> None:
    own: dict[str, float] = {}
    for name, relative, *_ in trained.models[algo].varimp():
        feature = next(f for f in sorted(FEATURES, key=len, reverse=True) if name == f or name.startswith(f + "."))
        own[feature] = own.get(feature, 0.0) + relative
    largest = max(own.values())
    found = dict(engine.models.details(trained.models[algo].model_id).variable_importance)
    assert found == pytest.approx({name: value / largest for name, value in own.items()}, abs=1e-9)


def test_permutation_importance_is_about_h2os(engine: H2OEngine, trained: Trained) -> None:
    model, metric = trained.models["StackedEnsemble"], "RMSE" if trained.task == "regression" else "logloss"
    table = model.permutation_importance(
        _frame(trained), use_pandas=False, seed=1, n_samples=-1, metric=metric, n_repeats=10
    )
    theirs = {row[0]: float(np.mean([float(cell) for cell in row[1:]])) for row in table.cell_values}
    _, found = permutation_importance(_predictor(engine, trained, "StackedEnsemble"), _spec(trained), _sample(trained))
    # Each shuffles in its own order; that one shuffle differs from the mean of ten is a matter of the rows.
    assert found == pytest.approx(theirs, rel=0.1, abs=0.02 * max(theirs.values()))


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_dependence_is_h2os(engine: H2OEngine, trained: Trained, algo: str) -> None:
    model, classes = trained.models[algo], list(CLASSES[trained.task]) if trained.task == "multiclass" else None
    theirs = model.partial_plot(_frame(trained), [SIZE, CODE], nbins=7, plot=False, targets=classes)
    sample = _sample(trained)
    grids = Grids(_predictor(engine, trained, algo), _spec(trained), sample)
    ours = [one for name in (SIZE, CODE) for one in grids.dependence(sample, name, 7, classes or [""])]
    for place, (one, table) in enumerate(zip(ours, theirs, strict=True)):
        rows = table.cell_values
        if place < len(ours) // 2:
            assert one.values == pytest.approx([row[0] for row in rows], abs=1e-9)
        else:
            assert list(one.values) == [row[0] for row in rows]
        assert one.target == (classes[place % len(classes)] if classes else "")
        assert one.mean == pytest.approx([row[1] for row in rows], abs=CLOSE)
        assert one.sd == pytest.approx([row[2] for row in rows], abs=CLOSE)


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_contributions_are_h2os_and_add_up(engine: H2OEngine, trained: Trained, algo: str) -> None:
    if trained.task == "multiclass":
        pytest.skip(why_not("contributions", "multiclass", algo))
    model, frame = trained.models[algo], _frame(trained)
    background = None if algo in TREES else frame[:40, :]
    theirs = model.predict_contributions(
        frame, background_frame=background, output_format="compact" if algo == "StackedEnsemble" else "original"
    ).as_data_frame()
    ours = engine.explanations.contributions(
        model.model_id, trained.frame, background=background.frame_id if background is not None else None
    )
    folded = _folded(theirs)
    for name in ours.column_names:
        assert ours[name].to_numpy() == pytest.approx(folded[name], abs=1e-9 if algo not in ("XGBoost",) else 1e-6)
    total = sum(ours[name].to_numpy() for name in ours.column_names)
    predicted = engine.models.predict(model.model_id, trained.frame)
    p = predicted["predict" if trained.task == "regression" else "yes"].to_numpy()
    # Compared as probabilities: near 0 and 1 the log odds of a rounded probability are far from exact.
    scales = [total] if trained.task == "regression" else [total, 1 / (1 + np.exp(-total))]
    # H2O's deep learning adds up in single precision, layer by layer.
    close = 1e-4 if algo == "DeepLearning" else 1e-6
    assert min(np.abs(scale - p).max() for scale in scales) < close * max(1.0, np.abs(p).max())


@pytest.mark.parametrize("algo", sorted(WITHOUT_ENGINE & {*ALGORITHMS}))
def test_contributions_without_the_engine_are_h2os(engine: H2OEngine, trained: Trained, algo: str) -> None:
    frame, sample, mojo = _frame(trained), _sample(trained), _mojo(engine, trained, algo)
    if trained.task == "multiclass":
        with pytest.raises(EngineError):
            engine.mojos.contributions(mojo, sample.engine_rows(), sample.head(40).engine_rows())
        return
    background = None if algo in TREES else frame[:40, :]
    theirs = _folded(trained.models[algo].predict_contributions(frame, background_frame=background).as_data_frame())
    ours = engine.mojos.contributions(mojo, sample.engine_rows(), sample.head(40).engine_rows())
    assert set(ours.column_names) == {*theirs, *FEATURES}
    for name in ours.column_names:
        # A feature that the model does not use may be without a column of H2O's.
        assert ours[name].to_numpy() == pytest.approx(theirs.get(name, np.zeros(sample.n_rows)), abs=CLOSE), name


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_predictions_without_the_engine_are_h2os(engine: H2OEngine, trained: Trained, algo: str) -> None:
    theirs = engine.models.predict(trained.models[algo].model_id, trained.frame)
    ours = _predictor(engine, trained, algo)(_sample(trained))
    assert ours.column_names == list(CLASSES[trained.task] or ("predict",))
    for name in ours.column_names:
        assert ours[name].to_numpy() == pytest.approx(theirs[name].to_numpy(), abs=CLOSE)


def _folded(theirs: Any) -> dict[str, np.ndarray]:
    """Return H2O's contributions with the levels of a category added up."""
    folded: dict[str, np.ndarray] = {}
    for name in theirs.columns:
        fitting = [f for f in FEATURES if name == f or name.startswith(f + ".")]
        feature = max(fitting, key=len) if fitting else name
        folded[feature] = folded.get(feature, 0.0) + theirs[name].to_numpy()
    return folded


def _mojo(engine: H2OEngine, trained: Trained, algo: str) -> Mojo:
    path = trained.folder / f"{algo}.mojo.zip"
    if not path.exists():
        engine.models.save_mojo(trained.models[algo].model_id, path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def _predictor(engine: H2OEngine, trained: Trained, algo: str) -> Predict:
    mojo = _mojo(engine, trained, algo)
    return lambda rows: engine.mojos.predict(mojo, rows.engine_rows())


def _sample(trained: Trained) -> Sample:
    """Return the rows trained on, in their order."""
    return Sample(trained.table, Schema((*SCHEMA.columns, _spec(trained).target_column)))


# --- the table --------------------------------------------------------------------------------------------------------


def _stored(engine: H2OEngine, trained: Trained, algo: str, folder: Path) -> tuple[FakeStore, FakeDatasets, ModelInfo]:
    """Store a model as training does, with its cross-validation predictions."""
    classes = CLASSES[trained.task]
    key = trained.models[algo].model_id
    spec = ModelSpec(
        task=trained.task,
        target="target",
        target_column=Column("target", "numeric" if trained.task == "regression" else "category"),
        features=SCHEMA,
        classes=classes,
        positive="yes" if trained.task == "binary" else None,
        threshold=0.5 if trained.task == "binary" else None,
        dataset_id=DATASET,
        algo=algo,
    )
    details = engine.models.details(key)
    store = FakeStore(folder)
    engine.models.save_native(key, folder / "model.bin")
    engine.models.save_mojo(key, folder / "model.mojo.zip")
    store.put("spec.json", to_json(spec).encode())
    store.put(f"details/{key}.json", json.dumps(asdict(details)).encode())
    predicted = engine.models.predict(key, trained.frame)
    columns = {"row": pa.array(np.arange(400)), "actual": trained.table["target"]}
    if classes:
        columns |= {f"p_{name}": predicted[name] for name in classes}
    else:
        columns["predicted"] = predicted["predict"]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    store.put(f"predictions/{key}/cv.parquet", sink.getvalue().to_pybytes())
    model = ModelInfo(
        id="m-1", model_key=key, algo=algo, run_id="r", experiment="e", task=trained.task, metrics={}, has_files=True,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    store.known = [model]
    return store, FakeDatasets(DATASET, trained.table, trained.folder), model


# The ensemble comes first: explaining a model takes it out of the engine, and an ensemble needs its members.
@pytest.mark.parametrize("algo", ALGORITHMS[::-1])
def test_what_there_is_is_what_the_table_says(engine: H2OEngine, trained: Trained, algo: str, tmp_path: Path) -> None:
    if algo != "StackedEnsemble":
        # A binary of its own, so that explaining leaves the model of the other tests alone.
        engine.models.save_native(trained.models[algo].model_id, trained.folder / algo)
    store, datasets, model = _stored(engine, trained, algo, tmp_path)
    natives = _keep_all(engine, trained)
    try:
        found = Explainer(engine, store, datasets).compute(model)
    finally:
        for path in natives:
            engine.models.load_native(path, hashlib.sha256(path.read_bytes()).hexdigest())
    items = {
        name: getattr(found, name)
        for name in (
            "variable_importance", "members", "shap_summary", "partial_dependence", "pairs", "ice", "learning_curve",
        )
    }  # fmt: skip
    items |= {name: getattr(found, name)["cv"] for name in ("confusion", "roc", "precision_recall", "residuals")}
    curve = items.pop("learning_curve")  # an ensemble's, when its metalearner recorded one
    assert curve.data is not None or curve.reason == why_not("learning_curve", trained.task, algo) != ""
    for name, item in items.items():
        assert item.reason == why_not(name, trained.task, algo), name
        assert (item.data is None) == bool(item.reason), name
    compared = Explainer(engine, store, datasets).compare("r")
    assert (compared.importance.data is None) == bool(why_not("importance_map", trained.task, algo))
    _check_case(Explainer(engine, store, datasets).open_case(model), datasets, algo)


def _keep_all(engine: H2OEngine, trained: Trained) -> list[Path]:
    paths = []
    for name, model in trained.models.items():
        path = trained.folder / f"kept_{name}"
        if not path.exists():
            engine.models.save_native(model.model_id, path)
        paths.append(path)
    return paths


def _check_case(case: Case, datasets: FakeDatasets, algo: str) -> None:
    task = case.spec.task
    values, _ = read_row(datasets, case.spec, 3)
    answer = case.ask(values)
    item = answer.contributions
    assert item.reason == why_not("contributions", task, algo)
    if item.data is not None:
        name = "" if task == "regression" else "yes"
        assert item.data.base + sum(item.data.points) == pytest.approx(answer.predicted[name], abs=1e-5)
    odd = case.ask({SIZE: None, CODE: "never seen", NOISE: None})
    assert len(odd.remarks) == 1
    if task == "regression":
        goal = Goal(bound=answer.predicted[""] + 0.5)
    else:
        goal = Goal(label=next(name for name in case.spec.classes if name != answer.label))
    for one in case.flips(values, list(FEATURES), goal).found:
        after = case.ask({**values, **one.changes}, why=False)
        assert after.label == goal.label
        assert task != "regression" or after.predicted[""] >= goal.bound
    assert case.similar(values, leave_out=3).distance[0] < 0.2


# --- single rows and pairs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algo", ["GBM", "StackedEnsemble"])
def test_lines_and_maps_are_h2os(engine: H2OEngine, trained: Trained, algo: str) -> None:
    model = trained.models[algo]
    spec = replace(_spec(trained), algo=algo)
    sample = _sample(trained).head(90)
    frames = SentFrames(engine, Settings(home=trained.folder), spec)
    try:
        predict = _predictor(engine, trained, algo)
        grids = Grids(predict, spec, sample)
        names = CLASSES["multiclass"] if trained.task == "multiclass" else ("",)
        values = (-1.0, 0.25, 1.5)
        one = Dependence(SIZE, "numeric", values, tuple(DependenceLine(n, (), ()) for n in names), (), ())
        other = replace(one, feature=CODE, kind="category", values=LEVELS)
        ice, pair = grids.ice([one, other]), grids.pair(one, other)
        rows = h2o.get_frame(frames.send(sample))
        table = predict(sample)
        for place, name in enumerate(names):
            output = "predict" if trained.task == "regression" else name or "yes"
            row = int(np.argsort(table[output].to_numpy(), kind="stable")[round(0.3 * 89)])
            theirs = model.partial_plot(
                rows,
                [SIZE],
                plot=False,
                row_index=row,
                targets=[name] if name else None,
                user_splits={SIZE: list(values)},
            )
            assert ice[0].classes[place].lines[3].values == pytest.approx(
                [cells[1] for cells in theirs[0].cell_values], abs=CLOSE
            )
            if not name:
                theirs = model.partial_plot(
                    rows,
                    col_pairs_2dpdp=[[SIZE, CODE]],
                    plot=False,
                    user_splits={SIZE: list(values), CODE: list(LEVELS)},
                )
                cells = {(float(row[0]), str(row[1])): row[2] for row in theirs[0].cell_values}
                for y, means in zip(pair.second_values, pair.classes[0].mean, strict=True):
                    for x, mean in zip(pair.first_values, means, strict=True):
                        assert mean == pytest.approx(cells[x, y], abs=CLOSE)
    finally:
        frames.close()


def _spec(trained: Trained) -> ModelSpec:
    return ModelSpec(
        task=trained.task,
        target="target",
        target_column=Column("target", "numeric" if trained.task == "regression" else "category"),
        features=SCHEMA,
        classes=CLASSES[trained.task],
        positive="yes" if trained.task == "binary" else None,
        dataset_id=DATASET,
    )
