"""Scoring in the background: files that wait, one at a time, each with its record; survives a closed tab and a restart.

The queue is the records that wait in the ledger, with their files in ``data/scorings/ID/input``. A process that ends
puts the one it works on back; one that is killed leaves it to be marked interrupted at the next start.
"""

import logging
import time
from pathlib import Path
from typing import Final

from core.domain.models import ModelInfo
from core.errors import AppError, FileTooLargeError, ScoringCancelled, ScoringsFullError
from core.files import check_free_space
from core.ledger.database import Ledger
from core.ledger.scoring_records import REPEATABLE, ScoringOrigin, ScoringRecord, ScoringRequest
from core.scoring.kept.log import ScoringLog
from core.scoring.scorer import Scorer
from core.settings import Settings
from core.wording import bytes_text
from core.work.worker import Worker

logger = logging.getLogger(__name__)

_PAUSE_S: Final = 0.1
_LOOK_S: Final = 600.0  # for what another process has put back


class Scorings(Worker):
    """Takes files in to be scored in the background and works on them; `ScoringLog` says how far they are.

    Every method may raise what those of `ScoringLog` may.
    """

    def __init__(self, settings: Settings, ledger: Ledger, log: ScoringLog, scorer: Scorer) -> None:
        super().__init__("scorings", _LOOK_S)
        self._settings = settings
        self._ledger = ledger
        self._log = log
        self._scorer = scorer

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
        """
        n_bytes = path.stat().st_size
        if n_bytes > self._settings.max_file_bytes:
            raise FileTooLargeError(
                f"The file is larger than the {bytes_text(self._settings.max_file_bytes)} allowed.",
                hint="Split the file, or raise BELLWETHER_MAX_FILE.",
            )
        check_free_space(self._settings.data_dir, self._settings)
        record = self._log.describe(
            model, self._scorer.open(path, file_name), request, origin=origin, person=person, status="queued"
        )
        if not self._log.enqueue(record, path):
            raise ScoringsFullError(
                f"{self._settings.max_scorings} scorings are waiting or running, which is the limit."
            )
        self.wake()
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
        self.wake()

    def cancel(self, scoring_id: str, *, person: str = "") -> None:
        """End a scoring: at once where it waits, after the step it is at where it runs. One that has ended stays."""
        record = self._log.get(scoring_id)
        if self._log.cancel(record.id):
            self._ledger.record("cancel scoring", record.id, person=person, detail={"file": record.file_name})

    def active(self) -> tuple[ScoringRecord, ...]:
        """Return the scorings under way and then those that wait, in the order in which they will start."""
        found = self._log.list(statuses=("running", "queued"), limit=10_000)
        return tuple(sorted(found, key=lambda record: (record.status != "running", record.submitted_at, record.id)))

    def can_repeat(self, record: ScoringRecord) -> bool:
        """Whether `again` would work."""
        return record.status in REPEATABLE and self._log.input(record.id).is_file()

    def wait(self, scoring_id: str, timeout_s: float) -> ScoringRecord:
        """Wait until a scoring has ended and return it; as it is after `timeout_s`."""
        end = time.monotonic() + timeout_s
        while not (record := self._log.get(scoring_id)).is_final and time.monotonic() < end:
            time.sleep(_PAUSE_S)
        return record

    # --- the worker ---------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Mark scorings interrupted whose process is gone."""
        self._log.settle()

    def step(self) -> None:
        """Score all that waits, one after the other."""
        while not self._stopping.is_set() and (record := self._log.claim()) is not None:
            self._score(record)

    def _score(self, record: ScoringRecord) -> None:
        try:
            self._scorer.score_waiting(record, self._stopping)
        except ScoringCancelled:
            logger.info("scoring %s was cancelled", record.id)
        except AppError as error:
            logger.warning("scoring %s failed [%s]: %s", record.id, error.code, error.message)
