"""Explain: what a model relies on, how well it performs and how it learned. Opens without an engine."""

import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.explain import opened as explain_view
from app.ui.explain import views as explain_views
from app.ui.services import get_services
from app.ui.widgets.layout import empty_state, page_title
from app.ui.widgets.models.card import model_badges
from app.ui.widgets.pickers import switch

page_title("Explain", "What a model relies on, and how well it performs on rows it had not seen.")
with guard():
    services = get_services()
    models = explain_view.stored_models(services.store)
if not models:
    with empty_state(
        "No model to explain yet", "Train one first; its explanations are computed right after.",
        icon=":material/lightbulb:",
    ):  # fmt: skip
        navigation.link("train", "Open Train")
    st.stop()

with guard(stop=False):  # a link to what is not there is said; the page goes on with what there is
    explain_view.seed_model(services.store, models)
with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    chosen = st.selectbox(
        "Model", tuple(models), key="explain_model", format_func=lambda model_id: explain_view.label(models[model_id])
    )
    model = models[chosen]
    model_badges(model, is_named=True)
    navigation.link("predict", "Predict with it", model=model.id)
    navigation.link("leaderboard", "Leaderboard", run=model.run_id, model=model.id)
explain_view.keep_link(model)

with guard():
    run = services.store.get_run(model.run_id)

options = explain_views.views_of(model.task)
view = switch("View", options, key="explain_view", param="view", is_labelled=False, below=explain_view.BELOW)
st.header(explain_views.VIEWS[view].question, anchor=False)
with guard(stop=False):
    explain_views.VIEWS[view].draw(explain_view.Opened(model, run))
