"""Choices that follow links and other pages."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import streamlit as st

from app.ui import state, visits
from core.domain.datasets import Dataset

if TYPE_CHECKING:
    from core.data.datasets.registry import Datasets


def choose(key: str, options: Iterable[object], *, first: object = None, link: state.Thing | None = None) -> None:
    """Give the widget `key` its value before it is drawn: the one it has while that is an option, else `first`.

    Where `first` is no option, the first one there is. With `link`, what was last chosen of that thing is `first`, and
    a link that is opened while the widget holds another value wins; a person's own choice is left alone.
    """
    session, known, seen = st.session_state, tuple(options), f"linked.{key}"
    linked = st.query_params.get(link) if link else None
    if linked is not None and linked in known and session.get(seen) != linked:
        session[key] = linked
    elif key not in session or session[key] not in known:
        wanted = state.remembered(link) if link else first
        session[key] = wanted if wanted in known else next(iter(known), None)
    if link:
        session[seen] = session[key]


def dataset_picker(datasets: "Datasets", *, key: str, label: str = "Dataset") -> Dataset | None:
    """Draw a choice of dataset that follows links and the other pages; None when there is no dataset."""
    known = {dataset.id: dataset for dataset in datasets.list()}
    wanted = st.query_params.get("dataset")
    if wanted and wanted not in known:
        st.warning("The dataset of this link no longer exists.", icon=":material/link_off:")
        state.forget("dataset")
    if not known:
        return None
    choose(key, known, link="dataset")
    chosen = st.selectbox(label, tuple(known), key=key, format_func=lambda dataset_id: known[dataset_id].label)
    state.remember("dataset", chosen)
    visits.note("dataset", chosen)
    return known[chosen]
