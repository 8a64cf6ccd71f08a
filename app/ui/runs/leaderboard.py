"""What the Leaderboard page chooses from: experiments, runs, metrics, and the row that a link means."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.ui import state
from app.ui.widgets.models import model_uri
from app.ui.widgets.pickers import choose
from core.domain.models import ModelInfo
from core.domain.runs import RunInfo
from core.exports import tables as exports
from core.files import scratch
from core.models.leaderboard import DEFAULT_METRIC, metric_columns, to_table
from core.wording import count_text

if TYPE_CHECKING:
    from core.settings import Settings
    from core.store.mlflow import Store

ALL_RUNS = ""
LIMIT = 10_000
DONE = "leaderboard.done"
_TABLE, _ORDER, _WANTED = "leaderboard_table", "leaderboard.order", "leaderboard.wanted"
_LINKED, _RUN_FOR = "leaderboard.linked", "leaderboard.run_for"
ROWS_SHOWN = 14


def runs_with_models(store: "Store") -> tuple[RunInfo, ...]:
    """Return the runs that have built a model, newest first."""
    return tuple(run for run in store.list_runs() if run.n_models)


def experiments(runs: Sequence[RunInfo]) -> tuple[str, ...]:
    """Return the experiments of the runs, the one with the newest run first."""
    return tuple(dict.fromkeys(run.experiment for run in runs))


def run_label(run: RunInfo | None) -> str:
    """Return how a run is called in the list."""
    if run is None:
        return "All runs of the experiment"
    return f"{run.created_at:%d %b %Y, %H:%M} UTC · {count_text(run.n_models, 'model')} · {run.settings.target}"


def follow_link(store: "Store", runs: Sequence[RunInfo]) -> None:
    """Choose what the address names, once per address: `?run=`, or the run of `?model=`."""
    session, query = st.session_state, st.query_params
    linked = (query.get("run"), query.get("model"))
    if any(linked) and session.get(_LINKED) != linked:
        session[_LINKED] = linked
        run = store.get_run(linked[0] or store.resolve(model_uri(str(linked[1]))).run_id)
        if any(known.run_id == run.run_id for known in runs):
            session["leaderboard_experiment"], session["leaderboard_run"] = run.experiment, run.run_id
            session[_RUN_FOR] = run.experiment
            session[_WANTED] = linked[1].removeprefix("models:/") if linked[1] else None
    choose("leaderboard_experiment", experiments(runs))


def seed_run(own_runs: Mapping[str, RunInfo]) -> None:
    """Begin with all runs when the experiment is another one than before."""
    session = st.session_state
    experiment = next(iter(own_runs.values())).experiment
    if session.get(_RUN_FOR) != experiment:
        session.pop("leaderboard_run", None)
    choose("leaderboard_run", (ALL_RUNS, *own_runs))
    session[_RUN_FOR] = experiment


def keep_link(run_id: str) -> None:
    """Put the chosen run into the address; a row that was linked to stays until another run is chosen."""
    query = st.query_params
    if query.get("run", ALL_RUNS) != run_id:
        query.pop("model", None)
        if run_id:
            state.remember("run", run_id)
        else:
            query.pop("run", None)
    st.session_state[_LINKED] = (query.get("run"), query.get("model"))


def metric_options(models: Sequence[ModelInfo]) -> tuple[str, ...]:
    """Return the metrics that the models can be sorted by, each with its origin."""
    return metric_columns(models)


def seed_metric(models: Sequence[ModelInfo], options: Sequence[str]) -> None:
    """Begin with the task's usual metric from cross-validation; a metric that is there stays."""
    choose("leaderboard_metric", options, first=f"cv_{DEFAULT_METRIC[models[0].task]}")


def keep_selection(models: Sequence[ModelInfo]) -> None:
    """Before the table is drawn: select what the address names, or keep the same model selected in a new order."""
    session = st.session_state
    ids, before = [model.id for model in models], session.get(_ORDER, [])
    wanted = session.pop(_WANTED, None)
    if wanted is None and before != ids and _TABLE in session:
        rows = session[_TABLE]["selection"]["rows"]
        wanted = before[rows[0]] if rows and rows[0] < len(before) else None
    if wanted is not None or before != ids:
        session[_TABLE] = {"selection": {"rows": [ids.index(wanted)] if wanted in ids else []}}
    session[_ORDER] = ids


def selected(rows: Sequence[int], models: Sequence[ModelInfo]) -> ModelInfo | None:
    """Return the model of the selected row."""
    return models[rows[0]] if rows and rows[0] < len(models) else None


def csv_bytes(models: Sequence[ModelInfo], settings: "Settings") -> bytes:
    """Return the leaderboard as CSV, its cells safe to open in a spreadsheet."""
    with scratch(settings, "download-") as folder:
        path = folder / "leaderboard.csv"
        exports.write_table(to_table(models), path)
        return path.read_bytes()
