"""Tables and lists of the Runs page."""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.ui import model_widgets, state, widgets
from app.ui.widgets import STATUS_LOOK
from core.presets import PRESETS
from core.run_items import recipe_label
from core.types import ModelInfo, RunInfo, TrainingSettings

if TYPE_CHECKING:
    from core.services import Services
    from core.store import Store

ROWS_SHOWN = 16
_SETTING_NAMES: Mapping[str, str] = {
    "target": "Target",
    "task": "Task",
    "positive": "Positive class",
    "recipe": "Recipe",
    "ignored": "Columns left out",
    "max_models": "Models, at most",
    "max_runtime_secs": "Time, at most, s",
    "nfolds": "Folds",
    "holdout_share": "Share held out",
    "seed": "Seed",
    "sort_metric": "Sorted by",
    "include_algos": "Only these algorithms",
    "exclude_algos": "Without these algorithms",
    "balance_classes": "Balanced classes",
    "class_sampling_factors": "Class sampling factors",
    "max_after_balance_size": "Balanced size, at most, times",
    "split": "Split",
    "split_column": "Split by",
    "fold_column": "Fold column",
    "weights_column": "Weights",
    "distribution": "Distribution",
    "tweedie_power": "Tweedie power",
    "quantile_alpha": "Quantile",
    "huber_alpha": "Huber share",
    "stopping_metric": "Stopped by",
    "stopping_rounds": "Rounds without getting better",
    "stopping_tolerance": "Counts as better from",
    "max_runtime_secs_per_model": "Time for one model, at most, s",
    "exploitation_ratio": "Time to refine the best models",
    "monotone_constraints": "Rising (1) and falling (-1)",
    "blending_share": "Rows to fit ensembles on",
    "keep_cross_validation_models": "Kept the models of the folds",
    "keep_cross_validation_fold_assignment": "Kept who was in which fold",
    "modeling_plan": "Modeling plan",
    "baselines": "Baselines",
    "preset": "Preset",
}
# Shown also where nobody changed them.
_ALWAYS = ("target", "task", "positive", "recipe", "max_models", "nfolds", "seed", "sort_metric")
_SHARES = ("holdout_share", "blending_share")
_DEFAULTS: Mapping[str, Any] = {
    spec.name: spec.default_factory() if callable(spec.default_factory) else spec.default
    for spec in fields(TrainingSettings)
}

RUN_COLUMNS: dict[str, Any] = {
    "status": st.column_config.MultiselectColumn(
        "Status",
        options=[look[0] for look in STATUS_LOOK.values()],
        color=[look[2] for look in STATUS_LOOK.values()],
        width="small",
    ),
    "started": st.column_config.DatetimeColumn("Asked for, UTC", format="D MMM YYYY, HH:mm"),
    "experiment": st.column_config.TextColumn("Experiment"),
    "dataset": st.column_config.TextColumn("Dataset"),
    "target": st.column_config.TextColumn("Target"),
    "models": st.column_config.NumberColumn("Models", format="%d"),
    "leader": st.column_config.TextColumn("Leader"),
    "metric": st.column_config.TextColumn("Metric · origin"),
    "value": st.column_config.NumberColumn("Leader's metric", format="%.4g"),
    "duration": st.column_config.NumberColumn("Duration, s", format="%.0f"),
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
            "metric": model_widgets.metric_label(model_widgets.run_metric(run)) if run.run_id in found else None,
            "value": found[run.run_id].metrics.get(model_widgets.run_metric(run)) if run.run_id in found else None,
            "duration": model_widgets.run_seconds(run),
            "person": run.person or None,
        }
        for run in runs
    ]


def settings_list(run: RunInfo) -> None:
    """Draw everything that was asked of a run, in words."""
    values = {**run.settings.to_dict(), "task": model_widgets.TASK_WORDS[run.settings.task]}
    values["recipe"] = recipe_label(values["recipe"]) if values["recipe"] else None
    shown = {}
    for key, label in _SETTING_NAMES.items():
        value = getattr(run.settings, key)
        if value is None or (key not in _ALWAYS and value == _DEFAULTS[key]):
            continue
        shown[label] = widgets.escape_markdown(_setting_text(key, values[key]))
    shown["Run id"] = f"`{run.run_id}`"
    for name, version in model_widgets.run_versions(run).items():
        shown[name] = widgets.escape_markdown(version)
    st.table(shown, border="horizontal", width="content", alt="Settings of the run")


def _setting_text(key: str, value: Any) -> str:
    if key in _SHARES:
        return f"{value:.0%}"
    if key == "preset":
        return PRESETS[value].title if value in PRESETS else str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {one}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in value)
    return "Yes" if value is True else str(value)


def file_list(store: "Store", run_id: str, files: Sequence[str]) -> None:
    """Draw the files that a run left, one of them to download."""
    if not files:
        st.caption("This run has left no files.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(f"{widgets.count_text(len(files), 'file')} kept with the run", files, key="runs_file")
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
        st.caption("A run that waits or runs has to be cancelled first.")
        return
    st.markdown("The run, its models and its files are removed. A champion among them goes too. This cannot be undone.")
    sure = st.checkbox("I understand", key="runs_delete_sure")
    if st.button("Delete this run", key="runs_delete", icon=":material/delete:", disabled=not sure):
        services.store.delete_run(run.run_id)
        services.ledger.record("delete run", run.run_id, detail={"experiment": run.experiment, "models": run.n_models})
        state.forget("run")
        st.toast("The run is deleted.", icon=":material/delete:")
        st.rerun()
