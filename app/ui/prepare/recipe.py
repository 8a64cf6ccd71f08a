"""What the Prepare page works on: the chosen recipe, changes to it, and what its steps do to the rows."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import streamlit as st

from app.ui.widgets.pickers import choose
from app.ui.widgets.text import escape_markdown
from core.data.tables.schema import apply_schema
from core.domain.datasets import Dataset
from core.errors import AppError, RecipeError
from core.recipes.preview import RecipePreview, draw_rows, preview
from core.recipes.recipe import Recipe, Step
from core.recipes.saved import example_recipes, read_recipe_file

if TYPE_CHECKING:
    from core.data.datasets.registry import Datasets
    from core.recipes.saved import Recipes, SavedRecipe

Mode = Literal["look", "add", "edit"]
MODE, PLACE, TROUBLE, SAID = "prepare.mode", "prepare.place", "prepare.trouble", "prepare.said"
_FOR = "prepare.for"
RECIPE = "prepare_recipe"
session = st.session_state


# --- which recipe -----------------------------------------------------------------------------------------------------


def list_recipes(recipes: "Recipes", dataset: Dataset) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return all recipes as name and label, and the names of those made on the dataset, which come first."""
    own, others = {}, {}
    for name in recipes.names():
        try:
            made_on = recipes.get(name).recipe.dataset
        except RecipeError:
            others[name] = f"{name}  (cannot be read)"
            continue
        if made_on == dataset.name:
            own[name] = name
        else:
            others[name] = f"{name}  (made on {made_on})" if made_on else name
    # The one named like the dataset is its working recipe: buttons on Explore add to it.
    names = sorted(own, key=lambda name: name != dataset.name)
    return {name: own[name] for name in names} | others, tuple(names)


def seed_recipe(labels: dict[str, str], dataset: Dataset, own: Sequence[str]) -> None:
    """Choose the recipe that the address names, else the dataset's own; a choice stays until the dataset changes."""
    wanted = st.query_params.get("recipe")
    is_new = session.get(_FOR) != dataset.id
    if wanted in labels and (is_new or session.get("prepare.linked") != wanted):
        session[RECIPE] = wanted
    elif is_new or session.get(RECIPE) is None:
        session.pop(RECIPE, None)
    choose(RECIPE, (None, *labels), first=next(iter(own), None))
    session["prepare.linked"] = wanted
    if is_new:
        look()
    session[_FOR] = dataset.id


# --- changes: callbacks, which run before the page is drawn again -----------------------------------------------------


def look(place: int | None = None) -> None:
    """Show a step, or none."""
    session[MODE], session[PLACE] = "look", place


def open_form(mode: Mode, place: int | None = None) -> None:
    """Show the form for a new step, or for the one at that place."""
    session[MODE], session[PLACE] = mode, place


def attempt(act: Callable[[], "SavedRecipe | None"]) -> "SavedRecipe | None":
    """Do something that may be refused; the page then shows why, and nothing is lost."""
    try:
        return act()
    except AppError as error:
        session[TROUBLE] = error
        return None


def save_steps(
    recipes: "Recipes",
    saved: "SavedRecipe | None",
    dataset: Dataset,
    steps: Sequence[Step],
    change: str,
    place: int | None,
) -> None:
    """Save other steps as the next version, or as the first one of the dataset's own recipe."""

    def act() -> "SavedRecipe":
        if saved is None:
            return recipes.save(
                Recipe(name=dataset.name, dataset=dataset.name, steps=tuple(steps)), based_on=None, change=change
            )
        return recipes.save(saved.recipe.with_steps(steps), based_on=saved.version, change=change)

    if done := attempt(act):
        session[RECIPE] = done.recipe.name
        look(place)


def switch(recipes: "Recipes", saved: "SavedRecipe", dataset: Dataset, place: int, words: str) -> None:
    """Switch a step on or off."""
    steps = list(saved.recipe.steps)
    steps[place] = steps[place].switched(on=not steps[place].on)
    save_steps(recipes, saved, dataset, steps, f"{'On' if steps[place].on else 'Off'}: {words}", place)


def move(recipes: "Recipes", saved: "SavedRecipe", dataset: Dataset, place: int, by: int, words: str) -> None:
    """Move a step up or down."""
    steps = list(saved.recipe.steps)
    steps.insert(place + by, steps.pop(place))
    save_steps(recipes, saved, dataset, steps, f"Moved: {words}", place + by)


