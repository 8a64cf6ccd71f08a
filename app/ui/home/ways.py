"""The ways in: bringing data, getting predictions, reviewing, and a first try with the sample."""

import streamlit as st

from app.ui import navigation, state
from app.ui.errors import guard
from app.ui.services import get_services, warm_engine

_DOORS = (
    ("data", "Bring data in", "Upload a file, see what is in it and how good it is, then train models on it."),
    ("train", "Train models", "Say what to predict; AutoML builds models of several kinds and ranks them."),
    ("predict", "Get predictions", "Upload a CSV or Excel file and get it back with predictions."),
    ("leaderboard", "Review models", "Compare what was trained, see why a model leads and choose the champion."),
)


def draw(*, is_new: bool) -> bool:
    """Draw the ways that the person's role may take.

    Parameters
    ----------
    is_new : bool
        Whether nothing was done here before: then each way says what it is.

    Returns
    -------
    bool
        Whether the sample was asked for just now.
    """
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
    if not navigation.has_page("train"):
        return False
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        wants = st.button(
            "Try it with sample data", key="home_sample", type="primary" if is_new else "secondary",
            icon=":material/play_arrow:",
        )  # fmt: skip
        words = "5,000 made-up insurance customers: from nothing to a trained model in about a minute."
        st.caption(words, width="content")
    return wants


def open_sample() -> None:
    """Bring the sample in, propose a quick training on it and go there."""
    from core.data.datasets.samples import SAMPLE_EXPERIMENT, SAMPLE_TARGET

    with guard(), st.spinner("Loading the sample"):
        warm_engine()
        sample = get_services().sample_dataset()
    state.propose_training(sample.id, SAMPLE_TARGET, SAMPLE_EXPERIMENT, preset="quick")
    navigation.go("train", dataset=sample.id)
