"""What one scoring is made of: the rows and the model, what is wanted of them, and how long each step took."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from core.data.drift.compare import Drift, Reference
from core.data.tables.packed import AnyTable
from core.errors import DataError
from core.metrics.ranking import FloatArray
from core.models.decisions import Decision
from core.models.opened import StoredModel
from core.settings import Settings


@dataclass(frozen=True)
class Wanted:
    """What a result should hold.

    Attributes
    ----------
    checked : bool
        Look at the file first and refuse it when the check is red.
    """

    decision: Decision
    reasons: int
    details: bool
    checked: bool = False


@dataclass(frozen=True)
class Task:
    """Rows to score and what with."""

    model: StoredModel
    source: AnyTable
    mapping: Mapping[str, str]
    is_workbook: bool


@dataclass(frozen=True)
class Facts:
    """What a result's summary needs and the result does not hold: the scores, and the features against training's."""

    scores: FloatArray
    drift: Drift | None
    reference: Reference | None


def check_rows(n_rows: int, settings: Settings) -> None:
    """Refuse a file with more rows than are scored at once.

    Raises
    ------
    DataError
        ``scoring.too_many_rows``.
    """
    if n_rows > settings.max_score_rows:
        raise DataError(
            f"The file has {n_rows:,} rows; at most {settings.max_score_rows:,} are scored at once.",
            hint="Split the file, or raise BELLWETHER_MAX_SCORE_ROWS.",
            code="scoring.too_many_rows",
        )


class Clock:
    """Seconds per step.

    Parameters
    ----------
    on_step : callable, optional
        Told each step when it first begins; may end the work by an exception.
    """

    def __init__(self, on_step: Callable[[str], None] | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self._on_step = on_step
        self._begun = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the time of the block for a step."""
        if self._on_step is not None and name not in self.seconds:  # one taken up again would set the progress back
            self._on_step(name)
        begun = time.monotonic()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - begun

    def stop(self) -> None:
        """Note the time of it all."""
        self.seconds["total"] = time.monotonic() - self._begun
