"""Pieces that the pages about runs and models share: metrics by origin, tables of models, a run's progress."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.widgets import basics as widgets
from core.domain.models import METRIC_NAMES, ORIGIN_NAMES, ModelInfo, Origin
from core.domain.runs import RunInfo
from core.domain.training import Task
from core.models.leaderboard import DEFAULT_METRIC, is_lower_better, metric_columns, ranking_metric
from core.training.wording import TASK_WORDS

ORIGINS: tuple[Origin, ...] = ("cv", "holdout", "train")
BOUNDED = frozenset({"auc", "aucpr", "logloss", "mean_per_class_error", "r2", "rmsle"})
MARK_CHAMPION, MARK_BASELINE, MARK_METRICS_ONLY = "Champion", "Baseline", "Metrics only"
LEADERBOARD_CSV = "leaderboard.csv"
EVENT_LOG = "event_log.csv"
_CARD_METRICS: dict[Task, tuple[str, ...]] = {
    "binary": ("auc", "logloss", "aucpr"),
    "multiclass": ("mean_per_class_error", "logloss"),
    "regression": ("rmse", "mae", "r2"),
}
_ROW_PX = 35


# --- metrics in words -------------------------------------------------------------------------------------------------


def split_metric(name: str) -> tuple[Origin, str]:
    """Split a metric into its origin and its plain name.

    Examples
    --------
    >>> split_metric("holdout_logloss")
    ('holdout', 'logloss')
    """
    origin, _, plain = name.partition("_")
    return (origin, plain) if origin in ORIGINS else ("cv", name)  # type: ignore[return-value]


def metric_name(plain: str) -> str:
    """Return a metric's name as a label, such as ``"Log loss"``."""
    name = METRIC_NAMES.get(plain, plain.replace("_", " "))
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


def metric_help(name: str) -> str:
    """Say where a metric was measured and which direction is better."""
    origin, plain = split_metric(name)
    rows = {
        "cv": "Measured on rows the model had not seen in its fold.",
        "holdout": "Measured on the rows held out of the whole training.",
        "train": "Measured on the training rows themselves: too good to rely on.",
    }
    binned = " H2O's own, from at most 400 thresholds; Explain has the exact one." if plain in ("auc", "aucpr") else ""
    return f"{rows[origin]} {'Lower' if is_lower_better(plain) else 'Higher'} is better.{binned}"


def run_metric(run: RunInfo) -> str:
    """Return the cross-validated metric that a run is sorted by."""
    return ranking_metric(run.settings)


def metric_format(name: str, models: Sequence[ModelInfo]) -> str:
    """Return the printf format that shows a column of this metric with the same decimals throughout."""
    if split_metric(name)[1] in BOUNDED:
        return "%.4f"
    largest = max((abs(m.metrics[name]) for m in models if name in m.metrics), default=0.0)
    return "%.4f" if largest < 10 else "%.2f" if largest < 1000 else "%.0f"


def metric_cards(model: ModelInfo, run: RunInfo | None = None) -> None:
    """Draw a model's main metrics, each with where it was measured; the run knows how many folds there were."""
    names = [f"{origin}_{plain}" for origin in ("cv", "holdout") for plain in _CARD_METRICS[model.task]]
    with st.grid(len(_CARD_METRICS[model.task]), min_column_width=150, gap="small"):
        for name in (name for name in names if name in model.metrics):
            origin, plain = split_metric(name)
            widgets.metric_with_origin(metric_name(plain), model.metrics[name], origin, help=metric_help(name))
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
    return f"{name} of the {folds}: {widgets.metric_text(mean)} ± {deviation:.2g} (mean and standard deviation)"


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
    config = {
        column: st.column_config.NumberColumn(format="%.5g")
        for column in (*(ORIGIN_NAMES[origin].capitalize() for origin in origins), "Spread over folds")
    }
    st.dataframe(records, hide_index=True, column_config=config, alt=f"Metrics of {model.model_key} by origin")


