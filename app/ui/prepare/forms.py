"""The form of each kind of step: it asks only what that step needs and begins with what the data suggests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from app.ui.widgets.layout import choice_labels
from app.ui.widgets.text import escape_markdown
from core.data.tables import cells, dates
from core.data.tables.roles import proposed_ignores
from core.domain.columns import COLUMN_TYPES, ColumnType, Schema
from core.recipes.recipe import KINDS

_WORDS: tuple[ColumnType, ...] = ("category", "text", "id")
_MAX_LEVELS = 500
_FEW_LEVELS = 10
PART_NAMES: Mapping[str, str] = {
    "year": "Year",
    "quarter": "Quarter",
    "month": "Month",
    "day": "Day",
    "weekday": "Weekday",
    "hour": "Hour",
    "days": "Days since a day",
}
TYPE_NAMES: Mapping[str, str] = {
    "numeric": "Numbers",
    "category": "Categories",
    "date": "Dates",
    "text": "Free text",
    "id": "Ids",
}
_METHODS = {"median": "Median", "mode": "Most frequent", "constant": "A value"}
_SIGNS = {"": "As the values show", ",": "Comma", ".": "Point"}
_BINS = {"quantiles": "Equally many rows", "equal_width": "Equal width", "edges": "My cut points"}

Fields = dict[str, Any] | None  # None: not filled in yet


@dataclass(frozen=True)
class Form:
    """What a form draws from: the columns as the step will find them, and the step it edits.

    Attributes
    ----------
    old : mapping
        The JSON of the step that is edited; empty for a new one.
    prefix : str
        Begins every widget's key.
    """

    schema: Schema
    table: pa.Table
    old: Mapping[str, Any]
    prefix: str

    def key(self, field: str) -> str:
        """Return a widget's key."""
        return f"{self.prefix}_{field}"

    def names(self, *types: ColumnType) -> list[str]:
        """Return the columns of some types, all when none is given."""
        return [column.name for column in self.schema.columns if not types or column.type in types]

    def one(self, label: str, names: Sequence[str], first: str | None = None) -> str | None:
        """Ask for one column."""
        if not names:
            st.caption("There is no column that this step works on.")
            return None
        wanted = self.old.get("column", first)
        return st.selectbox(label, names, index=names.index(wanted) if wanted in names else 0, key=self.key("column"))

    def several(self, label: str, names: Sequence[str], first: Sequence[str] = ()) -> list[str]:
        """Ask for columns."""
        if not names:
            st.caption("There is no column that this step works on.")
            return []
        wanted = [name for name in self.old.get("columns") or first if name in names]
        return st.multiselect(label, names, default=wanted, key=self.key("columns"), placeholder="Choose columns")

    def n_levels(self, name: str) -> int:
        """Return how many different values a column has."""
        return int(pc.count_distinct(self.table[name]).as_py())

    def level_table(self, name: str) -> pd.DataFrame:
        """Return the levels of a column with their rows, the most frequent first."""
        counted = self.table[name].drop_null().value_counts()
        frame = pd.DataFrame(
            {"level": counted.field("values").to_pylist(), "rows": counted.field("counts").to_pylist()}
        )
        return frame.sort_values(["rows", "level"], ascending=[False, True], ignore_index=True).head(_MAX_LEVELS)


def fields_for(kind: str, form: Form) -> Fields:
    """Draw the form of a kind of step and return the fields filled in; None while something is missing."""
    return _FORMS[kind](form)


def kind_title(kind: str) -> str:
    """Return a kind of step in words."""
    return KINDS[kind].title


# --- missing values, types, dates -------------------------------------------------------------------------------------


def _impute(form: Form) -> Fields:
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
        fields["value"] = (_number(text) if numeric else None) or text
        if not text:
            return None
    fields["flag"] = st.toggle(
        "Mark where a value was missing", value=form.old.get("flag", False), key=form.key("flag"),
        help="Adds a column of 0 and 1: that a value is missing often says something itself.",
    )  # fmt: skip
    return fields if columns else None


def _drop(form: Form) -> Fields:
    proposed = [name for name, _ in proposed_ignores(form.schema, form.table)]
    columns = form.several("Columns", form.names(), proposed)
    return {"columns": columns} if columns else None


def _rename(form: Form) -> Fields:
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


