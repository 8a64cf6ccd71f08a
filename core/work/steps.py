"""What the queue does with one run: train it, explain it, or fail it."""

import logging
import threading

from core.domain.runs import ExplanationStatus, RunInfo
from core.engine.protocol import Engine
from core.errors import AppError, RunError, RunInterruptedError, RunNotFoundError
from core.explain import Explainer
from core.report import Reports
from core.store.mlflow import Store
from core.training.trainer import Trainer
from core.work.heartbeat import Heartbeat
from core.work.signals import QueueSignals

logger = logging.getLogger(__name__)


class QueueWork:
    """Works on one run at a time.

    Parameters
    ----------
    stopping : threading.Event
        Set when this process stops: a training is cancelled then, explanations are left for the next process.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        trainer: Trainer,
        explainer: Explainer,
        reports: Reports,
        signals: QueueSignals,
        stopping: threading.Event,
    ) -> None:
        self._store = store
        self._engine = engine
        self._trainer = trainer
        self._explainer = explainer
        self._reports = reports
        self._signals = signals
        self._stopping = stopping

    def can_resume(self, run: RunInfo) -> bool:
        """Return whether the engine that a running run is in still lives."""
        return run.job is not None and self._engine.is_alive(run.job.cluster)

    def train(self, run: RunInfo) -> None:
        """Bring a queued or running run to its end; one whose engine is gone is failed as interrupted."""
        if run.status == "running" and not self.can_resume(run):
            self.interrupt(run)
        elif run.status == "queued" and self._signals.is_to_cancel(run.run_id):
            self._store.set_status(run.run_id, "cancelled")
        else:
            with Heartbeat(self._store, run.run_id):
                self._trainer.run(run.run_id, lambda: self._signals.is_to_cancel(run.run_id) or self._stopping.is_set())

    def explain(self, run: RunInfo) -> None:
        """Explain the models of an ended run that waits for it, free what it holds in the engine, write the report."""
        failed = ""
        try:
            for model in self._store.models(run_id=run.run_id):
                if model.has_files and not self._stopping.is_set():
                    # Its models are still needed to measure their times; `release` removes them.
                    self._explainer.compute(model, leave_loaded=self.can_resume(run))
            self._explainer.compare(run.run_id)
        except AppError as error:
            logger.warning("explanations of run %s failed", run.run_id, exc_info=error)
            failed = error.message
        try:
            if not self._stopping.is_set():  # it takes seconds, and who stops us waits
                self._trainer.measure(run)
            self._trainer.release(run)
        except AppError as error:
            # The run and its explanations are stored; only the prediction times or some memory may be missing.
            logger.warning("run %s could not be closed in the engine", run.run_id, exc_info=error)
        if not self._stopping.is_set():
            self._report(run)
            self._say_explained(run.run_id, failed)

    def _say_explained(self, run_id: str, failed: str) -> None:
        status: ExplanationStatus = "failed" if failed else "done"
        self._store.update_run(run_id, explanations=status, explanations_error=failed)

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
        self._store.update_run(run.run_id, interrupted=True)
        self._trainer.fail(run.run_id, RunInterruptedError("The process that ran this run ended before the run did."))

    def give_up(self, run_id: str, reference: str) -> None:
        """Fail a run that met a bug, so that it is not tried for ever; one that had ended before stays as it is."""
        try:
            run = self._store.get_run(run_id)
        except RunNotFoundError:
            return
        error = RunError(f"Something went wrong (ref {reference}).", code="run.bug")
        if not run.is_final:
            self._trainer.fail(run_id, error)
        elif run.explanations == "computing":
            self._say_explained(run_id, error.message)
