"""The report of a model: its card, the two files to download, and creating it again."""

import re
from collections.abc import Callable

import streamlit as st

from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.widgets.layout import empty_state, is_dark
from core.domain.models import ModelInfo
from core.report import in_dark
from core.wording import ago_text, count_text

_DONE = "report.done"
_CARD_PX = 1080
_WHAT = (
    "The report begins with this card and goes on with the data, the settings and the recipe, metrics by origin, the "
    "decision policy, what the model relies on, weak spots, groups, the other models, limits, and how to rebuild it. "
    "It is one file with live figures; it opens without a network, and prints well."
)


def draw(model: ModelInfo, *, key: str) -> None:
    """Draw the newest report of a model, or the button that makes the first one."""
    store, reports = get_services().store, get_services().reports
    with guard():
        saved = reports.find(model)
        if saved is None:
            _offer(model, key)
            return
        changed = reports.what_changed(model, saved)
        card = store.artifact(model.run_id, saved.card).read_text(encoding="utf-8")
    if done := st.session_state.pop(_DONE, None):
        st.toast(done, icon=":material/check:")
    st.caption(_WHAT)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for label, path, end, icon in (
            ("Download the report", saved.whole, "report", ":material/description:"),
            ("Model card, one page", saved.card, "card", ":material/contact_page:"),
        ):
            st.download_button(
                label, _reader(model, path), f"{_stem(model)}-{end}.html", "text/html", key=f"{key}_{end}",
                icon=icon, type="primary" if end == "report" and not changed else "secondary", on_click="ignore",
            )  # fmt: skip
        if st.button(
            "Create the report again", key=f"{key}_anew", icon=":material/refresh:",
            type="primary" if changed else "secondary",
        ):  # fmt: skip
            make(model)
            st.rerun()
    if changed:
        st.warning(f"{changed}. This report is out of date. Create it again.", icon=":material/update:")
    earlier = len(reports.list(model)) - 1
    kept = f" · {count_text(earlier, 'earlier one')} among the files of the run" if earlier else ""
    st.caption(f"Created {ago_text(saved.made_at)}{kept}")
    # Not as high as its content: to measure that, Streamlit puts a script in, which the app's own policy blocks.
    st.iframe(in_dark(card) if is_dark() else card, height=_CARD_PX, alt="Model card")


def make(model: ModelInfo) -> None:
    """Create the report of a model from what is stored."""
    with guard(), st.spinner("Writing the report", show_time=True):
        get_services().reports.make(model)
        st.session_state[_DONE] = "The report has been created."


def remake(model: ModelInfo) -> None:
    """Create the report of a model again where there is one: what it says has changed."""
    if get_services().reports.find(model) is not None:
        make(model)


def _offer(model: ModelInfo, key: str) -> None:
    box = empty_state(
        "This model has no report yet", "It is created from what is stored with the run, in a few seconds.",
        icon=":material/description:",
    )  # fmt: skip
    if box.button("Create the report", key=f"{key}_make", type="primary", icon=":material/play_arrow:"):
        make(model)
        st.rerun()


def _reader(model: ModelInfo, path: str) -> Callable[[], bytes]:
    """Return what reads a file when it is asked for: a report is some five megabytes."""
    store = get_services().store

    return lambda: store.artifact(model.run_id, path).read_bytes()


def _stem(model: ModelInfo) -> str:
    return re.sub(r"[^\w.-]+", "-", model.experiment).strip("-.") or "model"
