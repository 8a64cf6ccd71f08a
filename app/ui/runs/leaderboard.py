"""Parts of the Leaderboard page: what it chooses from, its table, what is selected."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.ui import navigation, state
from app.ui.errors import guard
from app.ui.widgets.layout import choice_labels
from app.ui.widgets.leaderboard import table_height
from app.ui.widgets.metrics import metric_label
from app.ui.widgets.models import model_uri
from app.ui.widgets.pickers import choose
from app.ui.widgets.tables import number_cell, number_format
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo, algorithm_name, model_name
from core.domain.runs import RunInfo
from core.exports import tables as exports
from core.files import scratch
from core.models.board import LIMIT, Board, open_board
from core.models.leaderboard import DEFAULT_METRIC, metric_columns, to_table
from core.models.opened import StoredModel
from core.models.standing import Standings
from core.wording import count_text, list_text, time_text

if TYPE_CHECKING:
    from core.settings import Settings
    from core.store.mlflow import Store

ALL_RUNS = ""
DONE = "leaderboard.done"
_TABLE, _ORDER, _WANTED = "leaderboard_table", "leaderboard.order", "leaderboard.wanted"
_LINKED, _RUN_FOR, _PAGES = "leaderboard.linked", "leaderboard.run_for", "leaderboard.pages"
ROWS_SHOWN = 20
PAGE, MOST_COMPARED = 50, 10


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
            session[_WANTED] = model_id.removeprefix("models:/") if model_id else None


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
    st.session_state[_LINKED] = _link()


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
