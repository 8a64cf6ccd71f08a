"""What a session remembers between pages, and the links that open a page at a certain thing.

Session keys are ``area.thing``; widget keys are ``page_thing``. A link's parameter (`?dataset=`, `?run=`, `?model=`)
wins over what the session remembers, which wins over the first choice there is.
"""

from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

if TYPE_CHECKING:
    from core.domain.training import TrainingSettings

Thing = Literal["dataset", "run", "model"]

PENDING_UPLOAD = "data.upload"  # the `uploads.Upload` that is not a dataset yet
UPLOAD_ASKED = "data.asked"  # whether the person has been asked about it
UPLOAD_LOOK = "data.look"  # its last preview
AGAIN_LOOK = "data.again"  # the last preview of a dataset's file with other options
TRAIN_PROPOSAL = (
    "train.proposal"  # {"dataset", "target", "experiment", "preset"}: what Home or Explore proposes to Train
)


def remembered(thing: Thing) -> str | None:
    """Return the id that the link names, else the one last chosen in this session."""
    return st.query_params.get(thing) or st.session_state.get(f"chosen.{thing}")


def remember(thing: Thing, value: str) -> None:
    """Keep a choice for the other pages and put it into the page's address, so that the address can be shared."""
    st.session_state[f"chosen.{thing}"] = value
    if st.query_params.get(thing) != value:
        st.query_params[thing] = value


def forget(thing: Thing) -> None:
    """Drop a choice, because what was chosen is gone."""
    st.session_state.pop(f"chosen.{thing}", None)
    st.query_params.pop(thing, None)


def propose_training(dataset_id: str, target: str, experiment: str | None = None, *, preset: str | None = None) -> None:
    """Say what Train starts with when it is opened next."""
    st.session_state[TRAIN_PROPOSAL] = {
        "dataset": dataset_id,
        "target": target,
        "experiment": experiment,
        "preset": preset,
    }
    st.session_state["chosen.dataset"] = dataset_id


def propose_settings(settings: "TrainingSettings") -> None:
    """Say with which settings Train starts when it is opened next: those of an earlier run, perhaps on other data."""
    st.session_state[TRAIN_PROPOSAL] = {
        "dataset": settings.dataset_id,
        "target": settings.target,
        "experiment": settings.experiment,
        "settings": settings,
    }
    st.session_state["chosen.dataset"] = settings.dataset_id


def propose_recipe(dataset_id: str, recipe: str) -> None:
    """Say which recipe Train starts with when it is opened next; the target stays what it was for that dataset."""
    st.session_state[TRAIN_PROPOSAL] = {"dataset": dataset_id, "recipe": recipe}
    st.session_state["chosen.dataset"] = dataset_id


def take_proposal() -> dict[str, Any] | None:
    """Return what was proposed to Train, once."""
    proposal: dict[str, Any] | None = st.session_state.pop(TRAIN_PROPOSAL, None)
    return proposal
