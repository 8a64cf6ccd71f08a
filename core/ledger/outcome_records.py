"""What is known of models in use: actual outcomes against what was promised, rules for alerts, and alerts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from core.domain.models import Origin
from core.domain.training import Task
from core.metrics.performance import Reliability
from core.metrics.profits import Profit

HEADLINES: Final[Mapping[Task, str]] = {"binary": "auc", "multiclass": "logloss", "regression": "rmse"}
MORE_IS_BETTER: Final = frozenset(
    {"auc", "aucpr", "average_precision", "accuracy", "f1", "precision", "recall", "r2", "mcc"}
)
MIN_OUTCOMES: Final = 50  # fewer rows say too little about a metric to raise an alert

AlertKind = Literal["feature", "score", "metric"]
Verdict = Literal["kept", "better", "worse"]


@dataclass(frozen=True, kw_only=True)
class MeasuredOutcomes:
    """How good predictions were on rows whose outcome is known.

    Attributes
    ----------
    low, high : float or None
        A 95% interval around the headline metric; None where it cannot be determined.
    actual, predicted : float
        Mean outcome and mean prediction: the share of the positive class and its mean probability, or numbers.
    reliability : Reliability or None
        Binary only.
    profit : Profit or None
        For 1,000 rows; binary only, where the policy says what outcomes bring.
    """

    n_rows: int
    metrics: Mapping[str, float]
    low: float | None = None
    high: float | None = None
    actual: float | None = None
    predicted: float | None = None
    reliability: Reliability | None = None
    profit: Profit | None = None


@dataclass(frozen=True, kw_only=True)
class Realised:
    """What came of the predictions of one scoring.

    Attributes
    ----------
    n_scored : int
        Rows of the scoring; `found.n_rows` of them have a known outcome.
    n_repeated, n_unusable : int
        Rows left out: ids that other rows of the file have too, and outcomes that are none of the model's classes, or
        no numbers.
    found : MeasuredOutcomes
        On the rows with a known outcome.
    promised : MeasuredOutcomes or None
        On rows that the model had not seen in training, with the same threshold and calibration.
    positive : str or None
        Binary only: the class that probabilities are of.
    notes : tuple of str
        What has to be said of the numbers, in words.
    """

    scoring_id: str
    task: Task
    n_scored: int
    found: MeasuredOutcomes
    promised: MeasuredOutcomes | None = None
    origin: Origin | None = None
    positive: str | None = None
    n_repeated: int = 0
    n_unusable: int = 0
    notes: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """The headline metric."""
        return HEADLINES[self.task]

    @property
    def value(self) -> float | None:
        """The headline metric that came of it; None where it could not be computed, as the AUC of rows of one class."""
        return self.found.metrics.get(self.headline)

    @property
    def promise(self) -> float | None:
        """The headline metric that was promised."""
        return self.promised.metrics.get(self.headline) if self.promised else None

    @property
    def verdict(self) -> Verdict | None:
        """What became of the promise: ``"kept"`` where chance could explain the difference; None where nobody knows."""
        value, promise, low, high = self.value, self.promise, self.found.low, self.found.high
        if value is None or promise is None or low is None or high is None:
            return None
        if low <= promise <= high:
            return "kept"
        return "better" if (value > promise) == (self.headline in MORE_IS_BETTER) else "worse"


@dataclass(frozen=True, kw_only=True)
class OutcomeFile:
    """A file of actual outcomes that was uploaded."""

    id: str
    experiment: str
    at: datetime
    person: str
    file_name: str
    sha256: str
    id_column: str
    target_column: str
    n_rows: int


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """When to raise an alert for a problem.

    Attributes
    ----------
    psi : float
        Drift of a feature or of the scores above this.
    loss : float
        Share by which the headline metric is worse than promised.
    person, at
        Who set it, and when; nobody for the settings' defaults.
    """

    psi: float
    loss: float
    person: str = ""
    at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class UseAlert:
    """Something about a scoring that a person should look at.

    Attributes
    ----------
    kind : str
        ``feature``, ``score`` or ``metric``.
    name : str
        Of the feature or metric.
    value, limit : float
        What was found, and what it should not have passed.
    text : str
        A sentence; names in it come from data.
    """

    scoring_id: str
    kind: AlertKind
    name: str
    value: float
    limit: float
    text: str
