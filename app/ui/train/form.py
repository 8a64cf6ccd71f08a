"""What the Train page knows of a target before anything is trained, and the first values of its form."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from app.ui import state
from app.ui.errors import guard
from app.ui.prepare import recipe as preparing
from app.ui.train import prefill as training_prefill
from app.ui.train.effort import use_preset
from app.ui.widgets.layout import chart
from app.ui.widgets.pickers import choose, last_experiment, last_target
from app.ui.widgets.text import escape_markdown
from core.data.profiling.profile import ColumnProfile, DataAlert, profile_table
from core.data.tables.roles import TaskGuess, check_target, count_classes, guess_positive, guess_task
from core.data.tables.schema import proposed_ignores
from core.domain.columns import Schema
from core.domain.datasets import Dataset
from core.domain.training import Task, TrainingSettings
from core.features.features import split_recipe
from core.plain import to_plain
from core.recipes.recipe import Recipe, fit_rows
from core.training.plan.likely import MOST, likely_targets
from core.training.plan.plan import propose, target_column
from core.wording import count_text, cut_text, number_text, percent_text

if TYPE_CHECKING:
    from core.data.datasets.registry import Datasets
    from core.recipes.saved import Recipes
    from core.store.mlflow import Store

TASK_NAMES: Mapping[Task, str] = {
    "binary": "Two classes",
    "multiclass": "Several classes",
    "regression": "A number",
}
TASK_HELP = "Two classes: yes or no. Several classes: one of a few names. A number: an amount."
RECIPE = "train_recipe"
_FOR, _FORM, _RECIPE_FOR, _TARGET_OF = "train.for", "train.form", "train.recipe_for", "train.target_of"
_CLASSES_SHOWN = 12
_NAME_CHARS = 40
_CLASS_PX, _CLASS_CHARS = 160, 24


@dataclass(frozen=True)
class TargetFacts:
    """What a person should know about a target.

    Attributes
    ----------
    counts : dict of str to int
        Rows of each class, most frequent first; empty for a target with too many values to be classes.
    quantiles : dict of str to float
        Minimum, quartiles, maximum; empty unless the target holds numbers.
    missing : int
        Rows without a target, which training leaves out.
    """

    guess: TaskGuess
    counts: dict[str, int]
    quantiles: dict[str, float]
    missing: int
    n_rows: int
    profile: ColumnProfile

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that this target can have."""
        classes: tuple[Task, ...] = ("binary",) if len(self.counts) == 2 else ("multiclass",) if self.counts else ()
        return (*classes, "regression") if self.quantiles or not classes else classes

    def class_label(self, name: str) -> str:
        """Return a class with its share of the rows."""
        return f"{name}  ({percent_text(self.counts[name] / sum(self.counts.values()), 1)} of the rows)"

    def positive(self) -> str | None:
        """Return the class whose probability people want, of two."""
        return guess_positive(tuple(self.counts), self.counts) if len(self.counts) == 2 else None


@st.cache_data(max_entries=64, show_spinner="Looking at the target")
def target_facts(
    _datasets: "Datasets", dataset_id: str, digest: str, target: str, recipe: dict[str, Any] | None = None
) -> TargetFacts:
    """Look at a target; `digest` is the schema's, so that a changed type is taken into account.

    Raises
    ------
    TargetError
        If it cannot be learned whatever the task.
    RecipeError
        If the recipe does more to it than change its type.
    """
    column, values = target_column(_datasets.open(dataset_id), target, recipe)
    guess = guess_task(column, values)
    check_target(column, values, guess.task)
    known = values.drop_null()
    is_number = column.type == "numeric"
    n_distinct = pc.count_distinct(known).as_py()
    probabilities = {"Minimum": 0.0, "Lower quartile": 0.25, "Median": 0.5, "Upper quartile": 0.75, "Maximum": 1.0}
    found = pc.quantile(known, q=list(probabilities.values())).to_pylist() if is_number else []
    return TargetFacts(
        guess=guess,
        counts=count_classes(known) if not is_number or n_distinct <= _CLASSES_SHOWN * 2 else {},
        quantiles=dict(zip(probabilities, found, strict=True)) if is_number else {},
        missing=values.null_count,
        n_rows=len(values),
        profile=profile_table(pa.table({target: values}), Schema((column,))).columns[0],
    )


