"""One run from its place in the queue to its end: its plan, its attempts, and what it holds in the engine."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from cachetools import LRUCache

from core.data.datasets.registry import Datasets
from core.domain.runs import AutoMLJob, AutoMLState, RunInfo
from core.domain.training import TrainingSettings
from core.engine.protocol import Engine
from core.errors import AppError, EngineError
from core.ledger.database import Ledger
from core.models.leaderboard import best_stored
from core.plain import to_json
from core.settings import Settings
from core.store.items import iter_leaderboard
from core.store.mlflow import Store
from core.training.attempt import FIRST_POLL_S, Attempt
from core.training.baselines import engine_keys
from core.training.plan.plan import Plan, make_plan
from core.training.run_models import with_holdout

logger = logging.getLogger(__name__)

CANCEL_S = 10.0
_KEPT_PLANS = 2  # each holds numbers of rows


class Trainer:
    """Runs one AutoML at a time against the engine and keeps what it makes."""

    def __init__(self, settings: Settings, datasets: Datasets, store: Store, ledger: Ledger, engine: Engine) -> None:
        self.settings = settings
        self.datasets = datasets
        self.store = store
        self.ledger = ledger
        self.engine = engine
        self._plans: LRUCache[tuple[str, str], Plan] = LRUCache(_KEPT_PLANS)
        self._lock = threading.Lock()

    def plan(self, settings: TrainingSettings) -> Plan:
        """Check settings against the data; see `core.training.plan.plan.make_plan` for what it raises.

        The plan of a run just asked for is kept, so that its training does not make it again.
        """
        dataset = self.datasets.find_id(settings.dataset_id)
        with self._lock:
            known = self._plans.get((to_json(settings), dataset.schema.digest())) if dataset else None
        if known is None:
            known = make_plan(settings, self.datasets, self.settings)
            with self._lock:
                self._plans[to_json(known.settings), known.dataset.schema.digest()] = known
        return known

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
        Attempt(self, run_id, is_cancelled).go()
        return self.store.get_run(run_id)

    def fail(self, run_id: str, error: AppError) -> None:
        """Mark a run failed; the models stored so far stay, the best of them leads."""
        models = self.store.models(run_id=run_id, limit=10_000)
        leader = best_stored(models)
        self.store.update_run(
            run_id, error=error.to_dict(), stage="", n_models=len(models), leader_id=leader.id if leader else None
        )
        self.store.set_status(run_id, "failed")
        self.ledger.record("run failed", run_id, detail={"code": error.code})

    def measure(self, run: RunInfo) -> None:
        """Add the models' prediction times to an ended run's leaderboard, while its engine still has them.

        Each model scores all training rows for it, so it follows the run and is not part of it.
        """
        job = run.job
        if job is None or run.leader_id is None or not self.engine.is_alive(job.cluster):
            return
        board = self.engine.automl.leaderboard(job, timed=True)
        models = {model.model_key: model for model in self.store.models(run_id=run.run_id)}
        times = zip(board["model_id"].to_pylist(), board["predict_time_per_row_ms"].to_pylist(), strict=True)
        for key, time_ms in times:
            if key in models and time_ms is not None:
                self.store.set_model_tags(models[key].id, {"predict_time_per_row_s": str(time_ms / 1000)})
        self.store.log(run.run_id, iter_leaderboard(with_holdout(board, models)))

    def find_state(self, run: RunInfo) -> AutoMLState | None:
        """Return how far the AutoML of a running run is, whose engine lives; None if it never began."""
        job = self.find_job(run)
        return None if job is None else self.engine.automl.poll(job)

    def find_job(self, run: RunInfo) -> AutoMLJob | None:
        """Return the AutoML that this or a former owner of a run has started, if its engine still has it."""
        job = run.job
        if job is None or not self.engine.is_alive(job.cluster):
            return None
        self.engine.ensure_ready()
        # Without its key: the owner died between asking for the training and noting down the answer.
        return job if job.job_key else self.engine.automl.find(job)

    def cancel_and_release(self, run_id: str, frames: Sequence[str] = ()) -> None:
        """End what a run still trains, which nobody watches any more, and free what it holds in the engine.

        Parameters
        ----------
        frames : sequence of str
            What was uploaded for it, should it have no AutoML yet.
        """
        run = self.store.get_run(run_id)
        try:
            job = self.find_job(run)
            if job is not None:
                for started in run.baseline_jobs.values():
                    self.engine.baselines.cancel(started)
                self.engine.automl.cancel(job)
                deadline = time.monotonic() + CANCEL_S
                while self.engine.automl.poll(job).status == "running" and time.monotonic() < deadline:
                    time.sleep(FIRST_POLL_S)
                self.release_job(run, job)
            elif frames:
                self.engine.delete(frames)
        except EngineError as error:
            logger.warning("run %s could not be closed in the engine", run_id, exc_info=error)

    def release(self, run: RunInfo) -> None:
        """Free what an ended run holds in the engine: its frames and all its models."""
        if run.job is not None:
            self.release_job(run, run.job)

    def release_job(self, run: RunInfo, job: AutoMLJob) -> None:
        """Free what a run's AutoML, which has ended, and its baselines hold in the engine."""
        if self.engine.is_alive(job.cluster):
            models = self.engine.automl.poll(job).models
            frames = [key for key in (job.training_frame, job.holdout_frame, job.blending_frame) if key]
            self.engine.delete([*models, *engine_keys(run), job.dest_key, *frames])
