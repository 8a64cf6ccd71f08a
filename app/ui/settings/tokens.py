"""Tokens of programs: made, shown once, listed and revoked."""

import pandas as pd
import streamlit as st

from app.ui import sign_in
from app.ui.errors import guard
from app.ui.services import acting_person, get_services
from core.access.tokens import MAX_DAYS
from core.ledger.tokens import Token
from core.wording import day_text

_ALL = "All experiments"
_COLUMNS = {
    "state": st.column_config.MultiselectColumn(
        "State", options=["active", "expired", "revoked"], color=["green", "gray", "red"], width="small"
    ),
    "name": st.column_config.TextColumn("For", width="medium"),
    "experiment": st.column_config.TextColumn("Experiment", width="medium"),
    "expires": st.column_config.DateColumn("Valid until", format="D MMM YYYY"),
    "by": st.column_config.TextColumn("Made by", width="small"),
    "id": st.column_config.TextColumn("Id", width="small"),
}


def draw() -> None:
    """Draw the form that makes a token, and the tokens there are."""
    needed = "People sign in here, so `POST /predict` and `GET /models` need one."
    if not sign_in.is_set_up():
        needed = "Without sign-in this machine needs none; each is checked where it is sent."
    st.caption(f"With a token a program makes predictions over HTTP, as the role business may. {needed}")
    with guard():
        services = get_services()
        experiments = services.store.experiments()
    with st.form("settings_token", border=True, clear_on_submit=True):
        name, experiment, days = st.columns([2, 2, 1], gap="medium")
        what_for = name.text_input("What for", key="settings_token_name", max_chars=100, placeholder="nightly job")
        which = experiment.selectbox("Experiment", (_ALL, *experiments), key="settings_token_experiment")
        valid = days.number_input("Days", 1, MAX_DAYS, 90, key="settings_token_days")
        makes = st.form_submit_button("Create token", key="settings_token_create", icon=":material/key:")
    if makes:
        with guard(stop=False):
            text, token = services.tokens.create(
                what_for, experiment="" if which == _ALL else which, days=int(valid), person=acting_person().name
            )
            st.success(f"Copy it now: it cannot be shown again. It is valid until {day_text(token.expires_at)}.")
            st.code(text, language=None)
    with guard():
        tokens = services.tokens.list()
    if not tokens:
        st.caption("There are no tokens yet.")
        return
    st.dataframe(
        table(tokens), key="settings_tokens", column_config=_COLUMNS, hide_index=True, height="content",
        placeholder="–",
        alt="Tokens, the newest first",
    )  # fmt: skip
    _revoke([token for token in tokens if token.state == "active"])


def table(tokens: tuple[Token, ...]) -> pd.DataFrame:
    """Return one row per token, without anything secret."""
    rows = [
        {
            "state": [token.state],
            "name": token.name,
            "experiment": token.experiment or "all",
            "expires": token.expires_at.date(),
            "by": token.person or "–",
            "id": token.id,
        }
        for token in tokens
    ]
    return pd.DataFrame(rows)


def _revoke(active: list[Token]) -> None:
    if not active:
        return
    names = {token.id: f"{token.name} ({token.id})" for token in active}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        token_id = st.selectbox(
            "Revoke", list(names), format_func=names.__getitem__, key="settings_token_revoked", index=None, width=420,
            placeholder="Choose a token",
        )  # fmt: skip
        if st.button("Revoke", key="settings_token_revoke", icon=":material/block:", disabled=token_id is None):
            with guard(stop=False):
                get_services().tokens.revoke(str(token_id), person=acting_person().name)
                st.toast("The token is refused from now on.", icon=":material/block:")
                st.rerun()
