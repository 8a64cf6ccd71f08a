"""The backtest of a run: its best single models, built again on the past only and judged on what followed."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.domain.backtest import Backtest, BacktestStep, Period, rebuilt_key
from core.domain.baselines import CONSTANT
from core.domain.models import ModelInfo
from core.domain.runs import RunInfo
from core.engine.protocol import Engine
from core.errors import AppError, EngineDiedError, EngineError, EngineUnavailableError
from core.models.opened import backtest_file
from core.settings import Settings
from core.store.mlflow import Store
from core.training.baselines import Say, alike
from core.training.constant import constant_on
from core.training.frames import send_frame, target_of
from core.training.plan.options import ENSEMBLE
from core.training.plan.plan import Plan
from core.training.plan.roles import time_numbers
from core.training.plan.windows import forward_windows
from core.training.progress import StallWatch
from core.wording import duration_text

logger = logging.getLogger(__name__)

LEAST_S = 60.0  # so that a training of seconds is not left without its backtest on a busy machine
CANCEL_S = 10.0
_POLL_S = 0.25


@dataclass
class _Step:
    """A step while it is done: its rows of the dataset, and what has come of it so far."""

    learned: np.ndarray
    judged: np.ndarray
    about: BacktestStep
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    skipped: str = ""

    def result(self) -> BacktestStep:
        return replace(self.about, metrics=self.metrics, missing=self.missing, skipped=self.skipped)


class Backtester:
    """Backtests one run after its AutoML, whatever happens to single steps or models.

    Parameters
    ----------
    settings : Settings
        Of the home.
    is_cancelled : callable
        Asked while a model is built.
    say : callable
        Writes down what changes of the run.
    limit_s : float
        How long it may take: what is there then is stored, with a word about it.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        settings: Settings,
        is_cancelled: Callable[[], bool],
        say: Say,
        *,
        limit_s: float,
    ) -> None:
        self._engine = engine
        self._store = store
        self._settings = settings
        self._is_cancelled = is_cancelled
        self._say = say
        self._limit_s = limit_s
        self._deadline = time.monotonic() + limit_s
        self._ended = ""

    def run(self, plan: Plan, run: RunInfo) -> None:
        """Do the steps, the latest first, and store what came of them.

        The latest step is the most like the use that follows, so it is the one to have when the time runs out.
        """
        stored = self._store.models(run_id=run.run_id, limit=10_000)
        models, steps = chosen_models(stored, run.leader_id), _steps(plan)
        for done, step in enumerate(reversed(steps)):
            if self._is_over():
                break
            self._say(stage=f"Backtest: step {done + 1} of {len(steps)}", progress=round(done / len(steps), 2))
            try:
                self._do(plan, run, step, models)
            except (EngineDiedError, EngineUnavailableError) as error:
                logger.warning("the backtest of run %s ended", run.run_id, exc_info=error)
                self._ended = error.message
            except AppError as error:  # another step may do better
                logger.warning("a step of the backtest of run %s failed", run.run_id, exc_info=error)
                step.skipped = error.message
        self._say(progress=1.0)
        found = Backtest(
            time_column=plan.settings.split_column or "",
            is_date=_is_date(plan),
            models=(*(model.model_key for model in models), CONSTANT),
            leader=next((model.model_key for model in stored if model.id == run.leader_id), ""),
            steps=tuple(step.result() for step in steps),
            holdout=_period(plan, plan.holdout_rows) if len(plan.holdout_rows) else None,
            has_recipe=plan.recipe is not None,
            ended=self._ended,
        )
        self._store.log(run.run_id, [backtest_file(found)])

    def _do(self, plan: Plan, run: RunInfo, step: _Step, models: Sequence[ModelInfo]) -> None:
        step.skipped = _why_skipped(plan, step)
        if step.skipped:
            return
        step.metrics[CONSTANT] = _constant(plan, step)
        frames: list[str] = []
        try:
            frames.append(send_frame(self._engine, self._settings, plan, step.learned))
            frames.append(send_frame(self._engine, self._settings, plan, step.judged))
            for model in models:
                if self._is_over():
                    return
                try:
                    step.metrics[model.model_key] = self._judge(run, model, *frames)
                except (EngineDiedError, EngineUnavailableError):
                    raise
                except AppError as error:
                    logger.warning("backtest of %s in run %s failed", model.model_key, run.run_id, exc_info=error)
                    step.missing[model.model_key] = self._ended or error.message
        finally:
            self._remove(frames)

    def _judge(self, run: RunInfo, model: ModelInfo, learned: str, judged: str) -> dict[str, float]:
        """Return the metrics on a block of a model that was built again on what lies before it."""
        key = rebuilt_key(model.model_key, run.run_id)
        job = self._engine.models.rebuild(model.model_key, learned, key=key)
        try:
            self._wait(job, key)
            return self._engine.models.holdout_metrics(key, judged)
        finally:
            self._remove([key])

    def _wait(self, job: str, key: str) -> None:
        """Wait for a model; EngineError if it was not built, or had to be stopped."""
        stall, stopped_at = StallWatch(self._settings.stall_limit_s), 0.0
        while (state := self._engine.baselines.poll(job, key)).status == "running":
            if not stopped_at and self._is_over():
                self._engine.baselines.cancel(job)
                stopped_at = time.monotonic()
            if stopped_at and time.monotonic() - stopped_at > CANCEL_S:
                break
            try:
                stall.look(state)
            except AppError:
                self._engine.baselines.cancel(job)
                raise
            time.sleep(_POLL_S)
        if state.status != "done":
            raise EngineError(state.error or "It was stopped before it was built.")

    def _is_over(self) -> bool:
        """Return whether nothing more is to be begun, and remember why."""
        if self._ended:
            return True
        if self._is_cancelled():
            self._ended = "The run was cancelled."
        elif time.monotonic() >= self._deadline:
            self._ended = (
                f"The time was up: a backtest may take as long as the training, here {duration_text(self._limit_s)}."
            )
        return bool(self._ended)

    def _remove(self, keys: Sequence[str]) -> None:
        try:
            self._engine.delete(keys)
        except EngineError as error:  # an engine that is gone has removed them
            logger.warning("what a backtest left in the engine could not be removed", exc_info=error)


