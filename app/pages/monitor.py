"""Monitor: how a model performs in use: what was scored, what has drifted, actual outcomes, when to train again."""

import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.monitor import alerts as monitor_alerts
from app.ui.monitor import drift as monitor_drift
from app.ui.monitor import outcomes as monitor_outcomes
from app.ui.monitor import schedule as monitor_schedule
from app.ui.monitor import scorings as monitor_scorings
from app.ui.monitor.seen import choose_problem, look
from app.ui.services import get_services
from app.ui.widgets.layout import empty_state, page_title
from app.ui.widgets.pickers import switch

VIEWS = {"Files": monitor_scorings.draw, "Drift": monitor_drift.draw, "Outcomes": monitor_outcomes.draw}

page_title(
    "Monitor",
    "How a model performs in use: what it scored, whether its data has changed, and actual outcomes.",
)
problems, rules = st.columns([3, 2], vertical_alignment="bottom")
with problems, guard():
    services = get_services()
    problem = choose_problem(services)
if problem is None:
    with empty_state(
        "No model is in use yet",
        "Train one; every file that is scored, on the Predict page, by the command line or by HTTP, is followed here.",
        icon=":material/monitoring:",
    ):
        navigation.link("train", "Open Train")
    st.stop()

with guard():
    seen = look(services, problem)
if not seen.records:
    with empty_state(
        "No file has been scored yet for this problem",
        "Every file that is scored, on the Predict page, by the command line or by HTTP, is followed here.",
        icon=":material/monitoring:",
    ):
        navigation.link("predict", "Open Predict")
    if seen.champion is not None:
        with rules, st.container(horizontal=True, horizontal_alignment="right"):
            monitor_schedule.draw(seen.experiment)
    st.stop()

with rules:
    monitor_alerts.rules(seen)
monitor_alerts.headline(seen)
monitor_alerts.latest(seen)
with guard(stop=False):
    monitor_alerts.train_again(seen, services)

VIEWS[switch("View", tuple(VIEWS), key="monitor_view", param="view", is_labelled=False)](seen, services)
