"""The Review section under a model: where it stands, its checklist, what people say, and promotion."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from app.ui.errors import guard
from app.ui.review import against, promotion
from app.ui.services import get_services, needs
from app.ui.widgets.models import checklist
from app.ui.widgets.person import person_field, remember_person
from app.ui.widgets.text import escape_markdown, safe_markdown
from core.domain.models import ModelInfo
from core.ledger.reviews import ReviewEntry
from core.review.reviews import MAX_CHARS, Review
from core.wording import ago_text, count_text, time_text

_DONE, _DRAFT = "leaderboard.reviewed", "leaderboard.draft"
STATES: dict[str, tuple[str, str, Literal["gray", "blue", "green", "red"]]] = {
    "open": ("No decision yet", ":material/radio_button_unchecked:", "gray"),
    "proposed": ("Proposed", ":material/campaign:", "blue"),
    "approved": ("Approved", ":material/verified:", "green"),
    "rejected": ("Rejected", ":material/block:", "red"),
}
_SHOWN = 50
_PLACEHOLDER = "Markdown; @name to call somebody"


def draw(model: ModelInfo, name: str, metric: str) -> None:
    """Draw the section of a model whose files are stored.

    Parameters
    ----------
    name : str
        What it is called on the page.
    metric : str
        The metric by which the models of its run are ranked.
    """
    with guard(stop=False):
        found = get_services().reviews.of_model(model)
        with st.container(border=True, key="leaderboard_section"):
            _head(model, name, found)
            against.draw(model, metric)
            promotion.draw(model)
            checked, said = st.columns([5, 7], gap="large")  # on a telephone the evidence comes first
            with said:
                if not found.thread:
                    st.caption("Nothing has been said yet. What speaks for this model, what against it?")
                _entries(found.thread)
                _form(model)
            with checked:
                st.markdown("**Checklist**", width="content")
                checklist.draw(model, waits=True)


def draw_run(run_id: str) -> None:
    """Draw what people said of a run, with a box to say more."""
    with guard(stop=False):
        said = get_services().reviews.of_run(run_id)
        title = count_text(len(said), "comment") if said else "Comments"
        with st.expander(title, on_change="rerun", key="run_comments") as drawer:
            if drawer.open:
                _entries(said)
                _run_form(run_id)


def _run_form(run_id: str) -> None:
    number = st.session_state.setdefault(_DRAFT, 0)
    with st.form("run_comment_form", border=False):
        text = st.text_area("Comment", key=f"run_comment_{number}", height=90, placeholder=_PLACEHOLDER)
        person = person_field("run_comment_person")
        pressed = st.form_submit_button("Comment", key="run_comment_say", icon=":material/chat:")
    if pressed:
        with guard(stop=False):
            get_services().reviews.comment_run(run_id, text, person=person)
            remember_person(person)
            st.session_state[_DRAFT] = number + 1
            st.rerun()


def _head(model: ModelInfo, name: str, found: Review) -> None:
    label, icon, color = STATES[found.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"### Review of {escape_markdown(name)}", anchors=False, width="content")
        st.badge(label, icon=icon, color=color)
        if found.decision is not None:
            st.caption(f"by {escape_markdown(found.decision.person)}, {ago_text(found.decision.at)}", width="stretch")
        else:
            st.caption("Nobody has proposed, approved or rejected this model.", width="stretch")
        promotion.button(model)
    if done := st.session_state.pop(_DONE, None):
        st.toast(escape_markdown(done), icon=":material/check_circle:")


def _entries(said: Sequence[ReviewEntry]) -> None:
    earlier = said[:-_SHOWN]
    if earlier:
        with st.expander(f"{count_text(len(earlier), 'earlier entry', 'earlier entries')}"):
            for entry in earlier:
                _entry(entry)
    for entry in said[-_SHOWN:]:
        _entry(entry)


def _entry(entry: ReviewEntry) -> None:
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            who = escape_markdown(entry.person) or "Somebody"
            st.markdown(f"**{who}**", width="content")
            if entry.kind != "comment":
                label, icon, color = STATES[entry.kind]
                st.badge(label, icon=icon, color=color)
            st.caption(ago_text(entry.at), help=time_text(entry.at), width="content")
        st.markdown(safe_markdown(entry.text), anchors=False)


def _form(model: ModelInfo) -> None:
    number = st.session_state.setdefault(_DRAFT, 0)  # a box of its own for each text: what was sent does not stay in it
    with st.form("leaderboard_review", border=False):
        text = st.text_area(
            "Comment, or the reason of a decision", key=f"leaderboard_comment_{number}", height=110,
            placeholder=_PLACEHOLDER, help=f"Up to {MAX_CHARS:,} characters.",
        )  # fmt: skip
        person = person_field("leaderboard_person")
        with st.container(horizontal=True, gap="small"):
            pressed = {
                "comment": st.form_submit_button("Comment", key="leaderboard_say", icon=":material/chat:"),
                "propose": st.form_submit_button("Propose", key="leaderboard_propose", icon=":material/campaign:"),
                "approve": st.form_submit_button(
                    "Approve", key="leaderboard_approve", icon=":material/verified:", **needs("reviews.approve")
                ),
                "reject": st.form_submit_button(
                    "Reject", key="leaderboard_reject", icon=":material/block:", **needs("reviews.reject")
                ),
            }
    act = next((name for name, is_pressed in pressed.items() if is_pressed), None)
    if act is not None:
        with guard(stop=False):
            getattr(get_services().reviews, act)(model, text, person=person)
            remember_person(person)
            st.session_state[_DRAFT] = number + 1
            st.session_state[_DONE] = {
                "comment": "Your comment is kept.", "propose": "Proposed.", "approve": "Approved.",
                "reject": "Rejected.",
            }[act]  # fmt: skip
            st.rerun()
