"""What explanations read and write, and a small engine, small enough to hold in one's hand."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from core.domain.columns import Column, Schema
from core.domain.models import ModelDetails, ModelInfo, ModelSpec
from core.engine.protocol import Ensemble, Mojo
from core.errors import StoreError
from core.explain import Explainer
from core.explanations.items import Explanations
from core.models.opened import StoredModel
from core.plain import to_json
from core.settings import Settings

N_ROWS = 1500
DATASET = "d" * 32
KEY = "GBM_1_AutoML_1"
DAY = 86_400_000
BIAS = 0.25
FEATURES = Schema(
    (
        Column("age", "numeric"),
        Column("paid", "numeric", integer=True),
        Column("since", "date"),
        Column("city", "category", levels=("Bonn", "Lübeck", "<b>Ulm")),
    )
)
HISTORY = {
    "timestamp": ["t"] * 3,
    "duration": [" 0.1 sec", " 1.0 sec", " 1 min 2.5 sec"],
    "number_of_trees": [0.0, 5.0, 10.0],
    "training_rmse": [0.5, 0.4, 0.3],
    "training_logloss": [0.7, 0.5, 0.4],
    "validation_logloss": [None, 0.6, 0.55],
}


MEMBERS = {
    KEY: ModelDetails(
        key=KEY,
        algo="StackedEnsemble",
        metrics={},
        base_models=("GBM_7", "GLM_8"),
        member_weights=(("GBM_7", 0.75), ("GLM_8", 0.25)),
    ),
    "GBM_7": ModelDetails(key="GBM_7", algo="GBM", metrics={}, variable_importance=(("age", 1.0), ("city", 0.25))),
    "GLM_8": ModelDetails(key="GLM_8", algo="GLM", metrics={}, variable_importance=(("city", 1.0),)),
}


def _table() -> pa.Table:
    rng = np.random.default_rng(3)
    age = rng.normal(45, 12, N_ROWS).round(1)
    age[:5] = 900.0  # outliers that would swallow an even grid
    city = rng.choice(["Bonn", "Lübeck", "<b>Ulm"], N_ROWS)
    paid = rng.integers(0, 2, N_ROWS)
    since = rng.integers(15_000, 18_000, N_ROWS) * DAY
    score = (np.clip(age, 0, 100) - 45) / 10 + (city == "Bonn") + paid - 1 + rng.logistic(size=N_ROWS)
    return pa.table(
        {
            "age": pa.array(
                [None if row % 100 == 7 else value for row, value in enumerate(age.tolist())], pa.float64()
            ),
            "paid": pa.array(paid),
            "since": pa.array(since, pa.timestamp("ms")),
            "city": city.tolist(),
            "answer": np.where(score > 0, "yes", "no").tolist(),
            "kind": np.array(["a", "b", "c"])[np.digitize(score, [-1, 1])].tolist(),
            "amount": score,
        }
    )


class FakeDatasets:
    """One dataset whose source is typed already."""

    def __init__(self, dataset_id: str, table: pa.Table, home: Path) -> None:
        self.settings = Settings(home=home)
        self.dataset_id = dataset_id
        self.table = table

    @property
    def about(self) -> "FakeDatasets":
        return self

    @property
    def n_rows(self) -> int:
        return self.table.num_rows

    def open(self, dataset_id: str) -> "FakeDatasets":
        assert dataset_id == self.dataset_id
        return self

    def typed(self, columns: Sequence[str]) -> pa.Table:
        return self.table.select(list(columns))

    source = typed


class FakeStore:
    """What explanations read and write, as files of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logged: list[list[str]] = []
        self.known: list[ModelInfo] = []

    def models(self, *, run_id: str) -> tuple[ModelInfo, ...]:
        return tuple(self.known)

    def put(self, path: str, data: bytes) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def artifacts(self, run_id: str, folder: str = "") -> tuple[str, ...]:
        files = (file for file in (self.folder / folder).rglob("*") if file.is_file())
        return tuple(sorted(file.relative_to(self.folder).as_posix() for file in files))

    def artifact(self, run_id: str, path: str) -> Path:
        if not (self.folder / path).is_file():
            raise StoreError("The run has no such file.", code="artifact.not_found")
        return self.folder / path

    def model_file(self, model_id: str, name: str) -> tuple[Path, str]:
        path = self.folder / name
        return path, hashlib.sha256(path.read_bytes()).hexdigest()

    def log(self, run_id: str, items) -> None:
        items = list(items)
        self.logged.append([item.path for item in items])
        for item in items:
            self.put(item.path, item.data)


