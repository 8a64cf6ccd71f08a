"""One run from its place in the queue to its end, in steps that can each be repeated."""

import json
import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.config import Settings
from core.curves import best_f1_threshold
from core.datasets import Datasets
from core.engine import Engine
from core.errors import AppError, RunError, TrainingSettingsError
from core.features import read_target, to_features
from core.leaderboard import best_stored
from core.ledger import Ledger
from core.plan import Plan, make_plan, no_model_error
from core.run_items import Artifact, RunItem, iter_events, iter_leaderboard
from core.schema import engine_csv
from core.store import Store
from core.types import (
    AutoMLJob,
    AutoMLState,
    Column,
    ModelDetails,
    ModelInfo,
    ModelSpec,
    RunInfo,
    RunStatus,
    Schema,
    TrainingSettings,
)

logger = logging.getLogger(__name__)

KEEP_TOP = 3  # besides the leader: these keep their MOJO and native binary
POLL_S = 1.0
MOJO, NATIVE, SPEC = "model.mojo.zip", "model.bin", "spec.json"
THRESHOLD_ORIGIN = "max F1 on cross-validation predictions"
ONCE = ", each row counted once"  # said where the rows have weights


class Trainer:
    """Runs one AutoML at a time against the engine and keeps what it makes.

    Parameters
    ----------
    settings, datasets, store, ledger, engine
        The services it works with.
    """

    def __init__(self, settings: Settings, datasets: Datasets, store: Store, ledger: Ledger, engine: Engine) -> None:
        self.settings = settings
        self.datasets = datasets
        self.store = store
        self.ledger = ledger
        self.engine = engine

    def plan(self, settings: TrainingSettings) -> Plan:
        """Check settings against the data; see `core.plan.make_plan` for what it raises."""
        return make_plan(settings, self.datasets, self.settings)

    def run(self, run_id: str, is_cancelled: Callable[[], bool]) -> RunInfo:
        """Train until the run is finished, failed or cancelled; take it up again if its AutoML still runs.

        Parameters
        ----------
        run_id : str
            A queued run, or a running one whose owner is gone.
        is_cancelled : callable
            Asked about once a second.

        Returns
        -------
        RunInfo
            The run in its final state; a failure is part of it, not raised.
        """
        _Attempt(self, run_id, is_cancelled).go()
        return self.store.get_run(run_id)

    def measure(self, run: RunInfo) -> None:
        """Add the models' prediction times to an ended run's leaderboard, while its engine still has them.

        Each model scores all training rows for it, so it follows the run and is not part of it.
        """
        saved = run.tags.get("job")
        job = AutoMLJob.from_json(saved) if saved else None
        if job is None or run.leader_id is None or not self.engine.is_alive(job.cluster):
            return
        board = self.engine.leaderboard(job, timed=True)
        models = {model.model_key: model for model in self.store.models(run_id=run.run_id)}
        times = zip(board["model_id"].to_pylist(), board["predict_time_per_row_ms"].to_pylist(), strict=True)
        for key, time_ms in times:
            if key in models and time_ms is not None:
                self.store.set_model_tags(models[key].id, {"predict_time_per_row_s": str(time_ms / 1000)})
        self.store.log(run.run_id, iter_leaderboard(_with_holdout(board, models)))

    def release(self, run: RunInfo) -> None:
        """Free what an ended run holds in the engine: its frames and all its models."""
        saved = run.tags.get("job")
        if saved is None:
            return
        job = AutoMLJob.from_json(saved)
        if self.engine.is_alive(job.cluster):
            models = self.engine.poll(job).models
            frames = [key for key in (job.training_frame, job.holdout_frame, job.blending_frame) if key]
            self.engine.delete([*models, job.dest_key, *frames])


