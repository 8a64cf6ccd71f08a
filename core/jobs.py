"""The queue: one training at a time over every process of a home, first come first served.

The queue is the runs that wait in the store. Whoever holds the lock file `mlruns/trainer.lock` trains; a killed owner
loses the lock with its process, so the next process takes over what it left.
"""

import fcntl
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.config import Settings
from core.datasets import Datasets
from core.engine import Engine
from core.errors import AppError, QueueFullError, RunError, RunInterruptedError
from core.explain import compare, compute
from core.files import check_free_space, make_folder
from core.leaderboard import best_stored
from core.ledger import Ledger
from core.store import Store
from core.training import Trainer
from core.types import AutoMLJob, RunInfo, TrainingSettings

logger = logging.getLogger(__name__)

_IDLE_S = 0.5
_STOP_S = 8.0


class Jobs:
    """Take runs in, work on them one by one, cancel them, find the ones that a killed process left.

    Parameters
    ----------
    settings, datasets, store, ledger, engine, trainer
        The services it works with.
    """

    def __init__(
        self,
        settings: Settings,
        datasets: Datasets,
        store: Store,
        ledger: Ledger,
        engine: Engine,
        trainer: Trainer,
    ) -> None:
        self._settings = settings
        self._datasets = datasets
        self._store = store
        self._ledger = ledger
        self._engine = engine
        self._trainer = trainer
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._current: RunInfo | None = None
        self._lock_path = settings.mlruns_dir / "trainer.lock"
        self._worker_path = settings.mlruns_dir / "worker.lock"
        self._bell = settings.mlruns_dir / "queue.bell"
        self._cancels = settings.mlruns_dir / "cancels"
        self._submitting = threading.Lock()

    # --- what pages and commands call ---------------------------------------------------------------------------------

    def submit(self, settings: TrainingSettings, *, key: str | None = None, person: str = "") -> str:
        """Check a run and put it at the end of the queue.

        Parameters
        ----------
        settings : TrainingSettings
            What to train.
        key : str, optional
            Two calls with one key make one run: a double click trains once.
        person : str
            Who asked.

        Returns
        -------
        str
            The run's id.

        Raises
        ------
        DatasetNotFoundError, TargetError, TrainingSettingsError
            If the run cannot work; nothing is queued then.
        QueueFullError
            If `BELLWETHER_MAX_QUEUE` runs wait or run already.
        DiskFullError
            If less than `BELLWETHER_MIN_FREE` is free.
        """
        check_free_space(self._settings.mlruns_dir, self._settings)
        plan = self._trainer.plan(settings)
        with self._submitting:
            waiting = self._store.list_runs(statuses=("queued", "running"))
            known = key and any(run.tags.get("key") == key for run in waiting)
            if len(waiting) >= self._settings.max_queue and not known:
                raise QueueFullError(f"{len(waiting)} runs wait or run already, which is the limit.")
            run_id = self._store.create_run(plan.settings, plan.dataset, key=key or uuid.uuid4().hex, person=person)
        self._ledger.record("train", run_id, person=person, detail=plan.settings.to_dict())
        self._bell.touch(mode=0o600)
        return run_id

    def cancel(self, run_id: str, *, person: str = "") -> None:
        """Cancel a queued or running run; the models it has built stay. A run that has ended is left as it is.

        Raises
        ------
        RunNotFoundError
            If there is no such run.
        """
        run = self._store.get_run(run_id)
        if run.is_final:
            return
        make_folder(self._cancels)
        (self._cancels / run.run_id).touch(mode=0o600)
        self._ledger.record("cancel", run.run_id, person=person)
        if run.status == "queued":
            self._store.set_status(run.run_id, "cancelled")
        self._bell.touch(mode=0o600)

    def position(self, run_id: str) -> int | None:
        """Return a queued run's 1-based place in the queue; None when it does not wait."""
        queued = [run.run_id for run in reversed(self._store.list_runs(statuses=("queued",)))]
        return queued.index(run_id) + 1 if run_id in queued else None

    def wait(
        self,
        run_id: str,
        timeout_s: float | None = None,
        on_change: Callable[[RunInfo], None] | None = None,
        *,
        until_explained: bool = False,
    ) -> RunInfo:
        """Wait until a run has ended and return it.

        Parameters
        ----------
        run_id : str
            The run.
        timeout_s : float, optional
            Return the run as it is after this long.
        on_change : callable, optional
            Called with the run whenever its progress, stage or status changed.
        until_explained : bool
            Wait for its explanations too.
        """
        end = None if timeout_s is None else time.monotonic() + timeout_s
        seen: tuple[object, ...] = ()
        while True:
            run = self._store.get_run(run_id)
            now = (run.status, run.stage, run.progress, run.n_models)
            if on_change and now != seen:
                on_change(run)
            seen = now
            explained = not until_explained or run.explanations != "computing"
            if (run.is_final and explained) or (end is not None and time.monotonic() > end):
                return run
            self._stopping.wait(_IDLE_S)

    # --- the worker ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to work on the queue in a thread of this process."""
        if self._thread is None or not self._thread.is_alive():
            self._stopping.clear()
            self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop working: a run in progress is cancelled and its models are kept."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_S)

    def settle(self) -> None:
        """Mark runs failed whose engine is gone, and end an engine that has nothing to do.

        Does nothing while another process trains. A run whose AutoML still runs is left for the worker to take up.
        """
        with _flock(self._lock_path, fcntl.LOCK_EX) as mine:
            if not mine:
                return
            for run in self._store.list_runs(statuses=("running",)):
                if not self._can_resume(run):
                    self._interrupt(run)
            self._engine.end_idle()

    def has_other_worker(self) -> bool:
        """Tell whether another process works on the queue of this home; ask before `start`."""
        with _flock(self._worker_path, fcntl.LOCK_EX) as alone:
            return not alone

    def _can_resume(self, run: RunInfo) -> bool:
        saved = run.tags.get("job")
        return saved is not None and self._engine.is_alive(AutoMLJob.from_json(saved).cluster)

    def _interrupt(self, run: RunInfo) -> None:
        self._store.set_tags(run.run_id, {"interrupted": "true"})
        self._end_failed(run, RunInterruptedError("What was running this run ended before the run did."))

    def _end_failed(self, run: RunInfo, error: AppError) -> None:
        tags = {"error": error.to_json(), "stage": ""}
        if leader := best_stored(self._store.models(run_id=run.run_id)):
            tags["leader_id"] = leader.id
        self._store.set_tags(run.run_id, tags)
        self._store.set_status(run.run_id, "failed")
        self._ledger.record("run failed", run.run_id, detail={"code": error.code})

    def _work(self) -> None:
        with _flock(self._worker_path, fcntl.LOCK_SH):
            self._work_until_stopped()

    def _work_until_stopped(self) -> None:
        rung = -1.0
        pending = True
        while not self._stopping.is_set():
            now = self._bell.stat().st_mtime if self._bell.exists() else 0.0
            if pending or now != rung:
                rung = now
                try:
                    pending = self._step()
                except AppError as error:
                    logger.warning("the queue has to wait: %s", error.message, exc_info=error)
                    pending = True
                except Exception:  # the outer border of background work: one bad run must not end the queue
                    reference = uuid.uuid4().hex[:8]
                    logger.exception("a bug in background work (ref %s)", reference)
                    pending = self._drop_current(reference)
            self._stopping.wait(_IDLE_S)

    def _step(self) -> bool:
        """Work on everything that can be worked on now; return whether something is left to come back for."""
        with _flock(self._lock_path, fcntl.LOCK_EX) as mine:
            if not mine:
                return True
            while not self._stopping.is_set():
                run = self._next()
                if run is None:
                    return self._explain_one()
                self._train(run)
        return True

    def _next(self) -> RunInfo | None:
        """Return the run to work on: one that a killed owner left running, else the one that waits longest."""
        running = self._store.list_runs(statuses=("running",))
        waiting = running or self._store.list_runs(statuses=("queued",))
        return waiting[-1] if waiting else None

    def _drop_current(self, reference: str) -> bool:
        """Fail the run that met a bug, so that it is not tried for ever; return that the queue goes on."""
        if self._current is not None:
            error = RunError(f"Something went wrong (ref {reference}).", code="run.bug")
            if self._current.is_final:
                self._store.set_tags(self._current.run_id, {"explanations": f"failed: {error.message}"})
            else:
                self._end_failed(self._current, error)
            self._current = None
        return True

    def _train(self, run: RunInfo) -> None:
        self._current = run
        if run.status == "running" and not self._can_resume(run):
            self._interrupt(run)
            return
        marker = self._cancels / run.run_id
        if run.status == "queued" and marker.exists():
            self._store.set_status(run.run_id, "cancelled")
        else:
            self._trainer.run(run.run_id, lambda: marker.exists() or self._stopping.is_set())
        marker.unlink(missing_ok=True)
        self._current = None

    def _explain_one(self) -> bool:
        """Explain the models of one run that waits for it; return whether another one may wait."""
        waiting = [
            run for run in self._store.list_runs(statuses=("finished", "cancelled")) if run.explanations == "computing"
        ]
        if not waiting:
            return False
        run = self._current = waiting[-1]
        state = "done"
        try:
            for model in self._store.models(run_id=run.run_id):
                if model.has_files and not self._stopping.is_set():
                    # Its models are still needed to measure their times; `release` removes them.
                    compute(self._engine, self._store, self._datasets, model, leave_loaded=self._can_resume(run))
            compare(self._store, run.run_id)
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
            self._store.set_tags(run.run_id, {"explanations": state})
        self._current = None
        return True


@contextmanager
def _flock(path: Path, kind: int) -> Iterator[bool]:
    """Hold a lock file if that can be had at once; yield whether it is. A dying process gives it back."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
