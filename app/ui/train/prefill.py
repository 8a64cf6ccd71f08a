"""Train, filled in with the settings of an earlier run: for training again on newer data."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.ui.train.constraints import FALLING, RISING
from core.domain.training import ALGORITHMS, Task, TrainingSettings
from core.training.plan.in_time import as_asked
from core.training.plan.presets import DEFAULT_PRESET, PRESETS

if TYPE_CHECKING:
    from core.recipes.saved import Recipes

_COLUMNS: Final = "train.settings"
_RECIPE: Final = "train.recipe_wanted"
_KEYS: Final = {
    "max_models": "train_max_models",
    "max_runtime_secs": "train_max_runtime",
    "max_runtime_secs_per_model": "train_model_runtime",
    "nfolds": "train_nfolds",
    "sort_metric": "train_sort_metric",
    "balance_classes": "train_balance",
    "max_after_balance_size": "train_max_size",
    "weights_column": "train_weights",
    "fold_column": "train_fold_column",
    "distribution": "train_distribution",
    "tweedie_power": "train_tweedie",
    "quantile_alpha": "train_quantile",
    "huber_alpha": "train_huber",
    "stopping_metric": "train_stopping_metric",
    "stopping_rounds": "train_stopping_rounds",
    "stopping_tolerance": "train_stopping_tolerance",
    "keep_cross_validation_models": "train_keep_models",
    "keep_cross_validation_fold_assignment": "train_keep_folds",
}


def fill(settings: TrainingSettings) -> None:
    """Give the widgets of the Train page the values that give these settings again, before any of them is drawn.

    Notes
    -----
    Own factors for classes are the one thing that is not filled in: their editor takes no values from outside.
    """
    session, settings = st.session_state, as_asked(settings)
    for name, key in _KEYS.items():
        session[key] = getattr(settings, name)
    wanted = settings.include_algos or ALGORITHMS
    session["train_preset"] = settings.preset if settings.preset in PRESETS else DEFAULT_PRESET
    session["train_backtest"] = settings.backtest is not False
    session["train_algorithms"] = [name for name in wanted if name not in settings.exclude_algos]
    session["train_exploitation"] = None if settings.exploitation_ratio < 0 else settings.exploitation_ratio
    session["train_plan"] = json.dumps(list(settings.modeling_plan)) if settings.modeling_plan else ""
    session["train_baselines"] = list(settings.baselines)
    session["train_own_factors"] = False
    fill_split(settings)
    directions = settings.monotone_constraints
    session[RISING] = [name for name, direction in directions.items() if direction > 0]
    session[FALLING] = [name for name, direction in directions.items() if direction < 0]
    session[_COLUMNS], session[_RECIPE] = settings, (settings.dataset_id, settings.recipe)


def split_of(settings: TrainingSettings) -> dict[str, Any]:
    """Return what `fill_split` asks for, as far as the widgets can: the settings by which rows are held out."""
    found = {name: getattr(settings, name) for name in ("split", "split_column", "seed")}
    return found | {name: round(getattr(settings, name), 2) for name in ("holdout_share", "blending_share")}


def split_values(settings: TrainingSettings) -> dict[str, Any]:
    """Return the values, by the widget's key, by which the models are judged on the same rows again."""
    values = {
        "train_split": settings.split,
        "train_seed": settings.seed,
        "train_holdout": round(100 * settings.holdout_share),
        "train_blending": round(100 * settings.blending_share),
    }
    return values if settings.split == "random" else values | {f"train_split_{settings.split}": settings.split_column}


def fill_split(settings: TrainingSettings) -> None:
    """Give the widgets of the Train page the values of `split_values`."""
    st.session_state.update(split_values(settings))


def take_recipe(dataset_id: str, recipes: "Recipes") -> tuple[str | None, bool] | None:
    """Return the saved recipe of the earlier run, once, and whether it is there; None where nothing is filled in.

    RecipeError if a recipe cannot be read.
    """
    wanted: tuple[str, dict[str, Any] | None] | None = st.session_state.pop(_RECIPE, None)
    if wanted is None or wanted[0] != dataset_id:
        return None
    if wanted[1] is None:
        return None, True
    same = next((name for name in recipes.names() if recipes.get(name).recipe.to_dict() == wanted[1]), None)
    return same, same is not None


def take_columns(tasks: Sequence[Task]) -> dict[str, Any]:
    """Return the values of the widgets that depend on the target, once; nothing where nothing was filled in."""
    settings: TrainingSettings | None = st.session_state.pop(_COLUMNS, None)
    if settings is None or settings.task not in tasks:
        return {}
    return {
        "train_task": settings.task,
        "train_positive": settings.positive,
        "train_ignored": list(settings.ignored),
        "train_experiment": settings.experiment,
    }