# --- tables of models -------------------------------------------------------------------------------------------------


def model_label(model: ModelInfo) -> str:
    """Return a model's name for lists: algorithm, place or version, and its main metric, as plain text."""
    metric = f"cv_{DEFAULT_METRIC[model.task]}"
    parts = [model.algo, f"version {model.version}" if model.version else None]
    parts += ["champion" if model.is_champion else f"place {model.rank}" if model.rank else None]
    if metric in model.metrics:
        parts.append(f"{metric_label(metric).replace(' · ', ' ')} {widgets.metric_text(model.metrics[metric])}")
    return " · ".join(part for part in parts if part)


def model_uri(link: str) -> str:
    """Return the URI that a link's `model` means: an id or a whole URI.

    Examples
    --------
    >>> model_uri("m-1")
    'models:/m-1'
    """
    return link if link.startswith("models:/") else f"models:/{link}"


def marks(model: ModelInfo) -> list[str]:
    """Return what is special about a model: champion, a baseline, its version, or that it cannot score."""
    found = [MARK_CHAMPION] if model.is_champion else []
    found += [MARK_BASELINE] if model.baseline else []
    found += [f"Version {model.version}"] if model.version else []
    return found + ([] if model.has_files or model.baseline else [MARK_METRICS_ONLY])


def short_key(model_key: str) -> str:
    """Return a model's name without the part that all models of its run share.

    Examples
    --------
    >>> short_key("StackedEnsemble_AllModels_1_AutoML_1_20261123_02008"), short_key("GLM_baseline_01234567")
    ('StackedEnsemble_AllModels_1', 'GLM_baseline')
    """
    name, is_baseline, _ = model_key.partition("_baseline_")
    return f"{name}_baseline" if is_baseline else model_key.partition("_AutoML_")[0]


def gap(model: ModelInfo, metric: str) -> float | None:
    """Return holdout minus cross-validation of a metric; None where one of them is not known."""
    plain = split_metric(metric)[1]
    cv, holdout = model.metrics.get(f"cv_{plain}"), model.metrics.get(f"holdout_{plain}")
    return None if cv is None or holdout is None else holdout - cv


def leaderboard_records(models: Sequence[ModelInfo], metric: str, runs: dict[str, str]) -> list[dict[str, Any]]:
    """Return one record per model with the columns of the leaderboard, the chosen metric first."""
    names = [metric, *(name for name in metric_columns(models) if name != metric)]
    return [
        {
            "place": place,
            "model": short_key(model.model_key),
            names[0]: model.metrics.get(names[0]),
            "marks": marks(model),
        }
        | {"spread": model.metrics.get(f"{metric}_sd"), "gap": gap(model, metric)}
        | {name: model.metrics.get(name) for name in names[1:]}
        | {
            "training_s": model.training_time_s,
            "prediction_us": None if model.predict_time_per_row_s is None else model.predict_time_per_row_s * 1e6,
            "run": runs.get(model.run_id, model.run_id[:8]),
            "created": model.created_at,
        }
        for place, model in enumerate(models, 1)
    ]


def as_table(records: Sequence[dict[str, Any]]) -> pa.Table:
    """Return records as Arrow, which keeps times with their zone as they are."""
    return pa.Table.from_pylist(list(records))


