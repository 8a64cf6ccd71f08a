"""Explore: how good the data is, what each column holds and how it relates to a target."""

import streamlit as st

from app.ui import navigation, state
from app.ui.errors import guard
from app.ui.explore import alerts as exploring_alerts
from app.ui.explore import columns as exploring_columns
from app.ui.explore import compare as exploring_compare
from app.ui.explore import first as exploring_first
from app.ui.explore import report as exploring_report
from app.ui.explore import slice as exploring_slice
from app.ui.explore import target as exploring_target
from app.ui.explore import view as exploring
from app.ui.services import get_services
from app.ui.widgets import row_filter
from app.ui.widgets.layout import choice_label, empty_state, page_title, tabs
from app.ui.widgets.pickers import dataset_picker, follow_tabs, propose_targets
from core.wording import bytes_text, percent_text

page_title("Explore", "How good the data is, what each column holds and how it relates to what you want to predict.")
with guard():
    services = get_services()
    datasets = services.datasets
    left, right = st.columns([3, 2])
    with left:
        dataset = dataset_picker(datasets, key="explore_dataset")
if dataset is None:
    with empty_state("Nothing to explore yet", "Add a file first.", icon=":material/query_stats:"):
        navigation.link("data", "Open Data")
    st.stop()

names = dataset.schema.names
target = exploring.choose_target(dataset, right, services.store)

view = exploring.ExploreView(datasets, datasets.open(dataset.id), target, row_filter.filters_of("explore", dataset.id))
with guard(), st.spinner("Looking at every column"):
    profile = exploring.get_plain_profile(view)
    ranking = exploring.get_ranking(view, target) if target else {}

with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.metric("Rows", f"{dataset.n_rows:,}", width="content")
    st.metric("Columns", f"{dataset.n_columns:,}", width="content")
    st.metric("Missing cells", percent_text(profile.missing_share), width="content")
    if profile.repeated_rows is not None:
        st.metric("Repeated rows", f"{profile.repeated_rows:,}", width="content")
    st.metric("Size of the file", bytes_text(dataset.size_bytes), width="content")
    st.space("stretch")
    exploring_report.download(view, profile)
    if navigation.has_page("train") and st.button(
        "Train on this", key="explore_train", type="primary", icon=":material/model_training:"
    ):
        if target:
            state.propose_training(dataset.id, target)
        navigation.go("train", dataset=dataset.id)
st.caption(exploring.types_text(profile))
exploring_alerts.reading_remarks(dataset.warnings)

names_of_tabs = ("Columns", "Target", "Pairs", "Compare")
follow_tabs("explore_view", names_of_tabs, param="view")
at_columns = st.session_state["explore_view"] == choice_label(names_of_tabs[0])
telling = exploring_first.interesting_columns(profile, ranking)
if telling and not view.filters and at_columns:
    exploring_first.show_first(view, profile, telling[0], ranking)
with guard(), st.spinner("Looking for what gives the target away"):
    profile = exploring.get_profile(view)
exploring_alerts.show_alerts(services.recipes, dataset, profile)

exploring_slice.bar(dataset, profile)
if view.filters:
    with guard():
        n_inside = view.n_inside
    exploring_slice.count_note(n_inside, dataset.n_rows)
    if not n_inside:
        st.info("No rows match all filters.", icon=":material/filter_alt_off:")
        st.stop()

columns, goal, pairs, compare = tabs(*names_of_tabs, key="explore_view")
with columns:
    if columns.open:
        table_side, detail_side = st.columns([4, 3], gap="medium")
        with table_side, guard():
            exploring_columns.list_columns(view, profile, ranking)
        with detail_side:
            # Without a target its distribution stands above already.
            beside = telling[1:2] if target is None and not view.filters else telling[:1]
            name = exploring_columns.choose_column(names, next(iter(beside or telling), names[0]))
            exploring_columns.show_column(view, profile, name, first=next(iter(telling), None))
with goal:
    if goal.open and target:
        exploring_target.show_target(view, target, ranking)
    elif goal.open:
        st.markdown("What do you want to predict? With a target chosen, this shows which columns are related to it, how"
                    " strongly, and how it varies over each of them.")  # fmt: skip
        propose_targets(services.store, dataset, "Likely targets:", key="explore_likely", sets="explore_target")
with pairs:
    if pairs.open:
        exploring_target.show_pairs(view)
with compare:
    if compare.open:
        exploring_compare.show_compare(view)
