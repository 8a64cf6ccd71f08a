"""How long things are kept: what has outlived its time, and its removal, which the app does twice a day."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from core.domain.runs import RunInfo
from core.ledger.database import Ledger
from core.models.removal import Removals
from core.monitoring.monitor import Monitor
from core.scoring.kept.log import ScoringLog
from core.settings import Settings
from core.store.mlflow import Store

_WORK_DAYS: Final = 3  # no training, scoring or upload lasts as long
_MOST: Final = 10_000


@dataclass(frozen=True)
class Expired:
    """Things of one kind whose time is over.

    Attributes
    ----------
    what : str
        The kind, in words.
    keep : str
        How long they are kept, and which setting says so.
    size_bytes : int
        What they take on the disk; 0 for runs, whose files stay until ``mlflow gc``.
    """

    what: str
    keep: str
    count: int
    size_bytes: int


class Retention:
    """Finds and removes what has outlived its time; each method may raise `StoreError` kin."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        ledger: Ledger,
        log: ScoringLog,
        monitor: Monitor,
        removals: Removals,
    ) -> None:
        self._settings = settings
        self._store = store
        self._ledger = ledger
        self._log = log
        self._monitor = monitor
        self._removals = removals

    def plan(self, now: datetime | None = None) -> tuple[Expired, ...]:
        """Return what `apply` would remove now, kind by kind, the empty ones too. Changes nothing."""
        now, settings = now or datetime.now(UTC), self._settings
        overdue, folder = self._log.overdue(now), self._log.folder
        results = f"{settings.keep_results_days} days (BELLWETHER_KEEP_RESULTS)"
        scores = f"{settings.keep_scores_days} days (BELLWETHER_KEEP_SCORES)"
        runs = f"{settings.keep_cancelled_days} days" if settings.keep_cancelled_days else "for ever"
        return (
            _count("results of scorings", results, [folder(one) / "result" for one in overdue.results]),
            _count("files of scorings that did not end well", results, map(folder, overdue.inputs)),
            _count("ids and scores", scores, map(folder, overdue.scores)),
            _count("folders of scorings that no record knows", "1 day", map(folder, overdue.unknown)),
            _count("actual outcomes", scores, self._monitor.overdue(now)),
            _count("work files that killed processes left", f"{_WORK_DAYS} days", self._work_files(now)),
            Expired("cancelled and failed runs", f"{runs} (BELLWETHER_KEEP_CANCELLED)", len(self._runs(now)), 0),
        )

    def apply(self, now: datetime | None = None, *, person: str = "") -> tuple[Expired, ...]:
        """Remove it, with a line in the audit where there was any, and return what it was."""
        now = now or datetime.now(UTC)
        planned = self.plan(now)
        self._log.maintain(now)
        self._monitor.maintain(now)
        for path in self._work_files(now):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        for run in self._runs(now):
            self._removals.remove(run, person=person)
        if removed := {one.what: one.count for one in planned if one.count}:
            self._ledger.record("retention", "home", person=person, detail=removed)
        return planned

    def _work_files(self, now: datetime) -> list[Path]:
        until = (now - timedelta(days=_WORK_DAYS)).timestamp()
        return [path for path in self._settings.work_dir.glob("*") if path.lstat().st_mtime < until]

    def _runs(self, now: datetime) -> list[RunInfo]:
        """Return this home's runs that ended long ago without success and of which nothing is in use."""
        days = self._settings.keep_cancelled_days
        if not days:
            return []
        until = now - timedelta(days=days)
        found = self._store.list_runs(statuses=("cancelled", "failed"), archived=None, limit=_MOST)
        old = [run for run in found if run.ended_at and run.ended_at < until and self._store.owns(run)]
        return [run for run in old if not self._is_needed(run)]

    def _is_needed(self, run: RunInfo) -> bool:
        planned = self._removals.plan(run)
        return bool(planned.in_use or planned.versions)


def _count(what: str, keep: str, paths: Iterable[Path]) -> Expired:
    found = list(paths)
    return Expired(what, keep, len(found), sum(map(_size, found)))


def _size(path: Path) -> int:
    return sum(one.lstat().st_size for one in (path, *path.rglob("*")) if one.is_file())
