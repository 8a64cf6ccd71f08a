"""Who is acting: who signed in, else the name that the person gave last in this session."""

import streamlit as st

_NAME = "person.name"


def known_person() -> str:
    """Return who is known to act; empty when nobody signed in and no name was given yet."""
    if st.user.get("is_logged_in"):
        return str(st.user.get("name") or st.user.get("email") or "")
    return str(st.session_state.get(_NAME, ""))


def person_field(key: str, label: str = "Your name") -> str:
    """Ask for a name where nobody is signed in, and return it; the one given last is there already."""
    if st.user.get("is_logged_in"):
        return known_person()
    st.session_state.setdefault(key, known_person())
    name = st.text_input(label, key=key, max_chars=100, help="Kept for this session, and with what you decide.")
    return name.strip()


def remember_person(name: str) -> None:
    """Keep a name for the rest of the session."""
    if name.strip():
        st.session_state[_NAME] = name.strip()
