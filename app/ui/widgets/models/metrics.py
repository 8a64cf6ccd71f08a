"""Metrics in words and as cards, with where they were measured."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import streamlit as st

from app.ui.widgets.tables import number_format, written
from app.ui.widgets.text import escape_markdown
from core.domain.models import METRIC_NAMES, ORIGIN_NAMES, ModelInfo, Origin, metric_in_words, model_name
from core.domain.runs import RunInfo
from core.domain.training import Task
from core.models.leaderboard import DEFAULT_METRIC, is_lower_better
from core.wording import metric_text

_HEADLINES: dict[Task, tuple[str, str]] = {
    "binary": ("auc", "AUC"),
    "multiclass": ("mean_per_class_error", "Mean per-class error"),
    "regression": ("rmse", "RMSE"),
}
ORIGINS: tuple[Origin, ...] = ("cv", "holdout", "train")
BOUNDED = frozenset({"auc", "aucpr", "average_precision", "logloss", "mean_per_class_error", "r2", "rmsle"})
_MORE_HELP = {
    "auc": " Approximate (400 thresholds); Explain shows the exact value.",
    "aucpr": " H2O's: 400 thresholds and interpolated. Explain and scored files show the average precision instead.",
}
_CARD_METRICS: dict[Task, tuple[str, ...]] = {
    "binary": ("auc", "logloss"),  # H2O's other ones are by its own thresholds, or named as what we compute exactly
    "multiclass": ("mean_per_class_error", "logloss"),
    "regression": ("rmse", "mae", "r2"),
}


def metric_with_origin(
    label: str,
    value: float | None,
    origin: Origin,
    *,
    help: str | None = None,  # noqa: A002
    beside: str | None = None,
) -> None:
    """Draw a metric that says where it was measured: cross-validation, holdout or training; and what is beside it."""
    rows = "CV" if origin == "cv" and beside else ORIGIN_NAMES[origin]  # beside a table there is less room
    st.metric(
        f"{escape_markdown(label)} :gray[:small[{rows}]]", metric_text(value), beside, help=help,
        delta_color="off", delta_arrow="off",
    )  # fmt: skip


def headline_metric(model: ModelInfo) -> str:
    """Return a model's main metric with its origin, as Markdown: the holdout's where there is one."""
    metric, label = main_metric(model), _HEADLINES[model.task][1]
    return f"{label} **{metric_text(model.metrics.get(metric))}** ({ORIGIN_NAMES[split_metric(metric)[0]]})"


def main_metric(model: ModelInfo) -> str:
    """Return the metric that a model is known by, named by origin: the holdout's where there is one."""
    name = _HEADLINES[model.task][0]
    return f"holdout_{name}" if f"holdout_{name}" in model.metrics else f"cv_{name}"


def split_metric(name: str) -> tuple[Origin, str]:
    """Split a metric into its origin and its plain name.

    Examples
    --------
    >>> split_metric("holdout_logloss")
    ('holdout', 'logloss')
    """
    origin, _, plain = name.partition("_")
    return (origin, plain) if origin in ORIGINS else ("cv", name)


def metric_name(plain: str) -> str:
    """Return a metric's name as a label, such as ``"Log loss"``."""
    name = metric_in_words(plain)
    return name[:1].upper() + name[1:]


def metric_label(name: str) -> str:
    """Return a metric's name and origin.

    Examples
    --------
    >>> metric_label("cv_auc")
    'AUC · cross-validation'
    """
    origin, plain = split_metric(name)
    return f"{metric_name(plain)} · {ORIGIN_NAMES[origin]}"


def short_label(name: str) -> str:
    """Return a metric and its origin as the head of a narrow column.

    Examples
    --------
    >>> short_label("cv_auc")
    'AUC · CV'
    """
    return metric_label(name).replace("cross-validation", "CV")


