"""How the models of a leaderboard stand: what can be compared, what is as good as the leader, and how fast each is."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import streamlit as st

from app.ui import beside
from app.ui.runs.leaderboard import run_label
from app.ui.widgets.layout import chart
from app.ui.widgets.models.runs import model_in_run
from app.ui.widgets.pickers import choose
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo
from core.domain.runs import RunInfo
from core.errors import AppError
from core.models.board import Board
from core.models.judged import JudgedRows, group_runs, judged_on, judged_words
from core.models.standing import MOST_TESTED, Standings, stand
from core.wording import count_text

if TYPE_CHECKING:
    from core.store.mlflow import Store

_MOST_DRAWN = 200
_SERVER_WAIT_S = 0.2  # the page does not wait for predictions that a server has to send first
_POOL = ThreadPoolExecutor(2, thread_name_prefix="standings")
Comparing = Future[Standings]


def judged_choice(board: Board, run_id: str, champion: ModelInfo | None) -> JudgedRows:
    """Draw a choice of the rows that models are judged on, where the runs differ in it; the champion's come first."""
    if run_id:
        return judged_on(board.runs[run_id].settings)
    groups = group_runs(tuple(board.runs.values()))
    if len(groups) == 1:
        return next(iter(groups))
    if champion is not None and champion.run_id not in board.runs:
        board.add_runs(champion.run_id)
        groups = group_runs(tuple(board.runs.values()))
    first = board.runs.get(champion.run_id) if champion else None
    choose("leaderboard_judged", groups, first=judged_on(first.settings) if first else None)

    def words(judged: JudgedRows) -> str:
        own = groups[judged]
        number = count_text(len(own), "run") if board.has_all_runs else f"{count_text(len(own), 'run')} or more"
        return f"{judged_words(judged, own[0].dataset_name)} ({number})"

    chosen: JudgedRows = st.selectbox(
        "Judged on", tuple(groups), key="leaderboard_judged", format_func=words,
        help="Only models judged on the same rows, for the same target, can be compared.",
    )  # fmt: skip
    return chosen


def set_apart(board: Board, judged: JudgedRows) -> None:
    """Draw the runs whose models cannot be compared with those shown, each with the reason."""
    runs = tuple(board.runs.values())
    here = next(run for run in runs if judged_on(run.settings) == judged)
    apart = [(run, judged_on(run.settings).unlike(judged, run.dataset_name, here.dataset_name)) for run in runs]
    records = [{"run": run_label(run), "models": run.n_models, "why": why} for run, why in apart if why]
    if not board.has_all_runs:
        st.caption(
            f"Of the runs, the newest {board.most_runs} and those of the best"
            " models were looked at for others that cannot be compared; the Runs page lists all."
        )
    if not records:
        return
    with st.expander(f"{count_text(len(records), 'run')} set apart: not comparable"):
        config = {
            "run": st.column_config.TextColumn("Run"),
            "models": st.column_config.NumberColumn("Models", width="small"),
            "why": st.column_config.TextColumn("Why it cannot be compared", width="large"),
        }
        st.dataframe(
            records,
            hide_index=True,
            placeholder="–",
            column_config=config,
            key="leaderboard_apart",
            alt="Runs set apart",
        )


@st.cache_resource(max_entries=64, show_spinner=False)
def _comparison(key: tuple[object, ...], _store: "Store", _models: Sequence[ModelInfo], metric: str) -> Comparing:
    return beside.start(lambda: stand(_store, _models, metric), _POOL)


def standings(board: Board, models: Sequence[ModelInfo]) -> Standings | None:
    """Return how models, best first, stand against the leader; None while a server is still asked for predictions.

    What is found is kept for as long as nothing is added to the models.
    """
    stored = tuple(model for model in models if model.has_files)[: 2 * MOST_TESTED]
    key = tuple(
        (one.id, one.predict_time_per_row_s, one.is_champion, one.version, board.runs[one.run_id].is_final)
        for one in stored
    )
    asked = (key, board.store, stored, board.metric)
    try:
        return _comparison(*asked).result(_SERVER_WAIT_S if board.store.is_shared else None)
    except TimeoutError:
        return None
    except AppError:
        _comparison.clear(*asked)
        raise


@st.fragment(run_every="1s")
def wait_for_standings(board: Board, models: Sequence[ModelInfo]) -> None:
    """Say that the models are being compared, and draw the page again once they are."""
    st.caption(":material/hourglass_top: The models are being compared with the leader; the table is there meanwhile.")
    if standings(board, models) is not None:
        st.rerun()


def names_of(models: Sequence[ModelInfo], runs: Mapping[str, RunInfo]) -> dict[str, str]:
    """Return what models are called by id: with their runs where there are several; their own names are in each."""
    if len({model.run_id for model in models}) == 1:
        return {}
    return {model.id: model_in_run(model, runs[model.run_id]) for model in models if model.run_id in runs}


def advice(found: Standings, champion: ModelInfo | None, names: Mapping[str, str]) -> None:
    """Draw how the champion stands, and what the tie test leads to."""
    words = found.advice(names)
    if not words:
        return
    icon = ":material/recommend:" if found.advised else ":material/balance:"
    tied = f" {count_text(found.n_tied, 'model is', 'models are')} tied with the leader." if found.n_tied else ""
    sentences = [f"**{escape_markdown(words)}**{tied if found.advised else ''}"]
    if stands := found.champion_words(champion, names):
        sentences.insert(0, escape_markdown(stands))
    st.markdown(f"{icon} {' '.join(sentences)}")
    if evidence := found.evidence(names):
        st.caption(escape_markdown(evidence[:1].upper() + evidence[1:] + "."))


def picture(models: Sequence[ModelInfo], metric: str, found: Standings, names: Mapping[str, str]) -> None:
    """Draw quality against prediction time, on the rows that were tested: colours and whiskers are about those."""
    tested = f"{found.origin}_{metric.partition('_')[2]}"
    metric = tested if found.leader is not None and tested in found.leader.metrics else metric
    n_timed = sum(bool(model.predict_time_per_row_s) and metric in model.metrics for model in models)
    if not n_timed:
        st.caption(":material/timer: Prediction times are measured after training; these models have none yet.")
        return
    if n_timed == 1:
        return  # one point shows nothing that the table does not say
    from core.charts import models as charts_models

    figure = charts_models.pareto(models[:_MOST_DRAWN], metric, found, names)
    chart(figure, key="leaderboard_picture", alt="Metric with its interval against prediction time, by model")
