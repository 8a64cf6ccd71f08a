"""When a problem is trained again by itself, and what came of it last."""

from collections.abc import Mapping
from typing import Final

import streamlit as st

from app.ui.errors import guard
from app.ui.services import get_services, needs
from app.ui.widgets.person import person_field, remember_person
from app.ui.widgets.text import escape_markdown
from core.review.retraining import Promote
from core.wording import ago_text, day_text
from core.work.schedule import WHENS, When

_WORDS: Final[Mapping[When, str]] = {
    "never": "Never", "weekly": "Every week", "alert": "When a scored file raises an alert",
}  # fmt: skip
_PROMOTE: Final[Mapping[Promote, str]] = {
    "if-better": "Promoted when it is better", "never": "Left as challenger",
}  # fmt: skip


def draw(experiment: str) -> None:
    """Draw the schedule of a problem, to look at and to change."""
    with (
        st.popover("Retraining", icon=":material/event_repeat:", key="monitor_schedule", width="content"),
        guard(stop=False),
    ):
        schedules = get_services().schedules
        known, last = schedules.find(experiment), schedules.last_turn(experiment)
        ways, save = tuple(_PROMOTE), needs("schedules.save")
        with st.form("monitor_schedule_form", border=False):
            st.caption(
                "Trains again with the champion's settings on the newest data. *Better* is beyond chance, on new rows "
                "that neither model has seen, with nothing in the checklist against it."
            )
            when = st.selectbox(
                "Train again", WHENS, format_func=lambda one: _WORDS[one],
                index=WHENS.index(known.when if known else "never"), key=f"monitor_schedule_when_{experiment}",
                disabled=save["disabled"],
            )  # fmt: skip
            promote = st.selectbox(
                "Its leader is", ways, format_func=lambda one: _PROMOTE[one],
                index=ways.index(known.promote if known else "if-better"),
                key=f"monitor_schedule_promote_{experiment}", disabled=save["disabled"],
            )  # fmt: skip
            person = person_field("monitor_schedule_person")
            if known is not None:
                by = f" by {escape_markdown(known.person)}" if known.person else ""
                st.caption(f"Set{by} on {day_text(known.at)}.")
            if last is not None:
                st.caption(f"Last time, {ago_text(last.at)}: {escape_markdown(last.detail['note'])}")
            if st.form_submit_button("Save", key="monitor_schedule_save", type="primary", **save):
                schedules.save(experiment, when, promote=promote, person=person)
                remember_person(person)
                st.rerun()