class KnownEngine:
    """A linear model on the link scale: contributions and predictions agree by construction."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.sent: dict[str, pa.Table] = {}
        self.frames = self.models = self.explanations = self  # one small engine is all its facets but one
        self.mojos = KnownMojos(self)
        self.deleted: list[str] = []
        self.calls: list[tuple] = []
        self.failing: dict[str, Exception] = {}
        self.alive = True

    def called(self, name: str, *what) -> None:
        self.calls.append((name, *what))
        if name in self.failing:
            raise self.failing[name]

    def ensure_ready(self) -> str:
        self.called("ensure_ready")
        return "fake"

    def is_alive(self, cluster: str) -> bool:
        return self.alive and cluster == "fake"

    def load_native(self, path: Path, sha256: str) -> str:
        self.called("load_native", path.name, sha256)
        return KEY

    def details(self, model_key: str) -> ModelDetails:
        self.called("details", model_key)
        return MEMBERS[model_key]

    def upload(self, csv: Path, columns, *, key=None) -> str:
        self.called("upload", columns)
        types = {name: pa.float64() if kind == "Numeric" else pa.string() for name, kind in columns}
        options = pa_csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""])
        names = [name for name, _ in columns]
        frame = f"frame_{len(self.sent)}"
        self.sent[frame] = pa_csv.read_csv(csv, pa_csv.ReadOptions(column_names=names), convert_options=options)
        return frame

    def delete(self, keys) -> None:
        assert self.alive
        self.deleted += keys

    def parts(self, table: pa.Table) -> dict[str, np.ndarray]:
        age = table["age"].to_numpy()
        return {
            "age": np.nan_to_num((age - 45) / 30),
            "paid": table["paid"].to_numpy() - 0.5,
            "since": np.nan_to_num((table["since"].to_numpy() - 16_500) / 10_000),
            "city": np.where(np.array(table["city"].to_pylist()) == "Bonn", 1.0, -0.5),
        }

    def probabilities(self, table: pa.Table) -> pa.Table:
        total = BIAS + sum(self.parts(table).values())
        if self.spec.task == "regression":
            return pa.table({"predict": total})
        p = 1 / (1 + np.exp(-total))
        if self.spec.task == "binary":
            return pa.table({"no": 1 - p, "yes": p})
        return pa.table({"a": (1 - p) / 2, "b": (1 - p) / 2, "c": p})

    def predict(self, model_key: str, frame: str) -> pa.Table:
        self.called("predict", frame)
        found = self.probabilities(self.sent[frame])
        label = pa.array([self.spec.classes[0]] * found.num_rows) if self.spec.classes else None
        return found if label is None else found.add_column(0, "predict", label)

    def contributions(self, model_key: str, frame: str, *, background=None) -> pa.Table:
        self.called("contributions", frame, background)
        table = self.sent[frame]
        return pa.table(self.parts(table) | {"BiasTerm": np.full(table.num_rows, BIAS)})


class KnownMojos:
    """The stored file of the same model."""

    def __init__(self, engine: KnownEngine) -> None:
        self._engine = engine
        self.scored: list[pa.Table] = []
        self.known_ensemble: Ensemble | None = None

    def start(self) -> None:
        self._engine.called("mojos.start")

    def ensemble(self, mojo: Mojo) -> Ensemble | None:
        return self.known_ensemble

    def predict(self, mojo: Mojo, rows: Iterable[pa.RecordBatch], *, member: str | None = None) -> pa.Table:
        self.scored.append(pa.Table.from_batches(list(rows)))
        self._engine.called("mojos.predict", mojo)
        return self._engine.probabilities(self.scored[-1])

    def contributions(
        self,
        mojo: Mojo,
        rows: Iterable[pa.RecordBatch],
        background: Iterable[pa.RecordBatch] = (),
        *,
        member: str | None = None,
    ) -> pa.Table:
        table, usual = pa.Table.from_batches(list(rows)), list(background)
        self._engine.called("mojos.contributions", mojo, sum(batch.num_rows for batch in usual))
        parts, bias = self._engine.parts(table), BIAS
        if usual:
            means = {name: part.mean() for name, part in self._engine.parts(pa.Table.from_batches(usual)).items()}
            parts, bias = {name: parts[name] - means[name] for name in parts}, bias + sum(means.values())
        return pa.table(parts | {"BiasTerm": np.full(table.num_rows, bias)})


class Home:
    """One model with everything that training stored of it."""

    def __init__(self, folder: Path, task: str, algo: str = "GBM", *, holdout: bool = True) -> None:
        self.table = _table()
        self.datasets = FakeDatasets(DATASET, self.table, folder)
        self.store = FakeStore(folder)
        target = {"binary": "answer", "multiclass": "kind", "regression": "amount"}[task]
        classes = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ()}[task]
        self.spec = ModelSpec(
            task=task,
            target=target,
            target_column=Column(target, "category" if classes else "numeric"),
            features=FEATURES,
            classes=classes,
            positive="yes" if task == "binary" else None,
            threshold=0.4 if task == "binary" else None,
            threshold_origin="max F1" if task == "binary" else "",
            dataset_id=DATASET,
            model_key=KEY,
            algo=algo,
        )
        self.details = ModelDetails(
            key=KEY,
            algo=algo,
            metrics={},
            domain=classes,
            variable_importance=() if algo == "StackedEnsemble" else (("age", 1.0), ("city", 0.5), ("paid", 0.1)),
            scoring_history={} if algo == "StackedEnsemble" else HISTORY,
            base_models=("GBM_7", "GLM_8") if algo == "StackedEnsemble" else (),
        )
        self.model = ModelInfo(
            id="m-1", model_key=KEY, algo=algo, run_id="r", experiment="e", task=task, metrics={}, has_files=True,
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        self.store.known.append(self.model)
        self.engine = KnownEngine(self.spec)
        self.explainer = Explainer(self.engine, self.store, self.datasets)
        rows = np.arange(N_ROWS)
        self.store.put("model.bin", b"native")
        self.store.put("model.mojo.zip", b"mojo")
        self.store.put("spec.json", to_json(self.spec).encode())
        self.store.put(f"details/{KEY}.json", json.dumps(asdict(self.details)).encode())
        self.put_predictions("cv", rows[:1200] if holdout else rows)
        if holdout:
            self.put_predictions("holdout", rows[1200:])

    def put_predictions(self, origin: str, rows: np.ndarray) -> None:
        taken = self.table.take(pa.array(rows))
        columns = {"row": pa.array(rows), "actual": taken[self.spec.target]}
        days = pa.array(taken["since"].cast(pa.int64()).to_numpy() / DAY)
        found = self.engine.probabilities(taken.set_column(2, "since", days))
        if self.spec.classes:
            columns |= {f"p_{name}": found[name] for name in self.spec.classes}
        else:
            columns["predicted"] = found["predict"]
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(columns), sink)
        self.store.put(f"predictions/{KEY}/{origin}.parquet", sink.getvalue().to_pybytes())

    def compute(self, **options) -> Explanations:
        return self.explainer.compute(self.model, **options)

    @property
    def stored(self) -> StoredModel:
        """The model as it is stored now."""
        return StoredModel(self.store, self.model)
