"""Scoring in the background: files that wait, one at a time, each with its record; survives a closed tab and a restart.

The queue is the records that wait in the ledger, with their files in ``data/scorings/ID/input``. A process that ends
puts the one it works on back; one that is killed leaves it to be marked interrupted at the next start.
"""

import logging
import threading
import time
from pathlib import Path
from typing import Final

from core.domain.models import ModelInfo
from core.errors import AppError, FileTooLargeError, ScoringCancelled, ScoringsFullError
from core.files import check_free_space
from core.ledger.database import Ledger
from core.ledger.scoring_records import REPEATABLE, ScoringOrigin, ScoringRecord, ScoringRequest, ScoringStatus
from core.scoring.log import ScoringLog
from core.scoring.result import Scored
from core.scoring.scorer import Scorer
from core.settings import Settings

logger = logging.getLogger(__name__)

_PAUSE_S: Final = 0.1
_RETRY_S: Final = 5.0
_STOP_S: Final = 5.0
_CLEAN_S: Final = 12 * 3600.0
_MIB: Final = 1024**2


class Scorings:
    """Takes files in to be scored in the background, says how far they are, and hands results out.

    Parameters
    ----------
    settings, ledger, log, scorer
        The services it works with.
    """

    def __init__(self, settings: Settings, ledger: Ledger, log: ScoringLog, scorer: Scorer) -> None:
        self._settings = settings
        self._ledger = ledger
        self._log = log
        self._scorer = scorer
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._cleaned_at = time.monotonic()

    # --- what pages call ----------------------------------------------------------------------------------------------

    def submit(
        self,
        path: Path,
        file_name: str,
        model: ModelInfo,
        request: ScoringRequest,
        *,
        person: str = "",
        origin: ScoringOrigin = "page",
    ) -> str:
        """Put a file at the end of the queue, and return the scoring's id; the file is copied.

        Raises
        ------
        FileTooLargeError
            If it is larger than `BELLWETHER_MAX_FILE`.
        ScoringsFullError
            If `BELLWETHER_MAX_SCORINGS` wait or run already.
        DiskFullError
            If less than `BELLWETHER_MIN_FREE` is free.
        """
        n_bytes = path.stat().st_size
        if n_bytes > self._settings.max_file_bytes:
            raise FileTooLargeError(
                f"The file is larger than the {self._settings.max_file_bytes / _MIB:,.0f} MiB allowed.",
                hint="Split the file, or raise BELLWETHER_MAX_FILE.",
            )
        check_free_space(self._settings.data_dir, self._settings)
        record = self._log.describe(
            model, path, file_name, request, origin=origin, person=person, status="queued"
        )  # fmt: skip
        if not self._log.enqueue(record, path):
            raise ScoringsFullError(f"{self._settings.max_scorings} scorings wait or run already, which is the limit.")
        self._wake.set()
        return record.id

    def again(self, scoring_id: str, *, person: str = "") -> None:
        """Let a scoring that was interrupted, failed or cancelled wait once more.

        Raises
        ------
        ScoringNotFoundError
            If there is none, or its file is gone.
        DataError
            If it waits, runs or has finished (``scoring.not_ended``).
        """
        record = self._log.get(scoring_id)
        self._log.put_back(record)
        self._ledger.record("score again", record.id, person=person, detail={"file": record.file_name})
        self._wake.set()

    def cancel(self, scoring_id: str, *, person: str = "") -> None:
        """End a scoring: at once where it waits, after the step it is at where it runs. One that has ended stays.

        Raises
        ------
        ScoringNotFoundError
            If there is none.
        """
        record = self._log.get(scoring_id)
        if self._log.cancel(record.id):
            self._ledger.record("cancel scoring", record.id, person=person, detail={"file": record.file_name})

    def active(self) -> tuple[ScoringRecord, ...]:
        """Return the scorings under way and then those that wait, in the order in which they will start."""
        found = self._log.list(statuses=("running", "queued"), limit=10_000)
        return tuple(sorted(found, key=lambda record: (record.status != "running", record.submitted_at, record.id)))

    def get(self, scoring_id: str) -> ScoringRecord:
        """Return a scoring.

        Raises
        ------
        ScoringNotFoundError
            If there is none.
        """
        return self._log.get(scoring_id)

    def list(
        self,
        *,
        experiment: str | None = None,
        person: str | None = None,
        statuses: tuple[ScoringStatus, ...] = (),
        limit: int = 200,
    ) -> tuple[ScoringRecord, ...]:
        """Return scorings, the newest first: all, of a problem, of a person."""
        return self._log.list(experiment=experiment, person=person, statuses=statuses, limit=limit)

    def experiments(self) -> dict[str, int]:
        """Return the experiments with scorings and how many have finished, the latest used first."""
        return self._log.experiments()

    def result(self, scoring_id: str) -> Scored:
        """Return a result that is kept.

        Raises
        ------
        ScoringNotFoundError
            If there is no such scoring, or its result is not kept (any more).
        """
        return self._log.result(scoring_id)

    def can_repeat(self, record: ScoringRecord) -> bool:
        """Whether `again` would work."""
        return record.status in REPEATABLE and self._log.input(record.id).is_file()

    def wait(self, scoring_id: str, timeout_s: float) -> ScoringRecord:
        """Wait until a scoring has ended and return it; as it is after `timeout_s`."""
        end = time.monotonic() + timeout_s
        while not (record := self._log.get(scoring_id)).is_final and time.monotonic() < end:
            self._stopping.wait(_PAUSE_S)
        return record

    # --- the worker ---------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Mark scorings interrupted whose process is gone.

        Raises
        ------
        StoreError
            If the ledger cannot be written.
        """
        self._log.settle()

    def maintain(self) -> None:
        """Remove results and scores whose time is over.

        Raises
        ------
        StoreError
            If the ledger cannot be read or written.
        """
        self._log.maintain()

    def start(self) -> None:
        """Begin to work on the queue in a thread of this process."""
        if self._thread is None or not self._thread.is_alive():
            self._stopping.clear()
            self._wake.set()
            self._thread = threading.Thread(target=self._work, name="scorings", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop working; what runs waits for the next start. Call `join` when the engine is stopped, too."""
        self._stopping.set()
        self._wake.set()

    def join(self) -> None:
        """Wait a little until the thread has ended."""
        if self._thread is not None:
            self._thread.join(_STOP_S)

    def _work(self) -> None:
        try:
            while not self._stopping.is_set():
                self._wake.wait(_CLEAN_S)
                self._wake.clear()
                try:
                    self._clean()
                    while not self._stopping.is_set() and (record := self._log.claim()) is not None:
                        self._score(record)
                except AppError as error:
                    logger.warning("scorings have to wait: %s", error.message, exc_info=error)
                    self._stopping.wait(_RETRY_S)
                    self._wake.set()
        finally:
            if not self._stopping.is_set():  # a bug ended this thread, and Python has logged it; the others go on
                self._thread = None
                self.start()

    def _clean(self) -> None:
        """Clean up once in a while, for a server that is not started anew for months."""
        if time.monotonic() - self._cleaned_at > _CLEAN_S:
            self._cleaned_at = time.monotonic()
            self.maintain()

    def _score(self, record: ScoringRecord) -> None:
        try:
            self._scorer.score_waiting(record, self._stopping)
        except ScoringCancelled:
            logger.info("scoring %s was cancelled", record.id)
        except AppError as error:
            logger.warning("scoring %s failed [%s]: %s", record.id, error.code, error.message)
