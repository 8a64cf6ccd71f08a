"""Tables and lists of the Runs page."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.ui.widgets.leaderboard import as_table, table_height
from app.ui.widgets.metrics import metric_format, metric_help, metric_label, short_label
from app.ui.widgets.runs import STATUS_LOOK, run_name, run_seconds, run_versions
from app.ui.widgets.tables import number_cell
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo, model_name
from core.domain.runs import RunInfo
from core.models.leaderboard import ranking_metric
from core.training.wording import setting_words
from core.wording import count_text, duration_text, metric_text

if TYPE_CHECKING:
    from core.store.mlflow import Store

_ROWS_SHOWN = 16
_OPEN = "runs_open"
_VALUE, _METRIC = "value", "metric"


def leaders(store: "Store", runs: Sequence[RunInfo]) -> dict[str, ModelInfo]:
    """Return the leader of each run that has one, by run id."""
    ids = [run.leader_id for run in runs if run.leader_id]
    return {model.run_id: model for model in store.models(ids=ids, limit=len(ids))}


def run_table(runs: Sequence[RunInfo], found: Mapping[str, ModelInfo], open_run: Callable[[], None]) -> list[RunInfo]:
    """Draw the runs, what decides first; returns those that are ticked.

    Parameters
    ----------
    open_run : function
        Called when a name is clicked; `clicked_row` says which.
    """
    records = run_records(runs, found)
    metrics = sorted({record[_METRIC] for record in records if record[_METRIC]})
    event = st.dataframe(
        as_table(records),
        key="runs_table",
        hide_index=True,
        column_config=_columns(metrics, list(found.values()), open_run),
        column_order=[name for name in records[0] if _is_shown(name, records, metrics)],
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
    """Return one record per run for the table; metrics of several kinds in one column are written as in sentences."""
    ranked = {run.run_id: ranking_metric(run.settings) for run in runs if run.run_id in found}
    only = next(iter(ranked.values())) if len(set(ranked.values())) == 1 else None
    shape = metric_format(only, list(found.values())) if only else ""

    def shown(leader: ModelInfo) -> float | str | None:
        value = leader.metrics.get(ranked[leader.run_id])
        return number_cell(value, shape) if only else metric_text(value)

    values = {run_id: shown(leader) for run_id, leader in found.items() if run_id in ranked}
    return [_record(run, found.get(run.run_id), values.get(run.run_id)) for run in runs]


def _record(run: RunInfo, leader: ModelInfo | None, value: float | str | None) -> dict[str, Any]:
    return {
        "run": run_name(run),
        _VALUE: value,
        _METRIC: ranking_metric(run.settings) if leader else None,
        "status": [STATUS_LOOK[run.status][0]],
        "experiment": run.experiment,
        "target": run.settings.target,
        "leader": model_name(leader.model_key) if leader else None,
        "models": run.n_models,
        "started": run.created_at,
        "duration": duration_text(seconds) if (seconds := run_seconds(run)) is not None else None,
        "person": run.person or None,
        "tags": list(run.tags),
        "dataset": run.dataset_name,
    }


def _is_shown(name: str, records: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> bool:
    """Whether a column tells anything: the metric's name stands in the header where all runs have the same."""
    if name == _METRIC:
        return len(metrics) > 1
    return name not in ("person", "tags") or any(record[name] for record in records)


def _columns(metrics: Sequence[str], found: Sequence[ModelInfo], open_run: Callable[[], None]) -> dict[str, Any]:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    only = metrics[0] if len(metrics) == 1 else None
    return {
        "run": st.column_config.ButtonColumn(
            "Run", type="tertiary", alignment="left", width=200, key=_OPEN, on_click=open_run
        ),
        "status": st.column_config.MultiselectColumn(
            "Status",
            options=[look[0] for look in STATUS_LOOK.values()],
            color=[look[2] for look in STATUS_LOOK.values()],
            width=96,
        ),
        _VALUE: number(
            short_label(only),
            format=metric_format(only, found),
            width=92,
            help=f"{metric_label(only)}, of the run's leader. {metric_help(only)}",
        )
        if only
        else text("Leader's metric", alignment="right", help="The metric that ranks the models of this run."),
        _METRIC: st.column_config.SelectboxColumn(
            "Metric · origin", options=metrics, format_func=lambda name: short_label(str(name)), width=90
        ),
        "leader": text("Leader", width=150),
        "models": number("Models", format="%d", width=58),
        "experiment": text("Experiment", width=124),
        "started": st.column_config.DatetimeColumn("Requested (UTC)", format="D MMM YYYY, HH:mm", width=128),
        "duration": text("Duration", alignment="right", width=76),
        "person": text("Person"),
        "tags": st.column_config.ListColumn("Tags"),
        "dataset": text("Dataset"),
        "target": text("Target", width=84),
    }


def settings_list(run: RunInfo) -> None:
    """Draw all settings of a run, in words."""
    shown = {label: escape_markdown(text) for label, text in setting_words(run.settings).items()}
    shown["Run id"] = f"`{run.run_id}`"
    for name, version in run_versions(run).items():
        shown[name] = escape_markdown(version)
    st.table(shown, border="horizontal", width="content", alt="Settings of the run")


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
