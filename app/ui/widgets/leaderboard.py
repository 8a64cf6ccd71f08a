"""Tables of models."""

from collections.abc import Sequence
from typing import Any, Literal

import pyarrow as pa
import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.widgets.metrics import metric_format, metric_help, metric_label, metric_name, split_metric
from core.domain.models import ModelInfo, model_name
from core.models.leaderboard import NO_BETTER, metric_columns

MARK_CHAMPION, MARK_BASELINE, MARK_METRICS_ONLY = "Champion", "Baseline", "Metrics only"
MARK_NO_BETTER = NO_BETTER
_ROW_PX = 35


def marks(model: ModelInfo) -> list[str]:
    """Return what is special about a model: champion, a baseline, its version, or that it cannot score."""
    found = [MARK_CHAMPION] if model.is_champion else []
    found += [MARK_BASELINE] if model.baseline else []
    found += [MARK_NO_BETTER] if model.no_better else []
    found += [f"Version {model.version}"] if model.version else []
    return found + ([] if model.has_files or model.baseline else [MARK_METRICS_ONLY])


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
            "model": model_name(model.model_key),
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
        {mark for model in models for mark in marks(model)}
        - {MARK_CHAMPION, MARK_BASELINE, MARK_NO_BETTER, MARK_METRICS_ONLY}
    )
    shape = metric_format(metric, models)
    plain = metric_name(split_metric(metric)[1])
    config: dict[str, Any] = {
        "place": number("#", width=48, pinned=True, help="Rank by the chosen metric."),
        "model": text("Model"),
        "marks": st.column_config.MultiselectColumn(
            "Marks",
            width=180 if versions else None,  # both marks of the champion; by itself the column fits its empty cells
            options=[MARK_CHAMPION, MARK_BASELINE, MARK_NO_BETTER, MARK_METRICS_ONLY, *versions],
            color=["green", "violet", "orange", "gray", *["blue"] * len(versions)],
            help="Champion: in use. Baseline: trained to compare with, never chosen by itself. "
            "No better than a constant: it does not beat a predictor that says the same of every row. "
            "Metrics only: it has no files, so it can neither score nor be explained.",
        ),
        "spread": number(
            f"{plain} spread · folds", format=shape, help="Standard deviation of the metric over the folds."
        ),
        "gap": number(
            f"{plain} gap · holdout − CV", format=shape, help="Holdout minus cross-validation; near 0 is reassuring."
        ),
        "training_s": number("Training (s)", format="%.1f"),
        "prediction_us": number("Prediction (µs/row)", format="%.1f", help="Time to score one row, measured by H2O."),
        "run": text("Run"),
        "created": st.column_config.DatetimeColumn("Built (UTC)", format="D MMM YYYY, HH:mm"),
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


def table_height(n_rows: int, most: int) -> Literal["content"] | int:
    """Return the height of a table: all of its rows, or so many and a scroll bar."""
    return "content" if n_rows <= most else _ROW_PX * (most + 1)


def models_so_far(models: Sequence[ModelInfo], metric: str, *, key: str) -> None:
    """Draw the models of a run, best first, in few columns."""
    records = [
        {
            "#": place,
            "model": model_name(model.model_key),
            metric: model.metrics.get(metric),
            "spread": model.metrics.get(f"{metric}_sd"),
        }
        for place, model in enumerate(models, 1)
    ]
    number, shape = st.column_config.NumberColumn, metric_format(metric, models)
    config: dict[str, Any] = {
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
