"""The Columns tab of the Explore page: the table of columns, and one of them in detail."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.ui.errors import guard
from app.ui.explore import slice as exploring_slice
from app.ui.explore import view as exploring
from app.ui.explore.tables import ALERT_NAMES, FACT_COLUMNS, column_columns, column_table, facts_table, name_column
from app.ui.explore.view import ExploreView
from app.ui.widgets import row_filter
from app.ui.widgets.layout import chart, clickable_chart
from app.ui.widgets.pickers import follow
from app.ui.widgets.text import escape_markdown
from core.charts.data import columns as charts
from core.charts.data import explore as charts_explore
from core.charts.data.relation import relation
from core.data.profiling.profile import ColumnProfile, Profile
from core.domain.columns import FEATURE_TYPES
from core.wording import count_text, cut_text, percent_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ROWS_SHOWN = 14
_MAX_LISTED = 1_000
_EXAMPLE_CHARS = 80
_TYPE_ICONS = {
    "numeric": ":material/tag:",
    "category": ":material/category:",
    "date": ":material/calendar_month:",
    "text": ":material/notes:",
    "id": ":material/key:",
}
session = st.session_state


def pick_column() -> None:
    """Show the column whose row was chosen."""
    rows = session["explore_columns"].selection.rows
    if rows:
        session["explore_column"] = session["explore.listed"][rows[0]]


def list_columns(view: ExploreView, profile: Profile, ranking: Mapping[str, float]) -> None:
    """Draw the table of columns; a click on a row opens it."""
    search = st.text_input(
        "Search columns",
        key="explore_search",
        type="search",
        live=True,
        placeholder="Search columns",
        label_visibility="collapsed",
    )
    drift = exploring.get_slice_drift(view) if view.filters else None
    found = column_table(profile, ranking, search, drift)
    table = found.head(_MAX_LISTED)
    session["explore.listed"] = list(table["column"])
    st.dataframe(
        table,
        key="explore_columns",
        column_config=column_columns(ranking) | {"column": name_column(table["column"])},
        hide_index=True,
        height="content" if len(table) <= _ROWS_SHOWN else 560,
        on_select=pick_column,
        selection_mode="single-row",
        placeholder="–",
        alt="The columns of the dataset with type, missing values, distribution and alerts",
    )
    order = (
        " Strongest relation to the target first: the share of its uncertainty that the column alone removes."
        if ranking
        else ""
    )
    if drift:
        order = " Largest difference between slice and all rows first; the other figures refer to all rows."
    cut = f" The first {_MAX_LISTED:,} are listed: search for the others." if len(found) > len(table) else ""
    st.caption(f"{count_text(len(found), 'column')}. Choose a row for details.{order}{cut}")


def choose_column(names: Sequence[str], first: str) -> str:
    """Draw the choice of a column: the most telling one, until somebody picks another."""
    if session.get("explore_column") == session.get("explore.first"):
        session.pop("explore_column", None)
    follow("explore_column", names, param="column", first=first)
    session["explore.first"] = first
    name: str = st.selectbox("Column", names, key="explore_column", label_visibility="collapsed")
    return name


def show_column(view: ExploreView, profile: Profile, name: str, *, first: str | None = None) -> None:
    """Draw one column in detail; what stands at the head of the page of the column `first` is not drawn again."""
    column = profile[name]
    share = (
        f"{column.missing:,} missing ({percent_text(column.missing_share, 1)})" if column.missing else "none missing"
    )
    kind = f"{_TYPE_ICONS[column.type]} {column.type}"
    st.caption(" · ".join([kind, f"{column.unique:,} distinct", share]))
    codes = dict.fromkeys(alert.code for alert in profile.alerts if alert.column == name)
    if codes:
        st.markdown(" ".join(f":orange-badge[{ALERT_NAMES.get(code, code)}]" for code in codes))
    _distribution(view, column)
    is_above = name == first and not view.filters
    if view.target and name != view.target and column.type in FEATURE_TYPES and column.type != "date" and not is_above:
        _relation(view, name, view.target)
    elif view.target and column.type not in FEATURE_TYPES:
        st.caption(f"There are no bins or levels to compare in a column of type {column.type}.")
    _details(view, profile, column)


def _distribution(view: ExploreView, column: ColumnProfile) -> None:
    if column.unique == 1:
        st.caption("There is one value only, so there is nothing to draw.")
    elif column.type == "date":
        _timeline(view, column)
    elif column.histogram is None and not column.levels:
        _text(view, column)
    elif view.filters:
        inside = exploring.get_inside(view, column)
        figure = charts_explore.shares(column, inside, view.n_inside)
        chart(figure, key="explore_shares", alt="Distribution of the column in the slice and in all rows")
    else:
        draw, key = (charts.histogram, "explore_histogram") if column.histogram else (charts.levels, "explore_levels")
        _clickable(view, column, draw(column), f"{key}_{column.name}")


def _clickable(view: ExploreView, column: ColumnProfile, figure: "go.Figure", key: str) -> None:
    """Draw bars that can be clicked, and the button that makes a slice of them."""
    # Fixed axes: a finger that moves over the figure scrolls the page.
    figure.update_layout(clickmode="event+select").update_xaxes(fixedrange=True).update_yaxes(fixedrange=True)
    clicked = clickable_chart(figure, key=key, alt=f"Distribution of the column {column.name}")
    places = sorted({point["point_index"] for point in clicked})
    one = exploring_slice.filter_of_bars(column, places, view.dataset.schema)
    if one is None:
        st.caption("Click or tap a bar (several with Shift) to see its rows only.")
        return
    st.button(
        f"Slice to {count_text(len(places), 'bar')}",
        key="explore_slice_bars",
        icon=":material/filter_alt:",
        on_click=row_filter.add,
        args=("explore", view.dataset.id, one),
    )


def _timeline(view: ExploreView, column: ColumnProfile) -> None:
    with st.spinner("Counting"):
        line = exploring.get_timeline(view, column.name)
    if line is None:
        st.caption("This column has no dates.")
        return
    figure = charts_explore.timeline(line, column.name)
    chart(figure, key="explore_timeline", alt="Rows over time")
    if line.relation is not None:
        figure = charts_explore.timeline_target(line)
        chart(figure, key="explore_timeline_target", alt="The target over time")
        st.caption("The target over time, with 95% intervals.")


def _text(view: ExploreView, column: ColumnProfile) -> None:
    if column.type == "text" and column.lengths is not None and column.unique > 1:
        figure = charts.lengths(column)
        chart(figure, key="explore_lengths", alt="Length of the texts in characters")
    shown = [escape_markdown(cut_text(text, _EXAMPLE_CHARS)) for text in column.examples]
    st.caption("Examples: " + (" · ".join(shown) or "none"))
    if column.type == "text":
        with st.expander("Frequent words", key="explore_words_open", on_change="rerun") as opened:
            if opened.open:
                counted, rows = exploring.get_words(view, column.name)
                figure = charts_explore.words(counted, rows)
                chart(figure, key="explore_words", alt="Frequent words of the column")
                st.caption(f"From {rows:,} rows drawn at random, without English filler words.")


def _relation(view: ExploreView, name: str, target: str) -> None:
    with guard(stop=False), st.spinner("Comparing"):
        whole = exploring.get_relation(view, name, target)
        part = exploring.get_slice_relation(view, name, target) if view.filters else whole
        figure = relation(part, whole=whole if view.filters else None)
        st.markdown(f"**{escape_markdown(target)}** over **{escape_markdown(name)}**")
        chart(figure, key="explore_relation", alt="The target over the column")
        st.caption("Bars show 95% intervals. A relation in the data is no proof that one thing causes the other.")


def _details(view: ExploreView, profile: Profile, column: ColumnProfile) -> None:
    if column.quantiles or column.levels:
        with st.expander("Numbers", key="explore_numbers", on_change="rerun") as opened:
            if opened.open:
                st.dataframe(
                    facts_table(column),
                    key="explore_facts",
                    column_config=FACT_COLUMNS,
                    hide_index=True,
                    placeholder="–",
                    alt="Quantiles or levels of the column",
                )
    if column.missing:
        with st.expander("Missing values", key="explore_gaps_open", on_change="rerun") as opened:
            if opened.open:
                _gaps(view, profile, column)


def _gaps(view: ExploreView, profile: Profile, column: ColumnProfile) -> None:
    others = [other.name for other in profile.columns if other.missing and other.name != column.name]
    gaps = exploring.get_gaps(view, column.name, others)
    st.caption("Along the rows of the file")
    chart(charts_explore.gaps_along(gaps), key="explore_gaps", alt="Missing values along the rows")
    if gaps.together:
        st.caption("Columns missing in the same rows")
        chart(charts_explore.gaps_together(gaps), key="explore_gaps_together", alt="Missing together")
