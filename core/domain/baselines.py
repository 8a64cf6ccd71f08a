"""The baselines that a run can be compared with: what they are called and what is searched.

A baseline is trained after the AutoML, on the same rows and in the same folds. It is never the leader of a run.
"""

from collections.abc import Mapping, Sequence

from core.errors import TrainingSettingsError

CONSTANT, GLM, XGBOOST = "constant", "GLM", "XGBoost"
BASELINES: tuple[str, ...] = (CONSTANT, GLM, XGBOOST)
BASELINE_NAMES: Mapping[str, str] = {
    CONSTANT: "Constant predictor",
    GLM: "Plain GLM",
    XGBOOST: "XGBoost, tuned by random search",
}
# What the random search draws from, each value as likely as the next; docs/decisions/0020-baselines.md says why.
SEARCH_SPACE: Mapping[str, tuple[float, ...]] = {
    "max_depth": (3, 4, 5, 6, 8, 10),
    "learn_rate": (0.03, 0.05, 0.1, 0.2, 0.3),
    "min_rows": (1, 3, 5, 10, 20),
    "sample_rate": (0.6, 0.7, 0.8, 0.9, 1.0),
    "col_sample_rate": (0.6, 0.8, 1.0),
    "col_sample_rate_per_tree": (0.5, 0.7, 0.9, 1.0),
    "reg_lambda": (0.1, 1, 10, 100),
    "reg_alpha": (0, 0.01, 0.1, 1),
}
_PART = "_baseline_"
SEARCH_TREES = 1000
SEARCH_STOPPING_ROUNDS = 5


def check_baselines(baselines: Sequence[str]) -> None:
    """Check that each baseline is one, and is asked for once.

    Raises
    ------
    TrainingSettingsError
    """
    unknown = [name for name in baselines if name not in BASELINES]
    if unknown or len(set(baselines)) < len(baselines):
        problem = f"Baseline {unknown[0]!r} is unknown." if unknown else "A baseline is given twice."
        raise TrainingSettingsError(problem, hint=f"Use some of {', '.join(BASELINES)}, each once.")


def is_baseline_key(key: str) -> bool:
    """Tell whether a key of the engine is a baseline's, or one of the models that a search has built.

    Examples
    --------
    >>> is_baseline_key("XGBoost_baseline_01234567_model_3"), is_baseline_key("GLM_1_AutoML_1_20261124_120000")
    (True, False)
    """
    return _PART in key


def model_key(name: str, run_id: str) -> str:
    """Return what a baseline is called in the engine and on leaderboards: the same for every attempt at a run.

    Examples
    --------
    >>> model_key("GLM", "0123456789abcdef")
    'GLM_baseline_01234567'
    """
    return f"{name.capitalize() if name == CONSTANT else name}{_PART}{run_id[:8]}"
