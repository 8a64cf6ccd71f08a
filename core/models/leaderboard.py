"""Leaderboards: of one run, and of a problem over all its runs."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from core.domain.models import METRIC_NAMES, ModelInfo
from core.domain.training import Task, TrainingSettings

LOWER_IS_BETTER = frozenset(
    {"logloss", "mean_per_class_error", "rmse", "mse", "mae", "rmsle", "mean_residual_deviance", "deviance"}
)
DEFAULT_METRIC: dict[Task, str] = {
    "binary": "auc",
    "multiclass": "mean_per_class_error",
    "regression": "rmse",
}


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


def rows(models: Sequence[ModelInfo]) -> list[dict[str, Any]]:
    """Return one flat record per model: place, names, metrics by origin, times, registry state."""
    metrics = metric_columns(models)
    return [
        {
            "place": place,
            "model_id": model.model_key,
            "algo": model.algo,
            **{name: model.metrics.get(name) for name in metrics},
            "training_time_s": model.training_time_s,
            "predict_time_per_row_s": model.predict_time_per_row_s,
            "experiment": model.experiment,
            "run_id": model.run_id,
            "uri": model.uri,
            "version": model.version,
            "champion": model.is_champion,
            "baseline": model.baseline,
            "can_score": model.has_files,
            "created_at": model.created_at.isoformat(timespec="seconds"),
        }
        for place, model in enumerate(models, 1)
    ]


def to_table(models: Sequence[ModelInfo]) -> pa.Table:
    """Return `rows` as an Arrow table for a download."""
    return pa.Table.from_pylist(rows(models))
