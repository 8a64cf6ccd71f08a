"""The Compare tab of the Explore page: another dataset against this one."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from app.ui.errors import guard
from app.ui.explore import view as exploring
from app.ui.explore.tables import DRIFT_COLUMNS, drift_table
from app.ui.explore.view import ExploreView
from app.ui.widgets.layout import chart, empty_state
from app.ui.widgets.pickers import choose
from app.ui.widgets.text import escape_markdown
from core.charts.data import explore as charts_explore
from core.data.drift.compare import ColumnDrift, Drift, Size
from core.domain.datasets import Dataset
from core.wording import count_text, list_text

_ROWS_SHOWN = 14
_NAMED = 12
_SIZE_LABELS: Mapping[Size, str] = {
    "stable": "Stable columns",
    "moderate": "Moderate change",
    "large": "Large change",
}
session = st.session_state


def pick_compared() -> None:
    """Show the column whose row was chosen."""
    rows = session["explore_drift"].selection.rows
    if rows:
        session["explore_drift_column"] = session["explore.drifted"][rows[0]]


def show_compare(view: ExploreView) -> None:
    """Draw how far another dataset is from this one."""
    others = {dataset.id: dataset for dataset in view.datasets.list() if dataset.id != view.dataset.id}
    if not others:
        with empty_state("Nothing to compare with yet", "Add a second file.", icon=":material/compare_arrows:"):
            pass
        return
    if session.get("explore_other") not in others:
        session["explore_other"] = _closest(view, list(others.values())).id
    chosen = st.selectbox(
        "Compare with",
        list(others),
        key="explore_other",
        format_func=lambda dataset_id: others[dataset_id].name,
        help="The dataset above is the reference; this is the newer one, such as this month against last month.",
    )
    other = others[chosen]
    with guard(stop=False), st.spinner("Comparing"):
        drift = exploring.get_drift(view, other)
        _summary(view, other, drift)
        if drift.columns:
            _columns(view, other, drift)


def _closest(view: ExploreView, others: Sequence[Dataset]) -> Dataset:
    """Return the dataset that shares most columns."""
    names = set(view.dataset.schema.names)
    return max(others, key=lambda other: len(names.intersection(other.schema.names)))


def _summary(view: ExploreView, other: Dataset, drift: Drift) -> None:
    sizes = Counter(column.size for column in drift.columns)
    with st.container(horizontal=True, gap="medium"):
        st.metric("Rows before", f"{drift.rows_was:,}", width="content")
        st.metric("Rows now", f"{drift.rows_now:,}", width="content")
        for size, label in _SIZE_LABELS.items() if drift.columns else ():
            st.metric(label, f"{sizes.get(size, 0):,}", width="content")
    for names, side in ((drift.only_was, view.dataset.name), (drift.only_now, other.name)):
        if names:
            st.caption(f"Only in {escape_markdown(side)}: {_named(names)}.")
    for name, was, now in drift.retyped:
        st.caption(f"{escape_markdown(name)} changed its type from {was} to {now}, so it is not compared.")
    if not drift.columns:
        st.info("The two datasets have no columns in common that can be compared.", icon=":material/info:")


def _columns(view: ExploreView, other: Dataset, drift: Drift) -> None:
    table_side, detail_side = st.columns([5, 4], gap="medium")
    with table_side:
        table = drift_table(drift)
        session["explore.drifted"] = list(table["column"])
        st.dataframe(
            table,
            key="explore_drift",
            column_config=DRIFT_COLUMNS,
            hide_index=True,
            height="content" if len(table) <= _ROWS_SHOWN else 560,
            on_select=pick_compared,
            selection_mode="single-row",
            placeholder="–",
            alt="How far each column moved between the two datasets",
        )
        st.caption("PSI: under 0.1 stable, over 0.25 a large change. Choose a row to see both distributions.")
    with detail_side:
        names = [column.name for column in drift.columns]
        choose("explore_drift_column", names)
        name = st.selectbox("Compared column", names, key="explore_drift_column", label_visibility="collapsed")
        column = drift[name]
        figure = charts_explore.drift_bins(column, was=view.dataset.name, now=other.name)
        chart(figure, key="explore_drift_bins", alt="Both distributions of the column")
        _levels(column)


def _levels(column: ColumnDrift) -> None:
    sides = (
        ("New", column.n_new_levels, column.new_levels),
        ("Lost", column.n_lost_levels, column.lost_levels),
    )
    for word, count, levels in sides:
        if count:
            shown = _named([f"{level} ({rows:,})" for level, rows in levels], count)
            st.caption(f"{word}: {count_text(count, 'level')}: {shown}.")


def _named(names: Sequence[str], count: int | None = None) -> str:
    return list_text(names, _NAMED, show=escape_markdown, n_all=count)
