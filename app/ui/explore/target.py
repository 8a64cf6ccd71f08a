"""The Target and Pairs tabs of the Explore page: how columns relate to the target, and to each other."""

from collections.abc import Mapping

import streamlit as st

from app.ui.errors import guard
from app.ui.explore import view as exploring
from app.ui.explore.tables import target_table
from app.ui.explore.view import ExploreView
from app.ui.widgets.layout import chart, choice_labels, clickable_chart
from app.ui.widgets.pickers import choose
from app.ui.widgets.text import escape_markdown
from core.charts.data import columns as charts
from core.charts.data import pairs as charts_pairs
from core.charts.data.relation import relation
from core.data.relations.associations import METHODS, Associations
from core.data.relations.relations import MEASURE
from core.domain.columns import FEATURE_TYPES
from core.wording import count_text, list_text, number_text

_ROWS_SHOWN, _PAIRS_SHOWN = 16, 8
_STRONG = 0.7  # of any measure
session = st.session_state


def pick_feature() -> None:
    """Show the feature whose row was chosen."""
    rows = session["explore_features"].selection.rows
    if rows:
        session["explore_feature"] = session["explore.features"][rows[0]]


def show_target(view: ExploreView, target: str, ranking: Mapping[str, float]) -> None:
    """Draw the features by how strongly they are related to the target, and one of them in detail."""
    if not ranking:
        st.caption("No other column can be compared with the target.")
        return
    leakage = exploring.get_leakage(view, target)
    table_side, detail_side = st.columns([5, 4], gap="medium")
    measure = f"{leakage.measure} alone"
    with table_side:
        table = target_table(ranking, dict(leakage.scores), measure)
        session["explore.features"] = list(table["column"])
        st.dataframe(
            table,
            key="explore_features",
            column_config={
                "column": st.column_config.TextColumn("Feature", pinned=True),
                "strength": st.column_config.ProgressColumn(
                    "Explains", format="percent", min_value=0, max_value=1, help=f"The {MEASURE}, 0 to 1."
                ),
                measure: st.column_config.NumberColumn(
                    measure, format="%.3f", help="How well the feature alone predicts the target, cross-validated."
                ),
            },
            hide_index=True,
            placeholder="–",
            height="content" if len(table) <= _ROWS_SHOWN else 620,
            on_select=pick_feature,
            selection_mode="single-row",
            alt="Features by how strongly they are related to the target",
        )
        sampled = f" From {leakage.rows:,} rows drawn at random." if leakage.rows < view.dataset.n_rows else ""
        st.caption(
            f"The {MEASURE}, one measure for all types: numbers in ten bins, missing values as a level."
            f" {measure}: {'0.5' if leakage.measure == 'AUC' else '0'} is chance, 1 is perfect.{sampled}"
        )
    with detail_side:
        choose("explore_feature", ranking)
        name = st.selectbox("Feature", list(ranking), key="explore_feature", label_visibility="collapsed")
        with guard(stop=False), st.spinner("Comparing"):
            whole = exploring.get_relation(view, name, target)
            part = exploring.get_slice_relation(view, name, target) if view.filters else whole
            figure = relation(part, whole=whole if view.filters else None)
            chart(figure, key="explore_feature_relation", alt="The target over the feature")
    figure = charts.ranking(list(ranking.items()))
    with st.expander("As a figure", key="explore_ranking_open", on_change="rerun") as opened:
        if opened.open:
            chart(figure, key="explore_ranking", alt="Features by strength of their relation to the target")


def show_pairs(view: ExploreView) -> None:
    """Draw the square of associations; a click opens the pair."""
    method = st.segmented_control(
        "Measure for two numbers",
        METHODS,
        default=METHODS[0],
        required=True,
        key="explore_method",
        format_func=choice_labels(str.title),
        help="Pearson looks for straight lines, Spearman for any rise or fall.",
    )
    with guard(), st.spinner("Comparing every pair"):
        found = exploring.get_associations(view, method)
    if len(found.columns) < 2:
        st.caption("No two columns can be compared.")
        return
    square_side, pair_side = st.columns([5, 4], gap="medium")
    with square_side:
        _strongest(view, found)
        _square(view, found)
    with pair_side:
        _pair(view, found)


