"""The baselines of a run: trained after its AutoML, on the same rows and folds, and never in its way."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, Unpack

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.domain.baselines import BASELINE_NAMES, CONSTANT, XGBOOST, model_key
from core.domain.models import ModelDetails
from core.domain.runs import CANCELLING, AutoMLJob, RunInfo
from core.engine.protocol import BaselineState, Engine
from core.errors import AppError, EngineError, RunError
from core.models.leaderboard import auc_by_chance, is_lower_better, is_of_folds, ranking_metric
from core.store.mlflow import Store
from core.store.records import RunChanges
from core.training.constant import constant_model, fold_numbers
from core.training.frames import target_of, weights_of
from core.training.plan.plan import Plan
from core.training.progress import StallWatch

logger = logging.getLogger(__name__)

DONE = "done"
POLL_S = 1.0
_NO_XGBOOST = "XGBoost's native library does not load on this machine."


class Say(Protocol):
    """Writes down what changes of the run."""

    def __call__(self, **news: Unpack[RunChanges]) -> object:
        """Write it down."""


class BaselineTrainer:
    """Trains the baselines of one run, one after the other.

    Parameters
    ----------
    is_cancelled : callable
        Asked about once a second.
    say : callable
        Writes down what changes of the run.
    keep : callable
        Stores what scoring and explaining a model later needs.
    stall_limit_s : float
        How long a baseline may stand still before it is ended.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        is_cancelled: Callable[[], bool],
        say: Say,
        keep: Callable[[Plan, AutoMLJob, ModelDetails, str], None],
        *,
        stall_limit_s: float,
    ) -> None:
        self._stall_limit_s = stall_limit_s
        self._engine = engine
        self._store = store
        self._is_cancelled = is_cancelled
        self._say = say
        self._keep = keep

    def train(self, plan: Plan, job: AutoMLJob, run: RunInfo) -> None:
        """Train what `plan.settings.baselines` asks for and note how each ended.

        A baseline that fails is noted with its reason: the models of the AutoML are what the run is for.
        """
        outcomes: dict[str, str] = {}
        for name in plan.settings.baselines:
            if self._is_cancelled():
                outcomes[name] = "cancelled"
                continue
            self._say(stage=f"Baseline: {BASELINE_NAMES[name]}", progress=0.0)  # of this baseline
            try:
                outcomes[name] = self._train_one(name, plan, job, run)
            except AppError as error:
                logger.warning("baseline %s of run %s failed", name, run.run_id, exc_info=error)
                outcomes[name] = error.message
        self._say(baselines=outcomes)

    def _train_one(self, name: str, plan: Plan, job: AutoMLJob, run: RunInfo) -> str:
        key = model_key(name, run.run_id)
        if name == CONSTANT:
            self._store.add_model(run.run_id, constant_of(plan, key), plan.settings.task, baseline=name)
            return DONE
        if name == XGBOOST and not self._engine.has_xgboost():
            return _NO_XGBOOST
        state = self._watch(name, key, self._find_job(name, run) or self._start(name, plan, job, run), plan)
        if not state.models:
            if state.status == "cancelled":
                return "cancelled"
            raise EngineError(state.error or "No model was built; the time was too short for one.")
        self._log(name, plan, job, run, state)
        return DONE

    def _find_job(self, name: str, run: RunInfo) -> str | None:
        """Return the job that a former owner of this run started; the engine still lives, or this were not reached."""
        return run.baseline_jobs.get(name)

    def _start(self, name: str, plan: Plan, job: AutoMLJob, run: RunInfo) -> str:
        started = self._engine.baselines.start(
            name,
            job.training_frame,
            plan.settings,
            features=plan.features.names,
            key=model_key(name, run.run_id),
            fold_column=plan.fold_column,
            target_sd=plan.target_sd,
        )
        self._say(baseline_jobs={**self._store.get_run(run.run_id).baseline_jobs, name: started})
        return started

    def _watch(self, name: str, key: str, started: str, plan: Plan) -> BaselineState:
        cancelled, stall = False, StallWatch(self._stall_limit_s)
        begun, limit_s = time.monotonic(), plan.settings.max_runtime_secs
        while True:
            if not cancelled and self._is_cancelled():
                self._say(stage=CANCELLING)
                self._engine.baselines.cancel(started)
                cancelled = True
            state = self._engine.baselines.poll(started, key)
            if state.status != "running":
                return state
            try:
                stall.look(state)
            except RunError:
                self._engine.baselines.cancel(started)
                raise
            if name == XGBOOST and not cancelled:
                share = (time.monotonic() - begun) / limit_s if limit_s else 0.0
                if wanted := plan.settings.max_models:
                    share = max(share, len(state.models) / wanted)
                words = f"Baseline: {BASELINE_NAMES[name]}, {_of(len(state.models), plan)}"
                self._say(stage=words, progress=round(min(share, 1.0), 2))
            time.sleep(POLL_S)

    def _log(self, name: str, plan: Plan, job: AutoMLJob, run: RunInfo, state: BaselineState) -> None:
        details = self._best([self._engine.models.details(model) for model in state.models], plan)
        self._engine.delete([model for model in state.models if model != details.key])
        if job.holdout_frame:
            found = self._engine.models.holdout_metrics(details.key, job.holdout_frame)
            held = {f"holdout_{metric}": value for metric, value in found.items()}
            details = replace(details, metrics={**details.metrics, **held})
        model_id = self._store.add_model(run.run_id, details, plan.settings.task, baseline=name)
        tags = {"searched": str(len(state.models))} if name == XGBOOST else {}
        if details.training_time_s is not None:
            tags["training_time_s"] = str(details.training_time_s)
        self._store.set_model_tags(model_id, tags)
        self._keep(plan, job, details, model_id)

    def _best(self, found: list[ModelDetails], plan: Plan) -> ModelDetails:
        """Return the best by the run's own metric, as its leader was chosen."""
        metric = ranking_metric(plan.settings)
        known = [details for details in found if metric in details.metrics] or found
        better = min if is_lower_better(metric) else max
        return better(known, key=lambda details: details.metrics.get(metric, 0.0))


