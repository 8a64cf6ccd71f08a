"""The problem card of an experiment: what it is about, shown where its models are chosen and used."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import streamlit as st

from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.widgets.person import person_field, remember_person
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo, ModelSpec
from core.ledger.problem_cards import ProblemCard
from core.models.opened import StoredModel
from core.wording import day_text

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator


def problem_line(experiment: str, card: ProblemCard | None) -> None:
    """Draw what an experiment is about, in a few lines; nothing where nobody has written it down."""
    if card is None:
        return
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{escape_markdown(card.name or experiment)}**", width="content")
            if card.look_again:
                _look_again(card.look_again)
        parts = [f"A row is {escape_markdown(card.row)}."] if card.row else []
        parts += [f"{escape_markdown(name)}: {escape_markdown(words)}." for name, words in card.classes.items()]
        parts += [f"Used to decide: {escape_markdown(card.decision)}."] if card.decision else []
        parts += [f"Owner: {escape_markdown(card.owner)}."] if card.owner else []
        if parts:
            st.caption(" ".join(parts))


def problem_header(experiment: str, models: Sequence[ModelInfo], place: "DeltaGenerator") -> None:
    """Draw the card of an experiment, and at `place` the button to write it; its models tell classes and columns."""
    services = get_services()
    with guard(stop=False):
        stored = next((model for model in models if model.has_files), None)
        spec = _spec(stored.id, StoredModel(services.store, stored)) if stored else None
        card = services.problems.find(experiment)
        problem_line(experiment, card)
        with place:
            _editor(experiment, spec.classes if spec else (), spec.needed.names if spec else ())


@st.cache_resource(max_entries=256, show_spinner=False)
def _spec(model_id: str, _model: StoredModel) -> ModelSpec:
    return _model.spec


def _editor(experiment: str, classes: Sequence[str], columns: Sequence[str]) -> None:
    with (
        st.popover(
            "Problem card",
            icon=":material/badge:",
            key="leaderboard_problem",
            width="stretch",
            help="What this experiment is about, what its classes mean and who owns it.",
        ),
        guard(stop=False),
    ):
        services = get_services()
        card = services.problems.find(experiment) or ProblemCard()
        with st.form(f"leaderboard_problem_{experiment}", border=False):
            st.caption("What this is about, for those who use the predictions and those who review the models.")
            name = st.text_input("Plain name", card.name, key=f"problem_name_{experiment}")
            row = st.text_input("A row is …", card.row, key=f"problem_row_{experiment}", placeholder="a customer")
            meanings = {
                one: st.text_input(
                    f"“{escape_markdown(one)}” means",
                    card.classes.get(one, ""),
                    key=f"problem_class_{experiment}_{one}",
                )
                for one in classes
            }
            decision = st.text_input("The decision it is for", card.decision, key=f"problem_decision_{experiment}")
            owner = st.text_input("Owner", card.owner, key=f"problem_owner_{experiment}")
            day = st.date_input(
                "Look at it again by", date.fromisoformat(card.look_again) if card.look_again else None,
                key=f"problem_day_{experiment}",
            )  # fmt: skip
            groups = st.multiselect(
                "Groups to be treated alike", columns, [one for one in card.groups if one in columns],
                key=f"problem_groups_{experiment}",
                help="The checklist of a review compares who is selected among the groups of these columns.",
            )  # fmt: skip
            person = person_field(f"problem_person_{experiment}")
            pressed = st.form_submit_button("Save", key="leaderboard_problem_save", type="primary")
        if card.at is not None:
            by = f" by {escape_markdown(card.person)}" if card.person else ""
            st.caption(f"Written{by} on {day_text(card.at)}.")
        if pressed:
            new = replace(
                card, name=name, row=row, classes=meanings, decision=decision, owner=owner, groups=tuple(groups),
                look_again=day.isoformat() if day else "",
            )  # fmt: skip
            services.problems.save(experiment, new, person=person)
            remember_person(person)
            st.rerun()


def _look_again(day: str) -> None:
    due = date.fromisoformat(day)
    is_late = due < datetime.now(UTC).date()
    words = f"{'Look at it again: was due' if is_late else 'To be looked at again by'} {day_text(due)}"
    st.badge(words, icon=":material/event:", color="orange" if is_late else "gray")
