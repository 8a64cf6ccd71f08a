"""A time limit that is short for the size of the data: fewer fits and no searches, so that models end in time.

H2O shares the time out over all models it plans, then over the folds of each. Where a share is too short for the folds
of a model, the model is dropped whole, and a run may end with none.
"""

from dataclasses import replace
from typing import Any, Final

from core.domain.datasets import Dataset
from core.domain.training import TrainingSettings
from core.training.plan.options import algorithms, resolve

# Above so many cells a second of each core H2O's own AutoML gives up cross-validation.
MOST_CELLS: Final = 2064
FOLDS: Final = 2
PLAN: Final[tuple[dict[str, Any], ...]] = (
    {"name": "GLM", "alias": "defaults"},
    {"name": "XGBoost", "steps": [{"id": "def_2"}]},
    {"name": "GBM", "steps": [{"id": "def_5"}, {"id": "def_2"}]},
    {"name": "XGBoost", "steps": [{"id": "def_1"}]},
    {"name": "StackedEnsemble", "alias": "defaults"},
)


def is_short(settings: TrainingSettings, dataset: Dataset, n_cores: int) -> bool:
    """Whether the time limit is short for the data, and nobody chose algorithms or a plan.

    Parameters
    ----------
    n_cores : int
        Of the engine.
    """
    s = settings
    is_chosen = bool(s.include_algos or s.exclude_algos or s.modeling_plan)
    n_rows = dataset.n_rows * (1 - s.holdout_share) * (1 - s.blending_share)
    cells = n_rows * (dataset.n_columns - 1 - len(s.ignored))
    return not is_chosen and s.max_runtime_secs > 0 and cells > MOST_CELLS * s.max_runtime_secs * n_cores


def shortened(settings: TrainingSettings) -> TrainingSettings:
    """Return the settings with few folds and a plan of default models, of the algorithms that the options leave.

    Examples
    --------
    >>> base = TrainingSettings(dataset_id="d", target="y", experiment="e", task="binary", max_runtime_secs=180)
    >>> found = shortened(base)
    >>> found.nfolds, len(found.modeling_plan)
    (2, 5)
    """
    left = algorithms(resolve(settings))
    plan = tuple(step for step in PLAN if step["name"] in left)
    return replace(settings, nfolds=min(settings.nfolds, FOLDS), modeling_plan=plan)


def short_words(settings: TrainingSettings) -> str:
    """Say what the shorter plan does, and what it costs."""
    return (
        f"{settings.max_runtime_secs} s are short for so much data: {FOLDS} folds and default models without searches,"
        " so that models end in time. Their metrics vary more than with 5 folds."
    )
