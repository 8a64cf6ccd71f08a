"""When a problem is trained again by itself, and what came of it last."""

from collections.abc import Mapping
from typing import Final

import streamlit as st

from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.widgets.text import escape_markdown
from core.wording import ago_text
from core.work.schedule import WHENS, When

_WORDS: Final[Mapping[When, str]] = {
    "never": "Never", "weekly": "Every week", "alert": "When a scored file raises an alert",
}  # fmt: skip


def draw(experiment: str) -> None:
    """Draw the schedule of a problem, to look at and to change."""
    with (
        st.popover("Retraining", icon=":material/event_repeat:", key="monitor_schedule", width="stretch"),
        guard(stop=False),
    ):
        schedules = get_services().schedules
        known, last = schedules.find(experiment), schedules.last_turn(experiment)
        with st.form("monitor_schedule_form", border=False):
            st.caption(
                "Trains again with the champion's settings on the newest data. The new leader is promoted only "
                "when it is better beyond chance on new rows and nothing in the checklist speaks against it."
            )
            when = st.selectbox(
                "Train again", WHENS, format_func=lambda one: _WORDS[one],
                index=WHENS.index(known.when if known else "never"), key=f"monitor_schedule_when_{experiment}",
            )  # fmt: skip
            if known is not None:
                st.caption(f"Set on {known.at:%d %b %Y}.")
            if last is not None:
                st.caption(f"Last time, {ago_text(last.at)}: {escape_markdown(last.detail['note'])}")
            if st.form_submit_button("Save", key="monitor_schedule_save", type="primary"):
                schedules.save(experiment, when)
                st.rerun()
