"""The forms of steps on columns as they are: missing values, names, types, equal rows."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow.compute as pc
import streamlit as st

from app.ui.prepare.forms.dates import date_format
from app.ui.prepare.forms.form import Fields, Form, as_number, first_values
from app.ui.widgets.layout import choice_labels
from core.data.tables.roles import proposed_ignores
from core.data.tables.written import cells
from core.domain.columns import COLUMN_TYPES

_TYPE_NAMES: Mapping[str, str] = {
    "numeric": "Numbers",
    "category": "Categories",
    "date": "Dates",
    "text": "Free text",
    "id": "Ids",
}
_METHODS = {"median": "Median", "mode": "Most frequent", "constant": "A value"}
_SIGNS = {"": "Guess from the values", ",": "Comma", ".": "Point"}


def impute(form: Form) -> Fields:
    method = st.segmented_control(
        "Fill with", tuple(_METHODS), default=form.old.get("method", "median"), key=form.key("method"), required=True,
        format_func=choice_labels(_METHODS),
    )  # fmt: skip
    names = form.names("numeric", "date") if method == "median" else form.names("numeric", "category", "date", "text")
    holed = [name for name in names if form.table[name].null_count]
    columns = form.several("Columns", names, holed)
    fields: dict[str, Any] = {"columns": columns, "method": method}
    if method == "constant":
        text = st.text_input("Value", value=str(form.old.get("value") or ""), key=form.key("value"))
        numeric = all(form.schema[name].type == "numeric" for name in columns)
        fields["value"] = (as_number(text) if numeric else None) or text
        if not text:
            return None
    fields["flag"] = st.toggle(
        "Mark where a value was missing", value=form.old.get("flag", False), key=form.key("flag"),
        help="Adds a column of 0 and 1: a missing value often means something in itself.",
    )  # fmt: skip
    return fields if columns else None


def drop(form: Form) -> Fields:
    proposed = [name for name, _ in proposed_ignores(form.schema, form.table)]
    columns = form.several("Columns", form.names(), proposed)
    return {"columns": columns} if columns else None


def rename(form: Form) -> Fields:
    old = form.old.get("columns", {})
    names = form.names()
    frame = pd.DataFrame({"column": names, "new": [old.get(name, name) for name in names]})
    edited = st.data_editor(
        frame, key=form.key("names"), hide_index=True, num_rows="fixed", alt="Names of the columns",
        column_config={
            "column": st.column_config.TextColumn("Column", disabled=True),
            "new": st.column_config.TextColumn("New name", required=True),
        },
    )  # fmt: skip
    pairs = zip(edited["column"], edited["new"], strict=True)
    changed = {name: new.strip() for name, new in pairs if new and new.strip() != name}
    return {"columns": changed} if changed else None


def cast(form: Form) -> Fields:
    column = form.one("Column", form.names(), _like_numbers(form))
    if column is None:
        return None
    to = st.selectbox(
        "Read as", COLUMN_TYPES, index=COLUMN_TYPES.index(form.old.get("to", "numeric")), key=form.key("to"),
        format_func=_TYPE_NAMES.__getitem__,
    )  # fmt: skip
    first_values(form, column)
    if to == "numeric":
        old = form.old.get("format") if form.old.get("to") == to else None
        sign = st.segmented_control(
            "Decimal sign", tuple(_SIGNS), default=old or "", key=form.key("sign"), required=True,
            format_func=choice_labels(_SIGNS),
        )  # fmt: skip
        return {"column": column, "to": to, "format": sign or None}
    if to != "date":
        return {"column": column, "to": to}
    return {"column": column, "to": to, "format": date_format(form, column)}


def drop_duplicates(form: Form) -> Fields:
    columns = form.several("Equal in these columns", form.names())
    st.caption("None chosen: equal in all columns and the target. Rows of a file you score are never dropped.")
    return {"columns": columns or None}


def _like_numbers(form: Form) -> str | None:
    """Return the first column of words most of which are numbers."""
    for name in form.names("category", "text"):
        words = pc.unique(form.table[name].drop_null())
        if len(words) and cells.parse_numbers(words).null_count * 2 < len(words):
            return name
    return None
