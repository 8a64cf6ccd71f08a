"""A run in progress or ended, for `/train?run=` and the Runs page."""

from collections.abc import Sequence

import streamlit as st

from app.ui import navigation, visits
from app.ui.errors import guard
from app.ui.review import against, section
from app.ui.runs import backtest, manage
from app.ui.runs import live as live_view
from app.ui.runs import reproduce as reproduce_view
from app.ui.services import get_services
from app.ui.train import baselines as training_baselines
from app.ui.widgets.models import report as report_view
from app.ui.widgets.models.card import model_badges, shown_name
from app.ui.widgets.models.metrics import metric_cards, metric_label
from app.ui.widgets.models.runs import run_error, run_header, run_seconds
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo
from core.domain.runs import RunInfo
from core.models.leaderboard import ranking_metric
from core.wording import count_text, duration_text


def draw(run_id: str, *, links: bool = True, is_page: bool = False) -> None:
    """Draw a run: live while it waits or runs, its result when it has ended.

    Parameters
    ----------
    links : bool
        Whether the way to the next training is there.
    is_page : bool
        Whether its name is the title of the page.
    """
    with guard():
        run = get_services().store.get_run(run_id)
    if not run.is_final:
        live_view.draw(run)
        return
    visits.note("run", run_id)
    run_header(run, is_page=is_page)
    manage.words(run)
    reproduce_view.badge(run)
    _mlflow_link(run)
    run_error(run)
    if run.n_models:
        models = outcome(run)
        training_baselines.missing(run)
        backtest.draw(run, models)
        reproduce_view.panel(run)
    else:
        st.caption("The run ended before a model was built.")
    with st.expander("What happened", on_change="rerun", key="train_events") as happened:
        if happened.open:
            with guard(stop=False):
                live_view.events(run)
    section.draw_run(run_id)
    if links:
        navigation.link("train", "Train another model", icon=":material/add:", dataset=run.settings.dataset_id)


def _mlflow_link(run: RunInfo) -> None:
    """Draw the way to the run's page in MLflow, where its address is set."""
    url = get_services().settings.mlflow_ui_url.rstrip("/")
    if url:
        with guard(stop=False):
            page = get_services().store.mlflow_page(run.run_id)
            st.link_button(
                "Open in MLflow", f"{url}/{page}", key="runs_mlflow", type="tertiary", icon=":material/open_in_new:"
            )


def outcome(run: RunInfo) -> Sequence[ModelInfo]:
    """Draw the result of a run: its leader, the models and the ways on; return the models."""
    with guard():
        models = get_services().store.models(run_id=run.run_id)
    leader = next((model for model in models if model.id == run.leader_id), None)
    if leader is not None:
        if leader.no_better:
            st.warning(escape_markdown(leader.no_better), icon=":material/warning:")
        seconds = run_seconds(run)
        took = f" in {duration_text(seconds)}" if seconds is not None else ""
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"Leader: **{shown_name(leader)}**", width="content")
                model_badges(leader)
            by = metric_label(ranking_metric(run.settings)).replace(" · ", " in ")
            st.caption(f"The best of {_models_text(models)} by {by}{took}.")
            against.draw(leader, ranking_metric(run.settings), called="The leader of this run")
            metric_cards(leader, run)
            training_baselines.compared(leader, models, ranking_metric(run.settings))
            with st.container(horizontal=True, gap="small"):
                if st.button("Explain the leader", key="train_explain", type="primary", icon=":material/lightbulb:"):
                    navigation.go("explain", model=leader.id)
                if st.button("Predict with it", key="train_predict", icon=":material/online_prediction:"):
                    navigation.go("predict", model=leader.id)
                if st.button("See the leaderboard", key="train_leaderboard", icon=":material/leaderboard:"):
                    navigation.go("leaderboard", run=run.run_id)
    live_view.models_and_chart(run, models)
    return models


def _models_text(models: Sequence[ModelInfo]) -> str:
    """Count the models that AutoML built; a maximum of models counts no ensembles."""
    own = [model for model in models if model.baseline is None]
    n_ensembles = sum(model.algo == "StackedEnsemble" for model in own)
    words = count_text(len(own) - n_ensembles, "model")
    return f"{words} and {count_text(n_ensembles, 'ensemble')} of them" if n_ensembles else words


def report(run: RunInfo) -> None:
    """Draw the report of the model that leads a run."""
    found = get_services().store.models(run_id=run.run_id) if run.leader_id else ()
    leader = next((model for model in found if model.id == run.leader_id and model.has_files), None)
    if leader is None:
        st.caption("This run has no model to report on.")
        return
    report_view.draw(leader, key="runs_report")