class _Attempt:
    """One attempt at one run; everything that must outlive it is in the store."""

    def __init__(self, trainer: Trainer, run_id: str, is_cancelled: Callable[[], bool]) -> None:
        self._settings = trainer.settings
        self._datasets = trainer.datasets
        self._store = trainer.store
        self._ledger = trainer.ledger
        self._engine = trainer.engine
        self._trainer = trainer
        self.run_id = run_id
        self._is_cancelled = is_cancelled
        self._logged: dict[str, str] = {}  # engine's model key -> store's model id
        self._kept: set[str] = set()
        self._seconds: dict[str, float] = {}
        self._last_tags: dict[str, str] = {}

    def go(self) -> None:
        """Run all steps; an expected error becomes the run's own."""
        info = self._store.get_run(self.run_id)
        started = time.monotonic()
        try:
            plan = self._trainer.plan(info.settings)
            self._store.set_status(self.run_id, "running")
            job = self._find_job(info) or self._start(plan)
            state = self._watch(plan, job)
            with self._timed("log"):
                self._finish(plan, job, state)
            self._seconds["total"] = time.monotonic() - started
            self._tag({"seconds": json.dumps(self._seconds)})
            self._end("cancelled" if self._is_cancelled() else "finished")
        except AppError as error:
            logger.warning("run %s failed: %s", self.run_id, error.code, exc_info=error)
            self._fail(error)

    # --- steps --------------------------------------------------------------------------------------------------------

    def _find_job(self, info: RunInfo) -> AutoMLJob | None:
        """Return the AutoML that a former owner of this run started, if its engine still lives."""
        saved = info.tags.get("job")
        if not saved:
            return None
        job = AutoMLJob.from_json(saved)
        if self._engine.is_alive(job.cluster):
            self._engine.ensure_ready()
            return job
        return None

    def _start(self, plan: Plan) -> AutoMLJob:
        self._tag({"stage": "Starting the engine"})
        with self._timed("engine"):
            self._engine.ensure_ready()
            self._check_algorithms(plan)
        if plan.recipe is not None:
            self._store.log(self.run_id, [Artifact("fitted_recipe.json", _json(plan.recipe.to_dict()))])
        self._tag({"stage": "Sending the data to the engine"})
        with self._timed("upload"):
            frame = self._upload(plan, plan.train_rows, folds=plan.folds)
            holdout = self._upload(plan, plan.holdout_rows) if len(plan.holdout_rows) else None
            blending = None
            if len(plan.blending_rows):
                blending = self._upload(plan, plan.blending_rows, folds=plan.blending_folds)
        job = self._engine.start_automl(
            frame,
            plan.settings,
            features=plan.features.names,
            project=f"run_{self.run_id}",
            holdout=holdout,
            blending=blending,
            fold_column=plan.fold_column,
            classes=plan.classes,
        )
        self._tag({"job": job.to_json(), "stage": "Training"})
        return job

    def _check_algorithms(self, plan: Plan) -> None:
        """Refuse XGBoost where somebody asked for it and its native library does not load; H2O would just skip it."""
        if "XGBoost" in plan.settings.include_algos and not self._engine.has_xgboost():
            raise TrainingSettingsError(
                "XGBoost cannot be trained on this machine: its native library does not load.",
                hint="Leave XGBoost out; GBM builds the same kind of model.",
            )

    def _upload(self, plan: Plan, rows: np.ndarray, *, folds: np.ndarray | None = None) -> str:
        columns = list(plan.features.columns)
        raw = self._datasets.typed(plan.dataset.id, plan.inputs.names).take(pa.array(rows))
        typed = to_features(raw, plan.recipe, plan.features)[0]
        weights = plan.settings.weights_column
        if weights:
            columns.append(plan.dataset.schema[weights])
            typed = typed.append_column(weights, self._weights(plan, weights, rows))
        if folds is not None and plan.fold_column:
            columns.append(Column(plan.fold_column, "numeric", integer=True))
            typed = typed.append_column(plan.fold_column, pa.array(folds))
        typed = typed.append_column(plan.target.name, self._target(plan).take(pa.array(rows)))
        with _scratch(self._settings) as folder:
            csv = folder / "frame.csv"
            frame = self._engine.upload(csv, engine_csv(typed, Schema((*columns, plan.target)), csv))
        if plan.settings.task == "binary":
            # H2O takes the last class as the positive one; put ours there.
            releveled = self._engine.relevel(frame, plan.target.name, plan.classes[0])
            self._engine.delete([frame])
            return releveled
        return frame

    def _watch(self, plan: Plan, job: AutoMLJob) -> AutoMLState:
        """Poll until the AutoML ends, keeping each model when it appears."""
        begun = time.monotonic()
        cancelled = False
        while True:
            if not cancelled and self._is_cancelled():
                self._tag({"stage": "Cancelling"})
                self._engine.cancel(job)
                cancelled = True
            state = self._engine.poll(job)
            for key in state.models:
                if key not in self._logged:
                    self._log_model(plan, job, key, state)
            self._report(state)
            if state.status != "running":
                self._seconds["train"] = time.monotonic() - begun
                return state
            time.sleep(POLL_S)

    def _report(self, state: AutoMLState) -> None:
        changed = self._tag(
            {
                "progress": f"{state.progress:.2f}",
                "stage": state.message or "Training",
                "n_models": str(len(self._logged)),
                "events": str(len(state.events)),
            }
        )
        if "events" in changed:
            self._store.log(self.run_id, iter_events(state.events))

    def _log_model(self, plan: Plan, job: AutoMLJob, key: str, state: AutoMLState) -> None:
        details = self._engine.details(key)
        if job.holdout_frame:
            metrics = self._engine.holdout_metrics(key, job.holdout_frame)
            details = replace(
                details, metrics={**details.metrics, **{f"holdout_{name}": value for name, value in metrics.items()}}
            )
        model_id = self._store.add_model(self.run_id, details, plan.settings.task)
        self._logged[key] = model_id
        if key in state.models[: KEEP_TOP + 1]:
            self._keep(plan, job, details, model_id)
        else:
            self._store.log(self.run_id, [_details_item(details)])

    def _keep(self, plan: Plan, job: AutoMLJob, details: ModelDetails, model_id: str) -> None:
        """Store what scoring and explaining this model later needs; the tag that says "complete" comes last."""
        spec = _make_spec(plan, details, self.run_id)
        items: list[RunItem] = [_details_item(details)]
        with _scratch(self._settings) as folder:
            if details.cv_predictions_key:
                raw = _named(self._engine.download_frame(details.cv_predictions_key), details)
                # With rows for blending an ensemble is fitted on these, and judged in folds of them.
                is_blended = bool(details.base_models) and len(plan.blending_rows) > 0
                table = self._predictions(plan, raw, plan.blending_rows if is_blended else plan.train_rows)
                items.append(_parquet_item(folder, f"predictions/{details.key}/cv.parquet", table))
                if plan.settings.task == "binary":
                    origin = THRESHOLD_ORIGIN + (ONCE if plan.settings.weights_column else "")
                    spec = spec.with_threshold(_best_threshold(table, plan), origin)
            if job.holdout_frame:
                raw = self._engine.predict(details.key, job.holdout_frame)
                table = self._predictions(plan, raw, plan.holdout_rows)
                items.append(_parquet_item(folder, f"predictions/{details.key}/holdout.parquet", table))
            self._engine.save_mojo(details.key, folder / MOJO)
            self._engine.save_native(details.key, folder / NATIVE)
            (folder / SPEC).write_bytes(_json(spec.to_dict()))
            self._store.log(self.run_id, items)
            self._store.save_model_files(model_id, {name: folder / name for name in (MOJO, NATIVE, SPEC)})
        self._kept.add(details.key)

    def _predictions(self, plan: Plan, raw: pa.Table, rows: np.ndarray) -> pa.Table:
        """Return the engine's predictions with row numbers and actual values, one row per row of the frame."""
        actual = self._target(plan).take(pa.array(rows))
        columns = {"row": pa.chunked_array([pa.array(rows)])}
        if weights := plan.settings.weights_column:
            columns["weight"] = self._weights(plan, weights, rows)
        if plan.classes:
            columns["actual"] = actual
            columns |= {f"p_{name}": raw[name] for name in plan.classes}
        else:
            columns["actual"] = actual.cast(pa.float64())
            columns["predicted"] = raw["predict"]
        return pa.table(columns)

    def _target(self, plan: Plan) -> pa.ChunkedArray:
        return read_target(self._datasets, plan.dataset.id, plan.target, plan.target_recipe)

    def _weights(self, plan: Plan, name: str, rows: np.ndarray) -> pa.ChunkedArray:
        return self._datasets.typed(plan.dataset.id, [name])[name].take(pa.array(rows))

    def _finish(self, plan: Plan, job: AutoMLJob, state: AutoMLState) -> None:
        """Rank, keep the top, register the leader."""
        if not state.models:
            if self._is_cancelled():
                return
            message, hint = no_model_error(plan.settings, state.error)
            raise RunError(message, hint=hint, code="run.no_models")
        self._store.log(self.run_id, iter_events(state.events))
        board = self._engine.leaderboard(job)
        order = [str(key) for key in board["model_id"].to_pylist()]
        for key in order[: KEEP_TOP + 1]:
            if key not in self._kept:
                self._keep(plan, job, self._engine.details(key), self._logged[key])
        self._rank(board, order)
        stored = {model.model_key: model for model in self._store.models(run_id=self.run_id)}
        self._store.log(self.run_id, iter_leaderboard(_with_holdout(board, stored)))
        self._tag({"leader_id": self._logged[order[0]], "n_models": str(len(order)), "progress": "1.00"})
        if not self._is_cancelled():
            self._register(plan, self._logged[order[0]])

    def _rank(self, board: pa.Table, order: list[str]) -> None:
        names = board.column_names
        for place, key in enumerate(order):
            tags = {"rank": str(place + 1)}
            if "training_time_ms" in names:
                tags["training_time_s"] = str(float(board["training_time_ms"][place].as_py() or 0) / 1000)
            self._store.set_model_tags(self._logged[key], tags)
            if place > KEEP_TOP and key in self._kept:
                self._store.drop_model_files(self._logged[key])

    def _register(self, plan: Plan, model_id: str) -> None:
        version = self._store.register(model_id)
        experiment = plan.settings.experiment
        if self._store.champion(experiment) is None:
            self._store.set_champion(experiment, version)
            self._ledger.record(
                "promote", f"models:/{experiment}/{version}", detail={"run_id": self.run_id, "automatic": "first run"}
            )

    # --- endings ------------------------------------------------------------------------------------------------------

    def _end(self, status: RunStatus) -> None:
        self._tag({"stage": "", "explanations": "computing" if self._kept else ""})
        self._store.set_status(self.run_id, status)
        self._ledger.record(f"run {status}", self.run_id)

    def _fail(self, error: AppError) -> None:
        """Mark the run failed; the models logged so far stay, the best of the stored ones leads."""
        tags = {"error": error.to_json(), "stage": "", "n_models": str(len(self._logged))}
        if leader := best_stored(self._store.models(run_id=self.run_id)):
            tags["leader_id"] = leader.id
        self._tag(tags)
        self._store.set_status(self.run_id, "failed")
        self._ledger.record("run failed", self.run_id, detail={"code": error.code})

    # --- small things -------------------------------------------------------------------------------------------------

    def _tag(self, tags: dict[str, str]) -> dict[str, str]:
        """Write the tags that changed since the last time; return those."""
        changed = {name: value for name, value in tags.items() if self._last_tags.get(name) != value}
        if changed:
            self._store.set_tags(self.run_id, changed)
            self._last_tags |= changed
        return changed

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self._seconds[name] = self._seconds.get(name, 0.0) + time.monotonic() - begun


