"""A run while it waits or runs: how far it is, what it found so far, what happens, and how to stop it."""

from collections.abc import Sequence

import streamlit as st

from app.ui.errors import guard
from app.ui.services import get_services, needs
from app.ui.widgets import layout
from app.ui.widgets import queue as queue_view
from app.ui.widgets.models.card import shown_name
from app.ui.widgets.models.leaderboard import models_so_far
from app.ui.widgets.models.metrics import metric_help, metric_name, split_metric
from app.ui.widgets.models.runs import event_table, read_events, run_header, run_row
from app.ui.widgets.text import escape_markdown
from core.domain.models import ORIGIN_NAMES, ModelInfo
from core.domain.runs import CANCELLING, RunInfo
from core.models.leaderboard import ranking_metric, sort_models
from core.training.events import EventKind, algorithm_words, plain_events
from core.training.progress import RunProgress, make_progress
from core.training.run_models import KEEP_TOP
from core.wording import ago_text, count_text, duration_text, metric_text

_REFRESH = "3s"
_NEWEST = 8
_NOT_BEGUN = "It has not started, so only its place in the queue is lost."
_ELSEWHERE = ":material/lan: This run belongs to another home that uses the same MLflow."
_MARKS: dict[EventKind, str] = {
    "step": ":gray[:material/chevron_right:]",
    "model": ":gray[:material/build:]",
    "leader": ":green[:material/trophy:]",
    "remark": ":orange[:material/info:]",
    "end": ":green[:material/check_circle:]",
}


def draw(run: RunInfo) -> None:
    """Draw a run that has not ended; its progress redraws itself, the rest when there is something new."""
    run_header(run)
    if run.status == "queued":
        _waiting(run.run_id)
        return
    with guard():
        models = sort_models(get_services().store.models(run_id=run.run_id), ranking_metric(run.settings))
    # A baseline is compared with, so it is never what leads or what is kept.
    _progress(run.run_id, _version(run), tuple(model for model in models if model.baseline is None))
    if models:
        models_and_chart(run, models)
    else:
        st.caption("Each model appears here as soon as it is finished, with its cross-validated metric.")
        st.skeleton(height=240)
    st.markdown("### What happened", anchors=False)
    with guard(stop=False):
        events(run, limit=_NEWEST)


def models_and_chart(run: RunInfo, models: Sequence[ModelInfo]) -> None:
    """Draw the models so far, best first, beside how the best one changed."""
    from core.charts.models import leaderboard_progress

    metric = ranking_metric(run.settings)
    table, chart = st.columns(2, gap="large")
    with table:
        models_so_far(sort_models(models, metric), metric, key="train_models")
    with chart, guard(stop=False):
        figure = leaderboard_progress(models, metric, since=run.trained_since)
        layout.chart(figure, key="train_progress", alt="The metric of each model when it was finished")


def events(run: RunInfo, *, limit: int | None = None) -> None:
    """Draw what happened in plain words, newest first; the engine's own messages behind a switch."""
    log = read_events(run)
    if not log:
        st.caption("Nothing recorded yet.")
        return
    if st.toggle("The engine's own messages", key="train_raw_events"):
        event_table(log)
        return
    told = plain_events((row["time"], row["stage"], row["message"]) for row in log)
    shown = told[::-1][:limit]
    lines = [f"{_MARKS[event.kind]} :gray[{event.time}] {escape_markdown(event.words)}" for event in shown]
    st.markdown("  \n".join(lines))
    if len(told) > len(shown):
        st.caption(f"And {len(told) - len(shown)} earlier ones. Times are UTC.")


@st.fragment(run_every=_REFRESH)
def _waiting(run_id: str) -> None:
    services = get_services()
    with guard():
        active = services.jobs.queue()
        waiting = [run.run_id for run in active if run.status == "queued"]
        run = services.store.get_run(run_id)
    if run_id not in waiting:
        if run.status != "queued":
            st.rerun()
        with st.container(border=True):
            st.caption(_ELSEWHERE)
            _stop_button(run_id, "Cancel", _NOT_BEGUN)
        return
    place = waiting.index(run_id) + 1
    with st.container(border=True):
        words = f"Waiting: {queue_view.place_words(place)}. It starts by itself, also when you close this page."
        st.progress(0.0, text=words)
        if run.stage:  # what its turn waits for
            st.caption(f":material/cloud_off: {run.stage}.")
        if active[0].status == "running":
            run_row(active[0])
        _stop_button(run_id, "Cancel", _NOT_BEGUN)