def remove(recipes: "Recipes", saved: "SavedRecipe", dataset: Dataset, place: int, words: str) -> None:
    """Take a step out; undo brings it back."""
    steps = list(saved.recipe.steps)
    del steps[place]
    save_steps(recipes, saved, dataset, steps, f"Removed: {words}", None)


def undo(recipes: "Recipes", saved: "SavedRecipe") -> None:
    """Go back to the version before."""
    attempt(lambda: recipes.undo(saved.recipe.name, based_on=saved.version))
    look()


def redo(recipes: "Recipes", saved: "SavedRecipe") -> None:
    """Go forward to the version after."""
    attempt(lambda: recipes.redo(saved.recipe.name, based_on=saved.version))
    look()


def version_label(recipes: "Recipes", name: str, version: int) -> str:
    """Return how a version is called in a list: its number, and what was changed in it."""
    try:
        change = recipes.get(name, version).change
    except RecipeError:
        return f"Version {version}  (cannot be read)"
    return f"Version {version}: {change}" if change else f"Version {version}"


def restore(recipes: "Recipes", saved: "SavedRecipe", version: int) -> None:
    """Make another version the current one."""
    attempt(lambda: recipes.restore(saved.recipe.name, version, based_on=saved.version))
    look()


def create(recipes: "Recipes", recipe: Recipe, dataset: Dataset) -> None:
    """Save a recipe under a name that is free, and choose it."""
    base, taken, number = recipe.name or dataset.name, set(recipes.names()), 2
    name = base
    while name in taken:
        name, number = f"{base} ({number})", number + 1
    if done := attempt(
        lambda: recipes.save(replace(recipe, name=name, dataset=dataset.name), based_on=None, change="Created")
    ):
        session[RECIPE] = done.recipe.name
        session[SAID] = f"“{done.recipe.name}” is now a recipe of its own."
        look()


def take_upload(recipes: "Recipes", dataset: Dataset) -> None:
    """Save an uploaded recipe file as a new recipe."""
    file = session.get("prepare_upload")
    if file is None:
        return

    def read() -> None:
        recipe = read_recipe_file(file.getvalue())
        create(recipes, recipe if recipe.name else replace(recipe, name=file.name.removesuffix(".json")), dataset)

    attempt(read)


def delete(recipes: "Recipes", name: str) -> None:
    """Delete a recipe with its versions."""
    attempt(lambda: recipes.delete(name))
    session[RECIPE] = None
    look()


# --- rows -------------------------------------------------------------------------------------------------------------


@st.cache_resource(max_entries=4, show_spinner="Reading the rows")
def get_rows(_datasets: "Datasets", dataset_id: str, digest: str) -> pa.Table:
    """Return the rows that steps are tried on; `digest` is the schema's, so that a changed type is read again."""
    data = _datasets.open(dataset_id)
    rows = draw_rows(data.about.n_rows)
    if rows is None:
        return data.typed()
    # Of many rows only the drawn ones are ever typed, column by column, so that the whole is never in memory.
    drawn = pa.array(rows)
    schema = data.about.schema
    sources = {name: data.source([name])[name].take(drawn) for name in schema.names}
    return apply_schema(pa.table(sources), schema)


@st.cache_resource(max_entries=16, show_spinner="Trying the steps on the rows")
def _get_preview(_datasets: "Datasets", dataset_id: str, digest: str, steps: str) -> RecipePreview:
    recipe = Recipe.from_dict({"recipe_version": 1, "steps": json.loads(steps)})
    return preview(recipe, get_rows(_datasets, dataset_id, digest), _datasets.get(dataset_id).schema)


def get_preview(datasets: "Datasets", dataset: Dataset, steps: Sequence[Step]) -> RecipePreview:
    """Try steps on the dataset's rows, once for the same steps."""
    text = json.dumps([step.to_dict() for step in steps], ensure_ascii=False)
    return _get_preview(datasets, dataset.id, dataset.schema.digest(), text)


def fitting_examples(dataset: Dataset) -> tuple[Recipe, ...]:
    """Return the shipped recipes whose raw columns the dataset has."""
    return tuple(recipe for recipe in example_recipes() if set(recipe.steps[0].reads()) <= set(dataset.schema.names))


def show_name(name: str) -> str:
    """Return a name from data as Markdown in a sentence."""
    return f"**{escape_markdown(name)}**"
