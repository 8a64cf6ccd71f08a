"""Parts of the Leaderboard page: what it chooses from, what can be compared, how models stand, what is selected."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import streamlit as st

from app.ui import beside, navigation, state
from app.ui.errors import guard
from app.ui.widgets.layout import chart, choice_labels
from app.ui.widgets.leaderboard import table_height
from app.ui.widgets.metrics import metric_label
from app.ui.widgets.models import model_uri
from app.ui.widgets.pickers import choose
from app.ui.widgets.runs import model_in_run
from app.ui.widgets.tables import number_cell, number_format
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo, algorithm_name, model_name
from core.domain.runs import RunInfo
from core.errors import AppError
from core.exports import tables as exports
from core.files import scratch
from core.models.board import LIMIT, Board, open_board
from core.models.judged import JudgedRows, group_runs, judged_on, judged_words
from core.models.leaderboard import DEFAULT_METRIC, metric_columns, to_table
from core.models.opened import StoredModel
from core.models.standing import MOST_TESTED, Standings, stand
from core.wording import count_text, list_text, time_text

if TYPE_CHECKING:
    from core.settings import Settings
    from core.store.mlflow import Store

ALL_RUNS = ""
DONE = "leaderboard.done"
_TABLE, _ORDER, _WANTED = "leaderboard_table", "leaderboard.order", "leaderboard.wanted"
_LINKED, _RUN_FOR, _PAGES = "leaderboard.linked", "leaderboard.run_for", "leaderboard.pages"
_NAMED = "leaderboard.named"
ROWS_SHOWN = 20
PAGE, MOST_DRAWN, MOST_COMPARED = 50, 200, 10
_SERVER_WAIT_S = 0.2  # the page does not wait for predictions that a server has to send first
_POOL = ThreadPoolExecutor(2, thread_name_prefix="standings")
Comparing = Future[Standings]


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


def follow_link(store: "Store", known: Sequence[str]) -> None:
    """Choose what the address names, once per address: `?run=`, the run of `?model=`, or `?experiment=`."""
    session, query = st.session_state, st.query_params
    named = query.get("experiment")
    if named and session.get(_NAMED) != named:
        if named in known:
            session["leaderboard_experiment"] = named
        else:
            st.warning("There is no experiment of that name with models to compare.", icon=":material/link_off:")
    session[_NAMED] = named
    linked = (query.get("run"), query.get("model"))
    if any(linked) and session.get(_LINKED) != linked:
        session[_LINKED] = linked
        run = None
        with guard(stop=False):  # an old link, or a mistyped one: the runs that there are follow
            run = store.get_run(linked[0] or store.resolve(model_uri(str(linked[1]))).run_id)
        if run is not None and not run.n_models:
            st.warning("This run has no models to compare.", icon=":material/link_off:")
        elif run is not None and run.experiment in known:
            session["leaderboard_experiment"], session["leaderboard_run"] = run.experiment, run.run_id
            session[_RUN_FOR] = run.experiment
            session[_WANTED] = linked[1].removeprefix("models:/") if linked[1] else None


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


def more_button() -> None:
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
    st.session_state[_LINKED] = (query.get("run"), query.get("model"))


def count_words(shown: Sequence[ModelInfo], ranked: Sequence[ModelInfo], *, is_cut: bool) -> str:
    """Say how many models are shown, and of how many where there are more."""
    if is_cut:
        return f"{count_text(len(shown), 'model')} of the best {len(ranked)}, and there are more"
    return count_text(len(shown), "model")


def keep_selection(models: Sequence[ModelInfo]) -> None:
    """Before the table is drawn: select what the address names, or keep the same models selected in a new order."""
    session = st.session_state
    ids, before = [model.id for model in models], session.get(_ORDER, [])
    wanted = session.pop(_WANTED, None)
    if wanted is not None or before != ids:
        kept = [wanted] if wanted else [before[row] for row in _rows() if row < len(before)]
        session[_TABLE] = {"selection": {"rows": [ids.index(one) for one in kept if one in ids]}}
    session[_ORDER] = ids


def _rows() -> list[int]:
    return list(st.session_state[_TABLE]["selection"]["rows"]) if _TABLE in st.session_state else []


def selected(models: Sequence[ModelInfo]) -> list[ModelInfo]:
    """Return the models of the selected rows."""
    return [models[row] for row in sorted(_rows()) if row < len(models)]


# --- what can be compared ---------------------------------------------------------------------------------------------


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
    key = tuple((one.id, one.predict_time_per_row_s, board.runs[one.run_id].is_final) for one in stored)
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


# --- filter, columns, download ----------------------------------------------------------------------------------------


def filtered(models: Sequence[ModelInfo]) -> tuple[ModelInfo, ...]:
    """Draw the filters and return the models that pass."""
    algorithms = tuple(dict.fromkeys(model.algo for model in models))
    text = st.text_input(
        "Search", key="leaderboard_search", icon=":material/search:", placeholder="Model", width=200,
        label_visibility="collapsed",
    )  # fmt: skip
    wanted = st.pills(
        "Algorithm", algorithms, selection_mode="multi", key="leaderboard_algorithms",
        label_visibility="collapsed", format_func=choice_labels(algorithm_name),
    )  # fmt: skip
    stored = st.toggle("Stored only", key="leaderboard_stored", help="Only models that can score and be explained.")
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
    with st.popover("Columns", icon=":material/view_column:", key="leaderboard_columns"):
        chosen: list[str] = st.pills(
            "Show also", names, selection_mode="multi", key="leaderboard_more", wrap=True,
            format_func=choice_labels(labels.__getitem__),
        )  # fmt: skip
    return chosen


def picture(models: Sequence[ModelInfo], metric: str, found: Standings, names: Mapping[str, str]) -> None:
    """Draw quality against prediction time."""
    n_timed = sum(bool(model.predict_time_per_row_s) and metric in model.metrics for model in models)
    if not n_timed:
        st.caption(":material/timer: Prediction times are measured after training; these models have none yet.")
        return
    if n_timed == 1:
        return  # one point shows nothing that the table does not say
    from core.charts import models as charts_models

    figure = charts_models.pareto(models[:MOST_DRAWN], metric, found, names)
    chart(figure, key="leaderboard_picture", alt="Metric with its interval against prediction time, by model")


# --- what is selected -------------------------------------------------------------------------------------------------


def members(store: "Store", model: ModelInfo) -> None:
    """Draw the members of an ensemble with their weights."""
    details = StoredModel(store, model).details
    if not details.base_models:
        return
    weights = dict(details.member_weights)
    by_key = {one.model_key: one for one in store.models(run_id=model.run_id, limit=LIMIT)}
    metric = f"cv_{DEFAULT_METRIC[model.task]}"
    known = [by_key[key].metrics.get(metric) if key in by_key else None for key in details.base_models]
    shape = number_format(known)
    records = [
        {"model": model_name(key), "weight": weights.get(key), "metric": number_cell(value, shape)}
        for key, value in zip(details.base_models, known, strict=True)
    ]
    records.sort(key=lambda one: -(one["weight"] or 0.0))  # type: ignore[operator]
    config = {
        "model": st.column_config.TextColumn("Member"),
        "weight": st.column_config.ProgressColumn(
            "Weight", format="percent", min_value=0, max_value=1,
            help="Share of the metalearner's standardised coefficients.",
        ),
        "metric": st.column_config.NumberColumn(metric_label(metric), format=shape),
    }  # fmt: skip
    with st.expander(f"Members of this ensemble ({len(records)})"):
        if not weights:
            st.caption("The engine does not tell their weights.")
        st.dataframe(
            records, hide_index=True, column_config=config, key="leaderboard_members", alt="Members of the ensemble",
            placeholder="–",
            height=table_height(len(records), 10),
        )  # fmt: skip


def compare_bar(models: Sequence[ModelInfo]) -> None:
    """Draw the way from several selected models to their comparison."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        names = list_text([model_name(model.model_key) for model in models], show=escape_markdown)
        st.markdown(f"**{count_text(len(models), 'model')}** selected: {names}", width="stretch")
        if len(models) > MOST_COMPARED:
            st.caption(f"At most {MOST_COMPARED} are compared at once.")
        elif st.button("Compare", key="leaderboard_compare", type="primary", icon=":material/compare:"):
            navigation.go("compare", model=[model.id for model in models])


def csv_bytes(models: Sequence[ModelInfo], settings: "Settings", standings: Standings | None = None) -> bytes:
    """Return the leaderboard as CSV, its cells safe to open in a spreadsheet."""
    with scratch(settings, "download-") as folder:
        path = folder / "leaderboard.csv"
        exports.write_table(to_table(models, standings), path)
        return path.read_bytes()
