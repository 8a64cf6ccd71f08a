"""The forms of steps on dates."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import streamlit as st

from app.ui.prepare.forms.form import Fields, Form, first_values
from app.ui.widgets.layout import choice_labels
from core.data.tables import cells, dates

PART_NAMES: Mapping[str, str] = {
    "year": "Year",
    "quarter": "Quarter",
    "month": "Month",
    "day": "Day",
    "weekday": "Weekday",
    "hour": "Hour",
    "days": "Days since a date",
}


def parse_date(form: Form) -> Fields:
    names = form.names("category", "text", "id", "numeric")
    likely = next((name for name in names if guess_format(form, name) is not None), None)
    column = form.one("Column", names, likely)
    if column is None:
        return None
    first_values(form, column)
    return {"column": column, "format": date_format(form, column)}


def date_parts(form: Form) -> Fields:
    column = form.one("Date column", form.names("date"), none="No date columns yet. Add “Read dates” first.")
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
            placeholder="the first day of the training rows", help="A date such as 2024-12-31.",
        )  # fmt: skip
        fields["reference"] = text.strip() or None
    fields["keep"] = st.toggle("Keep the date column", value=form.old.get("keep", True), key=form.key("keep"))
    return fields if parts else None


def guess_format(form: Form, name: str) -> str | None:
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


def date_format(form: Form, column: str) -> str | None:
    old = form.old.get("format") if form.old.get("column") == column else guess_format(form, column)
    text = st.text_input(
        "Format", value=old or "", key=form.key(f"format_{column}"), placeholder="2024-12-31 (ISO 8601)",
        help="%d day, %m month, %Y year, %y of two digits, %b Jan, %B January, %H %M %S time, %I %p with AM or PM.",
    )  # fmt: skip
    return text.strip() or None
