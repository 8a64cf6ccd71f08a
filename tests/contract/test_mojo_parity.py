"""The MOJO runtime gives the cluster's own numbers: all algorithms and tasks, odd names, levels and rows."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.domain.training import Task
from core.engine.h2o import H2OEngine
from core.engine.protocol import Mojo
from core.errors import EngineError
from core.features.engine_input import engine_csv, engine_rows
from core.features.matching import prepare_packed
from tests.fixtures_mojo import keep

pytestmark = pytest.mark.engine

TASKS: Final = ("binary", "multiclass", "regression")
ALGORITHMS: Final = ("GLM", "GBM", "DRF", "XGBoost", "DeepLearning", "StackedEnsemble")
TREES: Final = ("GBM", "DRF", "XGBoost")
SINGLE: Final = ("XGBoost", "DeepLearning", "StackedEnsemble")  # somewhere in them is arithmetic in single precision
N_TRAINING, N_SCORED = 300, 200
LEVELS = (
    "NA", "-", "N/A", "null", "NaN", "0", "1.0", "true", 'say "hi"', "a,b", "😀 emoji", "back\\slash", "\\N", "it's",
    "Größe", "[info]", "a=b", "?", "x\\ny", "{}", "%s",
)  # fmt: skip
FEW = ("NA", "yes", "no", ".")
SCHEMA = Schema(
    (
        Column('size "m²"', "numeric"),
        Column("x.y [1]", "numeric"),
        Column('5" disk, = c', "numeric"),
        Column("when, so?", "date"),
        Column("level.NA", "category", levels=tuple(sorted(LEVELS))),
        Column("[x] \\n", "category", levels=tuple(sorted(FEW))),
        Column("größe 😀", "numeric"),
    )
)
BUILDERS = {
    "GLM": ("glm", {}),
    "GBM": ("gbm", {"ntrees": 6, "max_depth": 4, "learn_rate": 0.3}),
    "DRF": ("drf", {"ntrees": 6, "max_depth": 6}),
    "XGBoost": ("xgboost", {"ntrees": 6, "max_depth": 4}),
    "DeepLearning": ("deeplearning", {"hidden": [6], "epochs": 2}),
}


def features(n_rows: int, seed: int) -> tuple[pa.Table, np.ndarray]:
    """Return typed rows of `SCHEMA`, a tenth of their cells missing, and a number that can be learned from them."""
    random = np.random.default_rng(seed)

    def column(values: object) -> pa.Array:
        return pa.array(values, mask=random.random(n_rows) < 0.1)

    size, steps, noise = random.normal(size=n_rows), random.integers(-5, 6, n_rows), random.normal(size=n_rows)
    level, few = random.integers(0, len(LEVELS), n_rows), random.integers(0, len(FEW), n_rows)
    day = datetime(2020, 2, 28, tzinfo=UTC)
    days = [(day + timedelta(days=int(n))).replace(tzinfo=None) for n in random.integers(0, 2000, n_rows)]
    values = [
        size, steps.astype(float), random.random(n_rows) * 1e6, pa.array(days, pa.timestamp("ms")).to_numpy(),
        np.array(LEVELS)[level], np.array(FEW)[few], noise,
    ]  # fmt: skip
    amount = size + steps / 5 + level % 3 + 0.5 * (few == 0) + 0.3 * random.normal(size=n_rows)
    return pa.table([column(value) for value in values], names=list(SCHEMA.names)), amount


def target(task: Task, amount: np.ndarray) -> pa.Array:
    """Return the number, or classes of it whose names are odd."""
    if task == "regression":
        return pa.array(amount)
    if task == "binary":
        return pa.array(np.where(amount > np.median(amount), 'say "x"', "NA"))
    return pa.array(np.array(["NA", "-", "a,b 😀"])[np.digitize(amount, np.quantile(amount, [0.3, 0.6]))])


class Builder:
    """Uploads rows and trains single models, without AutoML around them."""

    def __init__(self, engine: H2OEngine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.keys: list[str] = []

    def upload(self, rows: pa.Table, schema: Schema) -> str:
        path = self.folder / "rows.csv"
        key = self.engine.frames.upload(path, engine_csv(rows, schema, path))
        self.keys.append(key)
        return key

    def train(self, algo: str, frame: str, **options: object) -> str:
        client, version = self.engine._server.client(), 99 if algo == "stackedensemble" else 3
        answer = client.post(
            f"/{version}/ModelBuilders/{algo}", training_frame=frame, response_column="target", seed=1, **options
        )
        client.wait(answer)
        self.keys.append(answer["job"]["dest"]["name"])
        return self.keys[-1]

    def mojo(self, key: str) -> Mojo:
        return keep(self.engine, key, self.folder / f"{key}.zip")


@pytest.fixture(scope="module")
def builder(engine: H2OEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    builder = Builder(engine, tmp_path_factory.mktemp("parity"))
    yield builder
    engine.delete(builder.keys)


@dataclass(frozen=True)
class Models:
    """The six models of a task by algorithm, in the cluster and stored."""

    task: Task
    keys: dict[str, str]
    mojos: dict[str, Mojo]


@pytest.fixture(scope="module", params=TASKS)
def models(request: pytest.FixtureRequest, builder: Builder) -> Models:
    """Six models in the same folds, with weights: an ensemble's MOJO lists the columns of both."""
    task: Task = request.param
    table, amount = features(N_TRAINING, 3)
    extra = {"weight": np.arange(N_TRAINING) % 3 + 1.0, "fold": np.arange(N_TRAINING) % 2 + 0.0}
    for name, values in {**extra, "target": target(task, amount)}.items():
        table = table.append_column(name, pa.array(values))
    kind = "numeric" if task == "regression" else "category"
    frame = builder.upload(
        table, Schema((*SCHEMA.columns, *(Column(name, "numeric") for name in extra), Column("target", kind)))
    )
    weighted = {"weights_column": "weight"}
    folds = {"fold_column": "fold", "keep_cross_validation_predictions": True}
    keys = {name: builder.train(algo, frame, **weighted, **folds, **how) for name, (algo, how) in BUILDERS.items()}
    keys["StackedEnsemble"] = builder.train(
        "stackedensemble", frame, base_models=list(keys.values()), metalearner_algorithm="glm",
        metalearner_fold_column="fold", **weighted,
    )  # fmt: skip
    return Models(task, keys, {name: builder.mojo(key) for name, key in keys.items()})


