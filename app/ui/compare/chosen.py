"""What the Compare page compares: models or runs, from the address or chosen there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import streamlit as st

from app.ui.widgets.layout import choice_labels
from app.ui.widgets.models.card import model_uri
from app.ui.widgets.models.runs import model_in_run, short_run
from app.ui.widgets.pickers import choose
from core.domain.models import ModelInfo, model_name
from core.domain.runs import RunInfo
from core.errors import ModelNotFoundError, RunNotFoundError
from core.models.judged import judged_on
from core.models.leaderboard import DEFAULT_METRIC
from core.wording import count_text

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.store.mlflow import Store

Kind = Literal["models", "runs"]
MOST, LEAST, LISTED = 10, 2, 200
_LINKED = "compare.linked"
_KIND, _EXPERIMENT, _CHOSEN = "compare_kind", "compare_experiment", "compare_chosen"
_PARAMETERS: Mapping[Kind, str] = {"models": "model", "runs": "run"}


@dataclass(frozen=True)
class Choice:
    """What is compared, in the order chosen.

    Attributes
    ----------
    models : tuple of ModelInfo
        The models, or the leader of each run that has one.
    runs : mapping of str to RunInfo
        The run of each model, by run id; all runs that were chosen.
    """

    kind: Kind
    models: tuple[ModelInfo, ...]
    runs: Mapping[str, RunInfo]

    def name(self, model: ModelInfo) -> str:
        """Return what a model is called here: with its run where several runs are compared."""
        return model_name(model.model_key) if len(self.runs) == 1 else model_in_run(model, self.runs[model.run_id])

    @property
    def names(self) -> dict[str, str]:
        """The name of each model by id; what would be one name twice has the id's end."""
        names = {model.id: self.name(model) for model in self.models}
        twice = {name for name in names.values() if list(names.values()).count(name) > 1}
        return {key: f"{name} ({key[-4:]})" if name in twice else name for key, name in names.items()}


def follow_link(store: "Store") -> int:
    """Choose what the address names, once per address; returns how many of its ids name nothing with a model."""
    session, query = st.session_state, st.query_params
    linked = (tuple(query.get_all("model")), tuple(query.get_all("run")))
    if not any(linked) or session.get(_LINKED) == linked:
        return 0
    session[_LINKED] = linked
    found = [item for item in (_find_model(store, one) for one in linked[0][:MOST]) if item]
    runs = [item for item in (_find_run(store, one) for one in linked[1][:MOST]) if item]
    kind: Kind = "models" if linked[0] else "runs"
    chosen: Sequence[ModelInfo | RunInfo] = found if kind == "models" else runs
    if chosen:
        session[_KIND], session[_EXPERIMENT] = kind, chosen[0].experiment
        session[_CHOSEN] = [item.id if isinstance(item, ModelInfo) else item.run_id for item in chosen]
    return len((*linked[0], *linked[1])[:MOST]) - len(chosen)


def choose_kind() -> Kind:
    """Draw the choice between models and runs."""
    choose(_KIND, ("models", "runs"))
    before = st.session_state.get("compare.kind")
    kind: Kind = (
        st.segmented_control(
            "Compare", tuple(_PARAMETERS), key=_KIND, required=True,
            format_func=choice_labels({"models": "Models", "runs": "Runs"}),
        )
        or "models"
    )  # fmt: skip
    if before is not None and before != kind:
        st.session_state.pop(_CHOSEN, None)
    st.session_state["compare.kind"] = kind
    return kind


