"""An engine in memory, computed with numpy: what needs neither Java nor its time.

`FakeEngine` learns a least-squares model per "algorithm" (target means for categories, mean for missing numbers), so
its predictions are deterministic, sensible and fast. What it saves as MOJO and native binary is its own JSON.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from core.domain.models import ModelDetails
from core.domain.runs import AutoMLJob, AutoMLState, EngineSize, EngineStatus
from core.domain.training import TrainingSettings
from core.engine import BaselineState, PartialDependence
from core.errors import EngineDiedError, ModelIntegrityError
from core.metrics.measures import classification_metrics, regression_metrics

_RIDGES = {"GBM": 1.0, "GLM": 30.0, "DRF": 300.0, "XGBoost": 1000.0, "DeepLearning": 3000.0}


@dataclass
class FakeFrame:
    """Columns as the engine holds them: floats, or texts with their levels."""

    table: pa.Table
    levels: dict[str, tuple[str, ...]]


@dataclass
class FakeModel:
    """A linear model over numbers made from the features."""

    key: str
    algo: str
    target: str
    classes: tuple[str, ...]
    features: tuple[str, ...]
    means: dict[str, float] = field(default_factory=dict)
    codes: dict[str, dict[str, float]] = field(default_factory=dict)
    weights: list[list[float]] = field(default_factory=list)
    details: dict = field(default_factory=dict)

    def design(self, table: pa.Table) -> np.ndarray:
        columns = [np.ones(table.num_rows)]
        for name in self.features:
            if name in self.codes:
                values = [self.codes[name].get(value, 0.0) for value in table[name].to_pylist()]
            else:
                values = [self.means[name] if v is None or v != v else v for v in table[name].to_pylist()]
            columns.append(np.asarray(values, dtype=float))
        return np.column_stack(columns)

    def score(self, table: pa.Table) -> np.ndarray:
        return self.design(table) @ np.asarray(self.weights)

    def probabilities(self, table: pa.Table) -> np.ndarray:
        p = np.clip(self.score(table), 0.001, 0.999)
        return p / p.sum(axis=1, keepdims=True)

    def predict(self, table: pa.Table) -> pa.Table:
        if not self.classes:
            return pa.table({"predict": self.score(table)[:, 0]})
        p = self.probabilities(table)
        labels = [self.classes[place] for place in p.argmax(axis=1)]
        return pa.table({"predict": labels} | {name: p[:, place] for place, name in enumerate(self.classes)})

    def metrics(self, table: pa.Table) -> dict[str, float]:
        if not self.classes:
            return regression_metrics(table[self.target].to_numpy(), self.score(table)[:, 0])
        positive = self.classes[-1] if len(self.classes) == 2 else None
        found = classification_metrics(
            table[self.target].to_pylist(), self.probabilities(table), self.classes, positive
        )
        return {name: found[name] for name in ("auc", "aucpr", "logloss", "mean_per_class_error") if name in found}


class FakeEngine:
    """`core.engine.Engine` in memory; each facet keeps what it made.

    Parameters
    ----------
    hold : bool
        Trainings stay at half of their models until `release` is called.
    """

    def __init__(self, *, hold: bool = False) -> None:
        self.hold = hold
        self.state = "ready"
        self.dead = False
        self.cluster = "fake"
        self.no_xgboost = False
        self.left: bool | None = None
        self.jobs: dict[str, dict] = {}
        self.frames = FakeFrames()
        self.models = FakeModels(self)
        self.automl = FakeAutoML(self)
        self.baselines = FakeBaselines(self)
        self.explanations = FakeExplanations(self)

    def release(self) -> None:
        self.hold = False

    def status(self) -> EngineStatus:
        return EngineStatus(self.state)

    def start_in_background(self) -> None:
        if self.state != "ready":
            self.state = "starting"

    def ensure_ready(self) -> str:
        if self.dead:
            raise EngineDiedError("The engine ended.", exit_code=1)
        self.state = "ready"
        return self.cluster

    def is_alive(self, cluster: str) -> bool:
        return cluster == self.cluster and not self.dead

    def end_idle(self) -> bool:
        return False

    def stop(self, *, leave: bool = False) -> None:
        self.state, self.left = "stopped", leave

    def has_xgboost(self) -> bool:
        return not self.no_xgboost

    def describe(self) -> EngineSize:
        return EngineSize("3.46.0.11", 1, 2)

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.frames.held.pop(key, None)


class FakeFrames:
    """`EngineFrames` in memory."""

    def __init__(self) -> None:
        self.held: dict[str, FakeFrame] = {}

    def upload(self, csv: Path, columns: Sequence[tuple[str, str]], *, key: str | None = None) -> str:
        names = [name for name, _ in columns]
        types = {name: pa.float64() if kind == "Numeric" else pa.string() for name, kind in columns}
        options = pa_csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""])
        table = pa_csv.read_csv(csv, pa_csv.ReadOptions(column_names=names), convert_options=options)
        levels = {n: tuple(sorted(set(table[n].drop_null().to_pylist()))) for n, kind in columns if kind == "Enum"}
        return self.add(FakeFrame(table, levels), key)

    def relevel(self, frame: str, column: str, first: str) -> str:
        old = self.held[frame]
        order = (first, *(level for level in old.levels[column] if level != first))
        return self.add(FakeFrame(old.table, {**old.levels, column: order}))

    def download(self, key: str) -> pa.Table:
        return self.held[key].table

    def add(self, frame: FakeFrame, key: str | None = None) -> str:
        key = key or f"frame_{uuid.uuid4().hex}"
        self.held[key] = frame
        return key


class FakeModels:
    """`EngineModels` in memory."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self.held: dict[str, FakeModel] = {}

    def fit(self, frame: str, settings: TrainingSettings, features: Sequence[str], algo: str, key: str) -> FakeModel:
        held = self._engine.frames.held[frame]
        classes = held.levels.get(settings.target, ()) if settings.task != "regression" else ()
        model = FakeModel(key, algo, settings.target, classes, tuple(features))
        target = held.table[settings.target].to_pylist()
        one_hot = (
            np.array([[value == name for name in classes] for value in target], dtype=float)
            if classes
            else np.asarray(target, dtype=float)[:, None]
        )
        for name in features:
            values = held.table[name].to_pylist()
            if name in held.levels:
                groups: dict[str, list[float]] = {}
                for value, y in zip(values, one_hot[:, -1], strict=True):
                    if value is not None:
                        groups.setdefault(value, []).append(float(y))
                model.codes[name] = {value: float(np.mean(found)) for value, found in groups.items()}
            else:
                known = [v for v in values if v is not None]
                model.means[name] = float(np.mean(known)) if known else 0.0
        x = model.design(held.table)
        penalty = _RIDGES[algo] * np.eye(x.shape[1]) * np.maximum(x.std(axis=0), 1e-9) ** 2
        penalty[0, 0] = 0.0
        model.weights = np.linalg.lstsq(x.T @ x + penalty, x.T @ one_hot, rcond=None)[0].tolist()
        cv = self._engine.frames.add(FakeFrame(model.predict(held.table), {}))
        found = model.metrics(held.table)
        size = np.abs(np.asarray(model.weights)[1:, -1]) * x[:, 1:].std(axis=0)
        order = sorted(zip(features, (size / max(size.max(), 1e-12)).tolist(), strict=True), key=lambda p: -p[1])
        model.details = {
            "metrics": {f"cv_{n}": v for n, v in found.items()}
            | {f"cv_{n}_mean": v for n, v in found.items()}
            | {f"cv_{n}_sd": 0.01 for n in found}
            | {f"train_{n}": v for n, v in found.items()},
            "cv_predictions_key": cv,
            "variable_importance": order,
            "scoring_history": {"number_of_trees": [0, 5, 10], "training_logloss": [0.6, 0.5, 0.45]},
            "cv_threshold": 0.5 if len(classes) == 2 else None,
        }
        return model

    def ranked(self, keys: Sequence[str]) -> tuple[str, ...]:
        def loss(key: str) -> float:
            metrics = self.held[key].details["metrics"]
            return metrics.get("cv_logloss", metrics.get("cv_rmse", 0.0))

        return tuple(sorted(keys, key=loss))

    def details(self, model_key: str) -> ModelDetails:
        model = self.held[model_key]
        known = {**model.details, "variable_importance": tuple((n, v) for n, v in model.details["variable_importance"])}
        return ModelDetails(key=model.key, algo=model.algo, domain=model.classes, **known)

    def holdout_metrics(self, model_key: str, frame: str) -> dict[str, float]:
        return self.held[model_key].metrics(self._engine.frames.held[frame].table)

    def predict(self, model_key: str, frame: str) -> pa.Table:
        if self._engine.dead:
            raise EngineDiedError("The engine ended.", exit_code=1)
        return self.held[model_key].predict(self._engine.frames.held[frame].table)

    def save_mojo(self, model_key: str, path: Path) -> None:
        path.write_text(json.dumps(self.held[model_key].__dict__), encoding="utf-8")

    save_native = save_mojo

    @contextmanager
    def hold_mojo(self, path: Path, sha256: str) -> Iterator[str]:
        yield self.load_mojo(path, sha256)

    def load_mojo(self, path: Path, sha256: str) -> str:
        return self._load(path, sha256, f"mojo_{sha256[:12]}")

    def load_native(self, path: Path, sha256: str) -> str:
        return self._load(path, sha256, None)

    def _load(self, path: Path, sha256: str, key: str | None) -> str:
        if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            raise ModelIntegrityError("The model's file is not the one that was saved.")
        data = json.loads(path.read_text("utf-8"))
        data = {name: tuple(value) if name in ("classes", "features") else value for name, value in data.items()}
        model = FakeModel(**{**data, "key": key or data["key"]})
        self.held[model.key] = model
        return model.key


