"""What a report tells, as data: everything is read or counted from what is stored, nothing comes from an engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.data.drift.compare import Reference
from core.domain.backtest import Backtest
from core.domain.datasets import Dataset
from core.domain.models import ModelDetails, ModelInfo, ModelSpec, Origin
from core.domain.runs import RunInfo, Verdict
from core.explanations.items import Explanations
from core.explanations.models import ModelComparison
from core.ledger.database import PolicyEntry
from core.metrics.calibration import Method
from core.metrics.groups.errors import ErrorBin
from core.metrics.performance import Gains, Reliability, ThresholdRow
from core.metrics.profits import Profit, ProfitCurve
from core.metrics.threshold import Outcomes
from core.models.decisions import Decision
from core.models.groups import Groups


@dataclass(frozen=True, kw_only=True)
class Judged:
    """How a model did on stored predictions, its labels made as they are made now.

    Attributes
    ----------
    words : str
        The rows, such as ``"cross-validation, 15,000 rows"``.
    metrics : mapping of str to float
        Exact over all rows, at the threshold in force.
    counts : mapping of str to int
        Classification: rows by actual class.
    outcomes, gains, reliability, calibrated, table : optional
        Two classes only, of the positive class; `reliability` before and `calibrated` after a calibration.
    profit, profit_curve : optional
        Where the policy counts money; `profit` is for 1,000 rows.
    off_half, off_most : float or None
        Regression: half of the predictions, and nine of ten, are off by at most this.
    error_bins : tuple of ErrorBin
        Regression: errors by the size of the prediction.
    """

    origin: Origin
    words: str
    n_rows: int
    metrics: Mapping[str, float]
    counts: Mapping[str, int]
    outcomes: Outcomes | None = None
    gains: Gains | None = None
    reliability: Reliability | None = None
    calibrated: Reliability | None = None
    table: tuple[ThresholdRow, ...] = ()
    profit: Profit | None = None
    profit_curve: ProfitCurve | None = None
    off_half: float | None = None
    off_most: float | None = None
    error_bins: tuple[ErrorBin, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Everything that a report tells.

    Attributes
    ----------
    models : tuple of ModelInfo
        Those of the run, best first.
    dataset : Dataset or None
        None when it was deleted.
    reference : Reference or None
        What the training rows looked like; None for runs of before this was kept.
    policies : tuple of PolicyEntry
        The one in force first.
    found : Explanations or None
        None when nothing was computed.
    judged : tuple of Judged
        Cross-validation first, then holdout; one without stored predictions is left out.
    backtest : Backtest or None
        That of the run, where it was split by time.
    """

    made_at: datetime
    model: ModelInfo
    run: RunInfo
    models: tuple[ModelInfo, ...]
    spec: ModelSpec
    details: ModelDetails
    dataset: Dataset | None
    reference: Reference | None
    decision: Decision
    policies: tuple[PolicyEntry, ...]
    found: Explanations | None
    comparison: ModelComparison | None
    judged: tuple[Judged, ...]
    groups: Groups
    verdict: Verdict | None
    backtest: Backtest | None = None

    @property
    def method(self) -> Method | None:
        """How the policy in force calibrates."""
        return None if self.decision.calibration is None else self.decision.calibration.method

    @property
    def unseen(self) -> Judged | None:
        """The rows that tell most of what to expect: held out of everything, else cross-validation."""
        by_origin = {one.origin: one for one in self.judged}
        return by_origin.get("holdout") or by_origin.get("cv")
