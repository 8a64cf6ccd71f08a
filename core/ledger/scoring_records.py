"""What is kept of a scoring: who scored which file with which model, and what the file and its scores were like.

Plain data that survives JSON. `core.scoring.kept.log` writes it for every scoring, whoever asked for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from core.data.drift.records import ColumnDrift, DriftBin
from core.domain.columns import ColumnType
from core.domain.models import Origin
from core.domain.training import Task
from core.metrics.profits import Money

ScoringStatus = Literal["queued", "running", "finished", "failed", "cancelled", "interrupted"]
ScoringOrigin = Literal["page", "cli", "http", "inbox", "python", "cluster"]
Kept = Literal["", "scores", "result"]

ORIGIN_WORDS: Final[Mapping[ScoringOrigin, str]] = {
    "page": "Predict page",
    "cli": "command line",
    "http": "HTTP",
    "inbox": "watch folder",
    "python": "Python",
    "cluster": "H2O cluster",
}
REPEATABLE: Final[tuple[ScoringStatus, ...]] = ("failed", "cancelled", "interrupted")
FINAL: Final[frozenset[ScoringStatus]] = frozenset({"finished", *REPEATABLE})


@dataclass(frozen=True, kw_only=True)
class ScoringRequest:
    """How a file is to be scored; see `core.scoring.scorer.Scorer.score`.

    Attributes
    ----------
    result_address : str
        Where a cluster was told to write the result of data that stays with it; empty for files.
    """

    sheet: str | None = None
    threshold: float | None = None
    reasons: int = 0
    details: bool = False
    checked: bool = False
    result_address: str = ""


@dataclass(frozen=True, kw_only=True)
class FeatureDrift:
    """How far the values of a feature, or the scores, are from those of training.

    Attributes
    ----------
    psi, ks
        As in `core.data.drift.compare.ColumnDrift`.
    chance : float
        The index that values like those of training do not reach, but for one file in a hundred (all features of a
        file together); 0 where the index is too small to ask.
    bins : tuple of DriftBin
        To show; empty for features that drifted less than others.
    """

    name: str
    type: ColumnType
    rows_was: int
    rows_now: int
    psi: float
    ks: float | None = None
    chance: float = 0.0
    bins: tuple[DriftBin, ...] = ()

    def is_over(self, threshold: float) -> bool:
        """Whether the index is above a threshold, and above what chance explains."""
        return self.psi > threshold and self.psi > self.chance

    def column(self) -> ColumnDrift:
        """Return it as what figures of drift take."""
        return ColumnDrift(
            name=self.name, type=self.type, rows_was=self.rows_was, rows_now=self.rows_now, bins=self.bins,
            psi=self.psi, ks=self.ks,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ScoreShape:
    """How the scores of a file are spread: the positive class's probability, the most probable class's, or the number.

    Attributes
    ----------
    quantiles : tuple of float
        From 0 to 1 in steps of 0.05.
    drift : FeatureDrift or None
        Against the scores of rows that the model had not seen in training; None where none were stored.
    expected_origin : str or None
        Where those come from: ``cv`` or ``holdout``.
    expected_quantiles : tuple of float
        Theirs.
    """

    mean: float
    quantiles: tuple[float, ...]
    drift: FeatureDrift | None = None
    expected_origin: Origin | None = None
    expected_quantiles: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ScoringSummary:
    """What a finished scoring was like.

    Attributes
    ----------
    verdict : str
        Of the check before it: ``green`` or ``amber``; empty when the file was not checked.
    threshold : float or None
        That the labels were made by; binary only.
    decision : str
        Where the threshold came from, with who saved the policy; empty without one.
    money : Money or None
        What that policy says the four outcomes bring.
    labels : mapping of str to int
        Rows by label, most first, at most 50; empty for a regression.
    drift : tuple of FeatureDrift
        Largest index first; empty for models without a reference.
    drift_rows : int
        Rows of the file that were compared.
    metrics : mapping of str to float
        On the file itself, where it held the target.
    id_column : str or None
        The column of the file that names its rows.
    n_outside : int or None
        Rows outside what the model knows; None when nobody looked.
    n_requests : int
        More than one where the requests of a minute were summed up.
    """

    task: Task
    verdict: str = ""
    threshold: float | None = None
    decision: str = ""
    policy_id: int | None = None
    money: Money | None = None
    labels: Mapping[str, int] = field(default_factory=dict)
    score: ScoreShape | None = None
    drift: tuple[FeatureDrift, ...] = ()
    drift_rows: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    id_column: str | None = None
    n_outside: int | None = None
    seconds: float = 0.0
    n_requests: int = 1


@dataclass(frozen=True, kw_only=True)
class ScoringRecord:
    """One scoring, from the moment somebody asked for it.

    Attributes
    ----------
    id : str
        32 hex digits.
    person : str
        Who asked; empty when nobody had to sign in.
    n_rows : int
        0 until the file was read.
    stage, progress : str, float
        What is being done, and how much is done (0 to 1).
    background : bool
        Whether it waits its turn, says how far it is and can be cancelled; else somebody waits for it.
    wants_cancel : bool
        Whether somebody asked for its end.
    owner : str
        The process that works on it.
    error : mapping or None
        ``code``, ``message``, ``hint`` of one that failed or was interrupted.
    kept : str
        What is still on disk: ``result`` (rows and predictions), ``scores`` (ids and scores) or nothing.
    """

    id: str
    experiment: str
    model_id: str
    model_version: int | None
    algo: str
    submitted_at: datetime
    origin: ScoringOrigin
    status: ScoringStatus
    file_name: str
    sha256: str
    n_bytes: int
    request: ScoringRequest
    person: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    n_rows: int = 0
    stage: str = ""
    progress: float = 0.0
    background: bool = False
    wants_cancel: bool = False
    owner: str = ""
    summary: ScoringSummary | None = None
    error: Mapping[str, str] | None = None
    kept: Kept = ""

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in FINAL