def chosen_models(models: Sequence[ModelInfo], leader_id: str | None) -> tuple[ModelInfo, ...]:
    """Return the models to backtest: the best one of each algorithm, the leader first; no ensembles, no baselines."""
    ranked = sorted(
        (model for model in models if model.rank is not None and model.baseline is None and model.algo != ENSEMBLE),
        key=lambda model: (model.id != leader_id, model.rank or 0),
    )
    best: dict[str, ModelInfo] = {}
    for model in ranked:
        best.setdefault(model.algo, model)
    return tuple(best.values())


def _steps(plan: Plan) -> list[_Step]:
    """Return the steps of a run that is split by time, oldest first."""
    if plan.folds is None:
        raise ValueError("A run without blocks of time has no backtest.")
    found = []
    for window in forward_windows(plan.folds):
        learned, judged = plan.train_rows[window.learned], plan.train_rows[window.judged]
        about = BacktestStep(learned=_period(plan, learned), judged=_period(plan, judged))
        found.append(_Step(learned, judged, about))
    return found


def _period(plan: Plan, rows: np.ndarray) -> Period:
    name = plan.settings.split_column or ""
    times = time_numbers(plan.data.typed([name])[name].take(pa.array(rows)))
    return Period(first=float(times.min()), last=float(times.max()), n_rows=len(rows))


def _is_date(plan: Plan) -> bool:
    return plan.dataset.schema[plan.settings.split_column or ""].type == "date"


def _why_skipped(plan: Plan, step: _Step) -> str:
    """Say why nothing can be judged in a step: a class that nobody can know yet, or one only to tell apart."""
    if not plan.classes:
        return ""
    target = target_of(plan)
    known, asked = (set(pc.unique(target.take(pa.array(rows))).to_pylist()) for rows in (step.learned, step.judged))
    unknown = [name for name in plan.classes if name not in known]
    if unknown:
        return f"No row before this stretch has the class {unknown[0]!r}, so that it cannot be learned."
    if plan.settings.task == "binary" and len(asked) < len(plan.classes):
        return f"All rows of this stretch have the class {asked.pop()!r}, so that there is nothing to tell apart."
    return ""


def _constant(plan: Plan, step: _Step) -> dict[str, float]:
    parts = [alike(plan, rows, np.zeros(len(rows), dtype=np.int64)) for rows in (step.learned, step.judged)]
    (learned, _, weights), (judged, _, judged_weights) = parts
    return constant_on(
        learned,
        judged,
        task=plan.settings.task,
        classes=plan.classes,
        weights=weights,
        judged_weights=judged_weights,
    )