def _make_spec(plan: Plan, details: ModelDetails, run_id: str) -> ModelSpec:
    return ModelSpec(
        task=plan.settings.task,
        target=plan.target.name,
        target_column=plan.target,
        features=plan.features,
        classes=plan.classes,
        positive=plan.classes[-1] if plan.settings.task == "binary" else None,
        id_column=plan.id_column,
        experiment=plan.settings.experiment,
        run_id=run_id,
        model_key=details.key,
        algo=details.algo,
        dataset_id=plan.dataset.id,
        dataset_name=plan.dataset.name,
        inputs=plan.recipe.inputs if plan.recipe else None,
        recipe=plan.recipe.to_dict() if plan.recipe else None,
        target_recipe=plan.target_recipe.to_dict() if plan.target_recipe else None,
    )


def _named(raw: pa.Table, details: ModelDetails) -> pa.Table:
    """Name the probability columns like the classes: H2O puts a ``p`` before classes that look like numbers."""
    return raw.rename_columns(["predict", *details.domain]) if details.domain else raw


def _best_threshold(predictions: pa.Table, plan: Plan) -> float:
    positive = plan.classes[-1]
    is_positive = np.asarray(predictions["actual"].to_numpy(zero_copy_only=False) == positive)
    return best_f1_threshold(is_positive, predictions[f"p_{positive}"].to_numpy())[0]


def _json(data: object) -> bytes:
    return json.dumps(data, ensure_ascii=False, indent=1).encode()


def _details_item(details: ModelDetails) -> Artifact:
    return Artifact(f"details/{details.key}.json", _json(asdict(details)))


def _parquet_item(folder: Path, name: str, table: pa.Table) -> Artifact:
    path = folder / name.replace("/", "_")
    pq.write_table(table, path, compression="zstd")
    return Artifact(name, path)


@contextmanager
def _scratch(settings: Settings) -> Iterator[Path]:
    """Yield a private folder for temporary files that is gone afterwards."""
    settings.work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.work_dir, prefix="run-") as name:
        yield Path(name)


def _with_holdout(board: pa.Table, models: Mapping[str, ModelInfo]) -> pa.Table:
    """Add the holdout metrics to H2O's leaderboard, whose own metrics come from cross-validation."""
    found = [models[key].metrics if key in models else {} for key in board["model_id"].to_pylist()]
    for name in sorted({name for metrics in found for name in metrics if name.startswith("holdout_")}):
        board = board.append_column(name, pa.array([metrics.get(name) for metrics in found], pa.float64()))
    return board
