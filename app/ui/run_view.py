"""A run as it goes and as it ended, for `/train?run=` and the Runs page."""

from collections.abc import Sequence

import streamlit as st

from app.ui import model_widgets, navigation, reproduce_view, training_baselines, widgets
from app.ui.errors import guard
from app.ui.services import get_services
from core.leaderboard import sort_models
from core.types import ModelInfo, RunInfo

_REFRESH = "1.5s"


def draw(run_id: str, *, links: bool = True) -> None:
    """Draw a run: live while it waits or runs, its outcome when it has ended; `links` adds the way to the next one."""
    with guard():
        run = get_services().store.get_run(run_id)
    if not run.is_final:
        live(run_id)
        return
    model_widgets.run_header(run)
    reproduce_view.badge(run)
    model_widgets.run_error(run)
    if run.n_models:
        outcome(run)
        training_baselines.missing(run)
        reproduce_view.panel(run)
    else:
        st.caption("The run ended before a model was built.")
    with st.expander("Event log", icon=":material/list_alt:", on_change="rerun", key="train_events") as events:
        if events.open:
            with guard(stop=False):
                model_widgets.event_log(run)
    if links:
        navigation.link("train", "Train another model", icon=":material/add:", dataset=run.settings.dataset_id)


@st.fragment(run_every=_REFRESH)
def live(run_id: str) -> None:
    """Draw a run that waits or runs; the whole page is drawn again when it ends."""
    services = get_services()
    with guard():
        run = services.store.get_run(run_id)
        if run.is_final:
            st.rerun()
        models = services.store.models(run_id=run_id)
        place = services.jobs.position(run_id) if run.status == "queued" else None
    model_widgets.run_header(run)
    progress(run, place)
    if st.button(
        "Cancel, keep what is built",
        key="train_cancel",
        icon=":material/stop_circle:",
        disabled=run.stage == "Cancelling",
        help="Models that are finished stay on the leaderboard.",
    ):
        with guard(stop=False):
            services.jobs.cancel(run_id)
            st.toast("The run is being cancelled.", icon=":material/stop_circle:")
    if models:
        models_and_chart(run, models)
    elif run.status == "running":
        st.skeleton(height=240)
    with st.expander("Event log", icon=":material/list_alt:", key="train_live_events"), guard(stop=False):
        model_widgets.event_log(run)


def progress(run: RunInfo, place: int | None) -> None:
    """Draw how far a run is, in a bar and in words."""
    if run.status == "queued":
        waiting = "next in the queue" if place in (None, 1) else f"number {place} in the queue"
        st.progress(0.0, text=f"Waiting: {waiting}. It starts by itself.")
        return
    seconds = model_widgets.run_seconds(run)
    facts = [widgets.escape_markdown(run.stage or "Training"), widgets.count_text(run.n_models, "model")]
    facts += [widgets.duration_text(seconds)] if seconds is not None else []
    st.progress(min(max(run.progress, 0.0), 1.0), text=" · ".join(facts))


def models_and_chart(run: RunInfo, models: Sequence[ModelInfo]) -> None:
    """Draw the models so far, best first, beside how the best one moved."""
    from core.charts_models import leaderboard_progress

    metric = model_widgets.run_metric(run)
    table, chart = st.columns(2, gap="large")
    with table:
        model_widgets.models_so_far(sort_models(models, metric), metric, key="train_models")
    with chart, guard(stop=False):
        figure = leaderboard_progress(models, metric, dark=widgets.is_dark())
        widgets.chart(figure, key="train_progress", alt="The metric of each model as it was built")


def outcome(run: RunInfo) -> None:
    """Draw what came out of a run: its leader, the models and the ways on."""
    with guard():
        models = get_services().store.models(run_id=run.run_id)
    leader = next((model for model in models if model.id == run.leader_id), None)
    if leader is not None:
        seconds = model_widgets.run_seconds(run)
        took = f" in {widgets.duration_text(seconds)}" if seconds is not None else ""
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"Leader: **{widgets.escape_markdown(leader.model_key)}**", width="content")
                model_widgets.model_badges(leader)
            n_models = sum(model.baseline is None for model in models)
            st.caption(f"The best of {widgets.count_text(n_models, 'model')}{took}.")
            model_widgets.metric_cards(leader)
            training_baselines.compared(leader, models, model_widgets.run_metric(run))
            with st.container(horizontal=True, gap="small"):
                if st.button(
                    "See the leaderboard", key="train_leaderboard", type="primary", icon=":material/leaderboard:"
                ):
                    navigation.go("leaderboard", run=run.run_id)
                if st.button("Explain the leader", key="train_explain", icon=":material/lightbulb:"):
                    navigation.go("explain", model=leader.id)
                if st.button("Predict with it", key="train_predict", icon=":material/online_prediction:"):
                    navigation.go("predict", model=leader.id)
    models_and_chart(run, models)
