"""The way in: nobody sees a page before signing in where a provider is set up, and none that their role lacks."""

import streamlit as st

from app.ui import navigation, sign_in
from app.ui.services import acting_person, open_services
from app.ui.widgets.text import escape_markdown
from core.access.permissions import DOING
from core.access.roles import roles_words

_NOTED = "gate.noted"


def is_open() -> bool:
    """Whether who is here may see pages at all; the first look of a session is written down where people sign in."""
    if not sign_in.is_set_up():
        return True
    services, person = open_services(), acting_person()
    if not person.name:
        return False
    roles = services.access.roles(person)
    seen, now = st.session_state.get(_NOTED), (person.name, roles)
    st.session_state[_NOTED] = now
    if seen is None or (seen[0], bool(seen[1])) != (person.name, bool(roles)):
        detail = {"roles": ", ".join(roles)} if roles else {}
        services.ledger.record("sign in" if roles else "sign-in refused", "app", person=person.name, detail=detail)
    elif seen != now:
        st.toast(f"Your roles have changed. You are {' and '.join(roles)} now.", icon=":material/badge:")
    return bool(roles)


def draw() -> None:
    """Ask to sign in, or say that there is no role for who did."""
    person = acting_person()
    with st.container(border=True, width=520):
        if person.name and not open_services().access.is_signed_out(person):
            st.title("No role here yet", anchor=False)
            st.markdown(f"You are signed in as **{escape_markdown(person.name)}**, and nobody has given you a role.")
            st.caption("Ask an administrator of this app to name you on its Settings page, then reload.")
            _sign_out()
            return
        st.title("Sign in to Bellwether", anchor=False)
        if person.name:
            st.markdown("An administrator has signed you out. Sign in again, so that your roles are those of today.")
        elif sign_in.claims().get("is_logged_in"):
            st.markdown("You signed in some time ago. Sign in again, so that your roles are those of today.")
        else:
            st.markdown("Your organisation decides who may use it.")
        for name in sign_in.providers():
            label = f"Sign in with {name.replace('_', ' ').title()}" if name else "Sign in"
            if st.button(label, key=f"gate_sign_in_{name}", type="primary", icon=":material/login:"):
                sign_in.log_in(name)


def who_line() -> None:
    """Say in the sidebar who is signed in, or that nobody has to and what follows from that."""
    if not sign_in.is_set_up():
        help_text = (
            "No sign-in is set up: whoever uses this machine may do everything, and no other machine is answered. "
            "docs/security.md says how to let others in."
        )
        st.caption(":material/computer: This machine only", help=help_text)
        return
    person = acting_person()
    roles = ", ".join(open_services().access.roles(person))
    st.caption(f":material/account_circle: {escape_markdown(person.name)}  \n{roles}")
    _sign_out()


def refuse(page: navigation.PageInfo) -> None:
    """Say that a page is not for the role of who opened it, and where to go on."""
    st.warning(
        f"It needs the role {roles_words(page.needs)}, which is for {DOING[page.needs]}. Ask an administrator for it.",
        title=f"The page {page.title} is not for your role",
        icon=":material/lock:",
    )
    navigation.button("home", "Go to Home", key="gate_home", primary=True)


def _sign_out() -> None:
    if st.button("Sign out", key="gate_sign_out", icon=":material/logout:", type="tertiary"):
        st.logout()