@functools.cache
def scored_rows() -> pa.Table:
    """Return rows that training never saw, the last of which is all missing."""
    table, _ = features(N_SCORED, 9)
    return pa.concat_tables([table, pa.table([pa.nulls(1, kind) for kind in table.schema.types], table.schema.names)])


@pytest.fixture(scope="module")
def scored_frame(builder: Builder) -> str:
    return builder.upload(scored_rows(), SCHEMA)


def numbers(table: pa.Table) -> np.ndarray:
    return np.column_stack([column.to_numpy() for column in table.columns])


def exactness(algo: str) -> float:
    return 1e-6 if algo in SINGLE else 1e-9


def check_labels(theirs: pa.Table, ours: pa.Table) -> None:
    """Say whether the engine's labels are those that our numbers make."""
    labels, classes = np.array(theirs["predict"]), np.array(ours.column_names)
    if len(classes) > 2:
        assert (labels == classes[numbers(ours).argmax(axis=1)]).all()
        return
    assert set(labels) == set(classes)
    second = ours[classes[1]].to_numpy()  # the label is it from some probability on
    assert second[labels == classes[1]].min() > second[labels == classes[0]].max()


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_predictions_and_labels_are_the_clusters(
    engine: H2OEngine, models: Models, scored_frame: str, algo: str
) -> None:
    theirs = engine.models.predict(models.keys[algo], scored_frame)
    ours = engine.mojos.predict(models.mojos[algo], engine_rows(scored_rows(), SCHEMA))
    assert ours.num_rows == N_SCORED + 1
    if models.task == "regression":
        assert ours.column_names == ["predict"]
        assert numbers(ours) == pytest.approx(numbers(theirs), abs=exactness(algo))
        assert np.ptp(numbers(ours)) > 0.5
        return
    assert ours.column_names == theirs.column_names[1:]
    assert numbers(ours) == pytest.approx(numbers(theirs.drop_columns("predict")), abs=exactness(algo))
    assert numbers(ours).sum(axis=1) == pytest.approx(1)
    check_labels(theirs, ours)


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_a_row_alone_is_scored_as_among_many(engine: H2OEngine, models: Models, algo: str) -> None:
    table = scored_rows().slice(N_SCORED - 15)
    together = engine.mojos.predict(models.mojos[algo], engine_rows(scored_rows(), SCHEMA)).slice(N_SCORED - 15)
    alone = [
        engine.mojos.predict(models.mojos[algo], engine_rows(table.slice(place, 1), SCHEMA)) for place in range(16)
    ]
    assert (numbers(pa.concat_tables(alone)) == numbers(together)).all()