def constant_of(plan: Plan, key: str) -> ModelDetails:
    """Measure the constant predictor on the rows and folds of a run."""
    rows, held = plan.train_rows, plan.holdout_rows
    folds = fold_numbers(len(rows), plan.settings.nfolds) if plan.folds is None else plan.folds
    target, folds, weights = alike(plan, rows, folds)
    kept, _, kept_weights = alike(plan, held, np.zeros(len(held), dtype=np.int64))
    return constant_model(
        key,
        target,
        folds,
        task=plan.settings.task,
        classes=plan.classes,
        holdout=kept if len(held) else None,
        weights=weights,
        holdout_weights=kept_weights,
    )


def alike(plan: Plan, rows: np.ndarray, folds: np.ndarray) -> tuple[pa.ChunkedArray, np.ndarray, np.ndarray | None]:
    """Return target, fold and weight of rows; those of one class and fold, for which all is the same, as one."""
    target, weights = target_of(plan).take(pa.array(rows)), _weights(plan, rows)
    if not plan.classes:
        return target, folds, weights
    table = pa.table({"class": target, "fold": folds, "weight": np.ones(len(rows)) if weights is None else weights})
    found = table.group_by(["class", "fold"]).aggregate([("weight", "sum")])
    return found["class"], found["fold"].to_numpy(), found["weight_sum"].to_numpy()


def constant_metrics(plan: Plan) -> dict[str, float]:
    """Return what the constant predictor scores on the rows that models are ranked and judged by."""
    found = {name: value for name, value in constant_of(plan, CONSTANT).metrics.items() if not is_of_folds(name)}
    if plan.settings.task == "binary":
        labels = target_of(plan).take(pa.array(plan.train_rows))
        found["cv_auc_chance"] = auc_by_chance(pc.sum(pc.equal(labels, plan.classes[-1])).as_py(), len(labels))
    return {name: value for name, value in found.items() if name.startswith(("cv_", "holdout_"))}


def _weights(plan: Plan, rows: np.ndarray) -> np.ndarray | None:
    name = plan.settings.weights_column
    return None if name is None else np.asarray(weights_of(plan, name, rows).to_numpy(), dtype=np.float64)


def engine_keys(run: RunInfo) -> tuple[str, ...]:
    """Return what the baselines of a run are called in the engine, to be removed with the run."""
    return tuple(model_key(name, run.run_id) for name in run.settings.baselines if name != CONSTANT)


def _of(built: int, plan: Plan) -> str:
    wanted = plan.settings.max_models
    return f"{built} of {wanted} tried" if wanted else f"{built} tried"
