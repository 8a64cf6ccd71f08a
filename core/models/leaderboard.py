"""Leaderboards: of one run, and of a problem over all its runs."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from core.domain.models import METRIC_NAMES, ORIGIN_NAMES, ModelInfo, metric_in_words
from core.domain.training import Task, TrainingSettings
from core.metrics.ties import METHOD
from core.wording import metric_text

if TYPE_CHECKING:
    from core.models.standing import Standings

LOWER_IS_BETTER = frozenset(
    {"logloss", "mean_per_class_error", "rmse", "mse", "mae", "rmsle", "mean_residual_deviance", "deviance", "brier"}
)
DEFAULT_METRIC: dict[Task, str] = {
    "binary": "auc",
    "multiclass": "mean_per_class_error",
    "regression": "rmse",
}


NO_BETTER = "No better than a constant"  # the badge of such a model
_METRIC_OF_SORT = {"deviance": "mean_residual_deviance"}


def is_lower_better(metric: str) -> bool:
    """Tell whether a smaller value of a metric is better; an origin before the name, as in ``cv_rmse``, is allowed."""
    return metric.removeprefix("cv_").removeprefix("holdout_").removeprefix("train_") in LOWER_IS_BETTER


def is_of_folds(metric: str) -> bool:
    """Tell whether a metric is the mean or the spread of the folds' own values, not a measure of the model."""
    return metric.startswith("cv_") and metric.endswith(("_mean", "_sd"))


def ranking_metric(settings: TrainingSettings) -> str:
    """Return the cross-validated metric that a run's models are ranked by."""
    chosen = settings.sort_metric
    return f"cv_{DEFAULT_METRIC[settings.task] if chosen == 'AUTO' else _METRIC_OF_SORT.get(chosen, chosen)}"


def no_better_text(metrics: Mapping[str, float], constant: Mapping[str, float], settings: TrainingSettings) -> str:
    """Say that a model does not beat the constant predictor, by the metric that ranks it; empty where it does.

    Parameters
    ----------
    metrics, constant : mapping of str to float
        Of the model and of the constant predictor (`core.domain.runs.RunInfo.constant`), named by origin.

    Examples
    --------
    >>> asked = TrainingSettings(dataset_id="d", target="y", experiment="e", task="regression")
    >>> no_better_text({"cv_rmse": 2.5}, {"cv_rmse": 2.0}, asked)
    'No better than the average: RMSE 2.500, a constant predictor 2 (cross-validation).'
    >>> no_better_text({"cv_rmse": 1.5}, {"cv_rmse": 2.0}, asked)
    ''
    """
    ranked = ranking_metric(settings)
    usual = (ranked, f"cv_{DEFAULT_METRIC[settings.task]}")
    name = next((one for one in usual if one in metrics and one in constant), None)
    if name is None:
        return ""
    model, least = metrics[name], constant[name]
    chance = constant.get("cv_auc_chance", least) if name == "cv_auc" else least
    if (model < least) if is_lower_better(name) else (model > max(chance, least)):
        return ""
    plain = metric_in_words(name.removeprefix("cv_"))
    by_chance = f", which chance alone brings to {metric_text(chance)}" if name == "cv_auc" and model > least else ""
    words = "the average" if settings.task == "regression" else "a guess"
    return (
        f"No better than {words}: {plain} {metric_text(model)}, a constant predictor {metric_text(least)}"
        f"{by_chance} ({ORIGIN_NAMES['cv']})."
    )


def auc_by_chance(n_positive: int, n_rows: int) -> float:
    """Return the AUC that ranks without any knowledge exceed in one of 40 cases (two standard deviations).

    Examples
    --------
    >>> round(auc_by_chance(50, 100), 3)
    0.616
    """
    pairs = 12 * n_positive * (n_rows - n_positive)
    return 0.5 + 2 * math.sqrt((n_rows + 1) / pairs) if pairs else 1.0


def sort_models(models: Sequence[ModelInfo], metric: str) -> tuple[ModelInfo, ...]:
    """Sort models best first by a metric with its origin, such as ``"cv_auc"``; models without it come last."""
    sign = 1 if is_lower_better(metric) else -1
    return tuple(
        sorted(models, key=lambda m: (metric not in m.metrics, sign * m.metrics.get(metric, 0.0), m.rank or 0, m.id))
    )


def best_stored(models: Sequence[ModelInfo]) -> ModelInfo | None:
    """Return the best model whose files are stored, by its task's usual metric in cross-validation; None if none is.

    A baseline is there to compare with, so it is never the best.
    """
    stored = [model for model in models if model.has_files and not model.baseline]
    return sort_models(stored, f"cv_{DEFAULT_METRIC[stored[0].task]}")[0] if stored else None


def metric_columns(models: Sequence[ModelInfo]) -> tuple[str, ...]:
    """Return the metrics that the models have, cross-validation first, then holdout; no training metrics or spreads."""
    names = {name for model in models for name in model.metrics}
    order = list(METRIC_NAMES)

    def place(name: str) -> tuple[int, int, str]:
        plain = name.removeprefix("cv_").removeprefix("holdout_")
        return (0 if name.startswith("cv_") else 1, order.index(plain) if plain in order else len(order), name)

    shown = (n for n in names if n.startswith(("cv_", "holdout_")) and not is_of_folds(n))
    return tuple(sorted(shown, key=place))


def rows(models: Sequence[ModelInfo], standings: "Standings | None" = None) -> list[dict[str, Any]]:
    """Return one flat record per model: place, names, metrics by origin, times, size, ties, registry state.

    Parameters
    ----------
    standings : Standings, optional
        Whether chance alone explains a model's difference to the leader, and how that was found; without it, and for
        models that were not compared, these fields are None.
    """
    metrics = metric_columns(models)
    return [
        {
            "place": place,
            "model_id": model.model_key,
            "algo": model.algo,
            **{name: model.metrics.get(name) for name in metrics},
            "training_time_s": model.training_time_s,
            "predict_time_per_row_s": model.predict_time_per_row_s,
            "size_bytes": model.size_bytes,
            **_tie(model, standings),
            "experiment": model.experiment,
            "run_id": model.run_id,
            "uri": model.uri,
            "version": model.version,
            "champion": model.is_champion,
            "baseline": model.baseline,
            "no_better": model.no_better,
            "can_score": model.has_files,
            "created_at": model.created_at.isoformat(timespec="seconds"),
        }
        for place, model in enumerate(models, 1)
    ]


def _tie(model: ModelInfo, standings: "Standings | None") -> dict[str, Any]:
    found = standings.of(model) if standings else None
    difference = found.difference if found else None
    is_tested = standings is not None and model.id in standings.models
    return {
        "vs_leader": found.state if found else None,
        "tied_with_leader": found.state == "tied" if found and difference else None,
        "difference": difference.value if difference else None,
        "difference_low": difference.low if difference else None,
        "difference_high": difference.high if difference else None,
        "tie_method": f"{standings.metric} on {standings.rows_words}: {METHOD}" if standings and is_tested else None,
    }


def to_table(models: Sequence[ModelInfo], standings: "Standings | None" = None) -> pa.Table:
    """Return `rows` as an Arrow table for a download."""
    return pa.Table.from_pylist(rows(models, standings))
