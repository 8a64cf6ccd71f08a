"""Settings: the state of this installation, its limits and how to change them, and what was done."""

import streamlit as st

from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.widgets import tables
from app.ui.widgets.layout import ENGINE_LOOK, empty_state, page_title, tabs
from app.ui.widgets.text import escape_markdown
from core.cli import doctor
from core.wording import count_text

_AUDIT_ROWS = 200
_ENTRIES_IN_FULL = 15

page_title("Settings", "The state of this installation, its limits, and what was done in it.")
with guard():
    services = get_services()

checks_tab, limits_tab, audit_tab = tabs("Checks", "Limits and folders", "Activity", key="settings_tabs")

if checks_tab.open:
    with checks_tab:
        status = services.engine.status()
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{ENGINE_LOOK[status.state][1]}**", width="content")
            if status.detail:
                st.caption(escape_markdown(status.detail), width="content")
            if status.state in ("stopped", "failed") and st.button(
                "Start the engine", key="settings_start_engine", icon=":material/play_arrow:"
            ):
                with guard():
                    services.engine.start_in_background()
                st.rerun()
        with guard(), st.spinner("Checking"):
            checks = doctor.checks(services.settings)
        failed = [check for check in checks if not check["ok"]]
        if failed:
            st.warning(
                "See the details below.",
                title=f"{count_text(len(failed), 'check')} failed",
                icon=":material/warning:",
            )
        st.dataframe(
            tables.checks_table(checks),
            key="settings_checks",
            column_config=tables.CHECK_COLUMNS,
            hide_index=True,
            height="content",
            alt="Checks of the installation",
        )
        st.caption("The same checks on the command line: `python -m core doctor`")

if limits_tab.open:
    with limits_tab:
        st.caption("Set by environment variables, which are read at startup.")
        st.dataframe(
            tables.settings_table(services.settings),
            key="settings_limits",
            column_config=tables.SETTING_COLUMNS,
            hide_index=True,
            height="content",
            alt="All settings with their values",
        )

if audit_tab.open:
    with audit_tab:
        with guard():
            entries = services.ledger.entries(limit=_AUDIT_ROWS)
        if not entries:
            empty_state(
                "Nothing has been done yet",
                "Every training, prediction and deletion is recorded here.",
                icon=":material/history:",
            )
            st.stop()
        st.dataframe(
            tables.audit_table(entries),
            key="settings_audit",
            column_config=tables.AUDIT_COLUMNS,
            hide_index=True,
            height="content" if len(entries) < _ENTRIES_IN_FULL else 560,
            alt="What was done, newest first",
        )
        st.caption(f"At most the latest {_AUDIT_ROWS} entries; times are in UTC.")