def metric_help(name: str, *, is_exact: bool = False) -> str:
    """Say where a metric was measured and which direction is better, and what H2O's own lacks where it is not exact."""
    origin, plain = split_metric(name)
    rows = {
        "cv": "Measured on rows the model had not seen in its fold.",
        "holdout": "Measured on the rows held out of the whole training.",
        "train": "Measured on the training rows themselves: too good to rely on.",
    }
    more = "" if is_exact else _MORE_HELP.get(plain, "")
    return f"{rows[origin]} {'Lower' if is_lower_better(plain) else 'Higher'} is better.{more}"


def metric_format(name: str, models: Sequence[ModelInfo]) -> str:
    """Return the format that shows a column of this metric with the same decimals throughout."""
    if split_metric(name)[1] in BOUNDED:
        return "%.4f"
    return number_format(model.metrics.get(name) for model in models)


def metric_cards(
    model: ModelInfo,
    run: RunInfo | None = None,
    *,
    champion: ModelInfo | None = None,
    exact: Mapping[str, float] = MappingProxyType({}),
) -> None:
    """Draw a model's main metrics, each with where it was measured.

    Parameters
    ----------
    run : RunInfo, optional
        It knows how many folds there were.
    champion : ModelInfo, optional
        Whose metrics, of the same rows, stand beside.
    exact : mapping of str to float, optional
        By origin and name: what was counted over every stored prediction, which is shown instead of H2O's own.
    """
    with st.grid(len(_CARD_METRICS[model.task]), min_column_width=150, gap="small"):
        for plain in _CARD_METRICS[model.task]:
            # Side by side where there is room, else what was measured on other rows stands below it.
            with st.container(horizontal=True, gap="small"):
                for origin in ("cv", "holdout"):
                    if (name := f"{origin}_{plain}") in model.metrics:
                        other = champion.metrics.get(name) if champion else None
                        metric_with_origin(
                            metric_name(plain), exact.get(name, model.metrics[name]), origin,
                            help=metric_help(name, is_exact=name in exact),
                            beside=None if other is None else f"champion {metric_text(other)}",
                        )  # fmt: skip
    n_folds = run.settings.nfolds if run is not None and run.settings.fold_column is None else 0
    spread = fold_spread(model, f"cv_{DEFAULT_METRIC[model.task]}", n_folds)
    if spread:
        st.caption(spread)


def fold_spread(model: ModelInfo, metric: str, n_folds: int = 0) -> str:
    """Return mean and standard deviation of a metric over the folds, in words; empty where they are not known."""
    mean, deviation = (model.metrics.get(f"{metric}_{part}") for part in ("mean", "sd"))
    if mean is None or deviation is None:
        return ""
    name = metric_name(split_metric(metric)[1])
    folds = f"{n_folds} folds" if n_folds > 1 else "folds"  # as many as it has values in a column of folds
    return (
        f"{name} of the {folds}, one by one: {metric_text(mean)} ± {metric_text(deviation)} (mean and standard"
        " deviation); cross-validation above counts the rows of all folds together"
    )


def metric_table(model: ModelInfo) -> None:
    """Draw all metrics of a model: one row per metric, one column per origin."""
    plain = [name for name in METRIC_NAMES if any(f"{origin}_{name}" in model.metrics for origin in ORIGINS)]
    origins = [origin for origin in ORIGINS if any(f"{origin}_{name}" in model.metrics for name in plain)]
    records = [
        {"Metric": metric_name(name)}
        | {ORIGIN_NAMES[origin].capitalize(): model.metrics.get(f"{origin}_{name}") for origin in origins}
        | {"Spread over folds": model.metrics.get(f"cv_{name}_sd")}
        for name in plain
    ]
    shown, config = written(records, (*(ORIGIN_NAMES[origin].capitalize() for origin in origins), "Spread over folds"))
    st.dataframe(
        shown,
        hide_index=True,
        placeholder="–",
        column_config=config,
        alt=f"Metrics of {model_name(model.model_key)} by origin",
    )
