"""Train, before the start: columns that give the target away, what to expect, and which options rule others out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.explore.view import ExploreView, get_leakage, is_known
from app.ui.train import judged
from app.ui.widgets.text import escape_markdown
from core.data.profiling.alerts import DataAlert, leakage_alerts
from core.domain.columns import FEATURE_TYPES, Schema
from core.domain.datasets import Dataset
from core.domain.models import ALGORITHM_NAMES, metric_in_words
from core.domain.training import TrainingSettings
from core.errors import EngineError
from core.models.leaderboard import ranking_metric
from core.training.estimate import MOST_RUNS, Estimate, estimate, past_trainings
from core.training.plan.in_time import n_wanted
from core.training.plan.options import ENSEMBLE, algorithms, backtest_fits, resolve
from core.training.plan.plan import unable
from core.training.plan.roles import role_columns
from core.wording import bytes_text, count_text, duration_text, percent_text

if TYPE_CHECKING:
    from core.data.datasets.registry import Datasets
    from core.services import Services
    from core.store.mlflow import Store

FAST_COLUMNS = 40
_SHOWN = 3
_WORTH_SAYING = 0.1  # of the engine's memory
_MEASURED_S = 180  # docs/decisions/0042


def leak_alerts(datasets: "Datasets", dataset: Dataset, target: str) -> tuple[DataAlert, ...] | None:
    """Return what gives the target away, from Explore's look or a quick one; None when a look would take long."""
    view = ExploreView(datasets, datasets.open(dataset.id))
    n_features = sum(column.type in FEATURE_TYPES for column in dataset.schema.columns)
    if n_features > FAST_COLUMNS and not is_known(view, f"leakage {target}"):
        return None
    return tuple(leakage_alerts(get_leakage(view, target)))


def draw_leaks(alerts: Sequence[DataAlert] | None, dataset: Dataset, target: str, ignored: Sequence[str]) -> None:
    """Draw the columns that would make a model look better than it is, with the ways to fix it."""
    if alerts is None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(":material/search: Whether a column gives the target away is not known yet.", width="content")
            navigation.link("explore", "Look on Explore", dataset=dataset.id)
        return
    left = [alert for alert in alerts if alert.column and alert.column not in ignored]
    leaks = [alert for alert in left if alert.code == "leakage"]
    for alert in leaks[:_SHOWN]:
        _row(alert, "Leakage", ":material/error:", "red", dataset)
    if len(leaks) > _SHOWN:
        st.caption(f"and {len(leaks) - _SHOWN} more such columns, all of them on Explore")
    if not leaks:
        for alert in left[:1]:
            _row(alert, "Known in time?", ":material/help:", "orange", dataset)


def notes(settings: TrainingSettings, trained: TrainingSettings, dataset: Dataset, store: "Store") -> None:
    """Say what of the settings gives way, and what follows from them; `trained` is what is made of them in time."""
    _what_is_left_out(settings)
    _time_note(settings, trained)
    _backtest_note(settings)
    with guard(stop=False):
        judged.note(settings, dataset, store)


def _what_is_left_out(settings: TrainingSettings) -> None:
    """Say which algorithms give way to another option, and why."""
    given_way = {name: why for name, why in unable(settings).items() if name not in settings.exclude_algos}
    for reason in dict.fromkeys(given_way.values()):
        names = [ALGORITHM_NAMES[name] for name, why in given_way.items() if why == reason]
        who = "It" if len(names) == 1 else "Each of them"
        st.caption(f":material/block: Left out: {', '.join(names)}. {who} {reason}.")


def _time_note(settings: TrainingSettings, trained: TrainingSettings) -> None:
    """Say which models are built where the limit is too short for all that H2O would list, or for the preset."""
    if settings.preset == "thorough" and 0 < settings.max_runtime_secs <= _MEASURED_S:
        st.caption(
            f":material/timer: In {duration_text(settings.max_runtime_secs)} Balanced usually does as well or better:"
            " Thorough keeps rows for a final test, and pays where it has the time for its 30 models."
        )
    listed = trained.modeling_plan
    if listed == settings.modeling_plan:
        return
    kinds = [ALGORITHM_NAMES[step["name"]] for step in listed]
    searches = "one model of each" if all("steps" in step for step in listed) else "without searching for better ones"
    st.caption(
        f":material/timer: In {duration_text(settings.max_runtime_secs)} H2O's whole list would leave hardly a model"
        f" whole on that many rows, so a shorter one is trained: {', '.join(kinds)}, {searches}."
    )


def _backtest_note(settings: TrainingSettings) -> None:
    """Say, for a split by time, that a backtest follows and about how much more is built for it."""
    fits = backtest_fits(settings)
    if fits:
        steps, usual = settings.nfolds - 1, settings.max_models * (settings.nfolds + 1)
        share = f", beside about {usual} fits of the training" if usual else ""
        st.caption(
            f":material/history: Then the backtest: the best model of each kind is built again on the past alone,"
            f" {count_text(steps, 'time')}, each time judged on the period that follows. That is up to"
            f" {count_text(fits, 'more model')} on half of the rows on average{share}."
        )