def leaderboard_config(models: Sequence[ModelInfo], metric: str) -> dict[str, Any]:
    """Return how each column of the leaderboard looks; every header names origin or unit."""
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    versions = sorted(
        {mark for model in models for mark in marks(model)} - {MARK_CHAMPION, MARK_BASELINE, MARK_METRICS_ONLY}
    )
    shape = metric_format(metric, models)
    plain = metric_name(split_metric(metric)[1])
    config: dict[str, Any] = {
        "place": number("#", width=48, pinned=True, help="Place by the chosen metric."),
        "model": text("Model"),
        "marks": st.column_config.MultiselectColumn(
            "Marks",
            width=180 if versions else None,  # both marks of the champion; by itself the column fits its empty cells
            options=[MARK_CHAMPION, MARK_BASELINE, MARK_METRICS_ONLY, *versions],
            color=["green", "violet", "gray", *["blue"] * len(versions)],
            help="Champion: in use. Baseline: trained to compare with, never chosen by itself. "
            "Metrics only: it has no files, so it can neither score nor be explained.",
        ),
        "spread": number(
            f"{plain} spread · folds", format=shape, help="Standard deviation of the metric over the folds."
        ),
        "gap": number(
            f"{plain} gap · holdout − CV", format=shape, help="Holdout minus cross-validation; near 0 is reassuring."
        ),
        "training_s": number("Training, s", format="%.1f"),
        "prediction_us": number("Prediction, µs/row", format="%.1f", help="Time to score one row, measured by H2O."),
        "run": text("Run"),
        "created": st.column_config.DatetimeColumn("Built, UTC", format="D MMM YYYY, HH:mm"),
    }
    return config | {
        name: number(metric_label(name), format=metric_format(name, models), help=metric_help(name))
        for name in {metric, *metric_columns(models)}
    }


def shown_columns(records: Sequence[dict[str, Any]], *, one_run: bool) -> list[str]:
    """Return the columns that hold anything, in order."""
    hidden = {"run"} if one_run else set()
    return [
        name for name in records[0] if name not in hidden and any(record[name] not in (None, []) for record in records)
    ]


def best_model_button(key: str) -> None:
    """Draw the button that opens the model with the lowest log loss over all experiments."""
    if st.button(
        "Best by log loss",
        key=key,
        icon=":material/trophy:",
        help="Opens the model with the lowest cross-validated log loss over all experiments.",
    ):
        with guard():
            best = get_services().store.best()
        if best is None:
            st.toast("No model with a log loss yet: train a classification first.", icon=":material/info:")
        else:
            st.session_state["leaderboard_metric"] = "cv_logloss"
            navigation.go("leaderboard", run=best.run_id, model=best.id)


# --- one model --------------------------------------------------------------------------------------------------------


def model_badges(model: ModelInfo) -> None:
    """Draw what is special about a model as badges."""
    with st.container(horizontal=True, gap="xsmall"):
        if model.is_champion:
            st.badge("Champion", icon=":material/trophy:", color="green")
        if model.baseline:
            st.badge("Baseline", icon=":material/compare_arrows:", color="violet")
        if model.version:
            st.badge(f"Version {model.version}", color="blue")
        if not model.has_files and not model.baseline:
            st.badge("Metrics only", color="gray")


def model_card(model: ModelInfo) -> None:
    """Draw one model with its metrics and what can be done with it."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{widgets.escape_markdown(model.model_key)}**", width="content")
            model_badges(model)
        metric_cards(model)
        if model.has_files:
            model_actions(model)
        elif model.baseline:
            st.caption(
                ":material/info: It says the same of every row, so there is nothing to score with or to explain."
            )
        else:
            st.caption(
                ":material/info: Only the leader and the next five models of a run keep their files. "
                "This one has metrics, but cannot score or be explained."
            )


def model_actions(model: ModelInfo) -> None:
    """Draw the ways on from a stored model: explain, predict, promote."""
    with st.container(horizontal=True, gap="small"):
        if st.button("Explain", key="leaderboard_explain", icon=":material/lightbulb:"):
            navigation.go("explain", model=model.id)
        if st.button("Predict with it", key="leaderboard_predict", icon=":material/online_prediction:"):
            navigation.go("predict", model=model.id)
        with st.popover("Promote to champion", icon=":material/trophy:", disabled=model.is_champion):
            st.caption(
                "Predictions for this experiment will use this model from now on. The note is kept in the audit."
            )
            note = st.text_input("Why, in a few words", key="leaderboard_note", max_chars=500)
            if st.button("Promote", key="leaderboard_promote", type="primary"):
                promote(model, note)


def promote(model: ModelInfo, note: str) -> None:
    """Make a model the champion and draw the page anew."""
    from core.models.champion import promote as promote_model

    services = get_services()
    with guard():
        version = promote_model(services.store, services.ledger, model, note=note)
        st.session_state["leaderboard.done"] = f"Version {version} is the champion of {model.experiment} now."
        st.rerun()


# --- one run ----------------------------------------------------------------------------------------------------------


def run_header(run: RunInfo) -> None:
    """Draw what a run is: its name, status and what it learns from."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(widgets.escape_markdown(run.experiment), anchor=False, width="content")
        widgets.status_badge(run.status)
    facts = (
        f"Predicts **{widgets.escape_markdown(run.settings.target)}** ({TASK_WORDS[run.settings.task]})",
        f"learns from {widgets.escape_markdown(run.dataset_name)}",
        widgets.ago_text(run.created_at),
    )
    st.caption(" · ".join(facts))


