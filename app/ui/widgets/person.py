"""Who is acting: who signed in, else the name that the person gave last in this session."""

import streamlit as st

from app.ui.services import acting_person

_NAME = "person.name"


def known_person() -> str:
    """Return who is known to act; empty when nobody signed in and no name was given yet."""
    return acting_person().name or str(st.session_state.get(_NAME, ""))


def person_field(key: str, label: str = "Your name") -> str:
    """Ask for a name where nobody is signed in, and return it; the one given last is there already."""
    if (name := acting_person().name) != "":
        return name
    st.session_state.setdefault(key, known_person())
    return st.text_input(label, key=key, max_chars=100, help="Kept for this session, and with what you decide.").strip()


def remember_person(name: str) -> None:
    """Keep a name for the rest of the session."""
    if name.strip():
        st.session_state[_NAME] = name.strip()
