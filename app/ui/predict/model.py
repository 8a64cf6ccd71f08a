"""Which model the Predict page scores with."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.ui.visits import is_own
from app.ui.widgets.models.card import model_uri, shown_name
from app.ui.widgets.models.metrics import headline_metric
from app.ui.widgets.pickers import choose
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo
from core.wording import day_text

if TYPE_CHECKING:
    from core.review.reviews import Reviews
    from core.scoring.kept.log import ScoringLog
    from core.store.mlflow import Store

_LATEST = 50
_MOST_OFFERED = 12
_LINKED, _CHOICE_FOR = "predict.linked", "predict.choice_for"


def _standing(reviews: "Reviews", model: ModelInfo) -> str:
    """Say since when a model has been the champion and who chose it, as far as the history knows."""
    if not model.is_champion:
        return "not the champion"
    found = reviews.history(model.experiment)
    if not found or found[0].version != model.version:
        return "champion"
    entry = found[0]
    by = f", by {entry.person}" if entry.person else ""
    if entry.automatic:
        by = ", automatically, as the best of the first run"
    return f"champion since {day_text(entry.at)}{by}"


def stored_models(store: "Store", experiment: str) -> dict[str, ModelInfo]:
    """Return the models of an experiment that can score, by id: the champion first, then best first."""
    from core.models.leaderboard import DEFAULT_METRIC, sort_models

    found = [model for model in store.models(experiment=experiment, limit=10_000) if model.has_files]
    best = sort_models(found, f"cv_{DEFAULT_METRIC[found[0].task]}") if found else ()
    return {model.id: model for model in sorted(best, key=lambda model: not model.is_champion)}


def usable_experiments(store: "Store", training: Collection[str] = ()) -> tuple[str, ...]:
    """Return the experiments with a model that can score; the ones with a champion first.

    Parameters
    ----------
    training : collection of str
        Experiments that train now: without a champion yet their models are not finished.
    """
    champions = store.champions()
    others = [name for name in store.experiments() if name not in champions and name not in training]
    return (*champions, *(name for name in others if stored_models(store, name)))


def last_used(log: "ScoringLog") -> str | None:
    """Return the experiment that whoever acts here predicted with last."""
    return next((one.experiment for one in log.list(limit=_LATEST) if is_own(one.person)), None)


def seed_model(store: "Store", usable: tuple[str, ...], last: str | None) -> None:
    """Choose what a link names (`?model=`, `?experiment=`), once; else the experiment used last, or the only one.

    With several, none of them used yet, nothing is chosen: the page asks.

    ModelNotFoundError if the link names no model.
    """
    session = st.session_state
    linked = st.query_params.get("model")
    if linked and session.get(_LINKED) != linked:
        model = store.resolve(model_uri(linked))
        session[_LINKED] = linked
        if model.experiment in usable:
            session["predict_experiment"], session["predict_model"] = model.experiment, model.id
            session[_CHOICE_FOR] = model.experiment
    problem = st.query_params.get("experiment")
    if problem in usable and session.get(_LINKED) != problem:
        session[_LINKED] = session["predict_experiment"] = problem
    first = last if last in usable else usable[0] if len(usable) == 1 else None
    choose("predict_experiment", (None, *usable), first=first)


def offer(store: "Store", usable: Sequence[str]) -> None:
    """Draw the problems to choose from, those in use first, each with the model that it predicts with."""
    champions = store.champions()
    st.caption("Several problems have a model. The one you predict with is chosen at your next visit.")
    with st.grid(3, min_column_width=240, gap="small"):
        for number, name in enumerate(usable[:_MOST_OFFERED]):
            model = champions.get(name)
            with st.container(border=True, height="stretch", gap="xsmall"):
                st.markdown(f"**{escape_markdown(name)}**")
                if model is None:
                    st.caption("No champion yet: choose one of its models")
                else:
                    st.caption(f"Version {model.version}, {shown_name(model)} · {headline_metric(model)}")
                st.button(
                    "Predict", key=f"predict_offer_{number}", icon=":material/online_prediction:",
                    on_click=_take, args=(name,),
                )  # fmt: skip


def _take(experiment: str) -> None:
    st.session_state["predict_experiment"] = experiment


def seed_choice(models: dict[str, ModelInfo]) -> None:
    """Choose the champion when the experiment is another one than before."""
    session = st.session_state
    experiment = next(iter(models.values())).experiment if models else None
    if session.get(_CHOICE_FOR) != experiment:
        session.pop("predict_model", None)
    choose("predict_model", models)
    session[_CHOICE_FOR] = experiment


def model_line(model: ModelInfo, reviews: "Reviews") -> None:
    """Draw which model will score, in one line: standing, date, person, algorithm and metric."""
    standing = [f"Version {model.version}"] if model.version else []
    standing.append(escape_markdown(_standing(reviews, model)))
    facts = [", ".join(standing), shown_name(model), headline_metric(model)]
    st.caption(" · ".join(facts))
