"""Writes the records of requests that are summed up by the minute."""

import logging
from typing import Final

from core.errors import AppError
from core.scoring.scorer import Scorer
from core.work.worker import Worker

logger = logging.getLogger(__name__)

_LOOK_S: Final = 5.0


class MinuteWriter(Worker):
    """Writes what `Scorer.score_rows` has gathered: each minute once it is over, and the rest at the end."""

    def __init__(self, scorer: Scorer) -> None:
        super().__init__("minutes", _LOOK_S)
        self._scorer = scorer

    def step(self) -> None:
        """Write the minutes that are over."""
        self._scorer.write_minutes()

    def close(self) -> None:
        """Write all that is left, after `stop` and `join`; what cannot be written is lost with the process."""
        try:
            self._scorer.write_minutes(unfinished=True)
        except AppError as error:
            logger.error("The last minute's requests are missing in the history [%s]: %s", error.code, error.message)
