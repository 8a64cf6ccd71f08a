"""One attempt at one run: the steps from the data in the engine to the stored models, each of which can be repeated."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Unpack, cast

import numpy as np
import pyarrow as pa

from core.data.drift.compare import make_reference
from core.domain.champions import ChampionEntry
from core.domain.runs import CANCELLING, AutoMLJob, AutoMLState, RunStatus
from core.errors import AliasMovedError, AppError, RunCancelled, RunError, TrainingSettingsError
from core.ledger.champions import ChampionTable
from core.models.opened import reference_file
from core.plain import to_json
from core.store.items import Artifact, iter_events, iter_leaderboard
from core.store.records import RunChanges
from core.training.backtest import LEAST_S, Backtester
from core.training.baselines import BaselineTrainer, constant_metrics
from core.training.frames import import_frame, send_frame
from core.training.plan.options import has_backtest
from core.training.plan.plan import Plan, no_model_error
from core.training.progress import StallWatch, share_done
from core.training.proof.verification import settle
from core.training.run_models import KEEP_TOP, RunModels, with_holdout

if TYPE_CHECKING:
    from core.training.trainer import Trainer

logger = logging.getLogger(__name__)

# How often a training is looked at: soon after its start, so that a short one does not wait for us, then each second.
FIRST_POLL_S, POLL_S, POLL_SHARE = 0.25, 1.0, 0.02
REPORT_S = 2.0  # how often a mere change of the progress is written down
FINISH_S = 4.0  # for so long after it was cancelled a run goes on adding to models other than its leader


class Attempt:
    """One attempt at one run; everything that must outlive it is in the store."""

    def __init__(self, trainer: "Trainer", run_id: str, is_cancelled: Callable[[], bool]) -> None:
        self._settings = trainer.settings
        self._store = trainer.store
        self._ledger = trainer.ledger
        self._engine = trainer.engine
        self._trainer = trainer
        self.run_id = run_id
        self._is_asked_to_end = is_cancelled
        self._cancelled_at: float | None = None
        self._models = RunModels(self._settings, self._store, self._engine, run_id)
        self._frames: list[str] = []
        self._seconds: dict[str, float] = {}
        self._said: dict[str, object] = {}
        self._reported_at = 0.0

    def go(self) -> None:
        """Run all steps; an expected error becomes the run's own."""
        info = self._store.get_run(self.run_id)
        started = time.monotonic()
        try:
            plan = self._trainer.plan(info.settings)
            self._store.set_status(self.run_id, "running")
            self._models.reload()
            job = self._trainer.find_job(info) or self._start(plan)
            state = self._watch(plan, job)
            with self._timed("log"):
                self._finish(plan, job, state)
            if plan.settings.baselines:
                with self._timed("baselines"):
                    self._train_baselines(plan, job)
            if has_backtest(plan.settings):
                with self._timed("backtest"):
                    self._backtest(plan)
            if not self._is_cancelled():
                settle(self._store, self._store.get_run(self.run_id), plan.dataset)
            self._seconds["total"] = time.monotonic() - started
            self._say(seconds=dict(self._seconds))
            self._end("cancelled" if self._is_cancelled() else "finished")
        except RunCancelled:
            self._end("cancelled")
        except AppError as error:
            logger.warning("run %s failed: %s", self.run_id, error.code, exc_info=error)
            self._trainer.fail(self.run_id, error)
            self._models.kept.clear()  # a failed run is not explained
        if not self._models.kept:  # what is stored is explained first, and released then
            self._trainer.cancel_and_release(self.run_id, self._frames)

    # --- steps --------------------------------------------------------------------------------------------------------

    def _start(self, plan: Plan) -> AutoMLJob:
        self._say(stage="Starting the engine")
        with self._timed("engine"):
            cluster = self._engine.ensure_ready()
            self._check_algorithms(plan)
        self._say(engine=self._engine.describe())
        self._check_cancelled()
        if plan.recipe is not None:
            self._store.log(
                self.run_id, [Artifact("fitted_recipe.json", to_json(plan.recipe.to_dict(), indent=1).encode())]
            )
        self._say(stage="Sending the data to the engine")
        with self._timed("upload"):
            if plan.dataset.remote:
                frame = import_frame(self._engine, plan)
                self._frames.append(frame)
            else:
                frame = self._upload(plan, plan.train_rows, folds=plan.folds)
            holdout = self._upload(plan, plan.holdout_rows) if len(plan.holdout_rows) else None
            blending = None
            if len(plan.blending_rows):
                blending = self._upload(plan, plan.blending_rows, folds=plan.blending_folds)
        project = f"run_{self.run_id}"
        asked = AutoMLJob(cluster, "", "", project, frame, holdout, blending)
        # Noted before it is asked for: should we die now, the next owner finds the training by its project.
        self._say(job=asked, stage="Training")
        job = self._engine.automl.start(
            frame,
            plan.settings,
            features=plan.features.names,
            project=project,
            holdout=holdout,
            blending=blending,
            fold_column=plan.fold_column,
            classes=plan.engine_classes,
            target_sd=plan.target_sd,
        )
        self._say(job=job, trained_since=datetime.now(UTC))
        self._keep_reference(plan)  # while the engine is busy already
        self._say(constant=constant_metrics(plan))
        return job

    def _keep_reference(self, plan: Plan) -> None:
        rows = pa.array(plan.train_rows)

        def load(names: Sequence[str]) -> pa.Table:
            return plan.data.typed(names).take(rows)

        reference = make_reference(load, plan.inputs, len(rows))
        self._store.log(self.run_id, [reference_file(reference)])

    def _check_algorithms(self, plan: Plan) -> None:
        """Refuse XGBoost where somebody asked for it and its native library does not load; H2O would just skip it."""
        if "XGBoost" in plan.settings.include_algos and not self._engine.has_xgboost():
            raise TrainingSettingsError(
                "XGBoost cannot be trained on this machine: its native library does not load.",
                hint="Leave XGBoost out; GBM builds the same kind of model.",
            )

    def _upload(self, plan: Plan, rows: np.ndarray, *, folds: np.ndarray | None = None) -> str:
        frame = send_frame(self._engine, self._settings, plan, rows, folds=folds)
        self._frames.append(frame)
        self._check_cancelled()
        return frame

    def _watch(self, plan: Plan, job: AutoMLJob) -> AutoMLState:
        """Poll until the AutoML ends, keeping each model when it appears."""
        begun = time.monotonic()
        told, state, stall = False, None, StallWatch(self._settings.stall_limit_s)
        while True:
            if not told and self._is_cancelled():
                self._say(stage=CANCELLING)
                self._engine.automl.cancel(job)
                told = True
            state = self._engine.automl.poll(job, state)
            for key in state.models:
                if key not in self._models.logged:
                    self._models.add(plan, job, key, is_top=key in state.models[: KEEP_TOP + 1])
            self._report(plan, state)
            stall.look(state)
            if state.status != "running":
                self._seconds["train"] = time.monotonic() - begun
                return state
            pause_s = 0.0 if told else POLL_SHARE * (time.monotonic() - begun)
            time.sleep(min(POLL_S, max(FIRST_POLL_S, pause_s)))

    def _report(self, plan: Plan, state: AutoMLState) -> None:
        now = time.monotonic()
        news = len(state.events) != self._said.get("n_events") or state.status != "running"
        if not news and now - self._reported_at < REPORT_S:
            return
        self._reported_at = now
        changed = self._say(
            progress=round(share_done(plan.settings, self._models.logged, state.progress), 2),
            stage=state.message or "Training",
            n_models=len(self._models.logged),
            n_events=len(state.events),
        )
        if "n_events" in changed:
            self._store.log(self.run_id, iter_events(state.events))

    def _finish(self, plan: Plan, job: AutoMLJob, state: AutoMLState) -> None:
        """Rank, keep the top, register the leader."""
        if not state.models:
            if self._is_cancelled():
                return
            message, hint = no_model_error(plan.settings, state.error)
            raise RunError(message, hint=hint, code="run.no_models")
        self._store.log(self.run_id, iter_events(state.events))
        board = self._engine.automl.leaderboard(job)
        order = [str(key) for key in board["model_id"].to_pylist()]
        for place, key in enumerate(order[: KEEP_TOP + 1]):
            late = place > 0 and self._is_late()
            if key not in self._models.kept and not (late and key in self._models.secured):
                self._models.keep(plan, job, self._engine.models.details(key), self._models.logged[key])
        self._models.rank(board, order)
        constant = self._store.get_run(self.run_id).constant
        self._models.compare(plan, constant or constant_metrics(plan), order)
        stored = {model.model_key: model for model in self._store.models(run_id=self.run_id)}
        self._store.log(self.run_id, iter_leaderboard(with_holdout(board, stored)))
        self._say(leader_id=self._models.logged[order[0]], n_models=len(order), progress=1.0)
        # A run that only trains another one again has nothing new to publish.
        if not self._is_cancelled() and not self._store.get_run(self.run_id).verifies:
            self._register(plan, self._models.logged[order[0]])

    def _train_baselines(self, plan: Plan, job: AutoMLJob) -> None:
        trainer = BaselineTrainer(
            self._engine, self._store, self._is_cancelled, self._say, self._models.keep,
            stall_limit_s=self._settings.stall_limit_s,
        )  # fmt: skip
        trainer.train(plan, job, self._store.get_run(self.run_id))

    def _backtest(self, plan: Plan) -> None:
        limit_s = plan.settings.max_runtime_secs or max(self._seconds.get("train", 0.0), LEAST_S)
        backtester = Backtester(
            self._engine, self._store, self._settings, self._is_cancelled, self._say, limit_s=limit_s
        )
        backtester.run(plan, self._store.get_run(self.run_id))

    def _register(self, plan: Plan, model_id: str) -> None:
        version = self._store.register(model_id)
        experiment = plan.settings.experiment
        champion, history = self._store.champion(experiment), ChampionTable(self._ledger)
        if self._store.foreign_champion(experiment) is not None:  # another tool's: only a person takes its place
            return
        is_ours = champion is not None and champion.id == model_id
        if champion is not None and not (is_ours and not history.list(experiment, limit=1)):
            return
        entry = ChampionEntry(
            experiment=experiment, version=version, model_id=model_id, at=datetime.now(UTC), automatic=True,
            why="Leader of the first run",
        )  # fmt: skip
        detail = {"run_id": self.run_id, "automatic": "first run"}
        try:
            with history.adding(entry, detail):
                self._store.set_champion(experiment, version, instead_of=None, entry=entry)
        except AliasMovedError:  # another run was the first after all
            logger.info("run %s: %s has a champion already", self.run_id, experiment)

    # --- endings ------------------------------------------------------------------------------------------------------

    def _end(self, status: RunStatus) -> None:
        self._say(stage="", explanations="computing" if self._models.kept else "")
        self._store.set_status(self.run_id, status)
        self._ledger.record(f"run {status}", self.run_id)

    # --- small things -------------------------------------------------------------------------------------------------

    def _is_cancelled(self) -> bool:
        if self._cancelled_at is None and self._is_asked_to_end():
            self._cancelled_at = time.monotonic()
        return self._cancelled_at is not None

    def _is_late(self) -> bool:
        """Whether the run was cancelled so long ago that somebody waits for its end."""
        return self._is_cancelled() and time.monotonic() - (self._cancelled_at or 0.0) > FINISH_S

    def _check_cancelled(self) -> None:
        if self._is_cancelled():
            raise RunCancelled

    def _say(self, **news: Unpack[RunChanges]) -> RunChanges:
        """Write down what changed since the last time; return it."""
        changed = cast(RunChanges, {name: value for name, value in news.items() if self._said.get(name) != value})
        if changed:
            self._store.update_run(self.run_id, **changed)
            self._said |= changed
        return changed

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self._seconds[name] = self._seconds.get(name, 0.0) + time.monotonic() - begun
