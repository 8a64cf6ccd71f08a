"""The one place that keeps a record of every scoring, whoever asked for it, and the files that belong to it.

``data/scorings/ID/`` holds ``input`` (the file of one that waits), ``result/`` (rows and predictions, kept for
`Settings.keep_results_days`) and ``scores.parquet`` (ids and scores, for outcomes that come later).
"""

import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from core.domain.models import ModelInfo
from core.errors import AppError, DataError, RunInterruptedError, ScoringCancelled, ScoringNotFoundError
from core.files import make_folder
from core.ledger.database import Ledger
from core.ledger.scoring_records import (
    REPEATABLE,
    Kept,
    ScoringOrigin,
    ScoringRecord,
    ScoringRequest,
    ScoringStatus,
    ScoringSummary,
)
from core.ledger.scorings import ScoringTable
from core.processes import Mark
from core.scoring.kept.saved import SCORES, load_scored, save_scored, save_scores
from core.scoring.result import Scored
from core.settings import Settings

INPUT, RESULT = "input", "result"
# What each step is called, and which share of the work is done when it begins.
STEPS: Final = {
    "read": ("Reading the file", 0.02),
    "check": ("Checking the rows", 0.2),
    "predict": ("Predicting", 0.5),
    "reasons": ("Finding the reasons", 0.6),
    "write": ("Saving the result", 0.9),
}


