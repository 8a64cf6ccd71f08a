"""Runs: every training, to find, open, compare, describe, archive and delete."""

import streamlit as st

from app.ui import navigation, state
from app.ui.errors import guard
from app.ui.runs import finding, foreign, manage
from app.ui.runs import run as run_view
from app.ui.runs import tables as run_tables
from app.ui.services import get_services
from app.ui.widgets import queue as queue_view
from app.ui.widgets.layout import empty_state, page_title, tabs
from app.ui.widgets.models.leaderboard import best_model_button
from app.ui.widgets.models.runs import leaders_of
from core.domain.runs import FINAL_STATUSES
from core.wording import count_text

run_id = st.query_params.get("run")
if not run_id:
    page_title("Runs", "Every training, newest first. Open one to see its settings, models and files.")
with guard():
    services = get_services()

if run_id:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("All runs", key="runs_back", icon=":material/arrow_back:", type="tertiary"):
            state.forget("run")
            st.rerun()
        st.space("stretch")
        clone = st.container(width="content")
    with guard():
        run = services.store.get_run(run_id)
        files = services.store.artifacts(run_id)
    with clone:
        manage.train_again(run)
    run_view.draw(run_id, links=False, is_page=True)
    settings_tab, report_tab, files_tab, manage_tab = tabs("Settings", "Report", "Files", "Manage", key="runs_tabs")
    if settings_tab.open:
        with settings_tab:
            run_tables.settings_list(run)
    if report_tab.open:
        with report_tab, guard(stop=False):
            run_view.report(run)
    if files_tab.open:
        with files_tab, guard(stop=False):
            run_tables.file_list(services.store, run_id, files)
    if manage_tab.open:
        with manage_tab, guard(stop=False):
            manage.panel(run)
    st.stop()

with guard():
    newest, waiting = services.store.list_runs(archived=None, limit=1), services.jobs.queue()
if not newest:
    with empty_state(
        "Nothing has been trained yet", "Each training is kept here with its settings, models and files.",
        icon=":material/history:",
    ):  # fmt: skip
        navigation.link("train", "Open Train")
    foreign.draw("runs")
    st.stop()
if waiting:
    queue_view.draw(waiting, key="runs")
with st.container(horizontal=True, gap="small"):
    filters = finding.draw()
with guard():
    found = filters.runs(services.store, finding.shown() + 1)
    runs = found[: finding.shown()]
    leaders = leaders_of(services.store, runs)
finding.remember(runs)
if not runs:
    st.caption("No archived runs match these filters." if filters.archived else "No runs match these filters.")
    st.stop()


def open_clicked() -> None:
    """Open the run whose name was clicked."""
    row = run_tables.clicked_row()
    if row is not None and row < len(runs):
        state.remember("run", runs[row].run_id)


chosen = run_tables.run_table(runs, leaders, open_clicked)
with st.container(horizontal=True, vertical_alignment="center"):
    active = sum(run.status not in FINAL_STATUSES for run in runs)
    more = len(found) > len(runs)
    st.caption(
        f"{'The newest ' if more else ''}{count_text(len(runs), 'run')}"
        f"{f', {active} still waiting or running' if active else ''}. "
        ":material/touch_app: Click a name to open a run, tick rows to compare or archive them.",
        width="stretch",
    )
    best_model_button("runs_best")
    if more:
        st.button(f"Show {finding.PAGE} more", key="runs_more", on_click=finding.show_more)
if chosen:
    manage.selected(chosen)
foreign.draw("runs")
