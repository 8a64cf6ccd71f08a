"""Settings: the state of this installation, its limits and how to change them, and what was done."""

import streamlit as st

from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.settings import activity, limits, sign_ins, tokens
from app.ui.widgets import tables
from app.ui.widgets.layout import ENGINE_LOOK, page_title, tabs
from app.ui.widgets.text import escape_markdown
from core import __version__
from core.cli import doctor
from core.wording import count_text

page_title("Settings", "The state of this installation, its limits, and what was done in it.")
with guard():
    services = get_services()

checks_tab, limits_tab, sign_ins_tab, tokens_tab, audit_tab = tabs(
    "Checks", "Limits and folders", "Sign-ins", "Tokens", "Activity", key="settings_tabs"
)

if checks_tab.open:
    with checks_tab:
        status = services.engine.status()
        with guard(), st.spinner("Checking"):
            checks = doctor.checks(services.settings)
        failed = [check for check in checks if not check["ok"]]
        with st.container(horizontal=True, vertical_alignment="center", gap="large"):
            st.metric("Engine", ENGINE_LOOK[status.state][1].removeprefix("Engine ").capitalize(), width="content")
            st.metric("Checks passed", f"{len(checks) - len(failed)} of {len(checks)}", width="content")
            st.metric("Bellwether", __version__, width="content")
            st.space("stretch")
            if status.state in ("stopped", "failed") and st.button(
                "Start the engine", key="settings_start_engine", icon=":material/play_arrow:"
            ):
                with guard():
                    services.engine.start_in_background()
                st.rerun()
        if detail := status.detail or ENGINE_LOOK[status.state][2]:
            st.caption(escape_markdown(detail))
        if failed:
            st.warning(
                "See the details below.",
                title=f"{count_text(len(failed), 'check')} failed",
                icon=":material/warning:",
            )
        st.table(tables.check_records(checks), border="horizontal", hide_index=True, alt="Checks of the installation")
        st.markdown(":gray[:small[The same checks on the command line:]] `python -m core doctor`")

if limits_tab.open:
    with limits_tab:
        limits.draw()

if sign_ins_tab.open:
    with sign_ins_tab:
        sign_ins.draw()

if tokens_tab.open:
    with tokens_tab:
        tokens.draw()

if audit_tab.open:
    with audit_tab:
        activity.draw()