class FakeAutoML:
    """`EngineAutoML` in memory."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self.started: list[dict] = []

    def start(
        self,
        frame: str,
        settings: TrainingSettings,
        *,
        features: Sequence[str],
        project: str,
        holdout: str | None,
        blending: str | None = None,
        fold_column: str | None = None,
        classes: Sequence[str] = (),
    ) -> AutoMLJob:
        job = AutoMLJob(self._engine.cluster, f"job_{project}", f"automl_{project}", project, frame, holdout, blending)
        self.started.append({"frame": frame, "settings": settings, "fold_column": fold_column, "blending": blending})
        algos = [a for a in _RIDGES if a not in settings.exclude_algos and a in (settings.include_algos or _RIDGES)]
        wanted = algos[: max(1, min(settings.max_models or 3, 3))]
        keys = []
        for number, algo in enumerate(wanted, 1):
            key = f"{algo}_{number}_AutoML_1_20261124_{int(project[-8:], 16)}"
            model = self._engine.models.fit(frame, settings, features, algo, key)
            self._engine.models.held[model.key] = model
            keys.append(model.key)
        self._engine.jobs[job.job_key] = {"keys": keys, "cancelled": False, "polls": 0}
        return job

    def poll(self, job: AutoMLJob, last: AutoMLState | None = None) -> AutoMLState:
        if self._engine.dead:
            raise EngineDiedError("The engine ended.", exit_code=1)
        state = self._engine.jobs[job.job_key]
        state["polls"] += 1
        events = (("10:00:00", "Workflow", "AutoML build started"), ("10:00:01", "ModelTraining", "Training models"))
        keys = tuple(state["keys"])
        if self._engine.hold and not state["cancelled"]:
            return AutoMLState("running", 0.4, "GLM: training", keys[:1], events)
        if state["cancelled"]:
            return AutoMLState("cancelled", 1.0, "", keys[:1], events)
        return AutoMLState("done", 1.0, "", self._engine.models.ranked(keys), events)

    def find(self, job: AutoMLJob) -> AutoMLJob | None:
        key = f"job_{job.project}"
        return replace(job, job_key=key, dest_key=f"automl_{job.project}") if key in self._engine.jobs else None

    def cancel(self, job: AutoMLJob) -> None:
        self._engine.jobs[job.job_key]["cancelled"] = True

    def leaderboard(self, job: AutoMLJob, *, timed: bool = False) -> pa.Table:
        state = self._engine.jobs[job.job_key]
        keys = self._engine.models.ranked(state["keys"][: 1 if state["cancelled"] else None])
        metrics = [self._engine.models.held[key].details["metrics"] for key in keys]
        names = [n.removeprefix("cv_") for n in metrics[0] if n.startswith("cv_") and not n.endswith(("_mean", "_sd"))]
        return pa.table(
            {"model_id": list(keys)}
            | {name: [found[f"cv_{name}"] for found in metrics] for name in names}
            | {"training_time_ms": [120.0 + i for i in range(len(keys))]}
            | {"algo": [self._engine.models.held[key].algo for key in keys]}
            | ({"predict_time_per_row_ms": [0.004] * len(keys)} if timed else {})
        )


class FakeBaselines:
    """`EngineBaselines` in memory."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self.started: list[tuple[str, str]] = []
        self.hold = False
        self.dies = False

    def start(
        self,
        name: str,
        frame: str,
        settings: TrainingSettings,
        *,
        features: Sequence[str],
        key: str,
        fold_column: str | None = None,
    ) -> str:
        self.started.append((name, key))
        keys = [key] if name == "GLM" else [f"{key}_model_{n}" for n in range(1, 3)]
        for number, model_key in enumerate(keys):
            algo = ("GLM", "GBM")[number] if name == "GLM" else ("XGBoost", "DRF")[number]
            self._engine.models.held[model_key] = replace(
                self._engine.models.fit(frame, settings, features, algo, model_key), algo=name
            )
        self._engine.jobs[f"job_{key}"] = {"keys": keys, "cancelled": False}
        return f"job_{key}"

    def poll(self, job_key: str, key: str) -> BaselineState:
        if self._engine.dead or self.dies:
            raise EngineDiedError("The engine ended.", exit_code=1)
        state = self._engine.jobs[job_key]
        if self.hold and not state["cancelled"]:
            return BaselineState("running", tuple(state["keys"][:1]))
        if state["cancelled"]:
            return BaselineState("cancelled", tuple(state["keys"][1:]))
        return BaselineState("done", tuple(state["keys"]))

    def cancel(self, job_key: str) -> None:
        self._engine.jobs[job_key]["cancelled"] = True


