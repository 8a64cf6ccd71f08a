"""The parts of the Prepare page around the list of steps: history, files, the form, and one step in detail."""

from typing import TYPE_CHECKING

import streamlit as st

from app.ui.errors import show
from app.ui.explore import mending
from app.ui.explore.view import get_small_profile
from app.ui.prepare import recipe as preparing
from app.ui.prepare import steps as preparing_view
from app.ui.prepare.forms import KIND, Fields, Form, fields_for
from app.ui.widgets.layout import empty_state
from app.ui.widgets.text import escape_markdown
from core.domain.datasets import Dataset
from core.errors import RecipeError
from core.recipes.preview import RecipePreview, StepEffect, try_step
from core.recipes.recipe import KINDS, Recipe, Step, read_step
from core.recipes.saved import recipe_json
from core.wording import ago_text, count_text

if TYPE_CHECKING:
    from core.data.datasets.registry import Datasets
    from core.data.profiling.alert import DataAlert
    from core.recipes.saved import Recipes, SavedRecipe

_VERSIONS_SHOWN = 30
_SUGGESTED = 4


def history(recipes: "Recipes", saved: "SavedRecipe") -> None:
    """Draw undo, redo and what was changed last."""
    name, version = saved.recipe.name, saved.version
    st.button(
        "", key="prepare_undo", icon=":material/undo:", help="Undo", disabled=saved.parent is None,
        on_click=preparing.undo, args=(recipes, saved),
    )  # fmt: skip
    st.button(
        "", key="prepare_redo", icon=":material/redo:", help="Redo", disabled=recipes.after(name, version) is None,
        on_click=preparing.redo, args=(recipes, saved),
    )  # fmt: skip
    change = f": {escape_markdown(saved.change)}" if saved.change else ""
    st.caption(f"Version {version}, {ago_text(saved.saved_at)}{change}", width="content")


def more(recipes: "Recipes", saved: "SavedRecipe | None", dataset: Dataset) -> None:
    """Draw what is rarely needed: new and copied recipes, files, versions, deleting."""
    with st.popover("More", icon=":material/more_horiz:", key="prepare_more"):
        st.button(
            "New, empty recipe", key="prepare_new", icon=":material/add:", type="tertiary",
            on_click=preparing.create, args=(recipes, Recipe(), dataset),
        )  # fmt: skip
        for number, example in enumerate(preparing.fitting_examples(dataset)):
            st.button(
                example.name, key=f"prepare_example_{number}", icon=":material/menu_book:", type="tertiary",
                on_click=preparing.create, args=(recipes, example, dataset),
                help="Example recipe for this data",
            )  # fmt: skip
        if saved:
            st.button(
                "Copy under another name", key="prepare_copy", icon=":material/content_copy:", type="tertiary",
                on_click=preparing.create, args=(recipes, saved.recipe, dataset),
            )  # fmt: skip
            st.download_button(
                "Download as JSON", recipe_json(saved.recipe), f"{saved.recipe.name}.json", "application/json",
                key="prepare_download", icon=":material/download:", type="tertiary", on_click="ignore",
            )  # fmt: skip
        st.file_uploader(
            "Upload a recipe", type=["json"], key="prepare_upload", max_upload_size=1,
            on_change=preparing.take_upload,
            args=(recipes, dataset),
        )  # fmt: skip
        if saved:
            _versions(recipes, saved)
            if st.toggle("Delete this recipe", key="prepare_delete_ask"):
                st.caption("Its versions are deleted too. Runs and models keep their own copy.")
                st.button(
                    "Delete for good", key="prepare_delete", icon=":material/delete:",
                    on_click=preparing.delete, args=(recipes, saved.recipe.name),
                )  # fmt: skip


def _versions(recipes: "Recipes", saved: "SavedRecipe") -> None:
    numbers = [number for number in recipes.versions(saved.recipe.name) if number != saved.version]
    if not numbers:
        return
    chosen = st.selectbox(
        "Other versions", numbers[:_VERSIONS_SHOWN], key="prepare_version", index=None, placeholder="Choose a version",
        format_func=lambda number: preparing.version_label(recipes, saved.recipe.name, number),
    )  # fmt: skip
    if chosen is not None:
        st.button(
            f"Use version {chosen}", key="prepare_restore", on_click=preparing.restore,
            args=(recipes, saved, chosen),
        )  # fmt: skip


