"""Filters on the rows of a dataset or a model: chips of those that are set, and a form for another one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import streamlit as st

from app.ui.widgets.text import escape_markdown
from core.data.profiling.slices import Filter, filter_text
from core.domain.columns import ColumnType, Schema

MAX_LEVELS = 500


@dataclass(frozen=True)
class Known:
    """What the form has to know of a column.

    Attributes
    ----------
    levels : mapping of str to int
        The most frequent levels of a category with their rows; `n_levels` counts all of them.
    ends : tuple of float or None
        The lowest and the highest number or date (milliseconds since 1970-01-01).
    """

    name: str
    type: ColumnType
    missing: int
    levels: Mapping[str, int]
    n_levels: int
    ends: tuple[float, float] | None
    integer: bool = False


def filters_of(page: str, scope: str) -> tuple[Filter, ...]:
    """Return the filters of this session on a page for a dataset or a model."""
    kept: Mapping[str, tuple[Filter, ...]] = st.session_state.get(f"{page}.filters", {})
    return kept.get(scope, ())


def keep(page: str, scope: str, filters: Sequence[Filter]) -> None:
    """Callback: keep the filters of this session."""
    st.session_state[f"{page}.filters"] = st.session_state.get(f"{page}.filters", {}) | {scope: tuple(filters)}


def add(page: str, scope: str, one: Filter) -> None:
    """Callback: add a filter, which takes the place of another one on the same column, and close the form."""
    st.session_state[f"{page}_filter"] = False
    keep(page, scope, [*(kept for kept in filters_of(page, scope) if kept.column != one.column), one])


def bar(page: str, scope: str, schema: Schema, names: Sequence[str], know: Callable[[str], Known]) -> None:
    """Draw the filters, each with a click to remove it, and a form for another one."""
    filters = filters_of(page, scope)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover("Filter rows", icon=":material/filter_alt:", key=f"{page}_filter", on_change="rerun") as form:
            if form.open:
                _form(page, scope, names, know)
        for number, one in enumerate(filters):
            text = filter_text(one, schema[one.column]) if one.column in schema else one.column
            st.button(
                escape_markdown(text), key=f"{page}_chip_{number}", icon=":material/close:", icon_position="right",
                help="Remove this filter", on_click=keep, args=(page, scope, [two for two in filters if two != one]),
            )  # fmt: skip
        if len(filters) > 1:
            st.button("Clear", key=f"{page}_chips_clear", type="tertiary", on_click=keep, args=(page, scope, ()))


def _form(page: str, scope: str, names: Sequence[str], know: Callable[[str], Known]) -> None:
    if not names:
        st.caption("There are no columns to filter by.")
        return
    column = know(st.selectbox("Column", names, key=f"{page}_filter_column"))
    inputs = {"category": _levels, "date": _dates}.get(column.type, _range)
    found = inputs(column, f"{page}_filter_{{}}_{column.name}")
    missing = bool(column.missing) and st.checkbox(
        f"Missing values ({column.missing:,})", key=f"{page}_filter_missing_{column.name}"
    )
    chosen = Filter(column=column.name, **found, missing=missing)
    st.button(
        "Add filter", key=f"{page}_filter_add", type="primary", on_click=add, args=(page, scope, chosen),
        disabled=not (chosen.levels or chosen.has_range or chosen.missing),
    )  # fmt: skip


def _levels(column: Known, key: str) -> dict[str, Any]:
    rows, is_cut = column.levels, column.n_levels > len(column.levels)
    chosen = st.multiselect(
        "Levels", list(rows), key=key.format("levels"), placeholder="Choose levels", accept_new_options=is_cut,
        format_func=lambda level: f"{level} ({rows[level]:,})" if level in rows else level,
        help=f"The {len(rows)} most frequent ones; type any other one." if is_cut else None,
    )  # fmt: skip
    return {"levels": tuple(chosen)}


def _dates(column: Known, key: str) -> dict[str, Any]:
    if column.ends is None:
        return {}
    first, last = (_day(end) for end in column.ends)
    days = st.date_input("From, to", (first, last), first, last, key=key.format("dates"))
    if len(days) != 2:  # the first of them was picked, the other not yet
        return {}
    begin, end = (datetime.combine(day, time(), UTC).timestamp() * 1000 for day in (days[0], days[1] + timedelta(1)))
    return {"low": begin, "high": end - 1}


def _range(column: Known, key: str) -> dict[str, Any]:
    if column.ends is None:
        return {}
    step, shape = (1.0, "%.0f") if column.integer else (None, "%.6g")
    found = {}
    for place, label, side, value in zip(st.columns(2), ("From", "To"), ("low", "high"), column.ends, strict=True):
        found[side] = float(place.number_input(label, value=value, step=step, format=shape, key=key.format(side)))
    return found


def _day(moment_ms: float) -> date:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).date()