class FakeExplanations:
    """`EngineExplanations` in memory."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine

    def contributions(self, model_key: str, frame: str, *, background: str | None = None) -> pa.Table:
        model = self._engine.models.held[model_key]
        x, weights = model.design(self._engine.frames.held[frame].table), np.asarray(model.weights)[:, -1]
        usual = [model.means[n] if n in model.means else np.mean(list(model.codes[n].values())) for n in model.features]
        centre = np.array([1.0, *usual])
        centred = (x - centre) * weights
        bias = np.full(len(x), float((centre * weights).sum()))
        return pa.table({name: centred[:, place] for place, name in enumerate(model.features, 1)} | {"BiasTerm": bias})

    def permutation_importance(self, model_key: str, frame: str, *, seed: int) -> tuple[tuple[str, float], ...]:
        return tuple((n, v) for n, v in self._engine.models.held[model_key].details["variable_importance"])

    def partial_dependence(
        self, model_key: str, frame: str, columns: Sequence[str], *, n_bins: int, targets: Sequence[str] = ()
    ) -> tuple[PartialDependence, ...]:
        model, table = self._engine.models.held[model_key], self._engine.frames.held[frame].table
        found = []
        for column in columns:
            known = table[column].drop_null().to_pylist()
            values: list = sorted(set(known))[:n_bins]
            if column not in model.codes:
                values = np.linspace(min(known), max(known), 5).tolist()
            for target in targets or (None,):
                place = model.classes.index(target) if target else -1
                means = []
                for value in values:
                    kind = pa.string() if column in model.codes else pa.float64()
                    changed = table.set_column(
                        table.schema.get_field_index(column), column, pa.array([value] * table.num_rows, kind)
                    )
                    means.append(float(model.score(changed)[:, place].mean()))
                zeros = tuple(0.01 for _ in values)
                found.append(PartialDependence(column, target, tuple(values), tuple(means), zeros, zeros))
        return tuple(found)
