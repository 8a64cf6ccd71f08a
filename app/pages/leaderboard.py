"""Leaderboard: the models of a run, or of a problem over all its runs; who is as good as the leader; the champion."""

from functools import partial

import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.review import champions, promotion
from app.ui.runs import foreign, selection, standing
from app.ui.runs import leaderboard as leaderboards
from app.ui.services import get_services
from app.ui.widgets.layout import empty_state, page_title
from app.ui.widgets.models.card import model_card
from app.ui.widgets.models.leaderboard import (
    as_table,
    deciding_columns,
    leaderboard_config,
    leaderboard_records,
    other_columns,
    table_height,
)
from app.ui.widgets.models.metrics import metric_label
from app.ui.widgets.models.problem import problem_header
from app.ui.widgets.models.runs import short_run
from app.ui.widgets.text import escape_markdown
from core.models.leaderboard import metric_columns
from core.models.standing import Standings, called

page_title("Leaderboard", "Models of one problem, best first: which of them differ by more than chance, and how fast.")
with guard():
    services = get_services()
    experiments = leaderboards.experiments(services.store)
if not experiments:
    with empty_state(
        "No models to compare yet", "Train some; each one is listed here when it is built.",
        icon=":material/leaderboard:",
    ):  # fmt: skip
        navigation.link("train", "Open Train")
    champions.say_lost()
    foreign.draw("leaderboard")
    st.stop()
if done := st.session_state.pop(promotion.DONE, None):
    st.toast(escape_markdown(done), icon=":material/trophy:")

with guard(stop=False):  # a link to what is not there is said; the page goes on with what there is
    leaderboards.follow_link(services.store, experiments)
filters = st.columns([3, 3, 3, 2], vertical_alignment="bottom")
experiment = filters[0].selectbox("Experiment", experiments, key="leaderboard_experiment")
with guard():
    board = leaderboards.read_board(services.store, experiment)
if board is None:
    with empty_state(
        "No models to compare yet", "None of the runs of this experiment has built one.", icon=":material/leaderboard:"
    ):
        navigation.link("runs", "Open Runs")
    with guard():
        champions.draw(experiment, champions.current(experiment, ()))
    st.stop()
runs = board.runs
run_id = filters[1].selectbox(
    "Run",
    (leaderboards.ALL_RUNS, *runs),
    key="leaderboard_run",
    format_func=lambda key: leaderboards.run_label(runs.get(key)),
)
leaderboards.keep_link(experiment, run_id)
one_run = run_id != leaderboards.ALL_RUNS
options = metric_columns(board.models)
metric = filters[2].selectbox("Sort by", options, key="leaderboard_metric", format_func=metric_label)
problem_header(experiment, board.models, filters[3])

with guard():
    champion = champions.current(experiment, board.models)
    judged = standing.judged_choice(board, run_id, champion)
    ranked = board.ranked(run_id, judged, leaderboards.n_listed())
    found = standing.standings(board, ranked)
standings = found or Standings(metric=metric)
if found is None:
    standing.wait_for_standings(board, ranked)
names = standing.names_of(ranked, board.runs)
standing.advice(standings, champion, names)

with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    models = leaderboards.filtered(ranked)
    columns = st.container(horizontal=True, width="content", gap="small")
if not models:
    st.caption("No models match these filters.")
    st.stop()
labels = {key: short_run(run) for key, run in board.runs.items()}
places = {model.id: place for place, model in enumerate(ranked, 1)}
records = leaderboard_records(models, metric, labels, standings, places, names)
config = leaderboard_config(models, metric, standings.rows_words)
shown = deciding_columns(records, metric, one_run=one_run)
with columns:
    more = other_columns(records, shown)
    shown = [name for name in shown if found is not None or name != "standing"]  # not known yet
    shown += leaderboards.more_columns(more, {name: config[name]["label"] for name in more})
    download = partial(leaderboards.csv_bytes, models, services.settings, standings)
    st.download_button(
        "CSV", download, f"leaderboard_{experiment}.csv", "text/csv",
        key="leaderboard_download", icon=":material/download:", on_click="ignore", help="These models, all columns.",
    )  # fmt: skip
selection.keep_selection(models)
chosen = selection.selected(models)
beside = st.columns([9, 5] if len(chosen) == 1 else 1)  # of one model the card stands beside the table
beside[0].dataframe(
    as_table(records),
    key=selection.TABLE,
    hide_index=True,
    column_config=config,
    column_order=shown,
    height=table_height(len(models), leaderboards.ROWS_SHOWN),
    placeholder="–",
    on_select="rerun",
    selection_mode="multi-row",
    alt="Leaderboard: models best first, each metric with where it was measured",
)
if len(chosen) == 1:
    with beside[1]:
        model_card(
            chosen[0],
            called(chosen[0], names),
            next((one for one in ranked if one.is_champion and one.id != chosen[0].id), None),
        )
asked = [board.runs[model.run_id].settings for model in models if model.run_id in board.runs]
folds = {settings.nfolds for settings in asked if settings.fold_column is None}
leaderboards.caption(models, ranked, metric, standings, folds, is_cut=board.is_cut)
if not one_run:
    standing.set_apart(board, judged)

standing.picture(ranked, metric, standings, names)
selection.draw(chosen, board, names)
champions.draw(experiment, champion)
foreign.draw("leaderboard")
