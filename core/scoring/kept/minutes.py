"""Requests of a few rows, summed up for the history: those of a minute that are alike become one scoring.

A record, an audit line and a file of scores for each would take longer than the scoring itself and drown the history.
What is here is in memory: a process that is killed loses the records of at most a minute, never a prediction.
"""

import hashlib
import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa

from core.features.actual import look_at_actual
from core.features.checking import FileCheck
from core.ledger.scoring_records import ScoringOrigin, ScoringRequest
from core.metrics.labels import PREDICTION
from core.models.opened import StoredModel
from core.scoring.columns import file_metrics
from core.scoring.opened import FittedRows, fit
from core.scoring.result import TRUST, Scored
from core.wording import count_text

MINUTE_S: Final = 60.0
MOST_ROWS: Final = 50_000
MOST_BYTES: Final = 64 * 1024**2
_AT_ONCE: Final = 256  # tables of a row each take far more memory than one of as many rows
_MOST_WAITING: Final = 16
_VERDICTS: Final = ("green", "amber", "red")


@dataclass
class Minute:
    """The requests of one person for one model, in one way, since the first of them.

    Attributes
    ----------
    scored : Scored
        The result of the first one.
    sources, results : list of Table
        The rows as the model calls their columns, and what it said of them.
    check : FileCheck or None
        The worst one.
    """

    model: StoredModel
    request: ScoringRequest
    origin: ScoringOrigin
    person: str
    scored: Scored
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    begun: float = field(default_factory=time.monotonic)
    n_requests: int = 0
    n_rows: int = 0
    n_bytes: int = 0
    seconds: float = 0.0
    check: FileCheck | None = None
    sources: list[pa.Table] = field(default_factory=list)
    results: list[pa.Table] = field(default_factory=list)
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def name(self) -> str:
        """What the history calls it."""
        return f"JSON, {count_text(self.n_requests, 'request')}"

    @property
    def sha256(self) -> str:
        """Of the bytes of all requests, one after the other."""
        return self.digest.hexdigest()

    @property
    def is_full(self) -> bool:
        """Whether it holds as much as may be kept in memory."""
        return self.n_rows >= MOST_ROWS or self.n_bytes >= MOST_BYTES

    def add(self, fitted: FittedRows, scored: Scored, content: bytes) -> None:
        """Add what came of one request."""
        self.n_requests += 1
        self.n_rows += scored.n_rows
        self.n_bytes += len(content)
        self.seconds += scored.seconds["total"]
        self.digest.update(content)
        if self.check is None or (scored.check is not None and _badness(scored.check) > _badness(self.check)):
            self.check = None if scored.check is None else replace(scored.check, drift=None)
        spec = scored.spec
        known = {*spec.needed.names, spec.target, spec.weights_column, spec.id_column, scored.id_name}
        self.sources.append(fitted.named.select([name for name in fitted.named.column_names if name in known]))
        kept = [n for n in scored.results.column_names if n in (PREDICTION, TRUST) or n.startswith("probability_")]
        self.results.append(scored.results.select(kept))
        if len(self.sources) >= _AT_ONCE:
            self._join()

    def together(self) -> tuple[Scored, FittedRows]:
        """Return all of it as the scoring of one file, and its rows set against the model."""
        self._join()
        (source,), (results,), spec = self.sources, self.results, self.scored.spec
        fitted = fit(source, self.model, is_workbook=True)
        actual = look_at_actual(fitted.named, fitted.spec)
        if spec.task == "regression":
            raw = pa.table({"predict": results[PREDICTION]})
        else:
            raw = pa.table({name: results[f"probability_{name}"] for name in spec.classes})
        metrics = file_metrics(actual, raw, spec, self.scored.threshold)
        scored = replace(
            self.scored, source=source, results=results, warnings=(), metrics=metrics, check=self.check,
            actual=actual.values if actual and metrics else None, reasons_method="", intervals=None,
            seconds={"total": self.seconds}, renamed=(),
        )  # fmt: skip
        return scored, fitted

    def _join(self) -> None:
        for tables in (self.sources, self.results):
            tables[:] = [pa.concat_tables(tables, promote_options="default").combine_chunks()]


class Minutes:
    """The requests whose records are still to be written, for all threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[Hashable, Minute] = {}
        self._over: list[Minute] = []

    def add(self, fitted: FittedRows, scored: Scored, minute: Minute, content: bytes) -> bool:
        """Add what came of a request to its minute; `minute` is the one to begin where there is none yet.

        Returns
        -------
        bool
            Whether `take` should be called at once, because the minute is full.
        """
        decision = scored.decision
        key = (
            minute.model.info.id, minute.request, minute.origin, minute.person, decision.threshold,
            decision.saved.id if decision.saved else None,
        )  # fmt: skip
        with self._lock:
            minute = self._open.setdefault(key, minute)
            minute.add(fitted, scored, content)
            if minute.is_full:
                self._over.append(self._open.pop(key))
            return minute.is_full

    @property
    def is_behind(self) -> bool:
        """Whether so much waits that it has to be written before more is added."""
        return len(self._over) > _MOST_WAITING

    def take(self, *, unfinished: bool = False) -> Minute | None:
        """Return, and forget, the first minute that is over or full, or any; None when there is none (left)."""
        due = time.monotonic() - MINUTE_S
        with self._lock:
            for key in [key for key, minute in self._open.items() if unfinished or minute.begun <= due]:
                self._over.append(self._open.pop(key))
            return self._over.pop(0) if self._over else None

    def put_back(self, minute: Minute) -> None:
        """Take back what could not be written."""
        with self._lock:
            self._over.insert(0, minute)


def _badness(check: FileCheck) -> int:
    return _VERDICTS.index(check.verdict)
