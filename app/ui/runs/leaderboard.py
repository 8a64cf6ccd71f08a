"""Parts of the Leaderboard page: what it chooses from, its table, what is selected."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.ui import state
from app.ui.errors import guard
from app.ui.widgets.layout import choice_labels
from app.ui.widgets.models.card import model_uri
from app.ui.widgets.models.metrics import metric_help, metric_label
from app.ui.widgets.pickers import choose
from core.domain.models import ModelInfo, algorithm_name, model_name
from core.domain.runs import RunInfo
from core.exports import tables as exports
from core.files import scratch
from core.models.board import Board, open_board
from core.models.leaderboard import metric_columns, to_table
from core.models.standing import Standings
from core.wording import count_text, list_text, time_text

if TYPE_CHECKING:
    from core.settings import Settings
    from core.store.mlflow import Store

ALL_RUNS = ""
WANTED = "leaderboard.wanted"  # the model that the address names, until it is selected
_LINKED, _RUN_FOR, _PAGES = "leaderboard.linked", "leaderboard.run_for", "leaderboard.pages"
ROWS_SHOWN = 20
PAGE = 50


def experiments(store: "Store") -> tuple[str, ...]:
    """Return the experiments that have runs, and begin with the one that has the newest."""
    known = store.experiments()
    if known and st.session_state.get("leaderboard_experiment") not in known:
        newest = store.list_runs(limit=1)
        choose("leaderboard_experiment", known, first=newest[0].experiment if newest else None)
    return known


def run_label(run: RunInfo | None) -> str:
    """Return how a run is called in the list."""
    if run is None:
        return "All runs of the experiment"
    number = f"{run.mark} · " if run.mark else ""
    return f"{number}{time_text(run.created_at)} · {count_text(run.n_models, 'model')} · {run.settings.target}"


def _link() -> tuple[str | None, str | None, str | None]:
    """Return the run, the model and the experiment that the address names."""
    query = st.query_params
    return query.get("run"), query.get("model"), query.get("experiment")


def follow_link(store: "Store", known: Sequence[str]) -> None:
    """Choose what the address names, once per address: `?run=`, the run of `?model=`, or `?experiment=`."""
    session, linked = st.session_state, _link()
    if session.get(_LINKED) == linked:
        return
    session[_LINKED] = linked
    run_id, model_id, named = linked
    if named in known:
        session["leaderboard_experiment"] = named
    elif named:
        st.warning("There is no experiment of that name with models to compare.", icon=":material/link_off:")
    if run_id or model_id:
        run = None
        with guard(stop=False):  # an old link, or a mistyped one: the runs that there are follow
            run = store.get_run(run_id or store.resolve(model_uri(str(model_id))).run_id)
        if run is not None and not run.n_models:
            st.warning("This run has no models to compare.", icon=":material/link_off:")
        elif run is not None and run.experiment in known:
            session["leaderboard_experiment"], session["leaderboard_run"] = run.experiment, run.run_id
            session[_RUN_FOR] = run.experiment
            session[WANTED] = model_id.removeprefix("models:/") if model_id else None


def read_board(store: "Store", experiment: str) -> Board | None:
    """Read what the page shows of an experiment, sorted by the metric that is chosen; None without a model."""
    session = st.session_state
    if session.get(_RUN_FOR) != experiment:  # another one than before: all of its runs
        session.pop("leaderboard_run", None)
    session[_RUN_FOR] = experiment
    board = open_board(store, experiment)
    if board is None:
        return None
    usual = board.metric
    board.metric = session.get("leaderboard_metric") or usual
    chosen = session.get("leaderboard_run", ALL_RUNS)
    board.add_runs(*([chosen] if chosen else []))
    chosen = chosen if chosen in board.runs else ALL_RUNS
    board.read_models(chosen, n_listed())
    options = metric_columns(board.models)
    if options and board.metric not in options:
        session["leaderboard_metric"] = board.metric = usual if usual in options else options[0]
        board.read_models(chosen, n_listed())
    choose("leaderboard_run", (ALL_RUNS, *board.runs))
    choose("leaderboard_metric", options, first=usual)
    return board if options else None


def n_listed() -> int:
    """Return how many models of an experiment are listed."""
    return PAGE * int(st.session_state.get(_PAGES, 1))


def _more_button() -> None:
    """Draw the button that lists more models."""

    def more() -> None:
        st.session_state[_PAGES] = 4 * int(st.session_state.get(_PAGES, 1))

    st.button("Show more", key="leaderboard_show_more", icon=":material/expand_more:", on_click=more)


def keep_link(experiment: str, run_id: str) -> None:
    """Put the chosen run into the address; what was linked to stays until another one is chosen."""
    query = st.query_params
    if query.get("experiment", experiment) != experiment:
        query.pop("experiment", None)
    if query.get("run", ALL_RUNS) != run_id:
        query.pop("model", None)
        if run_id:
            state.remember("run", run_id)
        else:
            query.pop("run", None)
    st.session_state[_LINKED] = _link()


def caption(
    shown: Sequence[ModelInfo],
    ranked: Sequence[ModelInfo],
    metric: str,
    found: Standings,
    folds: Collection[int],
    *,
    is_cut: bool,
) -> None:
    """Say below the table how many models it has, how they are ranked, and on what they were compared.

    Parameters
    ----------
    folds : collection of int
        How many folds the runs of the models shown have.
    """
    tested = f" Compared with the leader on {found.tested_words(ranked)}." if found.origin else ""
    n_bare = sum(not model.has_files and not model.baseline for model in shown)
    tested += f" Of {count_text(n_bare, 'model')} only the metrics were kept: not compared." if n_bare else ""
    if len(folds) > 1 and metric.startswith("cv_"):
        counts = list_text([str(n) for n in sorted(folds)], 4)
        tested += f" The runs have {counts} folds: with more, a model is judged after learning from more rows."
    words = f"{_count_words(shown, ranked, is_cut=is_cut)}, best first by {metric_label(metric)}. {metric_help(metric)}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{words}{tested}", width="stretch")
        if is_cut:
            _more_button()


def link_model(model_id: str | None) -> None:
    """Put the one model that is selected into the address, to share it; None takes it out."""
    if model_id is not None:
        st.query_params["model"] = model_id
    else:
        st.query_params.pop("model", None)
    st.session_state[_LINKED] = _link()


def _count_words(shown: Sequence[ModelInfo], ranked: Sequence[ModelInfo], *, is_cut: bool) -> str:
    """Say how many models are shown, and of how many where there are more."""
    if is_cut:
        return f"{count_text(len(shown), 'model')} of the best {len(ranked)}, and there are more"
    return count_text(len(shown), "model")


# --- filter, columns, download ----------------------------------------------------------------------------------------


def filtered(models: Sequence[ModelInfo]) -> tuple[ModelInfo, ...]:
    """Draw the filters and return the models that pass."""
    algorithms = tuple(dict.fromkeys(model.algo for model in models))
    text = st.text_input(
        "Search", key="leaderboard_search", icon=":material/search:", placeholder="Model", width=150,
        label_visibility="collapsed",
    )  # fmt: skip
    wanted = st.pills(
        "Algorithm", algorithms, selection_mode="multi", key="leaderboard_algorithms",
        label_visibility="collapsed", format_func=choice_labels(algorithm_name),
    )  # fmt: skip
    stored = st.toggle(
        "Stored", key="leaderboard_stored", help="Only models whose files are stored: they can score and be explained."
    )
    words = text.strip().casefold()
    return tuple(
        model
        for model in models
        if (not wanted or model.algo in wanted)
        and (model.has_files or not stored)
        and words in f"{model_name(model.model_key)} {model.model_key} {model.id}".casefold()
    )


def more_columns(names: Sequence[str], labels: Mapping[str, str]) -> list[str]:
    """Draw the choice of more columns."""
    with st.popover("Columns", key="leaderboard_columns"):
        chosen: list[str] = st.pills(
            "Show also", names, selection_mode="multi", key="leaderboard_more", wrap=True,
            format_func=choice_labels(labels.__getitem__),
        )  # fmt: skip
    return chosen


def csv_bytes(models: Sequence[ModelInfo], settings: "Settings", standings: Standings | None = None) -> bytes:
    """Return the leaderboard as CSV, its cells safe to open in a spreadsheet."""
    with scratch(settings, "download-") as folder:
        path = folder / "leaderboard.csv"
        exports.write_table(to_table(models, standings), path)
        return path.read_bytes()
