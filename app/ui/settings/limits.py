"""Every limit with its value and where that came from, and how an administrator changes one."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from app.ui import sign_in
from app.ui.errors import guard
from app.ui.services import acting_person, get_services
from core.access.live import SettingRow
from core.errors import SettingMovedError
from core.wording import time_text

_SEEN = "settings.seen"
_COLUMNS = {
    "setting": st.column_config.TextColumn("Setting", width="large"),
    "value": st.column_config.TextColumn("Value", width="small"),
    "from": st.column_config.TextColumn("From", width="medium"),
    "variable": st.column_config.TextColumn("Variable", width="medium"),
}


def draw() -> None:
    """Draw who is let in, all settings, and the form that changes one."""
    _who_is_let_in()
    with guard():
        rows = get_services().live.rows()
    st.dataframe(
        table(rows),
        key="settings_limits",
        column_config=_COLUMNS,
        hide_index=True,
        placeholder="–",
        height=560,
        alt="All settings with their values and where these came from",
    )
    st.caption("Set by environment variables, which are read at startup. Some can be changed here while the app runs.")
    _change({row.name: row for row in rows if row.can_change})


def table(rows: Sequence[SettingRow]) -> pd.DataFrame:
    """Return one row per setting: what it is, its value, where that came from, and the variable that sets it."""
    found = [{"setting": row.help, "value": row.value, "from": _source(row), "variable": row.variable} for row in rows]
    return pd.DataFrame(found)


def _source(row: SettingRow) -> str:
    if row.source != "changed here" or row.changed_at is None:
        return row.source
    by = f" by {row.changed_by}" if row.changed_by else ""
    return f"changed here{by}, {time_text(row.changed_at)}"


def _who_is_let_in() -> None:
    settings = get_services().settings
    if sign_in.is_set_up():
        st.info(
            "People sign in; the provider stands in `.streamlit/secrets.toml`. Who administers is set by "
            "`BELLWETHER_ADMINS` alone.",
            icon=":material/verified_user:",
        )
    elif settings.open_to_network:
        st.warning(
            "`BELLWETHER_OPEN_TO_NETWORK` is on: whoever reaches the app may do everything.",
            title="No sign-in, and other machines are answered",
            icon=":material/lock_open:",
        )
    else:
        st.info(
            "No sign-in is set up: the app serves this machine only, and whoever uses it may do everything. "
            "`.streamlit/secrets.toml.example` sets up sign-in; then these settings say who may do what.",
            icon=":material/computer:",
        )


def _change(rows: Mapping[str, SettingRow]) -> None:
    st.header("Change a limit", anchor=False)
    name = st.selectbox(
        "Setting", list(rows), format_func=lambda name: rows[name].help, key="settings_change_name", width=640
    )
    # What the person saw: kept while they write, so that a change by somebody else meanwhile is noticed.
    seen: SettingRow = st.session_state.get(_SEEN, rows[name])
    if seen.name != name:
        seen = rows[name]
    st.session_state[_SEEN] = seen
    with st.form("settings_change", border=False):
        text = st.text_input(
            f"Value of {seen.variable}", seen.text, key=f"settings_value_{name}_{seen.seen}", width=640,
            help="Written as in the environment: sizes as 512m or 4g, yes or no as 1 or 0, people separated by commas.",
        )  # fmt: skip
        with st.container(horizontal=True):
            saves = st.form_submit_button("Save", key="settings_change_save", icon=":material/check:", type="primary")
            resets = st.form_submit_button(
                "Back to the value at the start", key="settings_change_reset", disabled=seen.source != "changed here"
            )
    if saves or resets:
        _write(seen, text if saves else None)


def _write(seen: SettingRow, text: str | None) -> None:
    live, person = get_services().live, acting_person().name
    with guard():
        try:
            if text is None:
                live.reset(seen.name, seen=seen.seen, person=person)
            else:
                live.change(seen.name, text, seen=seen.seen, person=person)
        except SettingMovedError:
            del st.session_state[_SEEN]  # the next look shows the value that there is now
            raise
    del st.session_state[_SEEN]
    st.toast("Saved. It counts from now on, for everybody.", icon=":material/check:")
    st.rerun()