@st.fragment(run_every=_REFRESH)
def _progress(run_id: str, version: tuple[object, ...], models: tuple[ModelInfo, ...]) -> None:
    with guard():
        store = get_services().store
        run = store.get_run(run_id)
        is_ours = store.owns(run)
    if _version(run) != version:
        st.rerun()
    found = make_progress(run, models)
    with st.container(border=True):
        if not is_ours:
            st.caption(f"{_ELSEWHERE} Last sign of life: {ago_text(run.heartbeat) if run.heartbeat else 'none'}.")
        _facts(run, found, models)
        st.progress(found.share, text=_stage_words(found))
        if run.stage == CANCELLING:
            st.caption(f":material/stop_circle: Stopping. {_kept_words(models)}")
        else:
            _stop_button(run_id, "Stop now, keep what we have", _kept_words(models))


def _version(run: RunInfo) -> tuple[object, ...]:
    """Return what the whole page shows of a run, besides its progress."""
    return run.status, run.n_models, run.n_events, run.trained_since is not None


def _facts(run: RunInfo, found: RunProgress, models: Sequence[ModelInfo]) -> None:
    metric = ranking_metric(run.settings)
    best = next((model for model in models if metric in model.metrics), None)
    n_single = found.n_models - found.n_ensembles
    with st.grid(4, min_column_width=150, gap="small"):
        wanted = f" of {found.n_wanted}" if found.n_wanted else ""
        ensembles = "Ensembles combine finished models and are added at the end."
        st.metric("Models finished", f"{n_single}{wanted}", help=ensembles)
        value = metric_text(best.metrics[metric]) if best else "–"
        origin, plain = split_metric(metric)
        st.metric(f"Best {metric_name(plain)}", value, help=metric_help(metric))
        st.metric("Time used", duration_text(found.used_s))
        st.metric("Time left, about", _left_words(found), help=_left_help(found))
    words = ["No model yet"]
    if best:
        name = shown_name(best)
        words = [f"**{name}** leads in {ORIGIN_NAMES[origin]}"]
    words += [f"{count_text(found.n_ensembles, 'ensemble')} added"] if found.n_ensembles else []
    if found.n_wanted and n_single >= found.n_wanted:
        words += ["all requested models are built; ensembles and files remain"]
    else:
        words += [f"time left {found.left_from}" if found.left_from else "estimating time left…"]
    st.caption(" · ".join(words))


def _stage_words(found: RunProgress) -> str:
    name, is_building, model = found.stage.partition("Building ")
    words = f"{found.stage}: {algorithm_words(model)}" if is_building and not name else found.stage
    return escape_markdown(words)


def _left_words(found: RunProgress) -> str:
    if found.left_s is None:
        return "–"
    return ("at most " if found.is_limit else "") + duration_text(found.left_s)


def _left_help(found: RunProgress) -> str:
    return (
        "An estimate: later models may be slower or faster, and ensembles, files and explanations follow."
        if not found.is_limit
        else "The engine stops building at the limit; ensembles, files and explanations follow."
    )


def _kept_words(models: Sequence[ModelInfo]) -> str:
    if not models:
        return "No model is finished yet, so nothing would be kept."
    best = shown_name(models[0])
    if len(models) == 1:
        return f"Kept: {best}, which can score and be explained. Only the model being built is lost."
    stored = min(len(models), KEEP_TOP + 1)
    return (
        f"Kept: {len(models)} models on the leaderboard; the best {stored}, led by {best}, can score and be explained. "
        "Only the model being built is lost."
    )


def _stop_button(run_id: str, label: str, words: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        # A callback: a redraw of the page that begins before the button is read would lose the click.
        st.button(
            label, key="train_cancel", icon=":material/stop_circle:", on_click=_stop, args=(run_id, words),
            **needs("jobs.cancel"),
        )  # fmt: skip
        st.caption(words, width="stretch")


def _stop(run_id: str, words: str) -> None:
    with guard(stop=False):
        get_services().jobs.cancel(run_id)
        st.toast(f"The run is being stopped. {words}", icon=":material/stop_circle:")