def plan_words(settings: TrainingSettings, columns: Schema) -> str:
    """Return in one line what a run learns from what, how many models there will be and how they are ranked.

    Parameters
    ----------
    settings : TrainingSettings
        As they are trained, with the list of models that the time allows.
    columns : Schema
        Besides the target and what is left out; those with a role or of no type to learn from do not count.

    Examples
    --------
    >>> asked = {"dataset_id": "d-1", "target": "price", "experiment": "Prices", "task": "regression"}
    >>> settings = TrainingSettings(**asked, holdout_share=0.2)
    >>> from core.domain.columns import Column
    >>> columns = Schema((Column("carat", "numeric"), Column("cut", "category"), Column("note", "text")))
    >>> plan_words(settings, columns).split(" · ")[:2]
    ['price from 2 columns', 'up to 10 models and their ensembles, no time limit']
    """
    settings, roles = resolve(settings), role_columns(settings)
    n_features = sum(one.type in FEATURE_TYPES and one.name not in roles for one in columns.columns)
    wanted = n_wanted(settings)
    most = f"up to {count_text(wanted, 'model')}" if wanted else "as many models as fit"
    most += " and their ensembles" if ENSEMBLE in algorithms(settings) else ""
    limit = f"at most {duration_text(settings.max_runtime_secs)}" if settings.max_runtime_secs else "no time limit"
    metric = ranking_metric(settings).removeprefix("cv_")
    folds = f"the values of {settings.fold_column}" if settings.fold_column else count_text(settings.nfolds, "fold")
    held = f"{percent_text(settings.holdout_share)} held out" if settings.holdout_share else "no rows held out"
    return " · ".join(
        (
            f"{settings.target} from {count_text(n_features, 'column')}",
            f"{most}, {limit}",
            f"ranked by {metric_in_words(metric)} over {folds}",
            held,
        )
    )


def what_to_expect(services: "Services", settings: TrainingSettings, dataset: Dataset) -> None:
    """Draw how long the run may take and what memory it needs, or that nobody knows yet."""
    runs = services.store.list_runs(statuses=("finished",), limit=MOST_RUNS)
    known = {one.id: one for one in services.datasets.list()}
    found = estimate(settings, dataset, past_trainings(runs, known))
    heap = services.settings.h2o_memory_bytes
    parts = [f":material/schedule: {time_words(found)}"]
    if found.memory_bytes > _WORTH_SAYING * heap:
        memory = f"{bytes_text(found.memory_bytes)} of the engine's {bytes_text(heap)}"
        parts.append(f":material/memory: the data take up to about {memory}")
    st.caption(" · ".join(parts))
    if found.memory_bytes > heap:
        st.warning(
            "Leave columns out, use fewer rows, or start with a larger `BELLWETHER_H2O_MEMORY`.",
            title="This may be more than the engine's memory holds",
            icon=":material/memory:",
        )


def time_words(found: Estimate) -> str:
    """Return how long a run may take, in words that say what the estimate rests on.

    Examples
    --------
    >>> time_words(Estimate(None, None, None, 0, False, 0))
    'How long it takes is not known yet: no training has finished here so far'
    """
    if found.seconds is None or found.high_s is None:
        return "How long it takes is not known yet: no training has finished here so far"
    if found.is_capped:
        return f"It ends after {duration_text(found.seconds)}, the time limit"
    ends = dict.fromkeys((rough_duration(found.low_s or 0), rough_duration(found.high_s)))
    runs = count_text(found.n_runs, "training")
    return f"Roughly {' to '.join(ends)}, judging by {runs} on this machine"


def rough_duration(seconds: float) -> str:
    """Return a duration with no more digits than an estimate has.

    Examples
    --------
    >>> rough_duration(7), rough_duration(42), rough_duration(1019), rough_duration(9000)
    ('10 s', '40 s', '17 min', '2.5 h')
    """
    if seconds < 55:
        return f"{max(round(seconds, -1), 10):.0f} s"
    return f"{max(seconds / 60, 1):.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def has_xgboost(services: "Services") -> bool:
    """Whether to offer XGBoost: yes while the engine that would know is not up."""
    engine = services.engine
    if engine.status().state != "ready":
        return True
    known: bool | None = st.session_state.get("train.has_xgboost")
    if known is None:
        try:
            known = engine.has_xgboost()
        except EngineError:
            return True  # it ended just now; the run asks again
        st.session_state["train.has_xgboost"] = known
    return known


def _row(alert: DataAlert, title: str, icon: str, color: Literal["red", "orange"], dataset: Dataset) -> None:
    column = str(alert.column)
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(title, icon=icon, color=color)
        name = escape_markdown(column)
        st.markdown(f"**{name}** · {escape_markdown(alert.message)}", width="stretch")
        st.button("Leave it out", key=f"train_leak_{column}", on_click=_leave_out, args=(column,))
        navigation.link("explore", "Why", dataset=dataset.id)


def _leave_out(column: str) -> None:
    """Callback: add a column to those that are left out."""
    chosen = list(st.session_state.get("train_ignored", ()))
    st.session_state["train_ignored"] = [*chosen, *([] if column in chosen else [column])]
