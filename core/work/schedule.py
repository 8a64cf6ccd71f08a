"""Retraining on a schedule: every week, or once a scored file raises an alert.

A schedule is a line of the audit, and so is what came of each turn: the newest line counts.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, get_args

from core.domain.runs import RunInfo
from core.domain.training import TrainingSettings
from core.errors import AppError, ReviewError, RunError, RunInterruptedError
from core.ledger.database import AuditEntry, Ledger
from core.locks import FileLock
from core.monitoring.monitor import Monitor
from core.review.retraining import Promote, Retraining
from core.review.reviews import check_person
from core.settings import Settings
from core.work.runs import Jobs
from core.work.worker import Worker

When = Literal["never", "weekly", "alert"]
WHENS: tuple[When, ...] = get_args(When)
PERSON: Final = "schedule"  # who trains and promotes then
WEEK: Final = timedelta(days=7)
_SET, _TURN = "retraining schedule", "scheduled retraining"  # in the audit
_LOOK_S: Final = 60.0
_WAIT_S: Final = 1.0
_NOTES: Final[Mapping[When, str]] = {
    "weekly": "Scheduled every week", "alert": "Scheduled after an alert of a scored file",
}  # fmt: skip

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Schedule:
    """When an experiment is trained again by itself, and who said so.

    Attributes
    ----------
    promote : str
        ``if-better``, or ``never``: then the new leader is the challenger however good it is.
    alerts : tuple of str
        Those that were there already.
    """

    when: When
    at: datetime
    person: str
    promote: Promote = "if-better"
    alerts: tuple[str, ...] = ()


class Schedules(Worker):
    """Keeps the schedules, and trains what is due: one experiment at a time over all processes of a home."""

    def __init__(
        self, settings: Settings, ledger: Ledger, monitor: Monitor, retraining: Retraining, jobs: Jobs
    ) -> None:
        super().__init__("schedule", _LOOK_S)
        self._lock_path = settings.mlruns_dir / "schedule.lock"
        self._ledger = ledger
        self._monitor = monitor
        self._retraining = retraining
        self._jobs = jobs
        self._current: tuple[str, tuple[str, ...]] | None = None  # the experiment whose turn it is, and its alerts

    def find(self, experiment: str) -> Schedule | None:
        """Return an experiment's schedule; None where nobody made one."""
        found = self._ledger.entries(action=_SET, subject=experiment, limit=1)
        return _schedule(found[0]) if found else None

    def save(self, experiment: str, when: When, *, promote: Promote = "if-better", person: str) -> None:
        """Say when an experiment is trained again: the first time in a week, or with the next alert.

        ReviewError (``review.who``) where nobody says who they are: it decides about champions for weeks to come.
        """
        name = check_person(person)
        if not name:
            raise ReviewError(
                "Whoever sets a schedule has to say who they are.", hint="Add your name.", code="review.who"
            )
        detail = {"when": when, "promote": promote, "alerts": self._monitor.alert_keys(experiment)}
        self._ledger.record(_SET, experiment, person=name, detail=detail)
        self.wake()

    def last_turn(self, experiment: str) -> AuditEntry | None:
        """Return when it was last trained by its schedule; the detail says in ``note`` what came of it."""
        return next(iter(self._ledger.entries(action=_TURN, subject=experiment, limit=1)), None)

    def is_due(self, experiment: str, schedule: Schedule, now: datetime | None = None) -> bool:
        """Tell whether an experiment's turn has come."""
        last = self.last_turn(experiment)
        if schedule.when == "weekly":
            since = schedule.at if last is None else max(schedule.at, last.at)
            return (now or datetime.now(UTC)) - since >= WEEK
        if schedule.when == "never":
            return False
        known = {*schedule.alerts, *(last.detail["alerts"] if last else ())}
        return not known.issuperset(self._monitor.alert_keys(experiment))

    def step(self) -> None:
        """Train what is due, unless another process of the home does."""
        with FileLock(self._lock_path) as lock:
            if not lock.try_alone():
                return
            schedules = {entry.subject: entry for entry in reversed(self._ledger.entries(action=_SET, limit=10_000))}
            for experiment, entry in schedules.items():
                schedule = _schedule(entry)
                if not self._stopping.is_set() and self.is_due(experiment, schedule):
                    self._current = (experiment, self._monitor.alert_keys(experiment))
                    self._take_turn(experiment, schedule)
                    self._current = None

    def drop(self, reference: str) -> None:
        """Let the turn that met a bug be over."""
        self._end_turn("failed", f"Something went wrong (ref {reference}); the log has it.")
        self._current = None

    def _take_turn(self, experiment: str, schedule: Schedule) -> None:
        note = f"{_NOTES[schedule.when]}, by {schedule.person}" if schedule.person else _NOTES[schedule.when]
        try:
            done = self._retraining.retrain(experiment, self._train, promote=schedule.promote, note=note, person=PERSON)
        except AppError as error:
            if self._stopping.is_set():  # after the next start
                return
            logger.warning("%s was not trained again [%s]: %s", experiment, error.code, error.message)
            self._end_turn("failed", f"{error.message} {error.hint}")
            return
        self._end_turn(done.result, done.note)

    def _end_turn(self, result: str, note: str) -> None:
        if self._current is not None:
            experiment, alerts = self._current
            detail = {"result": result, "note": note, "alerts": alerts}
            self._ledger.record(_TURN, experiment, person=PERSON, detail=detail)

    def _train(self, settings: TrainingSettings) -> RunInfo:
        run_id = self._jobs.submit(settings, person=PERSON)
        while not self._stopping.is_set():
            run = self._jobs.wait(run_id, timeout_s=_WAIT_S)
            if run.error:
                raise RunError(run.error["message"], hint=run.error["hint"], code=run.error["code"])
            if run.is_final:
                return run
        raise RunInterruptedError("The app ends.")


def _schedule(entry: AuditEntry) -> Schedule:
    promote = entry.detail.get("promote", "if-better")  # the only way there was at first
    return Schedule(entry.detail["when"], entry.at, entry.person, promote, tuple(entry.detail["alerts"]))
