"""Runs: every training, to find, open and delete."""

import streamlit as st

from app.ui import navigation, state
from app.ui.errors import guard
from app.ui.runs import run as run_view
from app.ui.runs import tables as run_tables
from app.ui.services import get_services
from app.ui.widgets import queue as queue_view
from app.ui.widgets.layout import choice_labels, empty_state, page_title, tabs
from app.ui.widgets.leaderboard import as_table, best_model_button, table_height
from app.ui.widgets.runs import STATUS_LOOK
from core.domain.runs import FINAL_STATUSES
from core.wording import count_text

head, button = st.columns([4, 1], vertical_alignment="bottom")
with head:
    page_title("Runs", "Every training, newest first. Select one to see its settings, models and files.")
with guard():
    services = get_services()

run_id = st.query_params.get("run")
if run_id:
    if st.button("All runs", key="runs_back", icon=":material/arrow_back:", type="tertiary"):
        state.forget("run")
        st.rerun()
    with guard():
        run = services.store.get_run(run_id)
        files = services.store.artifacts(run_id)
    run_view.draw(run_id, links=False)
    settings_tab, report_tab, files_tab, manage_tab = tabs("Settings", "Report", "Files", "Delete", key="runs_tabs")
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
            run_tables.delete_run(services, run)
    st.stop()

with guard():
    every, waiting = services.store.list_runs(), services.jobs.queue()
if not every:
    with empty_state(
        "Nothing has been trained yet", "Each training is kept here with its settings, models and files.",
        icon=":material/history:",
    ):  # fmt: skip
        navigation.link("train", "Open Train")
    st.stop()
with button, st.container(horizontal_alignment="right"):
    best_model_button("runs_best")

if waiting:
    queue_view.draw(waiting, key="runs")
filters = st.columns([2, 1, 2], vertical_alignment="bottom")
text = filters[0].text_input(
    "Search", key="runs_search", icon=":material/search:", placeholder="Experiment, dataset, target or person"
)
experiment = filters[1].selectbox(
    "Experiment", sorted({run.experiment for run in every}), index=None, key="runs_experiment", placeholder="All"
)
statuses = filters[2].pills(
    "Status", tuple(STATUS_LOOK), selection_mode="multi", key="runs_status", wrap=True,
    format_func=choice_labels(lambda status: STATUS_LOOK[status][0]),
)  # fmt: skip
with guard():
    found = services.store.list_runs(experiment=experiment, statuses=tuple(statuses), text=text.strip())
    leaders = run_tables.leaders(services.store, found)
if not found:
    st.caption("No runs match these filters.")
    st.stop()

event = st.dataframe(
    as_table(run_tables.run_records(found, leaders)),
    key="runs_table",
    hide_index=True,
    column_config=run_tables.RUN_COLUMNS,
    on_select="rerun",
    selection_mode="single-row",
    height=table_height(len(found), run_tables.ROWS_SHOWN),
    alt="Runs, newest first",
)
active = sum(run.status not in FINAL_STATUSES for run in found)
st.caption(
    f"{count_text(len(found), 'run')}{f', {active} still waiting or running' if active else ''}. "
    ":material/touch_app: Select a row to open it."
)
if event.selection.rows:
    state.remember("run", found[event.selection.rows[0]].run_id)
    st.rerun()
