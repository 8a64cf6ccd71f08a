"""What whoever acts here looks at, noted once, so that Home leads back to it."""

import streamlit as st

from app.ui.errors import guard
from app.ui.services import get_services
from core.ledger.visits import Visited


def note(kind: Visited, subject: str) -> None:
    """Note that a page shows a thing; again only after another one of its kind."""
    key = f"visited.{kind}"
    if st.session_state.get(key) != subject:
        with guard(stop=False):
            get_services().visits.note(kind, subject)
            st.session_state[key] = subject
