"""Who acts on a page: whoever signed in, where a provider is set up; else the owner of this machine."""

import time
from collections.abc import Mapping
from typing import Final

import streamlit as st

from core.access.roles import NOBODY, OWNER, Person, person_of
from core.settings import Settings

_SECTION: Final = "auth"
_DEFAULT: Final = ""


def is_set_up() -> bool:
    """Whether people have to sign in: `.streamlit/secrets.toml` names a provider."""
    return bool(st.secrets.load_if_toml_exists() and _SECTION in st.secrets)


def current_person(settings: Settings) -> Person:
    """Return who acts now; nobody where a provider is set up and no one has signed in, or too long ago."""
    if not is_set_up():
        return OWNER
    told = claims()
    return person_of(told, settings) if told.get("is_logged_in") and not is_stale(told, settings) else NOBODY


def claims() -> Mapping[str, object]:
    """Return what the provider said of whoever looks at this page, and ``is_logged_in``."""
    return st.user.to_dict()


def is_stale(told: Mapping[str, object], settings: Settings) -> bool:
    """Whether a sign-in is older than the settings allow: what the provider said then may no longer be true."""
    signed_in_at = told.get("iat")
    if not isinstance(signed_in_at, (int, float)):
        return True
    return time.time() - signed_in_at > settings.sign_in_s


def providers() -> tuple[str, ...]:
    """Return the names of the providers; an empty one is the only one, without a name."""
    section = st.secrets[_SECTION]
    named = tuple(name for name, part in section.items() if isinstance(part, Mapping) and "client_id" in part)
    return (_DEFAULT,) if "client_id" in section else named


def log_in(provider: str) -> None:
    """Send the browser to a provider."""
    st.login(provider or None)
