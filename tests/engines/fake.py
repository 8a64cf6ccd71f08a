"""An engine in memory, computed with numpy: what needs neither Java nor its time.

`FakeEngine` keeps the contract of tests/contract/test_engine.py and test_baselines_engine.py as `H2OEngine` does:
deterministic, sensible and fast models, cross-validated in the folds asked for, whose contributions sum to the link and
whose files come back equal. A MOJO or native binary of it is its own JSON. What it does not know, such as monotonic
constraints or balanced classes, it takes and leaves aside.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from core.domain.models import ModelDetails
from core.domain.runs import AutoMLJob, AutoMLState, EngineMemory, EngineSize, EngineStatus
from core.domain.training import TrainingSettings
from core.engine.protocol import BaselineState, Ensemble, EnsembleMember, Mojo
from core.errors import EmptyDataError, EngineDiedError, EngineError, ModelIncompatibleError, ModelIntegrityError
from core.files import atomic_path
from core.models.leaderboard import is_lower_better, ranking_metric
from tests.engines.frames import FakeFrame, FakeFrames
from tests.engines.linear import RIDGES, FakeModel

ENSEMBLE = "StackedEnsemble"
_NEED_BACKGROUND = ("GLM", "DeepLearning", ENSEMBLE)
_ENDLESS = 100  # what is asked for more models than that ends when it is cancelled
_FEW = 3  # models of a training


class FakeEngine:
    """`core.engine.Engine` in memory; each facet keeps what it made.

    Parameters
    ----------
    hold : bool
        Trainings stay at their first model until `release` is called.
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
        self.mojos = FakeMojos()
        self.explanations = FakeExplanations(self)

    def release(self) -> None:
        self.hold = False

    def status(self) -> EngineStatus:
        return EngineStatus(self.state)

    def start_in_background(self) -> None:
        if self.state != "ready":
            self.state = "starting"

    def ensure_ready(self) -> str:
        self.check_alive()
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

    def memory(self) -> EngineMemory | None:
        return EngineMemory(100, 1000) if self.state == "ready" else None

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.frames.held.pop(key, None)
            job = self.jobs.get(f"job_{key}", {"keys": [key]})
            job["deleted"] = True
            for model in job["keys"]:
                if (found := self.models.held.pop(model, None)) is not None:
                    self.frames.held.pop(found.details["cv_predictions_key"], None)

    def check_alive(self, cluster: str | None = None) -> None:
        if not self.is_alive(cluster or self.cluster):
            raise EngineDiedError("The engine ended.", exit_code=1)

    def job(self, key: str) -> dict:
        self.check_alive()
        if self.jobs.get(key, {"deleted": True}).get("deleted"):
            raise EngineDiedError("The engine no longer knows this training: it has been restarted since.")
        return self.jobs[key]