def first_step(recipes: "Recipes", datasets: "Datasets", dataset: Dataset) -> None:
    """Draw what is shown while there are no steps: examples, and what was found in the data."""
    box = st.container()
    found = _suggested(datasets, dataset)
    words = "Optional: H2O takes categories and missing values as they are."
    if found:
        words += f" {count_text(len(found), 'suggestion')} from this data stand{'s' if len(found) == 1 else ''} below."
    with box, empty_state("No steps yet", words, icon=":material/tune:"):
        for number, example in enumerate(preparing.fitting_examples(dataset)):
            st.button(
                f"Use “{example.name}” ({count_text(len(example.steps), 'step')})",
                key=f"prepare_use_{number}",
                on_click=preparing.create,
                args=(recipes, example, dataset),
                help="\n".join(f"- {one.words(None, preparing.show_name)}" for one in example.steps),
            )
    if found:
        st.markdown("**Suggestions from this data**")
    for number, alert in enumerate(found):
        with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", wrap=False):
            words = read_step(alert.fix).words(None, preparing.show_name)
            st.markdown(f"{words}  \n:gray[:small[{escape_markdown(alert.message)}]]", width="stretch")
            st.button(
                "Add", key=f"prepare_suggested_{number}", icon=":material/add:",
                on_click=mending.mend, args=(recipes, dataset, [alert.fix]),
            )  # fmt: skip


def _suggested(datasets: "Datasets", dataset: Dataset) -> "list[DataAlert]":
    """Return the alerts of the data that a step would mend; of large tables none, which would have to be read first."""
    profile = get_small_profile(datasets, dataset)
    return [alert for alert in profile.alerts if alert.fix is not None][:_SUGGESTED] if profile else []


def step(effect: StepEffect, place: int) -> None:
    """Draw one step in detail."""
    st.header(f"Step {place + 1}", anchor=False)
    st.markdown(effect.step.words(effect.learned, preparing.show_name))
    if effect.error:
        show(effect.error)
    elif not effect.step.on:
        st.caption("This step is off.")
    else:
        preparing_view.effect_view(effect, key="prepare_look")


def form(
    recipes: "Recipes", datasets: "Datasets", saved: "SavedRecipe | None", dataset: Dataset, place: int | None
) -> None:
    """Draw the form of a new step, or of the one at `place`, with what it would do to the rows."""
    steps = saved.recipe.steps if saved else ()
    old = None if place is None else steps[place]
    before = preparing.get_preview(datasets, dataset, steps[: len(steps) if place is None else place])
    st.header("New step" if place is None else f"Edit step {place + 1}", anchor=False)
    kind = old.kind if old else st.selectbox(
        "What to do", tuple(KINDS), key=KIND, format_func=lambda kind: KINDS[kind].title, index=None,
        placeholder="Choose a kind of step",
    )  # fmt: skip
    if kind is None:
        st.caption("The form asks for what that step needs, and shows what it does to your rows before you add it.")
        _cancel(place)
        return
    prefix = f"prepare_{'add' if place is None else f'edit{place}'}_{kind}"
    fields = fields_for(kind, Form(before.schema, before.table, old.to_dict() if old else {}, prefix))
    new, effect = _draft(kind, fields, old, before, len(steps) if place is None else place)
    with st.container(horizontal=True, gap="small"):
        if effect is not None and effect.error is None and new is not None:
            at = len(steps) if place is None else place
            words = new.words(effect.learned, str)
            st.button(
                "Add step" if old is None else "Save", key="prepare_save", type="primary", icon=":material/check:",
                on_click=preparing.save_steps,
                args=(recipes, saved, dataset, (*steps[:at], new, *steps[at + 1 :]), words, at),
            )  # fmt: skip
        _cancel(place)
    if effect is not None and effect.error is None and effect.step.on:
        st.divider()
        st.markdown(effect.step.words(effect.learned, preparing.show_name))
        preparing_view.effect_view(effect, key="prepare_draft")


def _draft(
    kind: str, fields: Fields, old: Step | None, before: RecipePreview, place: int
) -> tuple[Step | None, StepEffect | None]:
    """Make the step that the form describes and try it; what is wrong with it is drawn."""
    if fields is None:
        return None, None
    try:
        new = read_step({"kind": kind, **fields, "on": old.on if old else True}, place=place)
    except RecipeError as error:
        show(error)
        return None, None
    effect, _, _ = try_step(new, before.table, before.schema, place=place)
    if effect.error:
        show(effect.error)
    return new, effect


def _cancel(place: int | None) -> None:
    st.button("Cancel", key="prepare_cancel", on_click=preparing.look, args=(place,))