def _cast(form: Form) -> Fields:
    column = form.one("Column", form.names(), _like_numbers(form))
    if column is None:
        return None
    to = st.selectbox(
        "Read as", COLUMN_TYPES, index=COLUMN_TYPES.index(form.old.get("to", "numeric")), key=form.key("to"),
        format_func=TYPE_NAMES.__getitem__,
    )  # fmt: skip
    _first_values(form, column)
    if to == "numeric":
        old = form.old.get("format") if form.old.get("to") == to else None
        sign = st.segmented_control(
            "Decimal sign", tuple(_SIGNS), default=old or "", key=form.key("sign"), required=True,
            format_func=choice_labels(_SIGNS),
        )  # fmt: skip
        return {"column": column, "to": to, "format": sign or None}
    if to != "date":
        return {"column": column, "to": to}
    return {"column": column, "to": to, "format": _format(form, column)}


def _parse_date(form: Form) -> Fields:
    names = form.names("category", "text", "id", "numeric")
    likely = next((name for name in names if _guess_format(form, name) is not None), None)
    column = form.one("Column", names, likely)
    if column is None:
        return None
    _first_values(form, column)
    return {"column": column, "format": _format(form, column)}


def _date_parts(form: Form) -> Fields:
    column = form.one("Column of dates", form.names("date"))
    if column is None:
        return None
    parts = st.pills(
        "Parts", tuple(PART_NAMES), selection_mode="multi", default=form.old.get("parts", ["year", "month", "weekday"]),
        format_func=choice_labels(PART_NAMES), key=form.key("parts"), wrap=True,
    )  # fmt: skip
    fields: dict[str, Any] = {"column": column, "parts": [part for part in PART_NAMES if part in parts]}
    if "days" in parts:
        text = st.text_input(
            "Count the days from", value=form.old.get("reference") or "", key=form.key("reference"),
            placeholder="the first day of the training rows", help="A day such as 2024-12-31.",
        )  # fmt: skip
        fields["reference"] = text.strip() or None
    fields["keep"] = st.toggle("Keep the date itself", value=form.old.get("keep", True), key=form.key("keep"))
    return fields if parts else None


# --- numbers ----------------------------------------------------------------------------------------------------------


