"""The form of the Train page: its first values, the recipe, and the columns to leave out."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.ui import state
from app.ui.errors import guard
from app.ui.prepare import recipe as preparing
from app.ui.train import judged as training_judged
from app.ui.train import prefill as training_prefill
from app.ui.train.effort import use_preset
from app.ui.train.target import TargetFacts
from app.ui.widgets.pickers import choose, last_experiment, last_target
from app.ui.widgets.text import escape_markdown
from core.data.profiling.profile import DataAlert
from core.data.tables.schema import proposed_ignores
from core.domain.columns import Schema
from core.domain.datasets import Dataset
from core.domain.training import TrainingSettings
from core.features.features import split_recipe
from core.plain import to_plain
from core.recipes.recipe import Recipe, fit_rows
from core.training.plan.plan import propose

if TYPE_CHECKING:
    from core.data.datasets.registry import Datasets
    from core.recipes.saved import Recipes
    from core.store.mlflow import Store

RECIPE = "train_recipe"
_FOR, _FORM, _RECIPE_FOR, _TARGET_OF = "train.for", "train.form", "train.recipe_for", "train.target_of"


def spelling_mend(recipes: "Recipes", dataset: Dataset, alert: DataAlert) -> None:
    """Draw the alert with the button that joins the classes, in the recipe chosen or the dataset's own."""
    st.warning(f"{escape_markdown(alert.message)} {alert.why}", icon=":material/spellcheck:")
    st.button(
        alert.fix_label, key="train_join_classes", icon=":material/healing:",
        on_click=_join_classes, args=(recipes, dataset, alert),
    )  # fmt: skip


def _join_classes(recipes: "Recipes", dataset: Dataset, alert: DataAlert) -> None:
    with guard(stop=False):
        name = st.session_state.get(RECIPE) or dataset.name
        said = recipes.add_step(name, alert.fix or {})
        st.session_state[RECIPE], st.session_state[_RECIPE_FOR] = name, dataset.id
        st.session_state.pop(_FOR, None)
        st.toast(escape_markdown(said), icon=":material/healing:")


@st.cache_data(max_entries=32, show_spinner="Looking at the columns")
def columns_to_learn_from(
    _datasets: "Datasets", dataset_id: str, digest: str, target: str, recipe: dict[str, Any] | None = None
) -> tuple[Schema, dict[str, str]]:
    """Return the columns besides the target, and those that are better left out, each with the reason.

    RecipeError if a step of the recipe does not fit the data.
    """
    data = _datasets.open(dataset_id)
    schema, typed = data.about.schema, data.typed()
    if recipe is not None:
        _, on_features = split_recipe(Recipe.from_dict(recipe), target)
        raw = Schema(tuple(column for column in schema.columns if column.name != target))
        fitted = fit_rows(on_features, typed, raw)
        schema, typed = fitted.recipe.schema, fitted.table
    others = Schema(tuple(column for column in schema.columns if column.name != target))
    return others, dict(proposed_ignores(schema, typed))


def take_links(datasets: Sequence[Dataset]) -> None:
    """Put what Home or Explore proposed into the form, once."""
    proposal = state.take_proposal()
    if proposal and any(dataset.id == proposal["dataset"] for dataset in datasets):
        st.session_state["train_dataset"] = proposal["dataset"]
        if "target" in proposal:
            st.session_state["train_target"] = proposal["target"]
            st.session_state["train.named"] = proposal["experiment"]
        if preset := proposal.get("preset"):
            use_preset(preset)
        if "settings" in proposal:
            training_prefill.fill(proposal["settings"])
        if "recipe" in proposal:
            st.session_state[RECIPE] = proposal["recipe"]
            st.session_state[_RECIPE_FOR] = proposal["dataset"]
        st.session_state.pop(_FOR, None)


