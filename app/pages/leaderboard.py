"""Leaderboard: compare the models of a run, or of a problem over all its runs, and choose the champion."""

from functools import partial

import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.runs import leaderboard as leaderboards
from app.ui.services import get_services
from app.ui.widgets.layout import empty_state, page_title
from app.ui.widgets.leaderboard import (
    as_table,
    best_model_button,
    leaderboard_config,
    leaderboard_records,
    shown_columns,
    table_height,
)
from app.ui.widgets.metrics import metric_help, metric_label, metric_table
from app.ui.widgets.models import model_card
from app.ui.widgets.text import escape_markdown
from core.models.leaderboard import sort_models
from core.wording import count_text

head, button = st.columns([4, 1], vertical_alignment="bottom")
with head:
    page_title("Leaderboard", "Models of one problem, best first. Select a row to explain, use or promote a model.")
with guard():
    services = get_services()
    runs = leaderboards.runs_with_models(services.store)
if not runs:
    with empty_state(
        "No models to compare yet", "Train some; each one is listed here when it is built.",
        icon=":material/leaderboard:",
    ):  # fmt: skip
        navigation.link("train", "Open Train")
    st.stop()
with button, st.container(horizontal_alignment="right"):
    best_model_button("leaderboard_best")
if done := st.session_state.pop(leaderboards.DONE, None):
    st.toast(escape_markdown(done), icon=":material/trophy:")

with guard():
    leaderboards.follow_link(services.store, runs)
filters = st.columns(3)
experiment = filters[0].selectbox("Experiment", leaderboards.experiments(runs), key="leaderboard_experiment")
own_runs = {run.run_id: run for run in runs if run.experiment == experiment}
leaderboards.seed_run(own_runs)
run_id = filters[1].selectbox(
    "Run",
    (leaderboards.ALL_RUNS, *own_runs),
    key="leaderboard_run",
    format_func=lambda key: leaderboards.run_label(own_runs.get(key)),
)
leaderboards.keep_link(run_id)
with guard():
    one_run = run_id if run_id != leaderboards.ALL_RUNS else None
    found = services.store.models(experiment=experiment, run_id=one_run, limit=leaderboards.LIMIT)
if not found:
    st.caption("No models have been built yet.")
    st.stop()
options = leaderboards.metric_options(found)
leaderboards.seed_metric(found, options)
metric = filters[2].selectbox("Sort by", options, key="leaderboard_metric", format_func=metric_label)

models = sort_models(found, metric)
labels = {key: leaderboards.run_label(run) for key, run in own_runs.items()}
records = leaderboard_records(models, metric, labels)
leaderboards.keep_selection(models)
event = st.dataframe(
    as_table(records),
    key="leaderboard_table",
    hide_index=True,
    column_config=leaderboard_config(models, metric),
    column_order=shown_columns(records, one_run=run_id != leaderboards.ALL_RUNS),
    height=table_height(len(models), leaderboards.ROWS_SHOWN),
    on_select="rerun",
    selection_mode="single-row",
    alt="Leaderboard: models best first, each metric with where it was measured",
)
with st.container(horizontal=True, vertical_alignment="center"):
    st.caption(
        f"{count_text(len(models), 'model')}, best first by {metric_label(metric)}. {metric_help(metric)}",
        width="stretch",
    )
    st.download_button(
        "Download CSV", partial(leaderboards.csv_bytes, models, services.settings), f"leaderboard_{experiment}.csv",
        "text/csv", key="leaderboard_download", icon=":material/download:", on_click="ignore",
    )  # fmt: skip

chosen = leaderboards.selected(event.selection.rows, models)
if chosen is None:
    st.caption(":material/touch_app: Select a row to see the model and what can be done with it.")
    st.stop()
model_card(chosen)
with st.expander("All metrics by origin", icon=":material/table_rows:"):
    metric_table(chosen)
