"""Fixes: recipe steps that alerts propose, added to the dataset's own recipe by a click."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.widgets.text import escape_markdown
from core.data.profiling.alerts import DataAlert
from core.domain.datasets import Dataset
from core.errors import RecipeNotFoundError
from core.recipes.recipe import Drop, read_step
from core.wording import count_text

if TYPE_CHECKING:
    from core.recipes.recipe import Step
    from core.recipes.saved import Recipes


def known_steps(recipes: "Recipes", dataset: Dataset) -> "tuple[Step, ...]":
    """Return the steps of a dataset's own recipe, which alerts add to; none when it has no recipe yet."""
    try:
        return recipes.get(dataset.name).recipe.steps
    except RecipeNotFoundError:
        return ()


def is_mended(alert: DataAlert, known: "Sequence[Step]") -> bool:
    """Whether the recipe already fixes an alert."""
    if alert.fix is None:
        return False
    step = read_step(alert.fix)
    if isinstance(step, Drop):
        left_out = {column for kept in known if isinstance(kept, Drop) and kept.on for column in kept.columns}
        return left_out.issuperset(step.columns)
    return step in known


def mend(recipes: "Recipes", dataset: Dataset, fixes: Sequence[Mapping[str, Any]]) -> None:
    """Add the steps that fix alerts to the dataset's recipe, and say so; columns to leave out share one step."""
    steps = [read_step(fix) for fix in fixes]
    others = [step for step in steps if not isinstance(step, Drop)]
    left_out = [column for step in steps if isinstance(step, Drop) for column in step.columns]
    with guard(stop=False):
        new = [*([Drop(columns=tuple(dict.fromkeys(left_out)))] if left_out else []), *others]
        said = [recipes.add_step(dataset.name, step) for step in new]
        st.toast(" ".join(map(escape_markdown, said[:3])), icon=":material/healing:")


def take_back(recipes: "Recipes", dataset: Dataset, fix: Mapping[str, Any]) -> None:
    """Take what fixes an alert out of the recipe again; undo on Prepare brings it back."""
    step = read_step(fix)
    with guard(stop=False):
        saved = recipes.get(dataset.name)
        rest = [kept for kept in map(partial(_without, step), saved.recipe.steps) if kept is not None]
        recipes.save(saved.recipe.with_steps(rest), based_on=saved.version, change="Taken back on Explore")


def _without(step: "Step", kept: "Step") -> "Step | None":
    """Return a step of the recipe without what another one does; None when nothing is left of it."""
    if isinstance(step, Drop) and isinstance(kept, Drop):
        columns = tuple(column for column in kept.columns if column not in step.columns)
        return replace(kept, columns=columns) if columns else None
    return None if kept == step else kept


def recipe_note(dataset: Dataset, known: "Sequence[Step]") -> None:
    """Draw how many steps the dataset's recipe has, with the way to it."""
    if not known:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        words = f"The recipe of this dataset has {count_text(len(known), 'step')}."
        st.markdown(f":material/healing: {words}", width="content")
        navigation.link("prepare", "Open Prepare", dataset=dataset.id)