def recipe_picker(recipes: "Recipes", dataset: Dataset) -> dict[str, Any] | None:
    """Draw the choice of a recipe with what it does; the dataset's own is chosen first. None without one.

    RecipeError if the recipe chosen cannot be read.
    """
    labels, own = preparing.list_recipes(recipes, dataset)
    if not labels:
        return None
    if st.session_state.get(_RECIPE_FOR) != dataset.id or st.session_state.get(RECIPE) not in (None, *labels):
        st.session_state[RECIPE] = next(iter(own), None)
    st.session_state[_RECIPE_FOR] = dataset.id
    if (earlier := training_prefill.take_recipe(dataset.id, recipes)) is not None:
        st.session_state[RECIPE], is_there = earlier
        if not is_there:
            st.warning("The recipe of the earlier training has changed since; choose one.", icon=":material/tune:")
    chosen = st.selectbox(
        "Recipe", tuple(labels), key=RECIPE, format_func=labels.__getitem__, index=None,
        placeholder="None: learn from the columns as they are",
        help="The steps from the Prepare page. Clear it to learn from the columns as they are.",
    )  # fmt: skip
    if chosen is None:
        return None
    recipe = recipes.get(chosen).recipe
    words = [step.words(None, preparing.show_name) for step in recipe.steps if step.on]
    st.caption(" · ".join(words) if words else "This recipe has no active steps.")
    return recipe.to_dict()


def seed_target(store: "Store", dataset: Dataset) -> None:
    """Begin with what was last trained on this dataset; a target that it does not have is dropped."""
    names = dataset.schema.names
    session = st.session_state
    # A person's own choice, none among them, stays while the dataset does.
    is_new = "train_target" not in session or session.get(_TARGET_OF) != dataset.id
    session[_TARGET_OF] = dataset.id
    if is_new and session.get("train_target") not in names and (last := last_target(store, dataset.id)) in names:
        session["train_target"] = last
    choose("train_target", (None, *names))


def seed_form(
    store: "Store",
    datasets: "Datasets",
    dataset: Dataset,
    target: str,
    facts: TargetFacts,
    left_out: Sequence[str],
    recipe: dict[str, Any] | None,
) -> None:
    """Give the widgets below the target their first values; a person's own stay until what they are for changes."""
    seeded_for = (dataset.id, target, json.dumps(recipe))
    before = st.session_state.get(_FOR)
    is_new, is_other_target = before != seeded_for, before is None or before[:2] != seeded_for[:2]
    is_drawn_anew = is_other_target or "train_experiment" not in st.session_state  # another page was opened meanwhile
    named = st.session_state.get("train.named")
    named = named or (last_experiment(store, dataset.id, target) if is_drawn_anew else None)
    named = named or stem(dataset.file_name)
    first = propose(datasets.open(dataset.id), target, experiment=named, recipe=recipe)
    values: dict[str, Any] = {
        "train_task": first.task,
        "train_positive": first.positive or facts.positive(),
        "train_ignored": [name for name in left_out if name != target],
        "train_experiment": first.experiment,
    }
    filled = training_prefill.take_columns(facts.tasks) if is_new else {}
    if is_drawn_anew and not filled:
        training_judged.begin(store, first.experiment, dataset, target)
    for key, value in (values | filled).items():
        # Another recipe brings other columns, but no other name for the experiment.
        changed = is_other_target if key == "train_experiment" else is_new
        if changed or key not in st.session_state:
            st.session_state[key] = value
    if is_new:
        st.session_state[_FOR] = seeded_for
        st.session_state.pop("train.named", None)


def submit_key(settings: TrainingSettings) -> str:
    """Return the key that makes two clicks on one filled form one run."""
    form = st.session_state.setdefault(_FORM, uuid.uuid4().hex)
    text = json.dumps(to_plain(settings), sort_keys=True)
    return hashlib.sha256(f"{form}{text}".encode()).hexdigest()


def forget_form() -> None:
    """Let the next filled form be a run of its own."""
    st.session_state.pop(_FORM, None)


def stem(file_name: str) -> str:
    """Return a file's name without its endings, as an experiment can be called.

    Examples
    --------
    >>> stem("sales: 2024.csv.gz")
    'sales- 2024'
    """
    name = file_name
    for ending in (".gz", ".csv", ".tsv", ".txt", ".parquet", ".xlsx"):
        name = name[: -len(ending)] if name.lower().endswith(ending) else name
    return name.replace(":", "-").replace("/", "-").strip(" .")[:120] or "experiment"


def leave_out(names: Sequence[str], reasons: Mapping[str, str]) -> list[str]:
    """Draw the choice of columns to leave out, with why each proposed one is."""
    ignored = st.multiselect(
        "Columns to leave out",
        names,
        key="train_ignored",
        placeholder="None",
        help="Ids and columns with one value say nothing about new rows, so they are already chosen.",
    )
    lines = [
        f"**{escape_markdown(name)}**: {reasons[name][:1].lower() + reasons[name][1:]}"
        for name in ignored
        if name in reasons
    ]
    if lines:
        st.caption("  \n".join(lines))
    return ignored
