"""The slice bar of the Explore page: filters as chips, and the ways to add one."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
import streamlit as st

from app.ui.widgets.text import escape_markdown
from core.data.profiling.profile import ColumnProfile, Profile
from core.data.profiling.slices import Filter, filter_text
from core.domain.columns import FEATURE_TYPES, Schema
from core.domain.datasets import Dataset

_FILTERS = "explore.filters"
_MAX_LEVELS = 500


def get_filters(dataset: Dataset) -> tuple[Filter, ...]:
    """Return the filters of this session for a dataset."""
    kept: Mapping[str, tuple[Filter, ...]] = st.session_state.get(_FILTERS, {})
    return kept.get(dataset.id, ())


def set_filters(dataset: Dataset, filters: Sequence[Filter]) -> None:
    """Keep the filters of this session for a dataset."""
    st.session_state[_FILTERS] = {dataset.id: tuple(filters)}


def add_filter(dataset: Dataset, one: Filter) -> None:
    """Add a filter; it takes the place of another one on the same column."""
    others = [kept for kept in get_filters(dataset) if kept.column != one.column]
    set_filters(dataset, [*others, one])


def remove_filter(dataset: Dataset, one: Filter) -> None:
    """Remove a filter."""
    set_filters(dataset, [kept for kept in get_filters(dataset) if kept != one])


def chips(dataset: Dataset, profile: Profile) -> None:
    """Draw the filters, each with a click to remove it, and a form for another one."""
    filters = get_filters(dataset)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="explore_slice"):
        with st.popover("Filter rows", icon=":material/filter_alt:", key="explore_filter", on_change="rerun") as form:
            if form.open:
                _form(dataset, profile)
        for number, one in enumerate(filters):
            text = filter_text(one, dataset.schema[one.column]) if one.column in dataset.schema else one.column
            st.button(
                escape_markdown(text),
                key=f"explore_chip_{number}",
                icon=":material/close:",
                icon_position="right",
                help="Remove this filter",
                on_click=remove_filter,
                args=(dataset, one),
            )
        if len(filters) > 1:
            st.button("Clear", key="explore_chips_clear", type="tertiary", on_click=set_filters, args=(dataset, ()))


def count_note(n_inside: int, n_rows: int) -> None:
    """Say how many rows the slice has."""
    share = n_inside / max(n_rows, 1)
    st.caption(
        f"**{n_inside:,}** of {n_rows:,} rows ({share:.1%}). Every figure below shows this slice against all rows;"
        " the alerts are about all rows."
    )


def _form(dataset: Dataset, profile: Profile) -> None:
    names = [column.name for column in profile.columns if column.type in FEATURE_TYPES and column.unique]
    if not names:
        st.caption("There is no column to filter by.")
        return
    name = st.selectbox("Column", names, key="explore_filter_column")
    column = profile[name]
    found = _levels_input(column) if column.type == "category" else _range_input(column)
    missing = bool(column.missing) and st.checkbox(
        f"Missing values ({column.missing:,})", key=f"explore_filter_missing_{name}"
    )
    chosen = Filter(column=name, **found, missing=missing)
    is_empty = not chosen.levels and not chosen.has_range and not chosen.missing
    st.button(
        "Add the filter",
        key="explore_filter_add",
        type="primary",
        disabled=is_empty,
        on_click=add_filter,
        args=(dataset, chosen),
    )


def _levels_input(column: ColumnProfile) -> dict[str, Any]:
    rows = dict(column.levels[:_MAX_LEVELS])
    chosen = st.multiselect(
        "Levels",
        list(rows),
        key=f"explore_filter_levels_{column.name}",
        format_func=lambda level: f"{level} ({rows[level]:,})" if level in rows else level,
        accept_new_options=column.unique > len(rows),
        placeholder="Choose levels",
        help=f"The {len(rows)} most frequent ones; write another one as it is." if column.unique > len(rows) else None,
    )
    return {"levels": tuple(chosen)}


def _range_input(column: ColumnProfile) -> dict[str, Any]:
    if not column.quantiles:
        return {}
    low, high = column.quantiles[0], column.quantiles[-1]
    if column.type == "date":
        days = st.date_input(
            "From, to",
            (_day(low), _day(high)),
            min_value=_day(low),
            max_value=_day(high),
            key=f"explore_filter_dates_{column.name}",
        )
        if not isinstance(days, tuple) or len(days) != 2:
            return {}
        first, last = (datetime.combine(day, time(), UTC) for day in days)
        end = last + timedelta(days=1)
        return {"low": first.timestamp() * 1000, "high": end.timestamp() * 1000 - 1}
    left, right = st.columns(2)
    step = 1.0 if column.integer else None
    form = "%.0f" if column.integer else "%.6g"
    key = f"explore_filter_{{}}_{column.name}"
    first_value = left.number_input("From", value=low, step=step, format=form, key=key.format("low"))
    last_value = right.number_input("To", value=high, step=step, format=form, key=key.format("high"))
    return {"low": float(first_value), "high": float(last_value)}


def _day(moment_ms: float) -> Any:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).date()


def filter_of_bars(column: ColumnProfile, places: Sequence[int], schema: Schema) -> Filter | None:
    """Return the filter that keeps the bars that were clicked.

    Parameters
    ----------
    column : ColumnProfile
        Whose histogram or levels were drawn.
    places : sequence of int
        The bars, counted from 0; those past the levels are the rest and missing values.
    schema : Schema
        Of the dataset.
    """
    if column.name not in schema or not places:
        return None
    if column.histogram is not None:
        edges, last = column.histogram.edges, len(column.histogram.counts) - 1
        first, end = min(places), min(max(places), last)
        high = edges[end + 1] if end == last else float(np.nextafter(edges[end + 1], -np.inf))
        return Filter(column=column.name, low=edges[first], high=high)
    levels = tuple(column.levels[place][0] for place in places if place < len(column.levels))
    rest = len(column.levels) + bool(column.other_rows)
    missing = bool(column.missing) and any(place == rest for place in places)
    return Filter(column=column.name, levels=levels, missing=missing) if levels or missing else None