@st.cache_data(max_entries=64, show_spinner="Looking at the target")
def target_spellings(
    _datasets: "Datasets", dataset_id: str, digest: str, target: str, recipe: dict[str, Any] | None = None
) -> DataAlert | None:
    """Return the alert about classes that are the same but for their spelling, if there are any.

    Raises
    ------
    TargetError, RecipeError
        As `target_facts`, which goes on where this says nothing.
    """
    column, values = target_column(_datasets.open(dataset_id), target, recipe)
    if column.type != "category":
        return None
    alerts = profile_table(pa.table({target: values}), Schema((column,)), target=target).alerts
    return next((alert for alert in alerts if alert.code == "alike_levels"), None)


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


def propose_targets(store: "Store", dataset: Dataset) -> None:
    """Draw a button for each column that the target is likely to be; what was last trained on comes first."""
    last = last_target(store, dataset.id)
    likely = [name for name in likely_targets(dataset.schema) if name != last]
    proposed = [*([last] if last in dataset.schema.names else []), *likely][:MOST]
    if not proposed:
        return
    st.caption("Suggested targets:")
    with st.container(horizontal=True, gap="small"):
        for place, name in enumerate(proposed):
            st.button(
                escape_markdown(cut_text(name, _NAME_CHARS)),
                key=f"train_likely_{place}",
                icon=":material/history:" if name == last else ":material/target:",
                on_click=_take_target,
                args=(name,),
            )


def _take_target(name: str) -> None:
    st.session_state["train_target"] = name


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
    named = st.session_state.get("train.named") or (last_experiment(store, dataset.id, target) if is_new else None)
    named = named or stem(dataset.file_name)
    first = propose(datasets.open(dataset.id), target, experiment=named, recipe=recipe)
    values: dict[str, Any] = {
        "train_task": first.task,
        "train_positive": first.positive or facts.positive(),
        "train_ignored": [name for name in left_out if name != target],
        "train_experiment": first.experiment,
    }
    if is_new:
        values |= training_prefill.take_columns(facts.tasks)
    for key, value in values.items():
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


def target_summary(facts: TargetFacts, task: Task) -> None:
    """Draw what the target looks like: its classes with their shares, or where its numbers lie."""
    if task != "regression":
        total = sum(facts.counts.values())
        records = [
            {"Class": name, "Rows": count, "Share": count / total}
            for name, count in list(facts.counts.items())[:_CLASSES_SHOWN]
        ]
        config = {
            "Class": st.column_config.TextColumn(
                width=_CLASS_PX if max(map(len, facts.counts)) > _CLASS_CHARS else None
            ),
            "Rows": st.column_config.NumberColumn(format="localized"),
            "Share": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0),
        }
        st.dataframe(
            records,
            hide_index=True,
            placeholder="–",
            column_config=config,
            alt="Classes of the target with their shares",
        )
        if len(facts.counts) > _CLASSES_SHOWN:
            st.caption(f"and {len(facts.counts) - _CLASSES_SHOWN:,} rarer classes")
    else:
        from core.charts.data import columns as charts

        figure = charts.histogram(facts.profile)
        chart(figure, key="train_target_chart", alt="Distribution of the target")
        st.caption(" · ".join(f"{name.lower()} {number_text(value, 6)}" for name, value in facts.quantiles.items()))
    if facts.missing:
        st.caption(f"{count_text(facts.missing, 'row')} without a target will be left out.")


def left_out_reasons(reasons: Mapping[str, str], chosen: Sequence[str]) -> None:
    """Say why each proposed column is left out."""
    lines = [
        f"**{escape_markdown(name)}**: {reasons[name][:1].lower() + reasons[name][1:]}"
        for name in chosen
        if name in reasons
    ]
    if lines:
        st.caption("  \n".join(lines))
