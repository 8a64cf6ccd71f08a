"""The forms of steps on numbers."""

from typing import Any

import pyarrow.compute as pc
import streamlit as st

from app.ui.prepare.forms.form import Fields, Form, as_number, as_short
from app.ui.widgets.layout import choice_labels
from app.ui.widgets.text import escape_markdown

_BINS = {"quantiles": "Equally many rows", "equal_width": "Equal width", "edges": "My cut points"}


def clip(form: Form) -> Fields:
    names = form.names("numeric")
    column = form.one("Column", names, max(names, key=form.n_levels, default=None))
    if column is None:
        return None
    by_numbers = form.old.get("low") is not None or form.old.get("high") is not None
    how = st.segmented_control(
        "Bounds", ("Quantiles", "Numbers"), default="Numbers" if by_numbers else "Quantiles", key=form.key("how"),
        required=True, format_func=choice_labels(str), help="Quantiles are taken from the training rows.",
    )  # fmt: skip
    left, right = st.columns(2)
    if how == "Quantiles":
        low, high = form.old.get("low_quantile", 0.01), form.old.get("high_quantile", 0.99)
        low = left.number_input("Low, %", 0.0, 100.0, None if low is None else low * 100, key=form.key("low_q"))
        high = right.number_input("High, %", 0.0, 100.0, None if high is None else high * 100, key=form.key("high_q"))
        ends = {"low_quantile": low, "high_quantile": high}
        fields = {name: None if value is None else round(value / 100, 10) for name, value in ends.items()}
    else:
        known = form.table[column].drop_null()
        found = pc.quantile(known, q=[0.01, 0.99]).to_pylist() if len(known) else [0.0, 1.0]
        low, high = (form.old.get("low"), form.old.get("high")) if by_numbers else found
        low = left.number_input("Low", value=None if low is None else float(low), key=form.key("low"))
        high = right.number_input("High", value=None if high is None else float(high), key=form.key("high"))
        fields = {"low": as_short(low), "high": as_short(high)}
    return {"column": column, **fields} if any(value is not None for value in fields.values()) else None


def ranges(form: Form) -> Fields:
    names = form.names("numeric")
    column = form.one("Column", names, max(names, key=form.n_levels, default=None))
    if column is None:
        return None
    method = st.segmented_control(
        "Ranges", tuple(_BINS), default=form.old.get("method", "quantiles"), key=form.key("method"), required=True,
        format_func=choice_labels(_BINS),
    )  # fmt: skip
    fields: dict[str, Any] = {"column": column, "method": method}
    if method == "edges":
        old = ", ".join(f"{edge:g}" for edge in form.old.get("edges") or ())
        text = st.text_input("Cut at", value=old, key=form.key("edges"), placeholder="18, 25, 40, 65")
        edges = [as_number(part) for part in text.replace(";", ",").split(",") if part.strip()]
        fields["edges"] = [part for part in edges if part is not None]
        if not edges or None in edges:
            st.caption("Write increasing numbers, separated by commas.")
            return None
    else:
        fields["bins"] = st.number_input("How many", 2, 100, form.old.get("bins") or 5, key=form.key("bins"))
    fields["keep"] = st.toggle("Keep the number column", value=form.old.get("keep", False), key=form.key("keep"))
    return fields


def scale(form: Form) -> Fields:
    columns = form.several("Columns", form.names("numeric"))
    st.caption("Trees do not need this: the order of the values stays as it is.")
    return {"columns": columns} if columns else None


def arithmetic(form: Form) -> Fields:
    name = st.text_input("Name of the new column", value=form.old.get("name", ""), key=form.key("name"))
    expression = st.text_input(
        "Formula", value=form.old.get("expression", ""), key=form.key("expression"), max_chars=500,
        placeholder="`Annual Premium` / max(Age, 1)",
        help="+ - * / ** and abs, sqrt, log, log1p, min, max. Put names with spaces or signs in backticks.",
    )  # fmt: skip
    names = [f"`{name}`" if not name.isidentifier() else name for name in form.names("numeric", "date")]
    st.caption("Columns: " + (" · ".join(map(escape_markdown, names)) or "no numeric columns"))
    return {"name": name.strip(), "expression": expression} if name.strip() and expression.strip() else None
