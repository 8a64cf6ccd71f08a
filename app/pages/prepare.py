"""Prepare: steps from the raw columns to what a model learns from, each tried on real rows."""

import streamlit as st

from app.ui import navigation, state
from app.ui.errors import guard, show
from app.ui.prepare import panel as preparing_panel
from app.ui.prepare import recipe as preparing
from app.ui.prepare import steps as preparing_view
from app.ui.services import get_services
from app.ui.widgets.layout import empty_state, page_title
from app.ui.widgets.pickers import dataset_picker
from app.ui.widgets.text import escape_markdown

session = st.session_state

page_title(
    "Prepare", "Decide once how each column is prepared. Training and every later file go through the same steps."
)
with guard():
    services = get_services()
    recipes, datasets = services.recipes, services.datasets
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        dataset = dataset_picker(datasets, key="prepare_dataset")
if dataset is None:
    with empty_state("Nothing to prepare yet", "Add a file first.", icon=":material/tune:"):
        navigation.link("data", "Open Data")
    st.stop()

with guard():
    labels, own = preparing.list_recipes(recipes, dataset)
    preparing.seed_recipe(labels, dataset, own)
name = right.selectbox(
    "Recipe", tuple(labels), key=preparing.RECIPE, format_func=labels.__getitem__, on_change=preparing.look,
    help="The steps of one problem; every change is kept as a version.",
) if labels else None  # fmt: skip
if trouble := session.pop(preparing.TROUBLE, None):
    show(trouble)
if said := session.pop(preparing.SAID, None):
    st.toast(escape_markdown(said), icon=":material/check:")
with guard():
    saved = recipes.get(name) if name else None
    steps = saved.recipe.steps if saved else ()
    shown = preparing.get_preview(datasets, dataset, steps)

actions = st.container() if labels else right  # without a recipe there is room beside the dataset
with actions, st.container(horizontal=True, vertical_alignment="center", gap="small"):
    if saved:
        preparing_panel.history(recipes, saved)
    st.space("stretch")
    preparing_panel.more(recipes, saved, dataset)
    if saved and st.button(
        "Train with this recipe", key="prepare_train", type="primary", icon=":material/model_training:",
        disabled=shown.error is not None,
        help="A step does not fit the data yet." if shown.error else None,
    ):  # fmt: skip
        state.propose_recipe(dataset.id, saved.recipe.name)
        navigation.go("train", dataset=dataset.id)
    if not saved:
        words = "Train without steps"
        navigation.button("train", words, key="prepare_train_plain", primary=True, dataset=dataset.id)

list_side, panel_side = st.columns([2, 3], gap="medium")
with list_side:
    st.header("Steps", anchor=False)
    if saved and steps:
        for number, effect in enumerate(shown.effects):
            preparing_view.step_row(recipes, saved, dataset, number, effect)
    elif session.get(preparing.MODE) != "add":
        preparing_panel.first_step(recipes, datasets, dataset)
    st.button(
        "Add a step", key="prepare_add", icon=":material/add:", on_click=preparing.open_form, args=("add", len(steps)),
        disabled=session.get(preparing.MODE) == "add", width="stretch",
    )  # fmt: skip

with panel_side, guard(stop=False):
    mode, place = session.get(preparing.MODE, "look"), session.get(preparing.PLACE)
    if mode == "add" or (mode == "edit" and place is not None and place < len(steps)):
        preparing_panel.form(recipes, datasets, saved, dataset, place if mode == "edit" else None)
    elif place is not None and place < len(steps):
        preparing_panel.step(shown.effects[place], place)
    elif steps or not saved:
        preparing_view.outcome(shown, dataset, key="prepare_outcome")
