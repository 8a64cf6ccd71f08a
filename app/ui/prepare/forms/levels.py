"""The forms of steps on levels."""

from typing import Any

import pandas as pd
import streamlit as st

from app.ui.prepare.forms.form import Fields, Form
from core.domain.columns import ColumnType

_WORDS: tuple[ColumnType, ...] = ("category", "text", "id")
_FEW_LEVELS = 10


def group_rare(form: Form) -> Fields:
    names = form.names("category", "text")
    column = form.one("Column", names, max(names, key=form.n_levels, default=None))
    if column is None:
        return None
    left, right = st.columns(2)
    share = left.number_input(
        "Rarer than (% of rows)", 0.0, 100.0, form.old.get("min_share", 0.01) * 100, step=0.5, key=form.key("share")
    )
    other = right.text_input("Name of the group", value=form.old.get("other", "other"), key=form.key("other"))
    return {"column": column, "min_share": round(share / 100, 10), "other": other.strip()} if other.strip() else None


def map_levels(form: Form) -> Fields:
    names = form.names(*_WORDS)
    column = form.one("Column", names, min(names, key=form.n_levels, default=None))
    if column is None:
        return None
    old = form.old.get("levels", {}) if form.old.get("column") == column else {}
    frame = form.level_table(column)
    frame["becomes"] = [old.get(level, level) for level in frame["level"]]
    edited = st.data_editor(
        frame, key=form.key(f"levels_{column}"), hide_index=True, num_rows="fixed", alt="New name of each level",
        column_config={
            "level": st.column_config.TextColumn("Level", disabled=True),
            "rows": st.column_config.NumberColumn("Rows", disabled=True, format="localized"),
            "becomes": st.column_config.TextColumn("Becomes"),
        },
    )  # fmt: skip
    st.caption("Clear a cell to make the level missing.")
    pairs = [(level, _text(new)) for level, new in zip(edited["level"], edited["becomes"], strict=True)]
    # Levels that these rows do not have stay in the step.
    unseen = {level: new for level, new in old.items() if level not in set(frame["level"])}
    levels = unseen | {level: new for level, new in pairs if new != level}
    return {"column": column, "levels": levels} if levels else None


def one_hot(form: Form) -> Fields:
    names = form.names("category")
    columns = form.several("Columns", names, [name for name in names if form.n_levels(name) <= _FEW_LEVELS])
    st.caption("H2O takes categories as they are; this is for rebuilding an earlier model.")
    return {"columns": columns} if columns else None


def label_encode(form: Form) -> Fields:
    names = form.names(*_WORDS)
    column = form.one("Column", names, min(names, key=form.n_levels, default=None))
    if column is None:
        return None
    old = form.old.get("levels") if form.old.get("column") == column else None
    if not st.toggle("Choose the numbers", value=old is not None, key=form.key("choose")):
        return {"column": column}
    frame = form.level_table(column).sort_values("level", ignore_index=True)
    frame["number"] = [(old or {}).get(level, place) for place, level in enumerate(frame["level"])]
    edited = st.data_editor(
        frame, key=form.key(f"numbers_{column}"), hide_index=True, num_rows="fixed", alt="Levels and their numbers",
        column_config={
            "level": st.column_config.TextColumn("Level", disabled=True),
            "rows": st.column_config.NumberColumn("Rows", disabled=True, format="localized"),
            "number": st.column_config.NumberColumn("Number", step=1),
        },
    )  # fmt: skip
    levels = {
        level: int(number)
        for level, number in zip(edited["level"], edited["number"], strict=True)
        if not pd.isna(number)
    }
    return {"column": column, "levels": levels} if levels else None


def _text(value: Any) -> str | None:
    text = "" if value is None or pd.isna(value) else str(value).strip()
    return text or None
