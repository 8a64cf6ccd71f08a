"""What whoever acts here looks at, noted once, so that Home leads back to it."""

import streamlit as st

from app.ui.errors import guard
from app.ui.services import acting_person, get_services
from core.ledger.visits import Visited


def is_own(person: str) -> bool:
    """Whether what somebody did is of whoever acts here; all of it where nobody has to sign in."""
    who = acting_person()
    return who.is_owner or person == who.name


def note(kind: Visited, subject: str) -> None:
    """Note that a page shows a thing; again only after another one of its kind."""
    key = f"visited.{kind}"
    if st.session_state.get(key) != subject:
        with guard(stop=False):
            get_services().visits.note(kind, subject)
            st.session_state[key] = subject