def choose_items(
    store: "Store", runs: Sequence[RunInfo], kind: Kind, left: "DeltaGenerator", right: "DeltaGenerator"
) -> Choice | None:
    """Draw the choice of models or runs and return it; None while there are fewer than two."""
    session = st.session_state
    names = tuple(dict.fromkeys(run.experiment for run in runs))
    choose(_EXPERIMENT, names)
    experiment = left.selectbox("Experiment", names, key=_EXPERIMENT)
    own = {run.run_id: run for run in runs if run.experiment == experiment}
    linked: list[str] = session.get(_CHOSEN, [])
    own |= _archived(store, experiment, own, linked)
    models: dict[str, ModelInfo] = {}
    if kind == "runs":
        labels = {
            key: f"{short_run(run)} · {count_text(run.n_models, 'model')} · {run.given_name or run.dataset_name}"
            for key, run in own.items()
        }
        first = list(own)[:LEAST]
    else:
        models = _listed(store, experiment, own, linked)
        several = len({model.run_id for model in models.values()}) > 1
        labels = {key: _label(model, own[model.run_id] if several else None) for key, model in models.items()}
        first = _comparable(models, own)
    session[_CHOSEN] = [key for key in linked if key in labels] if _CHOSEN in session else first
    keys = right.multiselect(
        "Models" if kind == "models" else "Runs", tuple(labels), key=_CHOSEN, format_func=labels.__getitem__,
        max_selections=MOST, help="Two to ten; the first is the one that the others are compared with.",
    )  # fmt: skip
    keep_link(kind, keys)
    if len(keys) < LEAST:
        return None
    if kind == "models":
        chosen = tuple(models[key] for key in keys)
        return Choice(kind, chosen, {model.run_id: own[model.run_id] for model in chosen})
    leaders = {
        model.id: model for model in store.models(ids=[str(own[key].leader_id) for key in keys if own[key].leader_id])
    }
    in_order = tuple(leaders[one] for key in keys if (one := own[key].leader_id) in leaders)
    return Choice(kind, in_order, {key: own[key] for key in keys})


def keep_link(kind: Kind, keys: Sequence[str]) -> None:
    """Put what is compared into the address, so that it can be sent."""
    query = st.query_params
    other = "run" if kind == "models" else "model"
    if other in query:
        del query[other]
    if query.get_all(_PARAMETERS[kind]) != list(keys):
        query[_PARAMETERS[kind]] = list(keys)
    st.session_state[_LINKED] = (tuple(query.get_all("model")), tuple(query.get_all("run")))


def _listed(store: "Store", experiment: str, runs: Mapping[str, RunInfo], also: Sequence[str]) -> dict[str, ModelInfo]:
    """Return the best models of an experiment, and those that the address names."""
    task = next(iter(runs.values())).settings.task
    best = store.models(experiment=experiment, sort=f"cv_{DEFAULT_METRIC[task]}", limit=LISTED)
    known = {model.id: model for model in best}
    known |= {
        model.id: model
        for model in store.models(ids=[one for one in also if one not in known and one.startswith("m-")])
    }
    return {key: model for key, model in known.items() if model.run_id in runs}


def _archived(
    store: "Store", experiment: str, known: Mapping[str, RunInfo], linked: Sequence[str]
) -> dict[str, RunInfo]:
    """Return the runs that an address means and no list shows."""
    of_models = store.models(ids=[one for one in linked if one.startswith("m-")])
    wanted = {model.run_id for model in of_models} | {one for one in linked if not one.startswith("m-")}
    found = [store.get_run(run_id) for run_id in wanted if run_id not in known]
    return {run.run_id: run for run in found if run.experiment == experiment}


def _comparable(models: Mapping[str, ModelInfo], runs: Mapping[str, RunInfo]) -> list[str]:
    """Return the champion and the best other model judged on the same rows; without one, the two best of any."""
    judged = {key: judged_on(runs[model.run_id].settings) for key, model in models.items() if model.has_files}
    champions = [key for key in judged if models[key].is_champion]
    pairs = (
        [first, *(key for key, rows in judged.items() if key != first and rows == judged[first])][:LEAST]
        for first in (*champions, *judged)
    )
    return next((pair for pair in pairs if len(pair) == LEAST), list(judged)[:1])


def _label(model: ModelInfo, run: RunInfo | None) -> str:
    """Return a model's name, its run where there are several, and its marks."""
    marks = [f"version {model.version}" if model.version else "", "champion" if model.is_champion else ""]
    name = model_in_run(model, run) if run else model_name(model.model_key)
    return " · ".join(filter(None, [name, *marks]))


def _find_model(store: "Store", link: str) -> ModelInfo | None:
    try:
        return store.resolve(model_uri(link))
    except ModelNotFoundError:
        return None


def _find_run(store: "Store", run_id: str) -> RunInfo | None:
    try:
        run = store.get_run(run_id)
    except RunNotFoundError:
        return None
    return run if run.n_models else None
