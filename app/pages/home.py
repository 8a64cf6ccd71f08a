"""Home: three ways in, a first try, what runs and which models are in use."""

from contextlib import suppress

import streamlit as st

from app.ui import navigation, state
from app.ui.errors import guard
from app.ui.services import find_services, get_services, warm_engine
from app.ui.widgets import left_off
from app.ui.widgets import queue as queue_view
from app.ui.widgets import scorings as scorings_view
from app.ui.widgets.layout import empty_state
from app.ui.widgets.runs import champion_row, run_row
from core.domain.models import ModelInfo
from core.domain.runs import RunInfo
from core.errors import AppError

_SHOWN = 6
_DOORS = (
    ("data", "Bring data in", "Upload a file, see what is in it and how good it is, then train models on it."),
    ("predict", "Get predictions", "Upload a CSV or Excel file and get it back with predictions."),
    ("leaderboard", "Review models", "Compare what was trained, see why a model leads and choose the champion."),
)


def lists() -> tuple[tuple[RunInfo, ...], tuple[RunInfo, ...], tuple[ModelInfo, ...]]:
    """Return the runs that wait or are going on, those that ended last, and the models in use."""
    services = get_services()
    ended = services.store.list_runs(statuses=("finished", "failed", "cancelled"), limit=_SHOWN)
    return services.jobs.queue(), ended, tuple(services.store.champions().values())


st.title("From a raw file to predictions you can trust", anchor=False)
st.caption(
    "Bellwether explores your data, trains models with H2O AutoML, explains them and scores new files. "
    "No code, and everything stays on this machine."
)

known = None
if find_services() is not None:  # else there is nothing to ask yet, and nothing waits for it
    with suppress(AppError):  # told below, where the lists are
        known = lists()
is_new = known is None or not any(known)
earlier = st.container()
# What goes on comes first for those who have been here before, the ways in for those who have not.
places = [st.container(), st.container()]
ways, work = places if is_new else places[::-1]
with ways:
    if not is_new:
        st.header("Start something", anchor=False)
    doors = [door for door in _DOORS if navigation.has_page(door[0])]
    for column, (name, title, text) in zip(st.columns(len(doors)), doors, strict=True):
        with column.container(border=True, height="stretch", gap="small"):
            page = navigation.get_page(name)
            if is_new:
                st.markdown(f"## :primary[{page.icon}] {title}", anchors=False)
                st.markdown(f":gray[{text}]")
                st.space("stretch")
                navigation.link(name, f"Open {page.title}", icon=":material/arrow_forward:")
            else:
                navigation.link(name, f"**{title}**", icon=page.icon)
    wants_sample = False
    if navigation.has_page("train"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            wants_sample = st.button(
                "Try it with sample data", key="home_sample", type="primary" if is_new else "secondary",
                icon=":material/play_arrow:",
            )  # fmt: skip
            words = "5,000 made-up insurance customers: from nothing to a trained model in about a minute."
            st.caption(words, width="content")

with work, guard(), st.skeleton(height=160):
    active, ended, champions = known or lists()

with earlier, guard(stop=False):
    left_off.draw(ended)

if wants_sample:
    from core.data.datasets.samples import SAMPLE_EXPERIMENT, SAMPLE_TARGET

    with guard(), st.spinner("Loading the sample"):
        warm_engine()
        sample = get_services().sample_dataset()
    state.propose_training(sample.id, SAMPLE_TARGET, SAMPLE_EXPERIMENT, preset="quick")
    navigation.go("train", dataset=sample.id)

with work:
    if active:
        st.header("Running now", anchor=False)
        queue_view.draw(active, key="home")

    if under_way := scorings_view.active():
        st.header("Files being scored", anchor=False)
        scorings_view.draw(under_way, key="home_scorings")

    if ended or champions:
        left, right = st.columns([3, 2], gap="large")
        with left:
            st.header("Latest runs", anchor=False)
            with st.container(border=True, gap="medium"):
                for run in ended:
                    run_row(run)
                if not ended:
                    st.caption("No runs have ended yet.")
            navigation.link("runs", "All runs")
        with right:
            st.header("Models in use", anchor=False)
            with st.container(border=True, gap="medium"):
                for model in champions[:_SHOWN]:
                    champion_row(model)
                if not champions:
                    st.caption("The leader of the first run that finishes becomes the champion of its experiment.")
            navigation.link(
                "leaderboard", f"All {len(champions)} champions" if len(champions) > _SHOWN else "Leaderboard"
            )
    elif not active:
        empty_state(
            "Nothing has been trained yet",
            "Add a file on the Data page, or try it with the sample. Runs and models in use are listed here.",
            icon=":material/model_training:",
        )