def _strongest(view: ExploreView, found: Associations) -> None:
    """Say which pair goes together most, and draw the first ones to choose from."""
    pairs = found.strongest(_PAIRS_SHOWN)
    session["explore.pairs"] = pairs
    if pairs:
        one, other = pairs[0]
        names = " and ".join(f"**{escape_markdown(found.columns[place])}**" for place in pairs[0])
        value, measure = found.values[one][other], found.measure(one, other)
        is_strong = value is not None and abs(value) >= _STRONG
        words = "carry much of the same information" if is_strong else "go together most, but not strongly"
        st.markdown(f"{names} {words} ({measure}: {number_text(value or 0.0, 2)}).")
    records = [
        {
            "strength": found.values[one][other],
            "pair": f"{found.columns[one]} × {found.columns[other]}",
            "measure": found.measure(one, other),
        }
        for one, other in pairs
    ]

    def pick() -> None:
        rows = session["explore_strongest"].selection.rows
        if rows:
            one, other = session["explore.pairs"][rows[0]]
            _open_pair(view, found.columns[one], found.columns[other])

    st.dataframe(
        records,
        key="explore_strongest",
        column_config={
            "strength": st.column_config.NumberColumn("Strength", format="%.2f", width=74),
            "pair": st.column_config.TextColumn("Strongest pairs", width=236),
            "measure": st.column_config.TextColumn("Measure"),
        },
        hide_index=True,
        height="content",
        on_select=pick,
        selection_mode="single-row",
        placeholder="–",
        alt="The pairs of columns that are most strongly related",
    )


def _square(view: ExploreView, found: Associations) -> None:
    figure = charts_pairs.associations(found)
    points = clickable_chart(figure, key="explore_square", alt="How strongly each pair of columns is related")
    clicked = [tuple(point["customdata"][:2]) for point in points]
    if clicked and session.get("explore.clicked") != clicked[0]:
        session["explore.clicked"] = clicked[0]
        row, place = (int(number) for number in clicked[0])
        _open_pair(view, found.columns[row], found.columns[place])
    notes = ["Choose a row or a cell to see the two columns."]
    if found.left_out:
        which = "most related to the target" if view.target else "first in the file"
        notes.append(f"{len(found.columns)} columns, those {which}; {count_text(found.left_out, 'column')} left out.")
    if found.own_levels:
        own = list_text(found.own_levels, 5, show=escape_markdown)
        notes.append(f"Left out, for most rows have a level of their own there: {own}.")
    if found.rows < view.dataset.n_rows:
        notes.append(f"From {found.rows:,} rows drawn at random.")
    notes.append(
        "Two categories: Cramér's V. A category and a number of more than two values: correlation ratio. Both are"
        " corrected for chance and run from 0 to 1; − marks two numbers of which one falls as the other rises. Cells"
        " below 0.05 are blank. Two measures are not comparable to the last digit."
    )
    st.caption(" ".join(notes))


def _open_pair(view: ExploreView, first: str, second: str) -> None:
    """Choose two columns: the target second, so that its shares are those within the levels of the other."""
    if first == view.target:
        first, second = second, first
    session["explore_first"], session["explore_second"] = first, second


def _pair(view: ExploreView, found: Associations) -> None:
    names = [column.name for column in view.dataset.schema.columns if column.type in FEATURE_TYPES]
    if session.get("explore_first") not in names or session.get("explore_second") not in names:
        one, other = next(iter(found.strongest(1)), (0, 1))
        _open_pair(view, found.columns[one], found.columns[other])
    left, right = st.columns(2)
    first = left.selectbox("First column", names, key="explore_first")
    second = right.selectbox("Second column", names, key="explore_second")
    at = {name: place for place, name in enumerate(found.columns)}
    if first in at and second in at and first != second:
        value = found.values[at[first]][at[second]]
        shown = "cannot be calculated" if value is None else f"{value:.2f}"
        st.markdown(f"{found.measure(at[first], at[second])}: **{shown}**")
    with guard(stop=False):
        pair = exploring.get_pair(view, first, second)
        chart(charts_pairs.pair(pair), key="explore_pair", alt="The two columns together")
        if view.filters:
            st.caption("The slice only.")
