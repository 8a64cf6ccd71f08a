"""Explore: how good the data is, what each column holds and how it goes with a target."""

import streamlit as st

from app.ui import exploring, navigation, state, widgets
from app.ui.errors import guard
from app.ui.services import get_services
from core import charts
from core.types import FEATURE_TYPES

_ALERTS_SHOWN = 4
_ROWS_SHOWN = 14
_NO_TARGET = "No target"
_SEVERITIES = {
    "high": (":material/error:", "red"),
    "medium": (":material/warning:", "orange"),
    "low": (":material/info:", "gray"),
}
session = st.session_state


def pick_column() -> None:
    """Show the column whose row was chosen."""
    rows = session["explore_columns"].selection.rows
    if rows:
        session["explore_column"] = session["explore.listed"][rows[0]]


widgets.page_title(
    "Explore", "How good the data is, what each column holds and how it goes with what you want to predict."
)
with guard():
    services = get_services()
    datasets = services.datasets
    left, right = st.columns([3, 2])
    with left:
        dataset = widgets.dataset_picker(datasets, key="explore_dataset")
if dataset is None:
    with widgets.empty_state("Nothing to explore yet", "Bring a file in first.", icon=":material/query_stats:"):
        navigation.link("data", "Open Data")
    st.stop()

names = dataset.schema.names
targets = [column.name for column in dataset.schema.columns if column.type in ("numeric", "category")]
if session.get("explore_target") not in (_NO_TARGET, *targets):
    session["explore_target"] = _NO_TARGET
chosen = right.selectbox("Target", [_NO_TARGET, *targets], key="explore_target", help="What you want to predict later.")
target = None if chosen == _NO_TARGET else chosen

with guard(), st.spinner("Looking at every column"):
    profile = exploring.get_profile(datasets, dataset, target)
    ranking = exploring.get_ranking(datasets, dataset, target) if target else {}

cells = dataset.n_rows * dataset.n_columns
missing = sum(column.missing for column in profile.columns)
with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.metric("Rows", f"{dataset.n_rows:,}", width="content")
    st.metric("Columns", f"{dataset.n_columns:,}", width="content")
    st.metric("Missing cells", f"{missing / max(cells, 1):.1%}", width="content")
    st.metric("Size of the file", widgets.bytes_text(dataset.size_bytes), width="content")
    st.space("stretch")
    if st.button("Train on this", key="explore_train", type="primary", icon=":material/model_training:"):
        if target:
            state.propose_training(dataset.id, target)
        navigation.go("train", dataset=dataset.id)

st.subheader("Alerts", anchor=False)
if not profile.alerts:
    st.caption(":green[:material/check_circle:] Nothing to worry about was found.")
shown, more = profile.alerts[:_ALERTS_SHOWN], profile.alerts[_ALERTS_SHOWN:]
widgets.alerts_list(shown, _SEVERITIES)
if more:
    with st.expander(f"{widgets.count_text(len(more), 'more alert')}", key="explore_more_alerts"):
        widgets.alerts_list(more, _SEVERITIES)

st.subheader("Columns", anchor=False)
table_side, detail_side = st.columns([5, 3], gap="medium")
with table_side:
    search = st.text_input(
        "Search columns",
        key="explore_search",
        type="search",
        live=True,
        placeholder="Search columns",
        label_visibility="collapsed",
    )
    table = exploring.column_table(profile, ranking, search)
    session["explore.listed"] = list(table["column"])
    st.dataframe(
        table,
        key="explore_columns",
        column_config=exploring.COLUMN_COLUMNS,
        hide_index=True,
        height="content" if len(table) <= _ROWS_SHOWN else 560,
        on_select=pick_column,
        selection_mode="single-row",
        alt="The columns of the dataset with type, missing values and distribution",
    )
    sorted_by = " Strongest relation to the target first." if target else ""
    st.caption(f"{widgets.count_text(len(table), 'column')}. Choose a row to look closer.{sorted_by}")

with detail_side:
    # The strongest column, until somebody picks another one.
    strongest = next(iter(ranking), names[0])
    if session.get("explore_column") not in names or session["explore_column"] == session.get("explore.strongest"):
        session["explore_column"] = strongest
    session["explore.strongest"] = strongest
    name = st.selectbox("Column", names, key="explore_column", label_visibility="collapsed")
    column, dark = profile[name], widgets.is_dark()
    facts = [column.type, f"{column.unique:,} distinct", f"{column.missing:,} missing ({column.missing_share:.1%})"]
    st.caption(" · ".join(facts))
    if column.histogram is not None:
        widgets.chart(charts.histogram(column, dark=dark), key="explore_histogram", alt="Distribution of the column")
    elif column.levels:
        widgets.chart(charts.levels(column, dark=dark), key="explore_levels", alt="Most frequent levels of the column")
    else:
        st.caption("Examples: " + (" · ".join(map(widgets.escape_markdown, column.examples)) or "none"))
    if column.quantiles or column.levels:
        with st.expander("Numbers", key="explore_numbers", on_change="rerun") as numbers:
            if numbers.open:
                st.dataframe(
                    exploring.facts_table(column),
                    key="explore_facts",
                    column_config=exploring.FACT_COLUMNS,
                    hide_index=True,
                    alt="Quantiles or levels of the column",
                )

if target and name != target:
    st.subheader(f"{widgets.escape_markdown(target)} over {widgets.escape_markdown(name)}", anchor=False)
    if column.type not in FEATURE_TYPES:
        st.caption(f"There are no bins or levels to compare in a column of type {column.type}.")
    else:
        with guard(stop=False), st.spinner("Comparing"):
            relation = exploring.get_relation(datasets, dataset, name, target)
            widgets.chart(
                charts.relation(relation, dark=dark), key="explore_relation", alt="The target over the column"
            )
        st.caption("Bars show 95 % intervals. A relation in the data is no proof that one thing causes the other.")
if ranking:
    with st.expander(
        "What goes with the target most, as a figure", key="explore_ranking_open", on_change="rerun"
    ) as ranked:
        if ranked.open:
            figure = charts.ranking(list(ranking.items()), dark=dark)
            widgets.chart(figure, key="explore_ranking", alt="Columns by strength of their relation to the target")