def _clip(form: Form) -> Fields:
    names = form.names("numeric")
    column = form.one("Column", names, max(names, key=form.n_levels, default=None))
    if column is None:
        return None
    by_numbers = form.old.get("low") is not None or form.old.get("high") is not None
    how = st.segmented_control(
        "Bounds", ("Quantiles", "Numbers"), default="Numbers" if by_numbers else "Quantiles", key=form.key("how"),
        required=True, format_func=choice_labels(str), help="Quantiles are taken of the training rows.",
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
        fields = {"low": _short(low), "high": _short(high)}
    return {"column": column, **fields} if any(value is not None for value in fields.values()) else None


def _bin(form: Form) -> Fields:
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
        edges = [_number(part) for part in text.replace(";", ",").split(",") if part.strip()]
        fields["edges"] = [part for part in edges if part is not None]
        if not edges or None in edges:
            st.caption("Write numbers that rise, with commas between.")
            return None
    else:
        fields["bins"] = st.number_input("How many", 2, 100, form.old.get("bins") or 5, key=form.key("bins"))
    fields["keep"] = st.toggle("Keep the number itself", value=form.old.get("keep", False), key=form.key("keep"))
    return fields


def _scale(form: Form) -> Fields:
    columns = form.several("Columns", form.names("numeric"))
    st.caption("Trees do not need this: the order of the values stays as it is.")
    return {"columns": columns} if columns else None


def _arithmetic(form: Form) -> Fields:
    name = st.text_input("Name of the new column", value=form.old.get("name", ""), key=form.key("name"))
    expression = st.text_input(
        "Formula", value=form.old.get("expression", ""), key=form.key("expression"), max_chars=500,
        placeholder="`Annual Premium` / max(Age, 1)",
        help="+ - * / ** and abs, sqrt, log, log1p, min, max. Names with spaces or signs stand in backticks.",
    )  # fmt: skip
    names = [f"`{name}`" if not name.isidentifier() else name for name in form.names("numeric", "date")]
    st.caption("Columns: " + (" · ".join(map(escape_markdown, names)) or "none of numbers"))
    return {"name": name.strip(), "expression": expression} if name.strip() and expression.strip() else None


# --- levels -----------------------------------------------------------------------------------------------------------


def _group_rare(form: Form) -> Fields:
    names = form.names("category", "text")
    column = form.one("Column", names, max(names, key=form.n_levels, default=None))
    if column is None:
        return None
    left, right = st.columns(2)
    share = left.number_input(
        "Rarer than, % of rows", 0.0, 100.0, form.old.get("min_share", 0.01) * 100, step=0.5, key=form.key("share")
    )
    other = right.text_input("Call them", value=form.old.get("other", "other"), key=form.key("other"))
    return {"column": column, "min_share": round(share / 100, 10), "other": other.strip()} if other.strip() else None


def _map_levels(form: Form) -> Fields:
    names = form.names(*_WORDS)
    column = form.one("Column", names, min(names, key=form.n_levels, default=None))
    if column is None:
        return None
    old = form.old.get("levels", {}) if form.old.get("column") == column else {}
    frame = form.level_table(column)
    frame["becomes"] = [old.get(level, level) for level in frame["level"]]
    edited = st.data_editor(
        frame, key=form.key(f"levels_{column}"), hide_index=True, num_rows="fixed", alt="What becomes of levels",
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


def _one_hot(form: Form) -> Fields:
    names = form.names("category")
    columns = form.several("Columns", names, [name for name in names if form.n_levels(name) <= _FEW_LEVELS])
    st.caption("H2O takes categories as they are; this is for rebuilding an earlier model.")
    return {"columns": columns} if columns else None


def _label_encode(form: Form) -> Fields:
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


def _drop_duplicates(form: Form) -> Fields:
    columns = form.several("Equal in these columns", form.names())
    st.caption("None chosen: equal in all columns and the target. Rows of a file to score are never dropped.")
    return {"columns": columns or None}


_FORMS: Mapping[str, Callable[[Form], Fields]] = {
    "impute": _impute,
    "drop": _drop,
    "rename": _rename,
    "cast": _cast,
    "parse_date": _parse_date,
    "date_parts": _date_parts,
    "clip": _clip,
    "bin": _bin,
    "min_max": _scale,
    "standardize": _scale,
    "group_rare": _group_rare,
    "map_levels": _map_levels,
    "one_hot": _one_hot,
    "label_encode": _label_encode,
    "arithmetic": _arithmetic,
    "drop_duplicates": _drop_duplicates,
}


# --- what the data suggests -------------------------------------------------------------------------------------------


def _like_numbers(form: Form) -> str | None:
    """Return the first column of words most of which are numbers."""
    for name in form.names("category", "text"):
        words = pc.unique(form.table[name].drop_null())
        if len(words) and cells.parse_numbers(words).null_count * 2 < len(words):
            return name
    return None


def _guess_format(form: Form, name: str) -> str | None:
    """Return the format that reads most of a column's first values, None when none reads any."""
    values = form.table[name]
    if not pa.types.is_string(values.type):
        return None
    text = cells.distinct_text(values.slice(0, 1000))
    if not len(text):
        return None
    read = {known: dates.parse_dates(text, known).null_count for known in dates.DATE_FORMATS if known}
    best = min(read, key=lambda known: read[known])
    return best if read[best] < len(text) / 2 else None


def _format(form: Form, column: str) -> str | None:
    old = form.old.get("format") if form.old.get("column") == column else _guess_format(form, column)
    text = st.text_input(
        "Format", value=old or "", key=form.key(f"format_{column}"), placeholder="2024-12-31 (ISO 8601)",
        help="%d day, %m month, %Y year, %y of two digits, %b Jan, %B January, %H %M %S time, %I %p with AM or PM.",
    )  # fmt: skip
    return text.strip() or None


def _first_values(form: Form, column: str) -> None:
    from app.ui.widgets.tables import examples

    shown = examples(form.table[column].slice(0, 1000).to_pylist())
    st.caption(f"First values: {escape_markdown(shown) or 'all missing'}")


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return _short(number)


def _short(number: float | None) -> float | None:
    """Return a whole number as such."""
    return int(number) if number is not None and number == int(number) else number


def _text(value: object) -> str | None:
    text = "" if value is None or pd.isna(value) else str(value).strip()
    return text or None
