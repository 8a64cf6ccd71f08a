"""What the queue does with one run: train it, explain it, or fail it."""

import logging
import threading

from core.domain.runs import AutoMLJob, RunInfo
from core.engine import Engine
from core.errors import AppError, RunError, RunInterruptedError
from core.explain import Explainer
from core.ledger.database import Ledger
from core.models.leaderboard import best_stored
from core.plain import from_json
from core.report import Reports
from core.store.mlflow import Store
from core.training.trainer import Trainer
from core.work.signals import QueueSignals

logger = logging.getLogger(__name__)


class QueueWork:
    """Works on one run at a time.

    Parameters
    ----------
    store, ledger, engine, trainer, explainer, reports, signals
        What it works with.
    stopping : threading.Event
        Set when this process stops: a training is cancelled then, explanations are left for the next process.
    """

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        engine: Engine,
        trainer: Trainer,
        explainer: Explainer,
        reports: Reports,
        signals: QueueSignals,
        stopping: threading.Event,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._engine = engine
        self._trainer = trainer
        self._explainer = explainer
        self._reports = reports
        self._signals = signals
        self._stopping = stopping
        self._current: RunInfo | None = None

    def can_resume(self, run: RunInfo) -> bool:
        """Return whether the engine that a running run is in still lives."""
        saved = run.tags.get("job")
        return saved is not None and self._engine.is_alive(from_json(AutoMLJob, saved).cluster)

    def train(self, run: RunInfo) -> None:
        """Bring a queued or running run to its end; one whose engine is gone is failed as interrupted."""
        self._current = run
        if run.status == "running" and not self.can_resume(run):
            self.interrupt(run)
        elif run.status == "queued" and self._signals.is_to_cancel(run.run_id):
            self._store.set_status(run.run_id, "cancelled")
        else:
            self._trainer.run(run.run_id, lambda: self._signals.is_to_cancel(run.run_id) or self._stopping.is_set())
        self._signals.forget_cancel(run.run_id)
        self._current = None

    def explain(self, run: RunInfo) -> None:
        """Explain the models of an ended run that waits for it, free what it holds in the engine, write the report."""
        self._current = run
        state = "done"
        try:
            for model in self._store.models(run_id=run.run_id):
                if model.has_files and not self._stopping.is_set():
                    # Its models are still needed to measure their times; `release` removes them.
                    self._explainer.compute(model, leave_loaded=self.can_resume(run))
            self._explainer.compare(run.run_id)
        except AppError as error:
            logger.warning("explanations of run %s failed", run.run_id, exc_info=error)
            state = f"failed: {error.message}"
        try:
            if not self._stopping.is_set():  # it takes seconds, and who stops us waits
                self._trainer.measure(run)
            self._trainer.release(run)
        except AppError as error:
            # The run and its explanations are stored; only the prediction times or some memory may be missing.
            logger.warning("run %s could not be closed in the engine", run.run_id, exc_info=error)
        if not self._stopping.is_set():
            self._report(run)
            self._store.set_tags(run.run_id, {"explanations": state})
        self._current = None

    def _report(self, run: RunInfo) -> None:
        """Make the report of the leader; those of the others are made when somebody asks."""
        try:
            leader = next((one for one in self._store.models(run_id=run.run_id) if one.id == run.leader_id), None)
            if leader is not None and leader.has_files:
                self._reports.make(leader)
        except AppError as error:
            # The explanations are stored; the page says that there is no report yet, and makes one.
            logger.warning("the report of run %s failed", run.run_id, exc_info=error)

    def interrupt(self, run: RunInfo) -> None:
        """Fail a run whose engine is gone; its models are kept."""
        self._store.set_tags(run.run_id, {"interrupted": "true"})
        self._fail(run, RunInterruptedError("What was running this run ended before the run did."))

    def is_current(self, run: RunInfo) -> bool:
        """Return whether this process works on a run."""
        current = self._current
        return current is not None and current.run_id == run.run_id

    def cancel_current(self) -> None:
        """Cancel in the engine what this process trains, while the thread that does it is busy with something else."""
        current = self._current
        if current is not None and (job := self._trainer.find_job(self._store.get_run(current.run_id))):
            self._engine.automl.cancel(job)

    def drop_current(self, reference: str) -> None:
        """Fail the run that met a bug, so that it is not tried for ever."""
        run, self._current = self._current, None
        if run is None:
            return
        error = RunError(f"Something went wrong (ref {reference}).", code="run.bug")
        if run.is_final:
            self._store.set_tags(run.run_id, {"explanations": f"failed: {error.message}"})
        else:
            self._fail(run, error)

    def _fail(self, run: RunInfo, error: AppError) -> None:
        tags = {"error": error.to_json(), "stage": ""}
        if leader := best_stored(self._store.models(run_id=run.run_id)):
            tags["leader_id"] = leader.id
        self._store.set_tags(run.run_id, tags)
        self._store.set_status(run.run_id, "failed")
        self._signals.forget_cancel(run.run_id)
        self._ledger.record("run failed", run.run_id, detail={"code": error.code})
