"""One run, in a line or as the head of a page, and what its engine recorded."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.widgets.models.card import shown_name
from app.ui.widgets.models.metrics import headline_metric
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo, model_name
from core.domain.runs import RunInfo, RunStatus
from core.training.wording import TASK_WORDS
from core.wording import ago_text, count_text, list_text

if TYPE_CHECKING:
    from core.store.mlflow import Store

STATUS_LOOK: dict[RunStatus, tuple[str, str, Literal["gray", "blue", "green", "red", "orange"]]] = {
    "queued": ("Queued", ":material/schedule:", "gray"),
    "running": ("Running", ":material/progress_activity:", "blue"),
    "finished": ("Finished", ":material/check_circle:", "green"),
    "failed": ("Failed", ":material/error:", "red"),
    "cancelled": ("Cancelled", ":material/cancel:", "orange"),
}
EVENT_LOG = "event_log.csv"


def short_run(run: RunInfo) -> str:
    """Return what a run is called beside a model: its number, and when it was asked for."""
    when = f"{run.created_at:%d %b, %H:%M}"
    return f"{run.mark} · {when}" if run.mark else when


def model_in_run(model: ModelInfo, run: RunInfo) -> str:
    """Return a model's name where several runs have one of that name, as plain text."""
    return f"{model_name(model.model_key)} · {run.mark or short_run(run)}"


def leaders_of(store: "Store", runs: Sequence[RunInfo]) -> dict[str, ModelInfo]:
    """Return the leader of each run that has one, by run id."""
    ids = [run.leader_id for run in runs if run.leader_id]
    return {model.run_id: model for model in store.models(ids=ids, limit=len(ids))}


def status_badge(status: RunStatus) -> None:
    """Draw a run's status."""
    label, icon, color = STATUS_LOOK[status]
    st.badge(label, icon=icon, color=color)


def run_link(run: RunInfo) -> None:
    """Draw a way to a run, where there is a page on which whoever looks may see it."""
    page = next((page for page in ("train", "runs") if navigation.has_page(page)), None)
    if page is not None:
        navigation.link(page, "Open", icon=":material/arrow_forward:", run=run.run_id)


def run_row(run: RunInfo, leader: ModelInfo | None = None) -> None:
    """Draw one run in a line or two: what it is, what came of it or how far it is, when it was."""
    label, icon, color = STATUS_LOOK[run.status]
    facts = [f"{shown_name(leader)} · {headline_metric(leader)}"] if leader else []
    facts += [count_text(run.n_models, "model")]
    facts += [ago_text(run.ended_at) if run.ended_at else f"asked for {ago_text(run.created_at)}"]
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
            st.markdown(
                f"**{escape_markdown(run.experiment)}** {run.mark} :{color}-badge[{icon} {label}]  \n"
                f":gray[:small[{' · '.join(facts)}]]",
                width="stretch",
            )
            run_link(run)
        if run.status == "running":
            st.progress(min(max(run.progress, 0.0), 1.0), text=escape_markdown(run.stage or "Training"))
        elif run.error:
            st.markdown(f":red[:small[{escape_markdown(run.error['message'])}]]")


def champion_row(model: ModelInfo, newer: ModelInfo | None = None) -> None:
    """Draw the model in use of one experiment, with the ways on from it, also to a newer version that is not in use."""
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":material/trophy: **{escape_markdown(model.experiment)}**", width="content")
            st.badge(f"version {model.version}", color="blue")
        st.caption(f"{shown_name(model)} · {headline_metric(model)}")
        with guard(stop=False):
            if navigation.has_page("monitor"):
                st.markdown(_last_file(model.experiment))
            else:
                st.caption(ago_text(model.created_at))
        with st.container(horizontal=True, gap="small"):
            navigation.link("predict", "Predict", model=model.id)
            navigation.link("explain", "Explain", model=model.id)
            navigation.link("monitor", "Monitor", experiment=model.experiment)
        if newer is not None:
            words = f"Version {newer.version} is not in use: compare the two"
            navigation.link("compare", words, model=[model.id, newer.id])


def _last_file(experiment: str) -> str:
    """Return of the file that was scored last for a problem, and those just before it, whether they raised alerts."""
    files, alerts = get_services().monitor.last_files(experiment)
    if not files:
        return ":gray[:small[No file scored yet]]"
    last, ago = files[-1], ago_text(files[-1].submitted_at)
    n_own = sum(one.scoring_id == last.id for one in alerts)
    n_earlier = len(alerts) - n_own
    said = f"Last file {ago}: {count_text(n_own, 'alert') if n_own else 'no alert'}"
    if n_own and n_earlier:
        said += f", {n_earlier:,} in those before it"
    elif n_earlier:
        alerted = {one.scoring_id for one in alerts}
        names = list_text(dict.fromkeys(one.file_name for one in files if one.id in alerted), 2, show=escape_markdown)
        said = f"{names} raised {count_text(n_earlier, 'alert')}; the last file, {ago}, none"
    # No caption: colours keep their contrast only where they are not faded.
    return f":orange[:small[:material/notifications_active: {said}]]" if alerts else f":gray[:small[{said}]]"


def run_header(run: RunInfo, *, is_page: bool = False) -> None:
    """Draw what a run is: its name, as the title of the page where it is all there is, status and data."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        draw = st.title if is_page else st.header
        draw(escape_markdown(run.title), anchor=False, width="content")
        status_badge(run.status)
    facts = (
        f"Experiment **{escape_markdown(run.experiment)}**",
        f"predicts **{escape_markdown(run.settings.target)}** ({TASK_WORDS[run.settings.task]})",
        f"learns from {escape_markdown(run.dataset_name)}",
        ago_text(run.created_at),
    )
    st.caption(" · ".join(facts))


def run_error(run: RunInfo) -> None:
    """Draw why a run failed and what to do about it."""
    if run.error:
        st.error(
            f"{escape_markdown(run.error.get('hint', ''))}  \n:small[`{run.error.get('code', '')}`]",
            title=escape_markdown(run.error.get("message", "The run failed.")),
            icon=":material/error:",
        )


def run_seconds(run: RunInfo) -> float | None:
    """Return how long a run took or takes so far; None before it starts."""

    if run.started_at is None:
        return None
    return ((run.ended_at or datetime.now(UTC)) - run.started_at).total_seconds()


def run_versions(run: RunInfo) -> dict[str, str]:
    """Return the versions that a run was made with, by name."""
    return {f"{name} version": str(version) for name, version in run.versions.items()}


def read_events(run: RunInfo) -> list[dict[str, str]]:
    """Return what the engine recorded while it trained: time, stage and message of each entry, oldest first."""
    store = get_services().store
    if EVENT_LOG not in store.artifacts(run.run_id):
        return []
    with store.artifact(run.run_id, EVENT_LOG).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def event_table(records: Sequence[dict[str, str]]) -> None:
    """Draw an event log as the engine wrote it."""
    config = {
        "time": st.column_config.TextColumn("Time (UTC)", width="small"),
        "stage": st.column_config.TextColumn("Stage", width="small"),
        "message": st.column_config.TextColumn("Message", width="large"),
    }
    st.dataframe(
        records, hide_index=True, placeholder="–", column_config=config, height=240, alt="Event log of the run"
    )
