"""Tables and lists of the Runs page."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.ui.widgets.models.leaderboard import as_table, table_height
from app.ui.widgets.models.metrics import (
    metric_format,
    metric_help,
    metric_label,
    metric_name,
    short_label,
    split_metric,
)
from app.ui.widgets.models.runs import STATUS_LOOK, run_seconds, run_versions
from app.ui.widgets.tables import number_cell
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo, model_name
from core.domain.runs import RunInfo
from core.models.leaderboard import ranking_metric
from core.training.wording import setting_words
from core.wording import count_text, duration_text, metric_text

if TYPE_CHECKING:
    from core.store.mlflow import Store

_ROWS_SHOWN, _SHORT_NAME = 16, 18
_OPEN = "runs_open"
_METRIC, _VALUE, _HOLDOUT = "metric", "value", "holdout"
_FINISHED = [STATUS_LOOK["finished"][0]]
_Cell = float | str | None


def run_table(runs: Sequence[RunInfo], found: Mapping[str, ModelInfo], open_run: Callable[[], None]) -> list[RunInfo]:
    """Draw the runs, what decides first; returns those that are ticked.

    Parameters
    ----------
    open_run : function
        Called when a name is clicked; `clicked_row` says which.
    """
    records = run_records(runs, found)
    only = _only(ranking_metric(run.settings) for run in runs if run.run_id in found)
    event = st.dataframe(
        as_table(records),
        key="runs_table",
        hide_index=True,
        column_config=_columns(only, list(found.values()), max(len(run.title) for run in runs), open_run),
        column_order=[name for name in records[0] if _is_shown(name, records)],
        on_select="rerun",
        selection_mode="multi-row",
        height=table_height(len(records), _ROWS_SHOWN),
        placeholder="–",
        alt="Runs, newest first, each with the metric of its leader and where that was measured",
    )
    return [runs[row] for row in event.selection.rows if row < len(runs)]


def clicked_row() -> int | None:
    """Return the row whose name was clicked."""
    click = st.session_state.get(_OPEN)
    return None if click is None else int(click["row"])


def run_records(runs: Sequence[RunInfo], found: Mapping[str, ModelInfo]) -> list[dict[str, Any]]:
    """Return one record per run for the table; where runs are ranked by several metrics, each names its own."""
    metrics = {run.run_id: ranking_metric(run.settings) for run in runs if run.run_id in found}
    only = _only(metrics.values())

    def shown(run: RunInfo, name: str) -> _Cell:
        leader = found.get(run.run_id)
        value = leader.metrics.get(name) if leader else None
        if value is None or only:
            return number_cell(value, metric_format(name, list(found.values())))
        return metric_text(value)

    def record(run: RunInfo) -> dict[str, Any]:
        ranks, held_out = _both(metrics.get(run.run_id))
        named = None if only or not ranks else metric_name(split_metric(ranks)[1])
        return _record(run, found.get(run.run_id), named, shown(run, ranks), shown(run, held_out))

    return [record(run) for run in runs]


def _only(metrics: Iterable[str]) -> str | None:
    """Return the metric of all runs where it is one."""
    known = set(metrics)
    return next(iter(known)) if len(known) == 1 else None


def _both(metric: str | None) -> tuple[str, str]:
    """Return the metric that ranks, and the same on the holdout."""
    return metric or "", f"holdout_{split_metric(metric)[1]}" if metric else ""


def _record(run: RunInfo, leader: ModelInfo | None, metric: str | None, value: _Cell, holdout: _Cell) -> dict[str, Any]:
    return {
        "run": run.title,
        "use": ["Champion"] if leader and leader.is_champion else [],
        _VALUE: value,
        _HOLDOUT: holdout,
        _METRIC: metric,
        "leader": model_name(leader.model_key) if leader else None,
        "status": [STATUS_LOOK[run.status][0]],
        "target": run.settings.target,
        "started": run.created_at,
        "duration": duration_text(seconds) if (seconds := run_seconds(run)) is not None else None,
        "person": run.person or None,
        "tags": list(run.tags),
        "experiment": run.experiment,
        "models": run.n_models,
        "dataset": run.dataset_name,
    }


def _is_shown(name: str, records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a column tells anything."""
    if name == "person":  # who it was says nothing where it was always the same
        return len({record[name] for record in records}) > 1
    if name == "status":
        return any(record[name] != _FINISHED for record in records)
    if name == "experiment":
        return not all(record["run"].startswith(record[name]) for record in records)
    return name not in ("tags", "use", _METRIC, _HOLDOUT) or any(record[name] for record in records)


def _columns(
    only: str | None, found: Sequence[ModelInfo], longest: int, open_run: Callable[[], None]
) -> dict[str, Any]:
    """Return how the columns look; `longest` is the length of the longest name of a run."""
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn

    def metric(name: str, words: str, about: str) -> Any:
        if only is None:
            return text(words, alignment="right", width=76, help=about)
        about = f"{metric_label(name)}, of the run's leader. {metric_help(name)}"
        return number(short_label(name), format=metric_format(name, found), width=92, help=about)

    ranks, held_out = _both(only)
    return {
        "run": st.column_config.ButtonColumn(
            "Run",
            type="tertiary",
            alignment="left",
            width=138 if longest <= _SHORT_NAME else 190,
            key=_OPEN,
            on_click=open_run,
        ),
        "status": st.column_config.MultiselectColumn(
            "Status",
            options=[look[0] for look in STATUS_LOOK.values()],
            color=[look[2] for look in STATUS_LOOK.values()],
            width=84,
        ),
        _METRIC: text("Ranked by", width=140, help="The metric that ranks the models of the run."),
        _VALUE: metric(ranks, "CV", "The metric that ranks the models of this run, of its leader in cross-validation."),
        _HOLDOUT: metric(held_out, "Holdout", "The same metric on the rows held out of the training."),
        "leader": text("Leader", width=146),
        "use": st.column_config.MultiselectColumn("In use", options=["Champion"], color=["green"], width=82),
        "models": number("Models", format="%d", width=54),
        "experiment": text("Experiment", width=110),
        "started": st.column_config.DatetimeColumn("Requested", format="D MMM, HH:mm", width=104, help="In UTC."),
        "duration": text("Duration", alignment="right", width=72),
        "person": text("Person"),
        "tags": st.column_config.ListColumn("Tags"),
        "dataset": text("Dataset", width=112),
        "target": text("Target", width=84),
    }


def settings_list(run: RunInfo) -> None:
    """Draw all settings of a run, in words, beside what it was made with."""
    asked = {label: escape_markdown(text) for label, text in setting_words(run.settings).items()}
    made = {name: escape_markdown(version) for name, version in run_versions(run).items()}
    left, right = st.columns(2, gap="large")
    left.table(asked, border="horizontal", alt="Settings of the run")
    right.table({"Run id": f"`{run.run_id}`", **made}, border="horizontal", alt="What the run was made with")


def file_list(store: "Store", run_id: str, files: Sequence[str]) -> None:
    """Draw the files that a run left, one of them to download."""
    if not files:
        st.caption("This run left no files.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(f"{count_text(len(files), 'file')} kept with the run", files, key="runs_file")
        st.download_button(
            "Download",
            functools.partial(_file_bytes, store, run_id, chosen),
            chosen.rpartition("/")[2],
            key="runs_download",
            icon=":material/download:",
            on_click="ignore",
        )


def _file_bytes(store: "Store", run_id: str, path: str) -> bytes:
    return store.artifact(run_id, path).read_bytes()
