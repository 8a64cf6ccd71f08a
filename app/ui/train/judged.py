"""Train: the same rows to judge by as the champion had, so that the models can be ranked with it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.ui.train import prefill
from app.ui.train.effort import preset_values
from app.ui.widgets.text import escape_markdown
from core.domain.datasets import Dataset
from core.domain.training import TrainingSettings
from core.models.judged import judged_on

if TYPE_CHECKING:
    from core.store.mlflow import Store

_BEGUN: Final = "train.judged_as"


def begin(store: "Store", experiment: str, dataset: Dataset, target: str) -> None:
    """Begin as the champion of an experiment was judged, if it learned from this data; else as the preset says."""
    session = st.session_state
    begun: dict[str, Any] | None = session.pop(_BEGUN, None)
    if begun and {key: session.get(key) for key in begun} == begun:  # of the problem before, and nobody changed it
        session.update({key: value for key, value in preset_values().items() if key in begun})
        session["train_split"], session["train_blending"] = "random", 0
    champion = store.champions().get(experiment)
    if champion is None:
        return
    settings = store.get_run(champion.run_id).settings
    is_alike = (settings.dataset_id, settings.target, settings.weights_column) == (dataset.id, target, None)
    if is_alike and _can_be_asked_for(settings, settings):
        session[_BEGUN] = prefill.split_values(settings)
        session.update(session[_BEGUN])


def note(settings: TrainingSettings, dataset: Dataset, store: "Store") -> None:
    """Say whether the models will be ranked with the champion; where that was judged otherwise, offer its way."""
    champion = store.champions().get(settings.experiment)
    if champion is None:
        return
    run = store.get_run(champion.run_id)
    why = judged_on(run.settings).unlike(judged_on(settings), run.dataset_name, dataset.label)
    if not why:
        is_other = run.settings.nfolds != settings.nfolds and not (run.settings.fold_column or settings.fold_column)
        folds = f" Folds differ: {settings.nfolds} here, {run.settings.nfolds} there." if is_other else ""
        folds += " Compare them on the holdout." if is_other and settings.holdout_share else ""
        rows = "The same rows are held out" if settings.holdout_share else "The same rows are used"
        st.caption(
            f":material/rule: {rows} as for the champion of this experiment, so models are ranked with it.{folds}"
        )
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            ":material/call_split: **Not comparable with the champion** of this experiment, which was judged"
            f" otherwise. {escape_markdown(why)}."
        )
        if _can_be_asked_for(settings, run.settings):
            st.button(
                "Judge them as the champion was", key="train_judge_alike", icon=":material/rule:",
                on_click=prefill.fill_split, args=(run.settings,),
            )  # fmt: skip


def _can_be_asked_for(settings: TrainingSettings, champion: TrainingSettings) -> bool:
    """Whether settings with what the form can be filled in with are judged as the champion was."""
    return judged_on(replace(settings, **prefill.split_of(champion))) == judged_on(champion)
