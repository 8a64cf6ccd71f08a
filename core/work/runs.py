"""The queue: one training at a time over every process of a home, first come first served.

The queue is the runs that wait in the store. Whoever holds the lock file `mlruns/trainer.lock` trains; a killed owner
loses the lock with its process, so the next process takes over what it left.
"""

import logging
import time
import uuid
from collections.abc import Callable, Sequence

from core.domain.runs import RunInfo
from core.domain.training import TrainingSettings
from core.engine.protocol import Engine
from core.errors import AppError, QueueFullError, RunError
from core.explain import Explainer
from core.files import check_free_space
from core.ledger.database import Ledger
from core.locks import FileLock
from core.plain import to_plain
from core.report import Reports
from core.settings import Settings
from core.store.mlflow import Store
from core.training.trainer import Trainer
from core.work.heartbeat import BEAT_S, HomeWatch, is_alive
from core.work.problems import check_problem
from core.work.signals import QueueSignals
from core.work.steps import QueueWork
from core.work.waiting import STAGE, ClusterWait
from core.work.worker import Worker

logger = logging.getLogger(__name__)

_IDLE_S = 0.5


class Jobs(Worker):
    """Take runs in, work on them one by one, cancel them, find the ones that a killed process left.

    Every method may raise `StoreError` kin, and `RunNotFoundError` where there is no such run.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        ledger: Ledger,
        engine: Engine,
        trainer: Trainer,
        explainer: Explainer,
        reports: Reports,
    ) -> None:
        super().__init__("jobs", _IDLE_S)
        self._settings = settings
        self._store = store
        self._ledger = ledger
        self._engine = engine
        self._trainer = trainer
        self._signals = QueueSignals(settings.mlruns_dir)
        self._runs = QueueWork(store, engine, trainer, explainer, reports, self._signals, self._stopping)
        self._wait = ClusterWait(settings, store, engine, trainer.fail)
        self._until: str | None = None
        self._current: str | None = None
        self._rung, self._is_pending = 0.0, True
        self._homes, self._looked_at = HomeWatch(), 0.0

    # --- what pages and commands call ---------------------------------------------------------------------------------

    def submit(
        self, settings: TrainingSettings, *, key: str | None = None, person: str = "", verifies: str = ""
    ) -> str:
        """Check a run and put it at the end of the queue.

        Parameters
        ----------
        key : str, optional
            Two calls with one key make one run: a double click trains once.
        verifies : str
            The run that this one trains again; the verdict is kept with both.

        Returns
        -------
        str
            The run's id.

        Raises
        ------
        DatasetNotFoundError, TargetError, TrainingSettingsError
            If the run cannot work, or its experiment predicts something else (code ``experiment.problem``); nothing is
            queued then.
        QueueFullError
            If `BELLWETHER_MAX_QUEUE` runs wait or run already.
        """
        check_free_space(self._settings.mlruns_dir, self._settings)
        plan = self._trainer.plan(settings)
        # One at a time over all processes: the limit holds, and the queue is in the order in which people asked.
        with FileLock(self._signals.submit_lock).alone():
            if not verifies:
                check_problem(self._store, plan.settings)
            active = self.queue()
            known = key and any(run.key == key for run in active)
            if len(active) >= self._settings.max_queue and not known:
                raise QueueFullError(f"{len(active)} runs are waiting or running, which is the limit.")
            run_id = self._store.create_run(
                plan.settings, plan.dataset, key=key or uuid.uuid4().hex, person=person, verifies=verifies
            )
            if not self._ledger.entries(action="train", subject=run_id, limit=1):  # the key may be of an earlier run
                self._ledger.record("train", run_id, person=person, detail=to_plain(plan.settings))
        self._signals.ring()
        return run_id

    def cancel(self, run_id: str, *, person: str = "") -> None:
        """Cancel a queued or running run; the models it has built stay. A run that has ended is left as it is.

        Raises
        ------
        RunError
            Code ``run.elsewhere`` if another home that shares the store trains it now.
        """
        run = self._store.get_run(run_id)
        if run.is_final:
            return
        is_elsewhere = run.status == "running" and not self._store.owns(run)
        if is_elsewhere and is_alive(run):
            raise RunError(
                "This run trains in another home.", hint="Cancel it where it was started.", code="run.elsewhere"
            )
        self._signals.ask_to_cancel(run.run_id)
        self._ledger.record("cancel", run.run_id, person=person)
        # Still waiting? The audit may have had to be waited for.
        if is_elsewhere or self._store.get_run(run.run_id).status == "queued":
            self._store.set_status(run.run_id, "cancelled")
        self._signals.ring()

    def queue(self) -> tuple[RunInfo, ...]:
        """Return this home's run in progress, then those that wait here, in the order in which they will start."""
        return self._active()[0]

    def waits_for(self) -> str:
        """Return what holds the queue of this process up, in words for everybody; empty where nothing does."""
        return STAGE if self._wait.reason else ""

    def position(self, run_id: str) -> int | None:
        """Return a queued run's 1-based place in the queue; None when it does not wait."""
        queued = [run.run_id for run in self.queue() if run.status == "queued"]
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
            time.sleep(_IDLE_S)

    # --- the worker ---------------------------------------------------------------------------------------------------

    def start(self, *, until: str | None = None) -> None:
        """Begin to work on the queue.

        Parameters
        ----------
        until : str, optional
            A run's id. The worker then leaves the queue to any process that works on all of it, and works itself only
            where there is none, until this run has ended and is explained: for a command, which has settled already
            and ends with its run.
        """
        if not self.is_working:
            self._until, self._is_pending = until, True
            super().start()

    def stop_engine(self) -> None:
        """Let go of the engine, after `stop`; it is left as it is for a run in it whose trainer was killed."""
        leave, current = False, self._current
        try:
            if self._engine.status().state == "ready":
                if current is not None and (job := self._trainer.find_job(self._store.get_run(current))):
                    self._engine.automl.cancel(job)  # our thread did not end in time
                leave = any(self._runs.can_resume(run) and run.run_id != current for run in self._running())
        except AppError as error:
            logger.warning("which runs are in the engine is unknown: %s", error.message, exc_info=error)
        self._engine.stop(leave=leave)

    def settle(self, *, finish: bool = False) -> None:
        """Mark runs failed whose engine is gone, and end an engine that has nothing to do.

        Does nothing while another process trains. A run whose AutoML still runs is left for the worker to take up.

        Parameters
        ----------
        finish : bool
            Also keep what an AutoML made that has ended since its owner was killed: for a command, which has no worker.
        """
        with self._signals.training() as mine:
            if not mine:
                return
            living = False
            for run in self._running():
                can_resume = self._runs.can_resume(run)
                state = self._trainer.find_state(run) if finish and can_resume else None
                if not can_resume or (finish and state is None):
                    self._runs.interrupt(run)
                elif state is not None and state.status != "running":
                    self._runs.train(run)
                else:
                    living = True
            if not living:  # its models may be in the engine and nowhere else yet
                self._engine.end_idle()

    def has_other_worker(self) -> bool:
        """Tell whether another process works on the queue of this home; ask before `start`."""
        return self._signals.has_worker()

    def step(self) -> None:
        """Work on everything that can be worked on now, if something is new or was left by the step before."""
        if self._until is None:
            self._signals.worker.share()
        rung = self._signals.rung_at()
        if self._is_pending or rung != self._rung or self._is_to_look():
            self._rung, self._is_pending = rung, True
            self._is_pending = self._work_off()

    def drop(self, reference: str) -> None:
        """Fail the run that met a bug, and end what it still trains."""
        if (run_id := self._current) is not None:
            self._runs.give_up(run_id, reference)
            self._current = None  # a second bug, while it is tidied up, holds nobody up
            self._trainer.cancel_and_release(run_id)

    def _work(self, *, is_settled: bool = False) -> None:
        with self._signals.worker:
            super()._work(is_settled=self._until is not None)  # a command has settled before

    def _work_off(self) -> bool:
        """Work on one run after the other; return whether something is left to come back for."""
        if self._until is not None and self._signals.has_worker():
            return True
        with self._signals.training() as mine:
            if not mine:
                return True
            self._current = None
            while not self._stopping.is_set():
                self._forget_cancels()
                run = self._next()
                if run is None:
                    self._wait.end()
                    return False
                if run.status == "queued" and not self._wait.is_over(self._queued()):
                    return True
                self._current = run.run_id
                if run.is_final:
                    self._runs.explain(run)
                else:
                    self._runs.train(run)
                self._current = None
        return True

    def _forget_cancels(self) -> None:
        """Drop the requests to cancel runs that have ended; only the one that trains may, lest it misses one."""
        if requests := self._signals.to_cancel():
            self._signals.forget_cancels(requests - {run.run_id for run in self.queue()})

    def _next(self) -> RunInfo | None:
        """Return the run to work on.

        One that a killed owner left running, else the one that waits longest, else one that waits for explanations. A
        worker that is there for one run explains that one at once, and then has nothing more to do.
        """
        if self._until is not None:
            own = self._store.get_run(self._until)
            if own.is_final:
                return own if own.explanations == "computing" and self._store.owns(own) else None
        mine, others = self._active()
        for run in mine:
            if run.status == "running" or self._store.claim_run(run.run_id):
                return run
        ended = self._store.list_runs(statuses=("finished", "cancelled"))
        unexplained = [run for run in reversed(ended) if run.explanations == "computing" and self._store.owns(run)]
        return next(iter(unexplained), None) or self._next_of(others)

    def _next_of(self, others: Sequence[RunInfo]) -> RunInfo | None:
        """Return the run of another home to take over: its home shows no life, and its dataset is here too."""
        self._looked_at = time.monotonic()
        silent = self._homes.silent(others) if self._until is None else ()
        for run in others:
            is_free = run.status == "queued" and run.home in silent
            if is_free and self._trainer.datasets.find(run.settings.dataset_id) and self._store.claim_run(run.run_id):
                return self._store.get_run(run.run_id)
        return None

    def _is_to_look(self) -> bool:
        """Return whether other homes may have left something, for they ring no bell here."""
        return self._store.is_shared and time.monotonic() - self._looked_at >= BEAT_S

    def _active(self) -> tuple[tuple[RunInfo, ...], tuple[RunInfo, ...]]:
        """Return the runs of this home, and those of others, that run or wait: running ones first, then the oldest."""
        oldest_first = self._store.list_runs(statuses=("running", "queued"), limit=10_000)[::-1]
        in_order = sorted(oldest_first, key=lambda run: run.status != "running")
        mine = tuple(run for run in in_order if self._store.owns(run))
        return mine, tuple(run for run in in_order if not self._store.owns(run))

    def _queued(self) -> tuple[RunInfo, ...]:
        return tuple(run for run in self.queue() if run.status == "queued")

    def _running(self) -> tuple[RunInfo, ...]:
        return tuple(run for run in self._store.list_runs(statuses=("running",)) if self._store.owns(run))