def run_error(run: RunInfo) -> None:
    """Draw why a run failed and what to do about it."""
    if run.error:
        st.error(
            f"{widgets.escape_markdown(run.error.get('hint', ''))}  \n:small[`{run.error.get('code', '')}`]",
            title=widgets.escape_markdown(run.error.get("message", "The run failed.")),
            icon=":material/error:",
        )


def run_seconds(run: RunInfo) -> float | None:
    """Return how long a run took or takes so far; None before it starts."""
    from datetime import UTC, datetime

    if run.started_at is None:
        return None
    return ((run.ended_at or datetime.now(UTC)) - run.started_at).total_seconds()


def run_versions(run: RunInfo) -> dict[str, str]:
    """Return the versions that a run was made with, by name."""
    return {f"{name} version": str(version) for name, version in json.loads(run.tags.get("versions", "{}")).items()}


def table_height(n_rows: int, most: int) -> Literal["content"] | int:
    """Return the height of a table: all of its rows, or so many and a scroll bar."""
    return "content" if n_rows <= most else _ROW_PX * (most + 1)


def models_so_far(models: Sequence[ModelInfo], metric: str, *, key: str) -> None:
    """Draw the models of a run, best first, in few columns."""
    records = [
        {
            "#": place,
            "model": short_key(model.model_key),
            metric: model.metrics.get(metric),
            "spread": model.metrics.get(f"{metric}_sd"),
        }
        for place, model in enumerate(models, 1)
    ]
    number, shape = st.column_config.NumberColumn, metric_format(metric, models)
    config = {
        "#": number("#", width=48),
        "model": "Model",
        metric: number(metric_label(metric), format=shape, help=metric_help(metric)),
        "spread": number("Spread · folds", format=shape, help="Standard deviation of the metric over the folds."),
    }
    st.dataframe(
        records,
        hide_index=True,
        column_config=config,
        key=key,
        height=table_height(len(records), 8),
        alt="Models so far, best first",
    )


def read_events(run: RunInfo) -> list[dict[str, str]]:
    """Return what the engine noted while it trained: time, stage and message of each entry, oldest first."""
    store = get_services().store
    return read_csv(store.artifact(run.run_id, EVENT_LOG)) if EVENT_LOG in store.artifacts(run.run_id) else []


def event_table(records: Sequence[dict[str, str]]) -> None:
    """Draw an event log as the engine wrote it."""
    config = {
        "time": st.column_config.TextColumn("Time, UTC", width="small"),
        "stage": st.column_config.TextColumn("Stage", width="small"),
        "message": st.column_config.TextColumn("Message", width="large"),
    }
    st.dataframe(records, hide_index=True, column_config=config, height=240, alt="Event log of the run")


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return a small CSV file that Bellwether wrote, as records."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
