"""Mends: recipe steps that alerts propose, kept until Prepare takes them over."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.ui import navigation
from app.ui.widgets import count_text
from core.alerts import Alert
from core.types import Dataset

PENDING = "prepare.pending"  # list of {"dataset": id, "step": {...}}: what waits for the recipe


def pending_steps(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the steps that wait for a dataset's recipe, oldest first."""
    return [entry["step"] for entry in st.session_state.get(PENDING, []) if entry["dataset"] == dataset.id]


def is_mended(dataset: Dataset, alert: Alert) -> bool:
    """Whether the step that mends an alert waits already."""
    return alert.fix is not None and dict(alert.fix) in pending_steps(dataset)


def mend(dataset: Dataset, alert: Alert) -> None:
    """Put the step that mends an alert aside for the recipe, and say so."""
    if alert.fix is None or is_mended(dataset, alert):
        return
    _put_aside(dataset, alert)
    st.toast(f"Added to the recipe: {alert.fix_label}.", icon=":material/healing:")


def mend_all(dataset: Dataset, alerts: Sequence[Alert]) -> None:
    """Put the steps that mend several alerts aside, and say so."""
    open_ones = [alert for alert in alerts if alert.fix is not None and not is_mended(dataset, alert)]
    for alert in open_ones:
        _put_aside(dataset, alert)
    st.toast(f"Added to the recipe: {count_text(len(open_ones), 'step')}.", icon=":material/healing:")


def _put_aside(dataset: Dataset, alert: Alert) -> None:
    entry = {"dataset": dataset.id, "step": dict(alert.fix or {})}
    st.session_state.setdefault(PENDING, []).append(entry)


def take_back(dataset: Dataset, alert: Alert) -> None:
    """Take the step that mends an alert out again."""
    entry = {"dataset": dataset.id, "step": dict(alert.fix or {})}
    st.session_state[PENDING] = [kept for kept in st.session_state.get(PENDING, []) if kept != entry]


def pending_note(dataset: Dataset) -> None:
    """Draw how many steps wait, with the way to Prepare."""
    waiting = len(pending_steps(dataset))
    if not waiting:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        verb = "waits" if waiting == 1 else "wait"
        st.markdown(f":material/healing: {count_text(waiting, 'step')} {verb} for the recipe.", width="content")
        if any(page.name == "prepare" for page in navigation.PAGES):
            navigation.link("prepare", "Open Prepare", dataset=dataset.id)
