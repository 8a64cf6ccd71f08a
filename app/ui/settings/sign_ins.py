"""Who has signed in, and how an administrator signs somebody out of every browser."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.ui import sign_in
from app.ui.errors import guard
from app.ui.services import acting_person, get_services
from app.ui.widgets.layout import empty_state
from core.access.sign_outs import EVERYBODY, SignedIn

_COLUMNS = {
    "who": st.column_config.TextColumn("Who", width="large"),
    "at": st.column_config.DatetimeColumn("Signed in last (UTC)", format="YYYY-MM-DD HH:mm"),
    "out": st.column_config.DatetimeColumn("Signed out last (UTC)", format="YYYY-MM-DD HH:mm"),
}


def draw() -> None:
    """Draw who has signed in, and the form that signs somebody out."""
    if not sign_in.is_set_up():
        empty_state(
            "Nobody has to sign in here",
            "`.streamlit/secrets.toml.example` sets up sign-in; then those who have signed in are listed here.",
            icon=":material/computer:",
        )
        return
    with guard():
        sign_outs = get_services().sign_outs
        people = sign_outs.list()
    st.dataframe(
        table(people), key="settings_sign_ins", column_config=_COLUMNS, hide_index=True, height="content",
        placeholder="–", alt="Who has signed in, the latest first",
    )  # fmt: skip
    st.caption(
        "Roles that name an address or a domain change at once when you change the setting. Groups are told by your "
        "provider when somebody signs in: sign people out whose groups have changed, and their next sign-in counts."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        who = st.selectbox(
            "Sign out everywhere", (*(one.who for one in people), EVERYBODY), key="settings_sign_out_who", index=None,
            width=420, placeholder="Choose a person or write an address", accept_new_options=True,
            format_func=lambda one: "Everybody, you too" if one == EVERYBODY else one,
        )  # fmt: skip
        if st.button("Sign out", key="settings_sign_out", icon=":material/logout:", disabled=who is None):
            with guard(stop=False):
                sign_outs.add(str(who), person=acting_person().name)
                st.toast("Signed out, in every browser.", icon=":material/logout:")
                st.rerun()


def table(people: Sequence[SignedIn]) -> pd.DataFrame:
    """Return one row per person; times are UTC and naive, which is how Streamlit shows them unchanged."""
    rows = [
        (one.who, one.at.replace(tzinfo=None), one.signed_out_at.replace(tzinfo=None) if one.signed_out_at else None)
        for one in people
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype({"at": "datetime64[us]", "out": "datetime64[us]"})
