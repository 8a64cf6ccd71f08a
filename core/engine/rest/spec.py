"""The settings of a training in H2O's words: the JSON of `/99/AutoMLBuilder`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.domain.training import TrainingSettings

# H2O's own words where they differ from ours in more than case.
_LAMBDAS = 40
_USUAL_SD = (0.1, 50.0)  # of a target that H2O's own search of a GLM copes with
_PARAMETERS = {"tweedie": "tweedie_power", "quantile": "quantile_alpha", "huber": "huber_alpha"}


@dataclass(frozen=True)
class Frames:
    """The frames of a training; see `EngineAutoML.start`."""

    training: str
    holdout: str | None = None
    blending: str | None = None
    fold_column: str | None = None
    classes: tuple[str, ...] = ()
    target_sd: float | None = None


def build_spec(settings: TrainingSettings, frames: Frames, ignored: Sequence[str], project: str) -> dict[str, Any]:
    """Return the settings in H2O's words.

    Both limits are always given: H2O takes an hour when it is given neither. There is no leaderboard frame, ever:
    models must not be ranked by rows that are held out to judge them.
    """
    return {
        "build_control": _build_control(settings, frames, project),
        "input_spec": _input_spec(settings, frames, ignored),
        "build_models": _build_models(settings, frames),
    }


def glm_search(settings: TrainingSettings, target_sd: float | None) -> dict[str, Any]:
    """Return how H2O's GLM is to look for its penalty where the target's scale is far from one; else nothing.

    By itself it begins a ridge with the strongest penalty of a lasso, which grows with the scale while the ridge's own
    does not, so that all coefficients are nought; it gives up after five steps without an improvement, and predicts
    the mean. It also takes a coefficient as found when it changes by less than 0.0001, however small it is.
    """
    is_squared = settings.task == "regression" and settings.distribution.lower() in ("auto", "gaussian")
    if not is_squared or not target_sd or _USUAL_SD[0] <= target_sd <= _USUAL_SD[1] or not math.isfinite(target_sd):
        return {}
    power = round(math.log10(target_sd))  # so that the last digits of a deviation make no other model
    first, last = 1 + max(power, 0), -5 + min(power, 0)
    steps = (first + (last - first) * step / (_LAMBDAS - 1) for step in range(_LAMBDAS))
    return {
        "lambda": [10.0**step for step in steps],
        "early_stopping": False,
        "beta_epsilon": 10.0 ** (power - 4),
    }


def _build_control(settings: TrainingSettings, frames: Frames, project: str) -> dict[str, Any]:
    control: dict[str, Any] = {
        "project_name": project,
        # With a fold column H2O wants no number of folds beside it.
        "nfolds": 0 if frames.fold_column else settings.nfolds,
        "balance_classes": settings.balance_classes,
        "keep_cross_validation_predictions": True,
        "keep_cross_validation_models": settings.keep_cross_validation_models,
        "keep_cross_validation_fold_assignment": settings.keep_cross_validation_fold_assignment,
        "stopping_criteria": _stopping_criteria(settings),
    }
    if settings.balance_classes:
        control["max_after_balance_size"] = settings.max_after_balance_size
        if settings.class_sampling_factors:
            control["class_sampling_factors"] = _class_factors(settings, frames.classes)
    distribution = settings.distribution.lower()
    if distribution != "auto":
        control["distribution"] = distribution
        if name := _PARAMETERS.get(distribution):
            control[name] = getattr(settings, name)
    return control


def _stopping_criteria(settings: TrainingSettings) -> dict[str, Any]:
    criteria: dict[str, Any] = {
        "max_models": settings.max_models,
        "max_runtime_secs": settings.max_runtime_secs,
        "max_runtime_secs_per_model": settings.max_runtime_secs_per_model,
        "seed": settings.seed,
        "stopping_rounds": settings.stopping_rounds,
    }
    if settings.stopping_metric.upper() != "AUTO":
        criteria["stopping_metric"] = settings.stopping_metric.lower()
    if settings.stopping_tolerance is not None:
        criteria["stopping_tolerance"] = settings.stopping_tolerance
    return criteria


def _class_factors(settings: TrainingSettings, classes: Sequence[str]) -> list[float]:
    """Bring the factors from the order of sorted classes into the frame's."""
    by_class = dict(zip(sorted(classes), settings.class_sampling_factors, strict=True))
    return [by_class[name] for name in classes]


def _input_spec(settings: TrainingSettings, frames: Frames, ignored: Sequence[str]) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "training_frame": frames.training,
        "response_column": settings.target,
        "ignored_columns": list(ignored),
    }
    if settings.sort_metric.upper() != "AUTO":
        spec["sort_metric"] = settings.sort_metric.lower()
    if frames.fold_column:
        spec["fold_column"] = frames.fold_column
    if settings.weights_column:
        spec["weights_column"] = settings.weights_column
    if frames.blending:
        spec["blending_frame"] = frames.blending
    return spec


def _build_models(settings: TrainingSettings, frames: Frames) -> dict[str, Any]:
    models: dict[str, Any] = {}
    if settings.include_algos:
        models["include_algos"] = list(settings.include_algos)
    if settings.exclude_algos:
        models["exclude_algos"] = list(settings.exclude_algos)
    if settings.exploitation_ratio != -1:
        models["exploitation_ratio"] = settings.exploitation_ratio
    if settings.target_encoding:
        models["preprocessing"] = [{"type": "targetencoding"}]
    search = glm_search(settings, frames.target_sd)
    parameters = [{"scope": "GLM", "name": name, "value": value} for name, value in search.items()]
    if settings.monotone_constraints:
        pairs = [{"key": name, "value": sign} for name, sign in settings.monotone_constraints.items()]
        parameters.append({"scope": "any", "name": "monotone_constraints", "value": pairs})
    if parameters:
        models["algo_parameters"] = parameters
    if settings.modeling_plan:
        models["modeling_plan"] = [dict(step) for step in settings.modeling_plan]
    return models