class Received(Protocol):
    """What was received to be scored."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def sha256(self) -> str:
        """Of its bytes."""

    @property
    def n_bytes(self) -> int:
        """How many they are."""


@dataclass
class Entry:
    """A scoring in progress.

    Attributes
    ----------
    is_watched : bool
        Whether somebody looks at how far it is, and may want it to end.
    stopping : threading.Event or None
        Set when the process ends: the scoring then waits for the next one.
    """

    id: str
    folder: Path
    origin: ScoringOrigin
    person: str
    is_watched: bool
    table: ScoringTable
    stopping: threading.Event | None = None
    kept: Kept = ""
    is_done: bool = False

    @property
    def is_stopping(self) -> bool:
        """Whether the process that works on it is about to end."""
        return self.stopping is not None and self.stopping.is_set()

    def step(self, name: str) -> None:
        """Say that a step begins (ScoringCancelled if somebody wants the scoring to end, or the process ends)."""
        if not self.is_watched or name not in STEPS:
            return
        if self.table.progress(self.id, *STEPS[name]) or self.is_stopping:
            raise ScoringCancelled

    def keep(self, scored: Scored) -> None:
        """Keep ids and scores; and the whole result where a page will want it again."""
        if save_scores(scored, self.folder / SCORES):
            self.kept = "scores"
        if self.origin == "page":
            save_scored(scored, self.folder / RESULT)
            self.kept = "result"

    def finish(self, summary: ScoringSummary, scored: Scored, file_name: str) -> None:
        """Write that it ended well, with a line in the audit."""
        detail = {"file": file_name, "rows": scored.n_rows, "threshold": scored.threshold, "scoring": self.id}
        self.table.end(
            self.id, "finished", summary=summary, n_rows=scored.n_rows, kept=self.kept,
            audit=(self.person, scored.model.uri, detail),
        )  # fmt: skip
        self.is_done = True


@dataclass(frozen=True)
class Overdue:
    """Scorings of which something has outlived its time.

    Attributes
    ----------
    results, scores : tuple of str
        Ids of those whose result, or all that is kept of which, goes.
    inputs : tuple of str
        Ids of those that did not end well, whose file goes.
    unknown : tuple of str
        Names of folders that no record knows.
    """

    results: tuple[str, ...]
    inputs: tuple[str, ...]
    scores: tuple[str, ...]
    unknown: tuple[str, ...]


class ScoringLog:
    """Records of scorings and their files.

    Every method may raise what those of `Ledger` may, and `ScoringNotFoundError` where there is no such scoring.
    """

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._table = ScoringTable(ledger)
        self._owner = str(Mark.own())

    # --- writing ------------------------------------------------------------------------------------------------------

    @contextmanager
    def recording(
        self,
        model: ModelInfo,
        file: Received,
        request: ScoringRequest,
        *,
        origin: ScoringOrigin,
        person: str,
        at: datetime | None = None,
    ) -> Iterator[Entry]:
        """Record the scoring that the block does, as one that began now or at the time `at`."""
        record = self.describe(model, file, request, origin=origin, person=person, status="running", at=at)
        self._table.add(record)
        entry = Entry(record.id, self.folder(record.id), origin, person, is_watched=False, table=self._table)
        with self._ending(entry):
            yield entry

    @contextmanager
    def resuming(self, record: ScoringRecord, stopping: threading.Event) -> Iterator[Entry]:
        """Write what becomes of a scoring that was claimed from the queue; it waits again when `stopping` is set."""
        folder = self.folder(record.id)
        entry = Entry(
            record.id, folder, record.origin, record.person, is_watched=True, table=self._table, stopping=stopping
        )
        with self._ending(entry):
            yield entry

    @contextmanager
    def _ending(self, entry: Entry) -> Iterator[None]:
        try:
            yield
        except ScoringCancelled:
            self._drop(entry, "cancelled", None)
            raise
        except AppError as error:
            self._drop(entry, "failed", error)
            raise
        except (KeyboardInterrupt, SystemExit):
            self._drop(entry, "interrupted", _interruption())
            raise
        finally:
            if not entry.is_done:  # a bug; whoever catches it logs it
                self._drop(entry, "failed", AppError("Something went wrong while the file was scored."))
        self.input(entry.id).unlink(missing_ok=True)

    def _drop(self, entry: Entry, status: ScoringStatus, error: AppError | None) -> None:
        entry.is_done = True
        self._clear(entry.id)
        if entry.is_stopping:
            self._table.put_back(entry.id, ("running",))
        else:
            self._table.end(entry.id, status, error=error.to_dict() if error else None)

    def _clear(self, scoring_id: str) -> None:
        """Remove what a scoring has written that did not end well; the file itself stays, if it is ours."""
        folder = self.folder(scoring_id)
        shutil.rmtree(folder / RESULT, ignore_errors=True)
        (folder / SCORES).unlink(missing_ok=True)
        if not (folder / INPUT).exists():
            shutil.rmtree(folder, ignore_errors=True)

    def describe(
        self,
        model: ModelInfo,
        file: Received,
        request: ScoringRequest,
        *,
        origin: ScoringOrigin,
        person: str,
        status: ScoringStatus,
        at: datetime | None = None,
    ) -> ScoringRecord:
        """Return the record of a scoring that begins, or waits, now or at the time `at`."""
        now = at or datetime.now(UTC)
        return ScoringRecord(
            id=uuid.uuid4().hex, experiment=model.experiment, model_id=model.id, model_version=model.version,
            algo=model.algo, submitted_at=now, started_at=now if status == "running" else None, origin=origin,
            status=status, file_name=file.name, sha256=file.sha256, n_bytes=file.n_bytes, request=request,
            person=person, owner=self._owner if status == "running" else "", background=status == "queued",
        )  # fmt: skip

    def enqueue(self, record: ScoringRecord, path: Path) -> bool:
        """Let a scoring wait, with its file; return whether there was room for it."""
        folder = self.folder(record.id)
        make_folder(folder)
        shutil.copyfile(path, folder / INPUT)
        is_room = self._table.add(record, most_queued=self._settings.max_scorings)
        if not is_room:
            shutil.rmtree(folder, ignore_errors=True)
        return is_room

    def claim(self) -> ScoringRecord | None:
        """Take the scoring that waits longest; None when none waits."""
        return self._table.claim(self._owner)

    def put_back(self, record: ScoringRecord) -> None:
        """Let a scoring that ended without a result wait again.

        DataError if it waits, runs or has finished (``scoring.not_ended``).
        """
        if record.status in REPEATABLE and not self.input(record.id).is_file():
            raise ScoringNotFoundError(
                "The file of this scoring is no longer kept.", hint="Upload it again.", code="scoring.gone"
            )
        # Asked of the ledger: whoever clicks twice has seen the record as it was before the first click.
        if not self._table.put_back(record.id, REPEATABLE):
            raise DataError(
                "This scoring is running or has finished.", hint="Open it instead.", code="scoring.not_ended"
            )

    def cancel(self, scoring_id: str) -> bool:
        """End a scoring that waits, or ask for the end of one that runs; return whether it was one of the two."""
        return self._table.ask_to_cancel(scoring_id)

    def settle(self) -> None:
        """Mark scorings interrupted whose process is gone."""
        for record in self._table.list(statuses=("running",), limit=10_000):
            owner = Mark.parse(record.owner)
            if owner is None or owner.process() is None:
                self._clear(record.id)
                self._table.end(record.id, "interrupted", error=_interruption().to_dict())

    # --- reading ------------------------------------------------------------------------------------------------------

    def get(self, scoring_id: str) -> ScoringRecord:
        """Return a scoring."""
        found = self._table.find(scoring_id)
        if found is None:
            raise ScoringNotFoundError(f"There is no scoring {scoring_id[:40]!r}.")
        return found

    def list(
        self,
        *,
        experiment: str | None = None,
        person: str | None = None,
        statuses: tuple[ScoringStatus, ...] = (),
        limit: int = 200,
    ) -> tuple[ScoringRecord, ...]:
        """Return scorings, the newest first."""
        return self._table.list(experiment=experiment, person=person, statuses=statuses, limit=limit)

    def experiments(self) -> dict[str, int]:
        """Return the experiments with scorings and how many have finished, the latest used first."""
        return self._table.experiments()

    def count(self) -> dict[str, int]:
        """Return how many scorings are in each status."""
        return self._table.count()

    def result(self, scoring_id: str) -> Scored:
        """Return a kept result.

        ScoringNotFoundError if there is no such scoring, or its result is not kept (any more).
        """
        record = self.get(scoring_id)
        try:
            if record.kept == "result":
                return load_scored(self.folder(scoring_id) / RESULT)
        except FileNotFoundError as error:
            raise self._gone(record) from error
        raise self._gone(record)

    def scores_path(self, scoring_id: str) -> Path | None:
        """Return the file of ids and scores; None when it is not there."""
        path = self.folder(scoring_id) / SCORES
        return path if path.is_file() else None

    def input(self, scoring_id: str) -> Path:
        """Return where the file of a scoring that waits, or did not end well, lies."""
        return self.folder(scoring_id) / INPUT

    def folder(self, scoring_id: str) -> Path:
        """Return the folder of a scoring's files."""
        return self._settings.scorings_dir / scoring_id

    def _gone(self, record: ScoringRecord) -> ScoringNotFoundError:
        days = self._settings.keep_results_days
        why = f"Results of the Predict page are kept for {days} days" if record.origin == "page" else "It was delivered"
        return ScoringNotFoundError(
            f"The result of {record.file_name!r} is no longer kept.", hint=f"{why}; score the file again.",
            code="scoring.gone",
        )  # fmt: skip

    # --- cleaning up --------------------------------------------------------------------------------------------------

    def overdue(self, now: datetime) -> Overdue:
        """Return what `maintain` would remove at that time."""
        results_until = now - timedelta(days=self._settings.keep_results_days)
        scores_until = now - timedelta(days=self._settings.keep_scores_days)
        # A young folder may belong to a record that is about to be written.
        old = [
            folder.name
            for folder in self._settings.scorings_dir.glob("*")
            if now.timestamp() - folder.stat().st_mtime > timedelta(days=1).total_seconds()
        ]
        scores = self._table.kept_before(scores_until, ("scores", "result"))
        return Overdue(
            results=tuple(set(self._table.kept_before(results_until, ("result",))) - set(scores)),
            inputs=tuple(one for one in self._table.kept_before(results_until, ("",)) if self.folder(one).exists()),
            scores=scores,
            unknown=tuple(name for name in old if self._table.find(name) is None),
        )

    def maintain(self, now: datetime | None = None) -> None:
        """Remove results and scores whose time is over, and folders that no record knows."""
        overdue = self.overdue(now or datetime.now(UTC))
        for scoring_id in overdue.results:
            shutil.rmtree(self.folder(scoring_id) / RESULT, ignore_errors=True)
            self._table.set_kept([scoring_id], "scores" if self.scores_path(scoring_id) else "")
        for scoring_id in (*overdue.inputs, *overdue.scores, *overdue.unknown):
            shutil.rmtree(self.folder(scoring_id), ignore_errors=True)
        self._table.set_kept(overdue.scores, "")


def _interruption() -> RunInterruptedError:
    return RunInterruptedError(
        "The process that scored this file ended before it had finished.",
        hint="Start it again, or upload the file again. No result was saved.",
        code="scoring.interrupted",
    )