@pytest.mark.parametrize("algo", TREES)
def test_contributions_are_the_clusters(engine: H2OEngine, models: Models, scored_frame: str, algo: str) -> None:
    if models.task == "multiclass":
        pytest.skip("H2O has no contributions for several classes")
    theirs = engine.explanations.contributions(models.keys[algo], scored_frame)
    ours = engine.mojos.contributions(models.mojos[algo], engine_rows(scored_rows(), SCHEMA))
    assert set(ours.column_names) == {*SCHEMA.names, "BiasTerm"}
    assert numbers(ours) == pytest.approx(numbers(theirs.select(ours.column_names)), abs=1e-6)
    assert np.ptp(numbers(ours), axis=0).max() > 0.1


def test_each_member_of_an_ensemble_says_what_it_says_alone(engine: H2OEngine, models: Models) -> None:
    if models.task == "multiclass":
        assert engine.mojos.ensemble(models.mojos["StackedEnsemble"]) is None
        return
    rows, whole = list(engine_rows(scored_rows(), SCHEMA)), models.mojos["StackedEnsemble"]
    ensemble, names = engine.mojos.ensemble(whole), {key: name for name, key in models.keys.items()}
    assert ensemble is not None
    assert not any(engine.mojos.ensemble(models.mojos[name]) for name in ("GLM", "GBM"))
    assert {names[member.key] for member in ensemble.members} <= {*ALGORITHMS}
    for member in ensemble.members:
        alone = models.mojos[names[member.key]]
        assert member.algo == names[member.key]
        assert numbers(engine.mojos.predict(whole, rows, member=member.key)) == pytest.approx(
            numbers(engine.mojos.predict(alone, rows)), abs=1e-9
        )
        if member.algo == "DeepLearning":
            with pytest.raises(EngineError, match="of trees and of GLMs only"):
                engine.mojos.contributions(whole, rows, rows, member=member.key)
            continue
        ours = engine.mojos.contributions(whole, rows, rows[:1], member=member.key)
        theirs = engine.mojos.contributions(alone, rows, rows[:1])
        assert numbers(ours) == pytest.approx(numbers(theirs.select(ours.column_names)), abs=1e-9)


def test_a_member_that_an_ensemble_does_not_have(engine: H2OEngine, models: Models) -> None:
    if models.task == "multiclass":
        pytest.skip("H2O has no contributions for several classes")
    with pytest.raises(EngineError, match="no member 'nobody'"):
        engine.mojos.predict(models.mojos["StackedEnsemble"], engine_rows(scored_rows(), SCHEMA), member="nobody")


@pytest.mark.parametrize(
    ("task", "algos", "transform", "adds_up"),
    [
        ("binary", ("GLM", "GBM", "XGBoost"), "Logit", True),
        ("binary", ("GLM", "GBM"), "NONE", False),
        ("binary", ("GBM", "DRF"), "Logit", False),
        ("binary", ("GBM", "DeepLearning"), "Logit", False),
        ("regression", ("GLM", "GBM", "DRF", "XGBoost"), "NONE", True),
    ],
)
def test_members_add_up_to_an_ensemble_on_its_link_or_it_has_no_contributions(
    engine: H2OEngine, builder: Builder, task: Task, algos: tuple[str, ...], transform: str, adds_up: bool
) -> None:
    table, amount = features(N_TRAINING, 3)
    kind = "numeric" if task == "regression" else "category"
    frame = builder.upload(
        table.append_column("target", target(task, amount)), Schema((*SCHEMA.columns, Column("target", kind)))
    )
    folds = {"nfolds": 2, "fold_assignment": "Modulo", "keep_cross_validation_predictions": True}
    keys = [builder.train(BUILDERS[name][0], frame, **folds, **BUILDERS[name][1]) for name in algos]
    mojo = builder.mojo(
        builder.train(
            "stackedensemble", frame, base_models=keys, metalearner_algorithm="glm", metalearner_transform=transform,
            metalearner_params='{"non_negative": [false], "lambda": [0.0]}',
        )
    )  # fmt: skip
    rows, ensemble = list(engine_rows(scored_rows(), SCHEMA)), engine.mojos.ensemble(mojo)
    assert ensemble is not None
    assert len(ensemble.members) == len(algos)
    assert ensemble.adds_up == adds_up
    if not adds_up:
        with pytest.raises(EngineError, match="of trees and of GLMs only"):
            engine.mojos.contributions(mojo, rows, rows)
        return
    found, predicted = engine.mojos.contributions(mojo, rows, rows), numbers(engine.mojos.predict(mojo, rows))
    assert set(found.column_names) == {*SCHEMA.names, "BiasTerm"}
    wanted = predicted[:, 0] if task == "regression" else np.log(predicted[:, 1] / predicted[:, 0])
    assert numbers(found).sum(axis=1) == pytest.approx(wanted, abs=1e-5 if "XGBoost" in algos else 1e-6)
    assert np.ptp(numbers(found), axis=0).max() > 0.1


