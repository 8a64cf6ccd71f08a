"""Tables of models."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa
import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.widgets.models.metrics import (
    metric_format,
    metric_help,
    metric_label,
    metric_name,
    short_label,
    split_metric,
)
from app.ui.widgets.tables import number_cell, number_cell_text
from core.domain.models import ModelInfo, Origin, algorithm_name, model_name
from core.metrics.ties import METHOD
from core.models.leaderboard import NO_BETTER, metric_columns
from core.models.standing import NO_NAMES, Names, Standing, Standings, State, called, difference_texts

MARK_CHAMPION, MARK_BASELINE, MARK_METRICS_ONLY, MARK_GAP = "Champion", "Baseline", "Metrics only", "CV ≠ holdout"
MARK_NO_BETTER = NO_BETTER
STATE_WORDS: dict[State, str] = {
    "leader": "Leader", "tied": "Tied", "behind": "Behind", "ahead": "Ahead", "unknown": "Not tested",
}  # fmt: skip
_STATE_COLOURS = ("primary", "primary", "orange", "green", "gray")
_ROW_PX, _FRAME_PX = 35, 3
_TWINS: dict[Origin, Origin] = {"cv": "holdout", "holdout": "cv", "train": "cv"}


def marks(model: ModelInfo, standing: Standing | None = None) -> list[str]:
    """Return what is special about a model: champion, a baseline, its version, what it breaks, what it cannot."""
    found = [MARK_CHAMPION] if model.is_champion else []
    found += [MARK_GAP] if standing is not None and standing.disagrees else []
    found += [MARK_BASELINE] if model.baseline else []
    found += [MARK_NO_BETTER] if model.no_better else []
    found += [f"Version {model.version}"] if model.version else []
    return found + ([] if model.has_files or model.baseline else [MARK_METRICS_ONLY])


def gap(model: ModelInfo, metric: str) -> float | None:
    """Return holdout minus cross-validation of a metric; None where one of them is not known."""
    plain = split_metric(metric)[1]
    cv, holdout = model.metrics.get(f"cv_{plain}"), model.metrics.get(f"holdout_{plain}")
    return None if cv is None or holdout is None else holdout - cv


def twin(metric: str) -> str:
    """Return the same metric from the other rows.

    Examples
    --------
    >>> twin("cv_auc"), twin("holdout_logloss")
    ('holdout_auc', 'cv_logloss')
    """
    origin, plain = split_metric(metric)
    return f"{_TWINS[origin]}_{plain}"


def all_metrics(models: Sequence[ModelInfo]) -> tuple[str, ...]:
    """Return every metric to show: those to sort by, then those on the training rows, which nobody should sort by."""
    training = {name for model in models for name in model.metrics if name.startswith("train_")}
    return (*metric_columns(models), *sorted(training, key=metric_label))


def leaderboard_records(
    models: Sequence[ModelInfo],
    metric: str,
    runs: Mapping[str, str],
    standings: Standings,
    places: Mapping[str, int],
    names: Names = NO_NAMES,
) -> list[dict[str, Any]]:
    """Return one record per model: what decides first, then everything else.

    Parameters
    ----------
    runs : mapping of str to str
        What the runs are called, by id.
    places : mapping of str to int
        The place of each model among all that can be compared, by id.
    names : mapping of str to str, optional
        What models are called, by id, where their own names do not tell them apart.
    """
    both = [metric, twin(metric)]
    rest = [name for name in all_metrics(models) if name not in both]
    shapes = {name: metric_format(name, models) for name in (*both, *rest)}
    shape = shapes[metric]
    return [
        {
            "place": places[model.id],
            "model": called(model, names),
            metric: number_cell(model.metrics.get(metric), shape),
            "interval": _interval_text(standings, model, metric, shape),
            both[1]: number_cell(model.metrics.get(both[1]), shapes[both[1]]),
            "standing": [STATE_WORDS[standings.of(model).state]],
            "marks": marks(model, standings.of(model)),
            "training_s": model.training_time_s,
            "prediction_us": None if model.predict_time_per_row_s is None else model.predict_time_per_row_s * 1e6,
            "size_mib": None if model.size_bytes is None else model.size_bytes / 2**20,
            "run": runs.get(model.run_id, model.run_id[:8]),
            "algorithm": algorithm_name(model.algo),
            "difference": _difference_text(standings.of(model)),
            "spread": number_cell(model.metrics.get(f"{metric}_sd"), shape),
            "gap": number_cell(gap(model, metric), shape),
        }
        | {name: number_cell(model.metrics.get(name), shapes[name]) for name in rest}
        | {"created": model.created_at, "id": model.id}
        for model in models
    ]


def _interval_text(standings: Standings, model: ModelInfo, metric: str, shape: str) -> str:
    found = standings.interval(model, metric)
    return "–" if found is None else f"{number_cell_text(found.low, shape)} – {number_cell_text(found.high, shape)}"


def _difference_text(standing: Standing) -> str | None:
    found = standing.difference
    if found is None:
        return standing.reason if standing.estimates else None  # where nothing is stored, the mark says so
    value, interval = difference_texts(found)
    return f"{value} ({interval})"


def as_table(records: Sequence[dict[str, Any]]) -> pa.Table:
    """Return records as Arrow, which keeps times with their zone as they are."""
    return pa.Table.from_pylist(list(records))


def leaderboard_config(models: Sequence[ModelInfo], metric: str, tested: str = "") -> dict[str, Any]:
    """Return how each column of the leaderboard looks; every header names origin or unit.

    Parameters
    ----------
    tested : str
        The rows that models were compared with the leader on.
    """
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    own = {
        "place": number("#", width=36, pinned=True, help="Rank by the chosen metric among all that can be compared."),
        "model": text("Model", width=178, pinned=True),
        "training_s": number("Training (s)", width=84, format="%.1f"),
        "prediction_us": number(
            "µs per row", width=84, format="%.1f", help="Prediction time of one row, measured by H2O."
        ),
        "size_mib": number("Size (MiB)", width=78, format="%.1f", help="Of its stored files."),
        "run": text("Run"),
        "algorithm": text("Algorithm"),
        "created": st.column_config.DatetimeColumn("Built (UTC)", format="D MMM YYYY, HH:mm"),
        "id": text("Model id"),
    }
    return own | _judged_config(models, tested) | _metric_config(models, metric)


def _judged_config(models: Sequence[ModelInfo], tested: str) -> dict[str, Any]:
    """Return how the columns look that say how a model stands and what is special about it."""
    text, badges = st.column_config.TextColumn, st.column_config.MultiselectColumn
    versions = sorted({f"Version {model.version}" for model in models if model.version})
    where = f" · {tested.partition(',')[0]}".replace("cross-validation", "CV") if tested else ""
    return {
        "standing": badges(
            f"Vs leader{where}",
            width=118 if where else 80,
            options=list(STATE_WORDS.values()),
            color=list(_STATE_COLOURS),
            help=f"Whether chance alone explains the difference to the leader{f' on {tested}' if tested else ''}.",
        ),
        "difference": text(
            f"Difference{where}",
            width=178,
            help="To the leader, with its 95% interval; – where no predictions were stored to compare.",
        ),
        "marks": badges(
            "Marks",
            width=150,
            options=[MARK_CHAMPION, MARK_GAP, MARK_BASELINE, MARK_NO_BETTER, MARK_METRICS_ONLY, *versions],
            color=["green", "red", "violet", "orange", "gray", *["blue"] * len(versions)],
            help="Champion: in use. CV ≠ holdout: the two disagree by more than chance. Baseline: trained to compare "
            "with, never chosen by itself. No better than a constant: it does not beat a predictor that says the same "
            "of every row. Metrics only: it has no files, so it can neither score nor be explained.",
        ),
    }


def _metric_config(models: Sequence[ModelInfo], metric: str) -> dict[str, Any]:
    """Return how the columns of metrics look, and those about the metric that ranks."""
    number, shape = st.column_config.NumberColumn, metric_format(metric, models)
    plain = metric_name(split_metric(metric)[1])
    about = {
        "interval": st.column_config.TextColumn(
            "95% interval", width=122, help=f"Of the metric beside it, exact, on its own rows. {METHOD}."
        ),
        "spread": number(
            f"{plain} spread · folds", format=shape, help="Standard deviation of the metric over the folds."
        ),
        "gap": number(
            f"{plain} gap · holdout − CV", format=shape, help="Holdout minus cross-validation; near 0 is reassuring."
        ),
    }
    widths = {metric: 70, twin(metric): 88}  # of a telephone's width there is room for the first
    return about | {
        name: number(
            short_label(name),
            width=widths.get(name),
            format=metric_format(name, models),
            help=f"{metric_label(name)}. {metric_help(name)}",
        )
        for name in {*widths, *all_metrics(models)}
    }


def deciding_columns(records: Sequence[dict[str, Any]], metric: str, *, one_run: bool) -> list[str]:
    """Return the columns that decide, as far as they hold anything, in order."""
    # Rows in their order need no numbers, and a telephone has no room for them.
    is_whole = all(record["place"] == place for place, record in enumerate(records, 1))
    names = ["model", metric, twin(metric), "standing", "difference", "marks", "prediction_us"]
    return _filled(
        records, [*([] if is_whole else ["place"]), *names, *(("training_s", "size_mib") if one_run else ("run",))]
    )


def other_columns(records: Sequence[dict[str, Any]], deciding: Sequence[str]) -> list[str]:
    """Return the other columns that hold anything, in order."""
    return _filled(records, [name for name in records[0] if name not in deciding])


def _filled(records: Sequence[dict[str, Any]], names: Sequence[str]) -> list[str]:
    return [name for name in names if any(record[name] not in (None, []) for record in records)]


def best_model_button(key: str) -> None:
    """Draw the button that opens the model with the lowest log loss over all experiments, whatever they predict."""
    if st.button(
        "Best classifier by log loss",
        key=key,
        icon=":material/trophy:",
        type="tertiary",
        help="Opens the classifier with the lowest log loss in cross-validation. Of two targets it tells which is"
        " easier to predict, not which model is better.",
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
    return "content" if n_rows <= most else _ROW_PX * (most + 1) + _FRAME_PX


def models_so_far(models: Sequence[ModelInfo], metric: str, *, key: str) -> None:
    """Draw the models of a run, best first, in few columns."""
    number, shape, other = st.column_config.NumberColumn, metric_format(metric, models), twin(metric)
    records = [
        {
            "#": place,
            "model": model_name(model.model_key),
            metric: number_cell(model.metrics.get(metric), shape),
            other: number_cell(model.metrics.get(other), metric_format(other, models)),
            "spread": number_cell(model.metrics.get(f"{metric}_sd"), shape),
        }
        for place, model in enumerate(models, 1)
    ]
    config: dict[str, Any] = {
        "#": number("#", width=40),
        "model": st.column_config.TextColumn("Model", width=180),
        metric: number(short_label(metric), format=shape, help=metric_help(metric)),
        other: number(short_label(other), format=metric_format(other, models), help=metric_help(other)),
        "spread": number("Spread · folds", format=shape, help="Standard deviation of the metric over the folds."),
    }
    st.dataframe(
        records,
        hide_index=True,
        placeholder="–",
        column_config=config,
        column_order=_filled(records, list(config)) if records else None,
        key=key,
        height=table_height(len(records), 16),
        alt="Models so far, best first",
    )
