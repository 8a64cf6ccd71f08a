"""Tables and lists of the Runs page."""

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.ui import state
from app.ui.widgets.metrics import metric_label
from app.ui.widgets.runs import STATUS_LOOK, run_seconds, run_versions
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo
from core.domain.runs import RunInfo
from core.models.leaderboard import ranking_metric
from core.training.wording import setting_words
from core.wording import count_text

if TYPE_CHECKING:
    from core.services import Services
    from core.store.mlflow import Store

ROWS_SHOWN = 16
RUN_COLUMNS: dict[str, Any] = {
    "status": st.column_config.MultiselectColumn(
        "Status",
        options=[look[0] for look in STATUS_LOOK.values()],
        color=[look[2] for look in STATUS_LOOK.values()],
        width="small",
    ),
    "started": st.column_config.DatetimeColumn("Requested (UTC)", format="D MMM YYYY, HH:mm"),
    "experiment": st.column_config.TextColumn("Experiment"),
    "dataset": st.column_config.TextColumn("Dataset"),
    "target": st.column_config.TextColumn("Target"),
    "models": st.column_config.NumberColumn("Models", format="%d"),
    "leader": st.column_config.TextColumn("Leader"),
    "metric": st.column_config.TextColumn("Metric · origin"),
    "value": st.column_config.NumberColumn("Leader's metric", format="%.4g"),
    "duration": st.column_config.NumberColumn("Duration (s)", format="%.0f"),
    "person": st.column_config.TextColumn("Person"),
}


def leaders(store: "Store", runs: Sequence[RunInfo]) -> dict[str, ModelInfo]:
    """Return the leader of each run that has one, by run id."""
    wanted = {run.leader_id for run in runs if run.leader_id}
    found: dict[str, ModelInfo] = {}
    for experiment in dict.fromkeys(run.experiment for run in runs if run.leader_id):
        found |= {
            model.run_id: model for model in store.models(experiment=experiment, limit=10_000) if model.id in wanted
        }
    return found


def run_records(runs: Sequence[RunInfo], found: Mapping[str, ModelInfo]) -> list[dict[str, Any]]:
    """Return one record per run for the table."""
    return [
        {
            "experiment": run.experiment,
            "status": [STATUS_LOOK[run.status][0]],
            "started": run.created_at,
            "dataset": run.dataset_name,
            "target": run.settings.target,
            "models": run.n_models,
            "leader": found[run.run_id].algo if run.run_id in found else None,
            "metric": metric_label(ranking_metric(run.settings)) if run.run_id in found else None,
            "value": found[run.run_id].metrics.get(ranking_metric(run.settings)) if run.run_id in found else None,
            "duration": run_seconds(run),
            "person": run.person or None,
        }
        for run in runs
    ]


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


def delete_run(services: "Services", run: RunInfo) -> None:
    """Draw what deleting a run means and do it once confirmed."""
    if not run.is_final:
        st.caption("Cancel this run before you delete it.")
        return
    st.markdown("The run, its models and its files are removed, also a champion among them. This cannot be undone.")
    sure = st.checkbox("I understand", key="runs_delete_sure")
    if st.button("Delete this run", key="runs_delete", icon=":material/delete:", disabled=not sure):
        services.store.delete_run(run.run_id)
        services.ledger.record("delete run", run.run_id, detail={"experiment": run.experiment, "models": run.n_models})
        state.forget("run")
        st.toast("The run has been deleted.", icon=":material/delete:")
        st.rerun()
