"""A backtest: models rebuilt on the past only and judged on the stretch of time that follows, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

_PART = "_backtest_"


@dataclass(frozen=True, kw_only=True)
class Period:
    """Rows of a stretch of time.

    Attributes
    ----------
    first, last : float
        The times of the earliest and the latest row: milliseconds since 1970 (UTC) for dates, else the numbers.
    """

    first: float
    last: float
    n_rows: int


@dataclass(frozen=True, kw_only=True)
class BacktestStep:
    """One step forward: everything before a block is learned from, the block is judged on.

    Attributes
    ----------
    metrics : mapping of str to mapping of str to float
        By model's key the metrics on the block, named as on the leaderboard, without an origin.
    missing : mapping of str to str
        By model's key why it has no metrics here.
    skipped : str
        Why no model was judged here; empty for most.
    """

    learned: Period
    judged: Period
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    skipped: str = ""


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """What came of the backtest of a run.

    Attributes
    ----------
    time_column : str
        The column that the run is split by.
    is_date : bool
        Whether its times are dates.
    models : tuple of str
        Keys of the models, the most important one first; `core.domain.baselines.CONSTANT` is the constant predictor.
    leader : str
        Key of the run's leader: not among the models where it is an ensemble.
    steps : tuple of BacktestStep
        Oldest first.
    holdout : Period or None
        The held-out rows, which lie after all steps.
    has_recipe : bool
        Whether a recipe made the features, which was fitted once on all training rows.
    ended : str
        Why it ended before all steps were done; empty where it did not.
    """

    time_column: str
    is_date: bool
    models: tuple[str, ...]
    leader: str
    steps: tuple[BacktestStep, ...]
    holdout: Period | None = None
    has_recipe: bool = False
    ended: str = ""


def rebuilt_key(model_key: str, run_id: str) -> str:
    """Return what a model that is built again is called in the engine: another name each time.

    Examples
    --------
    >>> rebuilt_key("GLM_1_AutoML_1_20261124_120000", "0123456789abcdef")[:23]
    'GLM_1_backtest_01234567'
    """
    return f"{model_key.partition('_AutoML_')[0]}{_PART}{run_id[:8]}_{uuid4().hex[:8]}"


def is_rebuilt_key(key: str) -> bool:
    """Tell whether a key of the engine is that of a model that was built again.

    Examples
    --------
    >>> is_rebuilt_key("GLM_1_backtest_01234567_89abcdef"), is_rebuilt_key("GLM_baseline_01234567")
    (True, False)
    """
    return _PART in key