def words(table: pa.Table) -> pa.Table:
    """Return typed rows as the text of a file."""
    columns = [
        pc.strftime(column, "%Y-%m-%d") if pa.types.is_timestamp(column.type) else column.cast(pa.string())
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_levels_that_training_never_saw_are_missing(
    engine: H2OEngine, models: Models, builder: Builder, algo: str
) -> None:
    source = words(scored_rows().slice(0, 40))
    for name in ("level.NA", "[x] \\n"):
        cells = source[name].to_pylist()
        cells[:6] = ["never seen", "n/a", " ", "na", "NA ", "😀"]
        source = source.set_column(source.column_names.index(name), name, pa.array(cells))
    spec = ModelSpec(task=models.task, target="target", target_column=Column("target", "numeric"), features=SCHEMA)
    typed, warnings = prepare_packed(source, spec)
    assert sum("training never saw" in warning for warning in warnings) == 2
    theirs = engine.models.predict(models.keys[algo], builder.upload(typed.table(), SCHEMA))
    ours = engine.mojos.predict(models.mojos[algo], engine_rows(typed, SCHEMA))
    assert numbers(ours) == pytest.approx(numbers(theirs.select(ours.column_names)), abs=exactness(algo))


# --- size -------------------------------------------------------------------------------------------------------------


def predict_both(builder: Builder, key: str, rows: pa.Table, schema: Schema) -> tuple[np.ndarray, np.ndarray]:
    """Return a regression's predictions by the cluster and by the runtime."""
    engine = builder.engine
    theirs = engine.models.predict(key, builder.upload(rows, schema))
    ours = engine.mojos.predict(builder.mojo(key), engine_rows(rows, schema))
    return theirs["predict"].to_numpy(), ours["predict"].to_numpy()


def with_amount(rows: pa.Table, amount: np.ndarray, schema: Schema) -> tuple[pa.Table, Schema]:
    return rows.append_column("target", pa.array(amount)), Schema((*schema.columns, Column("target", "numeric")))


def test_many_rows_come_back_in_order(builder: Builder) -> None:
    n_rows = 120_000
    schema = Schema((Column("a", "numeric"), Column("b", "category", levels=FEW)))
    random = np.random.default_rng(1)
    rows = pa.table({"a": random.normal(size=n_rows), "b": np.array(FEW)[random.integers(0, 4, n_rows)]})
    key = builder.train(
        "gbm",
        builder.upload(*with_amount(rows.slice(0, 2000), rows["a"].to_numpy()[:2000], schema)),
        ntrees=10,
        max_depth=7,
    )
    assert len(list(engine_rows(rows, schema))) > 2
    theirs, ours = predict_both(builder, key, rows, schema)
    assert ours == pytest.approx(theirs, abs=1e-9)
    assert len(np.unique(ours)) > 50


def test_five_thousand_columns(builder: Builder) -> None:
    n_rows, names = 60, [f'column {n:04d} "x"' for n in range(5000)]
    schema = Schema(tuple(Column(name, "numeric") for name in names))
    values = np.random.default_rng(2).normal(size=(n_rows, len(names)))
    rows = pa.table(list(values.T), names=names)
    key = builder.train(
        "gbm", builder.upload(*with_amount(rows, values[:, 4711], schema)), ntrees=1, max_depth=2, min_rows=2
    )
    theirs, ours = predict_both(builder, key, rows, schema)
    assert ours == pytest.approx(theirs, abs=1e-9)
    assert np.corrcoef(ours, values[:, 4711])[0, 1] > 0.5


@pytest.mark.parametrize("algo", ["GLM", "GBM", "XGBoost"])
def test_two_thousand_levels(builder: Builder, algo: str) -> None:
    n_rows, levels = 4000, tuple(f"level {n:04d}" for n in range(2000))
    schema = Schema((Column("many", "category", levels=levels), Column("x", "numeric")))
    random = np.random.default_rng(3)
    codes, x = np.concatenate([np.arange(2000), random.integers(0, 2000, 2000)]), random.normal(size=n_rows)
    rows = pa.table({"many": np.array(levels)[codes], "x": x})
    name, how = BUILDERS[algo]
    key = builder.train(name, builder.upload(*with_amount(rows, codes % 7 + x, schema)), **how)
    theirs, ours = predict_both(builder, key, rows, schema)
    assert ours == pytest.approx(theirs, abs=1e-5 if algo == "XGBoost" else 1e-9)
    if algo == "XGBoost":  # a contribution for each level and row: more cells than are held at once
        found = builder.engine.mojos.contributions(builder.mojo(key), engine_rows(rows, schema))
        assert found.column_names == ["many", "x", "BiasTerm"]
        assert numbers(found).sum(axis=1) == pytest.approx(ours, abs=1e-4)
