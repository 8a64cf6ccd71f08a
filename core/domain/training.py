"""What a person asks a training for."""

from dataclasses import dataclass, field
from typing import Any, Literal

Task = Literal["binary", "multiclass", "regression"]
TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")
ALGORITHMS: tuple[str, ...] = ("DRF", "GLM", "XGBoost", "GBM", "DeepLearning", "StackedEnsemble")


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Everything that decides a run; two equal settings on one dataset ask for the same training.

    Attributes
    ----------
    positive : str or None
        Binary only: the class whose probability is reported.
    ignored : tuple of str
        Columns not to learn from, besides id and text columns.
    max_runtime_secs : int
        0 means no limit in time; then `max_models` must be at least 1.
    max_runtime_secs_per_model : int
        0 means no limit for a single model.
    nfolds : int
        2 or more folds of cross-validation.
    sort_metric : str
        ``"AUTO"`` or one of `core.training.plan.plan.SORT_METRICS` for the task.
    include_algos, exclude_algos : tuple of str
        From `ALGORITHMS`; at most one of the two is given.
    holdout_share : float
        0 to 0.5: rows that training never sees, chosen as `split` says.
    split : str
        ``"random"`` (stratified by the target's classes), ``"time"`` (the latest rows by `split_column` are held out)
        or ``"group"`` (all rows of one value of `split_column` stay together, in the holdout and in the folds).
    split_column : str or None
        The column that a split by time or group goes by; not a feature.
    fold_column : str or None
        The column whose values are the folds, instead of `nfolds`; not a feature.
    weights_column : str or None
        A number per row, 0 or more, that says how much the row counts; not a feature.
    class_sampling_factors : tuple of float
        With `balance_classes`: how often each class is sampled, by sorted class; empty for H2O's own.
    max_after_balance_size : float
        With `balance_classes`: how many times larger the data may become.
    distribution : str
        ``"AUTO"`` or one of `core.training.plan.plan.DISTRIBUTIONS` for the task.
    tweedie_power, quantile_alpha, huber_alpha : float
        The parameter of the distribution of that name: 1 to 2 (both excluded), 0 to 1, 0 to 1.
    stopping_metric, stopping_rounds, stopping_tolerance : str, int, float or None
        A model stops when this metric has not become better by this share in so many scorings; None: H2O's own rule.
    exploitation_ratio : float
        -1 for H2O's own, else 0 to 1: the share of the time spent on refining the best models.
    monotone_constraints : dict of str to int
        Numeric features that the prediction may only rise (1) or fall (-1) with.
    target_encoding : bool
        Let H2O encode the categories of many levels by the target, inside the folds.
    blending_share : float
        0 to 0.5: rows of the training part set aside to fit the ensembles on, instead of cross-validation predictions.
    keep_cross_validation_models, keep_cross_validation_fold_assignment : bool
        Leave these in the engine until the run is released.
    modeling_plan : tuple of dict
        H2O's steps in order, ``{"name": "GBM", "steps": [...]}`` or ``{"name": "GBM", "alias": "all"}``; empty: own.
    baselines : tuple of str
        Trained after the AutoML on the same rows and folds, for comparison: some of `core.domain.baselines.BASELINES`.
    backtest : bool or None
        Build the best single models again on the past only and judge them on the stretch that follows, step by step,
        after the AutoML; None: where `split` is ``"time"``, which it needs.
    preset : str or None
        The preset (`core.training.plan.presets.PRESETS`) that the other settings started from; decides nothing.
    recipe : dict or None
        The recipe (`core.recipes.Recipe`) that makes the features; None learns from the columns as they are.
    """

    dataset_id: str
    target: str
    experiment: str
    task: Task
    positive: str | None = None
    ignored: tuple[str, ...] = ()
    max_models: int = 10
    max_runtime_secs: int = 0
    max_runtime_secs_per_model: int = 0
    nfolds: int = 5
    seed: int = 1
    sort_metric: str = "AUTO"
    include_algos: tuple[str, ...] = ()
    exclude_algos: tuple[str, ...] = ()
    balance_classes: bool = False
    holdout_share: float = 0.0
    split: str = "random"
    split_column: str | None = None
    fold_column: str | None = None
    weights_column: str | None = None
    class_sampling_factors: tuple[float, ...] = ()
    max_after_balance_size: float = 5.0
    distribution: str = "AUTO"
    tweedie_power: float = 1.5
    quantile_alpha: float = 0.5
    huber_alpha: float = 0.9
    stopping_metric: str = "AUTO"
    stopping_rounds: int = 3
    stopping_tolerance: float | None = None
    exploitation_ratio: float = -1.0
    monotone_constraints: dict[str, int] = field(default_factory=dict, hash=False)
    target_encoding: bool = False
    blending_share: float = 0.0
    keep_cross_validation_models: bool = False
    keep_cross_validation_fold_assignment: bool = False
    modeling_plan: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    baselines: tuple[str, ...] = ()
    backtest: bool | None = None
    preset: str | None = None
    recipe: dict[str, Any] | None = field(default=None, hash=False)
