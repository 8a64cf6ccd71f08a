"""The form of one row: an input per column by its type, filled from a row, changed by hand or by a button."""

import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import streamlit as st

from app.ui.widgets.text import escape_markdown
from core.data.tables.roles import is_code_name
from core.domain.columns import Column
from core.explain.case.rows import Cell, RawRows, Values
from core.wording import count_text

N_FIRST, _FEW_MORE, _FEW_NUMBERS, _MANY_CODES = 8, 2, 12, 500
# What people call a number that names a thing: between two of them lies nothing.
_GROUPED = 10_000  # below it may be a year
_TOKEN, _START, _SHOWN, _VERSION = (
    "explain.case_token",
    "explain.case_start",
    "explain.case_shown",
    "explain.case_version",
)


def fill(token: str, values: Values) -> None:
    """Take a row into the form, once per token: what a person changes afterwards stays."""
    session = st.session_state
    if session.get(_TOKEN) != token:
        session[_TOKEN], session[_START] = token, dict(values)
        put(values)


def put(values: Values) -> None:
    """Put values into the inputs; what the row was at first stays known."""
    st.session_state[_SHOWN] = dict(values)
    # New widgets instead of new values in old ones: their bounds depend on the values.
    st.session_state[_VERSION] = st.session_state.get(_VERSION, 0) + 1


def start() -> dict[str, Cell]:
    """Return the row as it was before a person changed anything."""
    found: dict[str, Cell] = st.session_state[_START]
    return found


def reset() -> None:
    """Callback: put the row back as it was."""
    put(start())


def draw(raw: RawRows, order: Sequence[str], *, exact: bool) -> dict[str, Cell]:
    """Draw the inputs and return what they hold.

    Parameters
    ----------
    raw : RawRows
        Training rows, for the bounds of sliders.
    order : sequence of str
        The columns, the most important first; after `N_FIRST` the others are folded away.
    exact : bool
        Fields to type numbers into instead of sliders.
    """
    filled: dict[str, Cell] = st.session_state[_SHOWN]
    found: dict[str, Cell] = {}
    n_first = len(order) if len(order) <= N_FIRST + _FEW_MORE else N_FIRST
    for name in order[:n_first]:
        found[name] = _input(raw, raw.schema[name], filled.get(name), order.index(name), exact=exact)
    if rest := order[n_first:]:
        with st.expander(count_text(len(rest), "more column"), key="explain_case_more"):
            for name in rest:
                found[name] = _input(raw, raw.schema[name], filled.get(name), order.index(name), exact=exact)
    return found


def text(cell: Cell) -> str:
    """Return a cell as a person reads it."""
    if cell is None:
        return "missing"
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ").removesuffix(" 00:00:00")
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def _input(raw: RawRows, column: Column, value: Any, place: int, *, exact: bool) -> Cell:
    key = f"explain_case_{place}_{st.session_state[_VERSION]}_{int(exact)}"
    label = escape_markdown(column.name)
    if column.type == "numeric":
        return _number(raw, column, value, label, key, exact=exact)
    if column.type == "date":
        return _moment(raw, column, value, label, key)
    if column.type == "category":
        levels = sorted({level for level in raw.table[column.name].to_pylist() if level is not None})
        if value is not None and value not in levels:
            levels.append(value)
        chosen: str | None = st.selectbox(
            label, levels, index=None if value is None else levels.index(value), key=key, placeholder="missing",
            accept_new_options=True,
        )  # fmt: skip
        return chosen
    return st.text_input(label, value or "", key=key) or None


def _number(raw: RawRows, column: Column, value: Any, label: str, key: str, *, exact: bool) -> Cell:
    known = raw.table[column.name].drop_null().to_numpy()
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    kind = int if column.integer and all(float(end).is_integer() for end in (low, high)) else float
    if exact or value is None or not low < high:
        shown: Cell = st.number_input(
            label, value=None if value is None else kind(value), step=kind(1) if kind is int else None,
            format=None if kind is int else "%g", key=key, placeholder="missing",
        )  # fmt: skip
        return shown
    most = _MANY_CODES if is_code_name(column.name) else _FEW_NUMBERS
    if kind is int and len(few := sorted({*known.tolist(), value})) <= most:  # more likely codes than amounts
        whole = [int(one) for one in few]
        picked: Cell = st.selectbox(label, whole, index=whole.index(int(value)), key=key)
        return picked
    low, high = min(low, float(value)), max(high, float(value))
    step = 1 if kind is int else nice_step(low, high)
    shape = "localized" if high >= _GROUPED else None if kind is int else "%g"
    moved: Cell = st.slider(label, kind(low), kind(high), kind(value), step=step, key=key, format=shape)
    return moved


def nice_step(low: float, high: float) -> float:
    """Return 1, 2 or 5 times a power of ten, about a 200th of the range.

    Examples
    --------
    >>> nice_step(0, 1), nice_step(0, 900)
    (0.005, 5.0)
    """
    rough = (high - low) / 200
    power = 10.0 ** math.floor(math.log10(rough))
    return next(float(f"{factor * power:.0e}") for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def _moment(raw: RawRows, column: Column, value: Any, label: str, key: str) -> Cell:
    known = raw.table[column.name].drop_null().to_numpy()
    days = len(known) == 0 or bool((known == known.astype("datetime64[D]")).all())
    if days:
        day = st.date_input(label, value, key=key, min_value=date.min, max_value=date.max)
        return None if day is None else np.datetime64(day, "ms").item()
    ends = (known.min(), known.max())
    low, high = (np.datetime64(end, "ms").item() for end in ends)
    if value is not None:
        low, high = min(low, value), max(high, value)
    moment: datetime | None = st.datetime_input(
        label, value, key=key, min_value=low.replace(microsecond=0), max_value=high
    )
    return moment