class FakeModels:
    """`EngineModels` in memory; `made` has the deleted ones too."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self.held: dict[str, FakeModel] = {}
        self.made: dict[str, FakeModel] = {}

    def fit(
        self,
        frame: str,
        settings: TrainingSettings,
        features: Sequence[str],
        key: str,
        algo: str,
        *,
        fold_column: str | None = None,
        members: Sequence[str] = (),
        name: str | None = None,
    ) -> str:
        """Learn a model of an algorithm, and one per fold; return its key."""
        held = self._engine.frames.get(frame)
        classes = held.levels[settings.target] if settings.task != "regression" else ()
        ridges = [RIDGES[self.held[member].algo] for member in members] or [RIDGES[algo]]
        model = FakeModel(key, name or algo, settings.target, classes, tuple(features))
        model.learn(held, ridges)
        n_rows = held.table.num_rows
        folds = np.arange(n_rows) % max(settings.nfolds, 2)
        if fold_column is not None:
            folds = held.table[fold_column].to_numpy()
        outputs, own = np.zeros((n_rows, len(classes) or 1)), []
        for fold in np.unique(folds):
            part, rows = replace(model, means={}, codes={}), held.take(folds == fold)
            part.learn(held.take(folds != fold), ridges)
            outputs[folds == fold] = found = part.output(rows.table)
            own.append(part.metrics(rows.table, found))
        cv = {f"cv_{n}": v for n, v in model.metrics(held.table, outputs).items()}
        train = {f"train_{n}": v for n, v in model.metrics(held.table, model.output(held.table)).items()}
        spread = {n: [one[n] for one in own if n in one] for n in own[0]}
        means = {f"cv_{n}_mean": float(np.mean(values)) for n, values in spread.items()}
        deviations = {f"cv_{n}_sd": float(np.std(values, ddof=1)) for n, values in spread.items()}
        size = np.abs(model.link_parts(held.table, model.usual())[0]).mean(axis=0)
        order = sorted(zip(features, (size / max(size.max(), 1e-12)).tolist(), strict=True), key=lambda p: -p[1])
        model.details = {
            "metrics": cv | means | deviations | train,
            "cv_predictions_key": self._engine.frames.add(FakeFrame(model.predictions(outputs))),
            "variable_importance": [] if members else order,
            "scoring_history": {} if members else {"number_of_trees": [0, 5, 10], "training_logloss": [0.6, 0.5, 0.45]},
            "base_models": list(members),
            "member_weights": [[member, 1 / len(members)] for member in members],
            "parameters": {"seed": str(settings.seed), "fold_assignment": "AUTO" if fold_column else "Modulo"},
            "training_time_s": 0.12,
            "cv_threshold": model.best_threshold(held.table, outputs),
        }
        self.held[key] = self.made[key] = model
        return key

    def rebuild(self, model_key: str, frame: str, *, key: str) -> str:
        old, held = self.get(model_key), self._engine.frames.get(frame)
        if old.parts:
            raise EngineError("Only single models can be built again, no ensembles.")
        model = replace(old, key=key, means={}, codes={}, weights=[], details={"cv_predictions_key": ""})
        model.learn(held, [RIDGES[old.algo]])
        self.held[key] = self.made[key] = model
        self._engine.jobs[f"job_{key}"] = {"keys": [key], "cancelled": False, "hold": False}
        return f"job_{key}"

    def get(self, key: str) -> FakeModel:
        if key not in self.held:
            raise EngineError(f"Object {key!r} not found.")
        return self.held[key]

    def details(self, model_key: str) -> ModelDetails:
        model = self.get(model_key)
        pairs = ("variable_importance", "member_weights")
        known = model.details | {name: tuple((n, v) for n, v in model.details[name]) for name in pairs}
        known["base_models"] = tuple(known["base_models"])
        return ModelDetails(key=model.key, algo=model.algo, domain=model.classes, **known)

    def holdout_metrics(self, model_key: str, frame: str) -> dict[str, float]:
        model, table = self.get(model_key), self._engine.frames.get(frame).table
        return model.metrics(table, model.output(table))

    def predict(self, model_key: str, frame: str) -> pa.Table:
        self._engine.check_alive()
        return self.get(model_key).predict(self._engine.frames.get(frame).table)

    def save_mojo(self, model_key: str, path: Path) -> None:
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(asdict(self.get(model_key))), encoding="utf-8")

    save_native = save_mojo

    def load_native(self, path: Path, sha256: str) -> str:
        model = read_model(path, sha256)
        self.held.setdefault(model.key, model)
        return model.key


class FakeMojos:
    """`EngineMojos` in memory."""

    def start(self) -> None:
        pass

    def ensemble(self, mojo: Mojo) -> Ensemble | None:
        model = read_model(*mojo)
        if not model.parts or model.task == "multiclass":
            return None
        members = tuple(
            EnsembleMember(key, key.split("_")[0], weight) for key, weight in model.details["member_weights"]
        )
        return Ensemble(members, 0.0, adds_up=all(member.algo not in ("DeepLearning", "DRF") for member in members))

    def predict(self, mojo: Mojo, rows: Iterable[pa.RecordBatch], *, member: str | None = None) -> pa.Table:
        model = _member(read_model(*mojo), member)
        found = model.predict(_some(rows, model))
        return found.drop_columns("predict") if model.classes else found

    def contributions(
        self,
        mojo: Mojo,
        rows: Iterable[pa.RecordBatch],
        background: Iterable[pa.RecordBatch] = (),
        *,
        member: str | None = None,
    ) -> pa.Table:
        model, ensemble = _member(read_model(*mojo), member), self.ensemble(mojo)
        if model.task == "multiclass":
            raise EngineError("Predicting contributions for multinomial classification problems is not yet supported.")
        if model.algo == "DeepLearning" or (model.algo == ENSEMBLE and not (ensemble and ensemble.adds_up)):
            raise EngineError("H2O's MOJO runtime computes contributions of trees and of GLMs only.")
        is_linear = model.algo in ("GLM", ENSEMBLE)
        usual = model.design(_some(background, model)).mean(axis=0) if is_linear else model.usual()
        return model.contributions(_some(rows, model), usual)


def _member(model: FakeModel, key: str | None) -> FakeModel:
    if key is None:
        return model
    keys = [one for one, _ in model.details["member_weights"]]
    return replace(model, key=key, algo=key.split("_")[0], weights=model.parts[keys.index(key)], parts=[])


def _some(rows: Iterable[pa.RecordBatch], model: FakeModel) -> pa.Table:
    batches = list(rows)
    if not batches:
        raise EmptyDataError("There are no rows to score.")
    if missing := [name for name in model.features if name not in batches[0].schema.names]:
        raise EngineError(f"The model needs a column {missing[0]!r}.")
    return pa.Table.from_batches(batches)


def read_model(path: Path, sha256: str) -> FakeModel:
    """Read what `save_mojo` and `save_native` wrote."""
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise ModelIntegrityError("The model's file is not the one that was saved.")
    try:
        data = json.loads(path.read_bytes())
    except ValueError as error:
        raise ModelIncompatibleError(f"The engine cannot open the model file {path.name}.") from error
    return FakeModel(**{name: tuple(v) if name in ("classes", "features") else v for name, v in data.items()})


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
        target_sd: float | None = None,
    ) -> AutoMLJob:
        held = self._engine.frames.get(frame)
        if settings.task != "regression" and len(held.levels[settings.target]) < 2:
            raise EngineError("Number of classes is equal to 1.")
        job = AutoMLJob(self._engine.cluster, f"job_{project}", project, project, frame, holdout, blending)
        self.started.append({"frame": frame, "settings": settings, "fold_column": fold_column, "blending": blending})
        algos = [a for a in RIDGES if a not in settings.exclude_algos and a in (settings.include_algos or RIDGES)]
        mark = f"AutoML_1_20261124_{zlib.crc32(project.encode())}"
        models, keys = self._engine.models, []
        for number, algo in enumerate(algos[: max(1, min(settings.max_models or _FEW, _FEW))], 1):
            keys.append(models.fit(frame, settings, features, f"{algo}_{number}_{mark}", algo, fold_column=fold_column))
        if ENSEMBLE in settings.include_algos and len(keys) > 1:
            key = f"{ENSEMBLE}_BestOfFamily_1_{mark}"
            keys.append(models.fit(frame, settings, features, key, ENSEMBLE, fold_column=fold_column, members=keys[:]))
        self._engine.jobs[job.job_key] = {"keys": keys, "cancelled": False, "settings": settings}
        return job

    def poll(self, job: AutoMLJob, last: AutoMLState | None = None) -> AutoMLState:
        self._engine.check_alive(job.cluster)
        state = self._engine.job(job.job_key)
        keys, events = state["keys"][:1], [("10:00:00", "Workflow", "AutoML build started")]
        is_held = self._engine.hold or state["settings"].max_models > _ENDLESS
        status = "cancelled" if state["cancelled"] else "running" if is_held else "done"
        if status == "done":
            keys = self._ranked(job)
        events += [("10:00:01", "ModelTraining", "Training models"), ("10:00:02", "Model", f"New leader: {keys[0]}")]
        if status == "running":
            return AutoMLState("running", 0.4, "GLM: training", tuple(keys), tuple(events))
        return AutoMLState(status, 1.0, "", tuple(keys), tuple(events))

    def find(self, job: AutoMLJob) -> AutoMLJob | None:
        self._engine.check_alive(job.cluster)
        key = f"job_{job.project}"
        return replace(job, job_key=key, dest_key=job.project) if key in self._engine.jobs else None

    def cancel(self, job: AutoMLJob) -> None:
        self._engine.check_alive(job.cluster)
        self._engine.job(job.job_key)["cancelled"] = True

    def leaderboard(self, job: AutoMLJob, *, timed: bool = False) -> pa.Table:
        self._engine.check_alive(job.cluster)
        keys, first = self._ranked(job), self._sorted_by(job)
        found = [self._engine.models.details(key) for key in keys]
        names = [n for n in found[0].metrics if n.startswith("cv_") and not n.endswith(("_mean", "_sd"))]
        names.sort(key=lambda name: name != first)
        return pa.table(
            {"model_id": list(keys)}
            | {name.removeprefix("cv_"): [one.metrics[name] for one in found] for name in names}
            | {"training_time_ms": [120.0 + place for place in range(len(keys))]}
            | {"algo": [one.algo for one in found]}
            | ({"predict_time_per_row_ms": [0.004] * len(keys)} if timed else {})
        )

    def _ranked(self, job: AutoMLJob) -> list[str]:
        state, name = self._engine.job(job.job_key), self._sorted_by(job)
        metrics = {key: self._engine.models.get(key).details["metrics"] for key in state["keys"]}
        keys = state["keys"][: 1 if state["cancelled"] else None]
        return sorted(keys, key=lambda key: metrics[key][name] * (1 if is_lower_better(name) else -1))

    def _sorted_by(self, job: AutoMLJob) -> str:
        return ranking_metric(self._engine.job(job.job_key)["settings"])


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
        target_sd: float | None = None,
    ) -> str:
        self.started.append((name, key))
        models = {key: "GLM"} if name == "GLM" else {f"{key}_model_1": "XGBoost", f"{key}_model_2": "DRF"}
        keys = [
            self._engine.models.fit(frame, settings, features, one, algo, fold_column=fold_column, name=name)
            for one, algo in models.items()
        ]
        hold = settings.max_models > _ENDLESS and name != "GLM"
        self._engine.jobs[f"job_{key}"] = {"keys": keys, "cancelled": False, "hold": hold}
        return f"job_{key}"

    def poll(self, job_key: str, key: str) -> BaselineState:
        if self.dies:
            raise EngineDiedError("The engine ended.", exit_code=1)
        state = self._engine.job(job_key)
        if state["cancelled"]:
            return BaselineState("cancelled", tuple(state["keys"][:1]))
        if self.hold or state["hold"]:
            return BaselineState("running", tuple(state["keys"][:1]))
        return BaselineState("done", tuple(state["keys"]))

    def cancel(self, job_key: str) -> None:
        self._engine.job(job_key)["cancelled"] = True


class FakeExplanations:
    """`EngineExplanations` in memory."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine

    def contributions(self, model_key: str, frame: str, *, background: str | None = None) -> pa.Table:
        model, frames = self._engine.models.get(model_key), self._engine.frames
        if model.task == "multiclass":
            raise EngineError("Calculating contributions is currently not supported for multinomial models.")
        usual = model.usual()
        if model.algo in _NEED_BACKGROUND:
            if background is None:
                raise EngineError(f"Contributions of a {model.algo} need a background frame.")
            usual = model.design(frames.get(background).table).mean(axis=0)
        return model.contributions(frames.get(frame).table, usual)
