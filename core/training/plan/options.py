"""The rules of a run's options that need no look at the data, and what gives way when options pull apart.

What nobody chose gives way (`resolve`); what somebody chose is refused with what to change (`check_settings`).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from core.domain.baselines import check_baselines
from core.domain.training import ALGORITHMS, TASKS, Task, TrainingSettings
from core.errors import TrainingSettingsError
from core.settings import Settings
from core.training.plan.steps import check_steps

SORT_METRICS: Final[dict[Task, tuple[str, ...]]] = {
    "binary": ("AUTO", "auc", "logloss", "aucpr", "mean_per_class_error", "rmse", "mse"),
    "multiclass": ("AUTO", "mean_per_class_error", "logloss", "rmse", "mse"),
    "regression": ("AUTO", "deviance", "rmse", "mse", "mae", "rmsle"),
}
STOPPING_METRICS: Final[dict[Task, tuple[str, ...]]] = {
    "binary": (
        "AUTO", "logloss", "auc", "aucpr", "mean_per_class_error", "misclassification", "lift_top_group", "rmse", "mse",
    ),
    "multiclass": ("AUTO", "logloss", "mean_per_class_error", "misclassification", "rmse", "mse"),
    "regression": ("AUTO", "deviance", "rmse", "mse", "mae", "rmsle"),
}  # fmt: skip
DISTRIBUTIONS: Final[dict[Task, tuple[str, ...]]] = {
    "binary": ("AUTO", "bernoulli"),
    "multiclass": ("AUTO", "multinomial"),
    "regression": ("AUTO", "gaussian", "poisson", "gamma", "tweedie", "laplace", "quantile", "huber"),
}
SPLITS: Final = ("random", "time", "group")
MAX_MODELS: Final = 1000
MAX_FOLDS: Final = 20
MAX_FACTOR: Final = 100.0
ENSEMBLE: Final = "StackedEnsemble"
MONOTONE_ALGOS: Final = ("GBM", "XGBoost")
# These distributions aim at something else than the mean; the other algorithms would aim at the mean all the same.
NOT_THE_MEAN: Final = ("laplace", "quantile", "huber")
NOT_THE_MEAN_ALGOS: Final = ("GBM", "DeepLearning")
_MONOTONE_DISTRIBUTIONS: Final = ("AUTO", "bernoulli", "gaussian", "tweedie", "quantile")
_EXPERIMENT_NAME: Final = re.compile(r"^[^/:.\s][^/:\n\r\t]{0,119}$")

# Whether it holds, else what is wrong and what to change.
Rule = tuple[bool, str, str]


def algorithms(settings: TrainingSettings) -> tuple[str, ...]:
    """Return the algorithms that the settings leave."""
    chosen = settings.include_algos or ALGORITHMS
    return tuple(name for name in ALGORITHMS if name in chosen and name not in settings.exclude_algos)


def unable(settings: TrainingSettings) -> Mapping[str, str]:
    """Return the algorithms that cannot do what the other options ask for, each with the reason.

    Examples
    --------
    >>> base = TrainingSettings(dataset_id="d", target="y", experiment="e", task="regression")
    >>> unable(base)
    {}
    >>> list(unable(replace(base, weights_column="w")))
    ['StackedEnsemble']
    """
    found: dict[str, str] = {}
    if settings.distribution in NOT_THE_MEAN:
        reason = f"does not know the distribution {settings.distribution} and would predict the mean"
        found |= {name: reason for name in ALGORITHMS if name not in NOT_THE_MEAN_ALGOS}
    if settings.monotone_constraints:
        reason = "would not apply the monotonic constraints"
        found |= {name: reason for name in ALGORITHMS if name not in (*MONOTONE_ALGOS, ENSEMBLE)}
    if settings.weights_column:
        found[ENSEMBLE] = "is fitted without weights by H2O, so its measures could not be compared"
    return found


def has_backtest(settings: TrainingSettings) -> bool:
    """Return whether a run is followed by a backtest.

    Examples
    --------
    >>> base = TrainingSettings(dataset_id="d", target="y", experiment="e", task="regression")
    >>> has_backtest(base), has_backtest(replace(base, split="time", split_column="day"))
    (False, True)
    """
    return settings.split == "time" if settings.backtest is None else settings.backtest


def backtest_fits(settings: TrainingSettings) -> int:
    """Return how many models a backtest builds at most: one of each algorithm, in each step forward.

    Examples
    --------
    >>> base = TrainingSettings(dataset_id="d", target="y", experiment="e", task="regression")
    >>> backtest_fits(replace(base, split="time", split_column="day", include_algos=("GLM", "GBM"), nfolds=3))
    4
    """
    if not has_backtest(settings):
        return 0
    kinds = [name for name in algorithms(resolve(settings)) if name != ENSEMBLE]
    return (settings.nfolds - 1) * min(len(kinds), settings.max_models or len(kinds))


def resolve(settings: TrainingSettings) -> TrainingSettings:
    """Return the settings as they are trained: algorithms that nobody chose and that cannot do it are left out.

    A quantile is ranked by its own deviance, because every other metric judges a mean.
    """
    s = settings
    left_out = unable(s)
    if left_out and not s.include_algos:
        s = replace(s, exclude_algos=tuple(name for name in ALGORITHMS if name in {*s.exclude_algos, *left_out}))
    if s.distribution == "quantile" and s.sort_metric.upper() == "AUTO":
        s = replace(s, sort_metric="deviance")
    return s


def check_settings(settings: TrainingSettings, limits: Settings) -> None:
    """Check every option that can be checked without looking at the data.

    Raises
    ------
    TrainingSettingsError
        Naming the option that is out of range, or the two that do not go together.
    """
    # Further rules take the task for granted.
    _apply(_basic_rules(settings))
    _apply(_limit_rules(settings, limits))
    for make in _RULES:
        _apply(make(settings))
    check_steps(settings.modeling_plan, algorithms(settings))
    check_baselines(settings.baselines)


def _apply(rules: Iterator[Rule]) -> None:
    for holds, message, hint in rules:
        if not holds:
            raise TrainingSettingsError(message, hint=hint)


def _basic_rules(s: TrainingSettings) -> Iterator[Rule]:
    yield s.task in TASKS, f"Task {s.task!r} is unknown.", f"Use one of {', '.join(TASKS)}."
    yield (
        bool(_EXPERIMENT_NAME.match(s.experiment)),
        f"{s.experiment!r} cannot be the name of an experiment.",
        "Use up to 120 characters without / or :, not beginning with a dot or space.",
    )
    yield 0 <= s.seed < 2**31, f"The seed is {s.seed}.", "Use a whole number from 0 to 2147483647."


def _limit_rules(s: TrainingSettings, limits: Settings) -> Iterator[Rule]:
    cap = limits.max_runtime_cap_s
    yield 0 <= s.max_models <= MAX_MODELS, f"max_models is {s.max_models}.", f"Use 0 (no limit) to {MAX_MODELS}."
    for name in ("max_runtime_secs", "max_runtime_secs_per_model"):
        yield (
            0 <= getattr(s, name) <= cap,
            f"{name} is {getattr(s, name)}.",
            f"Use 0 (no limit) to {cap}; BELLWETHER_MAX_RUNTIME raises the limit.",
        )
    yield (
        s.max_models > 0 or s.max_runtime_secs > 0,
        "Neither max_models nor max_runtime_secs limits this run.",
        "Give at least one of the two.",
    )
    yield (
        not s.max_runtime_secs or s.max_runtime_secs_per_model <= s.max_runtime_secs,
        f"A single model may take {s.max_runtime_secs_per_model} s, the whole run only {s.max_runtime_secs} s.",
        "Lower max_runtime_secs_per_model, or raise max_runtime_secs.",
    )


def _judging_rules(s: TrainingSettings) -> Iterator[Rule]:
    yield 2 <= s.nfolds <= MAX_FOLDS, f"nfolds is {s.nfolds}.", f"Use 2 to {MAX_FOLDS}; every metric needs its origin."
    yield 0 <= s.holdout_share <= 0.5, f"The holdout share is {s.holdout_share}.", "Use 0 (none) to 0.5."
    yield s.split in SPLITS, f"The split {s.split!r} is unknown.", f"Use one of {', '.join(SPLITS)}."
    yield (
        s.split == "random" or bool(s.split_column),
        f"A split by {s.split} needs the column to go by.",
        "Name it (split_column), or split at random.",
    )
    yield (
        s.split != "random" or not s.split_column,
        f"A random split does not go by a column, but {s.split_column!r} is given.",
        "Choose a split by time or group, or leave the column out.",
    )
    yield (
        not s.backtest or s.split == "time",
        f"A backtest goes forward in time, but the split is {s.split!r}.",
        "Choose a split by time, or leave the backtest out.",
    )
    yield (
        s.split == "random" or not s.fold_column,
        f"A split by {s.split} makes the folds, and so does the fold column {s.fold_column!r}.",
        "Give only one of the two.",
    )
    roles = {"target": s.target, "fold column": s.fold_column, "weights": s.weights_column, "split": s.split_column}
    for place, (role, name) in enumerate(roles.items()):
        twin = next((other for other in list(roles)[:place] if name and roles[other] == name), None)
        yield twin is None, f"{name!r} is both the {twin} and the {role} column.", "Give each its own column."


def _algorithm_rules(s: TrainingSettings) -> Iterator[Rule]:
    unknown = next((name for name in (*s.include_algos, *s.exclude_algos) if name not in ALGORITHMS), None)
    known = f"Use some of {', '.join(ALGORITHMS)} (XRT belongs to DRF)."
    yield unknown is None, f"Algorithm {unknown!r} is unknown.", known
    yield (
        not (s.include_algos and s.exclude_algos),
        "Algorithms are both included and excluded.",
        "Give only one of the two lists.",
    )
    left = algorithms(s)
    yield bool(left), "Every algorithm is excluded.", "Leave at least one."
    yield left != (ENSEMBLE,), "A stacked ensemble has nothing to stack.", "Include at least one other algorithm."
    reasons = unable(s)
    refused = next((name for name in s.include_algos if name in reasons), None)
    yield (
        refused is None,
        f"{refused} {reasons.get(refused or '', '')}.",
        f"Leave {refused} out, or the option that it does not support.",
    )
    able = tuple(name for name in left if name not in reasons)
    yield (
        bool(able) and able != (ENSEMBLE,),
        f"Of {', '.join(left)} no algorithm is left: {next(iter(reasons), '')} {next(iter(reasons.values()), '')}.",
        "Exclude fewer algorithms, or drop that option.",
    )


def _class_rules(s: TrainingSettings) -> Iterator[Rule]:
    factors = s.class_sampling_factors
    yield (
        not (s.balance_classes and s.task == "regression"),
        "A regression has no classes to balance.",
        "Switch balance_classes off.",
    )
    yield (
        not factors or s.balance_classes,
        "Class sampling factors do nothing without balanced classes.",
        "Switch balance_classes on, or give no factors.",
    )
    yield (
        all(0 < factor <= MAX_FACTOR for factor in factors),
        f"The class sampling factors are {', '.join(f'{factor:g}' for factor in factors)}.",
        f"Use numbers above 0, at most {MAX_FACTOR:g}.",
    )
    yield (
        0 < s.max_after_balance_size <= MAX_FACTOR,
        f"max_after_balance_size is {s.max_after_balance_size:g}.",
        f"Use a number above 0, at most {MAX_FACTOR:g}: how many times larger the data may become.",
    )


def _metric_rules(s: TrainingSettings) -> Iterator[Rule]:
    for what, value, known in (
        ("sorted", s.sort_metric, SORT_METRICS[s.task]),
        ("stopped", s.stopping_metric, STOPPING_METRICS[s.task]),
    ):
        yield value in known, f"A {s.task} run cannot be {what} by {value!r}.", f"Use one of {', '.join(known)}."


def _distribution_rules(s: TrainingSettings) -> Iterator[Rule]:
    known = DISTRIBUTIONS[s.task]
    yield (
        s.distribution in known,
        f"A {s.task} target cannot have the distribution {s.distribution!r}.",
        f"Use one of {', '.join(known)}.",
    )
    yield (
        s.distribution != "tweedie" or 1 < s.tweedie_power < 2,
        f"The tweedie power is {s.tweedie_power:g}.",
        "Use a number between 1 and 2, both excluded; 1 would be poisson, 2 gamma.",
    )
    for name, value in (("quantile", s.quantile_alpha), ("huber", s.huber_alpha)):
        yield (
            s.distribution != name or 0 < value < 1,
            f"{name}_alpha is {value:g}.",
            "Use a number between 0 and 1, both excluded.",
        )
    yield (
        s.sort_metric != "deviance" or s.distribution not in ("poisson", "gamma", "tweedie"),
        f"Each algorithm has a deviance of its own for the distribution {s.distribution}: they cannot be compared.",
        "Sort by rmse or mae.",
    )
    yield (
        s.distribution != "quantile" or s.sort_metric in ("AUTO", "deviance"),
        f"{s.sort_metric} judges how near a mean is, not how good a quantile is.",
        "Sort by deviance.",
    )


def _stopping_rules(s: TrainingSettings) -> Iterator[Rule]:
    tolerance = s.stopping_tolerance
    yield (
        0 <= s.stopping_rounds <= MAX_MODELS,
        f"stopping_rounds is {s.stopping_rounds}.",
        f"Use 0 (never stop early) to {MAX_MODELS}.",
    )
    yield (
        tolerance is None or 0 <= tolerance < 1,
        f"stopping_tolerance is {tolerance}.",
        "Use a share from 0 to below 1, or nothing for H2O's own.",
    )
    yield (
        s.exploitation_ratio == -1 or 0 <= s.exploitation_ratio <= 1,
        f"exploitation_ratio is {s.exploitation_ratio:g}.",
        "Use 0 to 1, such as 0.1, or -1 for H2O's own.",
    )


def _monotone_rules(s: TrainingSettings) -> Iterator[Rule]:
    signs = s.monotone_constraints
    wrong = next((name for name, sign in signs.items() if sign not in (1, -1)), None)
    yield wrong is None, f"The constraint on {wrong!r} is {signs.get(wrong or '')}.", "Use 1 (rising) or -1 (falling)."
    yield (
        not signs or s.task != "multiclass",
        "With several classes there is no one prediction that could rise or fall with a feature.",
        "Take the constraints out.",
    )
    yield (
        not signs or s.distribution in _MONOTONE_DISTRIBUTIONS,
        f"H2O cannot apply monotonic constraints with the distribution {s.distribution}.",
        f"Use one of {', '.join(_MONOTONE_DISTRIBUTIONS)}, or take the constraints out.",
    )


def _ensemble_rules(s: TrainingSettings) -> Iterator[Rule]:
    yield 0 <= s.blending_share <= 0.5, f"The blending share is {s.blending_share}.", "Use 0 (none) to 0.5."
    yield (
        not s.blending_share or ENSEMBLE in algorithms(resolve(s)),
        "Rows are set aside to fit ensembles on, but no ensemble is built.",
        "Set blending_share to 0, or let ensembles be built (they need StackedEnsemble and no weights).",
    )
    yield (
        not s.target_encoding,
        "H2O cannot export models with its target encoding (MOJO), and only exported models can score here.",
        "Train without it; on Prepare, rare levels can be grouped instead.",
    )


_RULES: Final[tuple[Callable[[TrainingSettings], Iterator[Rule]], ...]] = (
    _judging_rules, _metric_rules, _class_rules, _distribution_rules, _stopping_rules, _monotone_rules,
    _algorithm_rules, _ensemble_rules,
)  # fmt: skip
