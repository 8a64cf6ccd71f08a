"""Choices that follow links and other pages."""

from typing import TYPE_CHECKING

import streamlit as st

from app.ui import state
from core.domain.datasets import Dataset

if TYPE_CHECKING:
    from core.data.datasets.registry import Datasets


def dataset_picker(datasets: "Datasets", *, key: str, label: str = "Dataset") -> Dataset | None:
    """Draw a choice of dataset that follows links and the other pages; None when there is no dataset."""
    known = {dataset.id: dataset for dataset in datasets.list()}
    wanted = st.query_params.get("dataset")
    if wanted and wanted not in known:
        st.warning("The dataset of this link is not here any more.", icon=":material/link_off:")
        state.forget("dataset")
    state.seed(key, "dataset", tuple(known))
    if not known:
        return None
    chosen = st.selectbox(label, tuple(known), key=key, format_func=lambda dataset_id: known[dataset_id].label)
    state.remember("dataset", chosen)
    return known[chosen]
