"""What was asked of a run, in words."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from core.domain.models import METRIC_NAMES, algorithm_name
from core.domain.training import Task, TrainingSettings
from core.models.leaderboard import ranking_metric
from core.plain import to_plain
from core.store.items import recipe_label
from core.training.plan.presets import PRESETS
from core.wording import percent_text

TASK_WORDS: Mapping[Task, str] = {"binary": "two classes", "multiclass": "several classes", "regression": "a number"}
_SETTING_NAMES: Mapping[str, str] = {
    "target": "Target",
    "task": "Task",
    "positive": "Positive class",
    "recipe": "Recipe",
    "ignored": "Columns left out",
    "max_models": "Maximum models",
    "max_runtime_secs": "Time limit (s)",
    "nfolds": "Folds",
    "holdout_share": "Holdout share",
    "seed": "Seed",
    "sort_metric": "Ranked by",
    "include_algos": "Only these algorithms",
    "exclude_algos": "Without these algorithms",
    "balance_classes": "Balanced classes",
    "class_sampling_factors": "Class sampling factors",
    "max_after_balance_size": "Maximum balanced size (times)",
    "split": "Split",
    "split_column": "Split by",
    "backtest": "Backtest",
    "fold_column": "Fold column",
    "weights_column": "Weights",
    "distribution": "Distribution",
    "tweedie_power": "Tweedie power",
    "quantile_alpha": "Quantile",
    "huber_alpha": "Huber share",
    "stopping_metric": "Stopped by",
    "stopping_rounds": "Rounds without improvement",
    "stopping_tolerance": "Minimum improvement",
    "max_runtime_secs_per_model": "Time limit per model (s)",
    "exploitation_ratio": "Share of time to refine the best models",
    "monotone_constraints": "Monotonic constraints",
    "blending_share": "Share of rows to fit ensembles on",
    "keep_cross_validation_models": "Kept the models of the folds",
    "keep_cross_validation_fold_assignment": "Kept the fold of each row",
    "modeling_plan": "Modeling plan",
    "baselines": "Baselines",
    "preset": "Preset",
}
# Shown also where nobody changed them.
_ALWAYS = ("target", "task", "positive", "recipe", "max_models", "nfolds", "seed", "sort_metric")
_ALGORITHMS = ("include_algos", "exclude_algos")
_SHARES = ("holdout_share", "blending_share")
_DEFAULTS: Mapping[str, Any] = {
    spec.name: spec.default_factory() if callable(spec.default_factory) else spec.default
    for spec in fields(TrainingSettings)
}


def setting_words(settings: TrainingSettings) -> dict[str, str]:
    """Return the settings that matter and those that somebody changed, by name, as plain text."""
    values = {**to_plain(settings), "task": TASK_WORDS[settings.task]}
    values["recipe"] = recipe_label(values["recipe"]) if values["recipe"] else None
    values["preset"] = _preset_words(settings)
    ranked = METRIC_NAMES[ranking_metric(settings).removeprefix("cv_")]
    values["sort_metric"] = f"{ranked} (default)" if settings.sort_metric == "AUTO" else ranked
    shown = {}
    for key, label in _SETTING_NAMES.items():
        value = getattr(settings, key)
        if value is not None and (key in _ALWAYS or value != _DEFAULTS[key]):
            shown[label] = _text(key, values[key])
    return shown


def _preset_words(settings: TrainingSettings) -> str | None:
    """Return the preset's title, and whether any of its settings was changed."""
    preset = PRESETS.get(settings.preset or "")
    if preset is None:
        return settings.preset
    is_changed = any(getattr(settings, name) != value for name, value in preset.settings.items())
    return f"{preset.title}{', changed' if is_changed else ''}"


def _text(key: str, value: Any) -> str:
    if key in _ALGORITHMS:
        return ", ".join(algorithm_name(name) for name in value)
    if key == "stopping_metric":
        return METRIC_NAMES.get(value.lower(), str(value))
    if key in _SHARES:
        return f"{percent_text(value, 0)}"
    if key == "modeling_plan":
        return "; ".join(_step_text(step) for step in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {one}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in value)
    return {True: "Yes", False: "No"}[value] if isinstance(value, bool) else str(value)


def _step_text(step: Mapping[str, Any]) -> str:
    parts = [step.get("alias", ""), *(part["id"] for part in step.get("steps", ()))]
    return f"{step['name']} {', '.join(filter(None, parts))}".rstrip()
