"""Which models are listed for a training with a limit in time: as many as have the time to become whole."""

from dataclasses import replace
from typing import Any, Final

from core.domain.datasets import Dataset
from core.domain.training import TrainingSettings
from core.training.plan.options import ENSEMBLE, algorithms, resolve

# What one fit takes of one core, with some to spare: `bench.presets`, docs/decisions/0042.
S_A_CELL: Final = 8e-6
# How many parts of the time H2O gives an algorithm: one to each model it lists, three to nine to each search.
_SHARES: Final = {"GLM": 1, "DRF": 2, "XGBoost": 12, "GBM": 11, "DeepLearning": 10, ENSEMBLE: 0}
Steps = tuple[dict[str, Any], ...]
_NO_SEARCHES: Final[Steps] = tuple({"name": name, "alias": "defaults"} for name in ("GLM", "XGBoost", "GBM", ENSEMBLE))
_SHORTEST: Final[Steps] = (
    {"name": "GLM", "steps": [{"id": "def_1"}]},
    {"name": "XGBoost", "steps": [{"id": "def_3"}]},
    {"name": "GBM", "steps": [{"id": "def_2"}]},
    {"name": ENSEMBLE, "steps": [{"id": "best_of_family_1"}]},
)
_SHARES_WITHOUT_SEARCHES: Final = {"GLM": 1, "XGBoost": 3, "GBM": 5, ENSEMBLE: 0}


def cells(settings: TrainingSettings, dataset: Dataset) -> int:
    """Return how many cells a run learns from, about: its rows to train with times the columns of the dataset."""
    if dataset.remote is not None:  # what is here is a sample, held out; the others are trained on
        return round(dataset.remote.frame.n_rows * (1 - dataset.remote.share)) * dataset.n_columns
    share = (1 - settings.holdout_share) * (1 - settings.blending_share)
    return round(dataset.n_rows * share) * dataset.n_columns


def within_time(settings: TrainingSettings, dataset: Dataset, n_threads: int) -> TrainingSettings:
    """Return the settings with a shorter list of models where the limit in time leaves too little for each.

    H2O shares the time out over all models that it lists, searches included, and over the folds of each, before it
    knows how long one takes; of many rows, none is whole by its end. A list or algorithms that somebody chose stay.

    Parameters
    ----------
    settings : TrainingSettings
        As asked for.
    n_threads : int
        Of the engine; for a cluster, whose are not known, those that an engine here would have. Where the data stay
        with the cluster as well, nothing is shortened.

    Returns
    -------
    TrainingSettings
        With a `modeling_plan` of H2O's models without its searches where that is enough, else of one model of each of
        three kinds and their ensemble; as they were where there is no limit or nothing to shorten.
    """
    left = algorithms(resolve(settings))
    if not settings.max_runtime_secs or settings.modeling_plan or dataset.remote is not None:
        return settings
    one_s = S_A_CELL * max(cells(settings, dataset), 1) / n_threads
    fits = settings.max_runtime_secs / ((settings.nfolds + 1) * one_s)
    if fits >= sum(_SHARES[name] for name in left):
        return settings
    without = _of(_NO_SEARCHES, left)
    is_enough = fits >= sum(_SHARES_WITHOUT_SEARCHES[step["name"]] for step in without)
    is_short = 0 < settings.max_models < len(_SHORTEST)
    chosen = without if is_enough and not is_short else _of(_SHORTEST, left)
    names = {step["name"] for step in chosen}
    if names <= {ENSEMBLE} or not names >= set(settings.include_algos):  # what was asked for by name stays
        return settings
    return replace(settings, modeling_plan=chosen)


def as_asked(settings: TrainingSettings) -> TrainingSettings:
    """Return a run's settings without a list from `within_time`: on other data or with more time it is made anew.

    Examples
    --------
    >>> base = TrainingSettings(dataset_id="d", target="y", experiment="e", task="regression", max_runtime_secs=60)
    >>> as_asked(replace(base, modeling_plan=_SHORTEST)) == base
    True
    """
    is_ours = any(all(step in steps for step in settings.modeling_plan) for steps in (_NO_SEARCHES, _SHORTEST))
    return replace(settings, modeling_plan=()) if settings.max_runtime_secs and is_ours else settings


def n_wanted(settings: TrainingSettings) -> int:
    """Return how many models a run builds at most, ensembles left out; 0 where only the time decides.

    Examples
    --------
    >>> base = TrainingSettings(dataset_id="d", target="y", experiment="e", task="regression", max_models=10)
    >>> n_wanted(base), n_wanted(replace(base, max_models=0)), n_wanted(replace(base, modeling_plan=_SHORTEST))
    (10, 0, 3)
    """
    steps = [step for step in settings.modeling_plan if step["name"] != ENSEMBLE]
    listed = sum(len(step["steps"]) for step in steps) if all("steps" in step for step in steps) else 0
    return min(filter(None, (settings.max_models, listed)), default=0)


def _of(steps: Steps, names: tuple[str, ...]) -> Steps:
    return tuple(step for step in steps if step["name"] in names)
