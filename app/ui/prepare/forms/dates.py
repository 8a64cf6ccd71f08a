"""The forms of steps on dates."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from app.ui.prepare.forms.form import KIND, Fields, Form, first_values
from app.ui.widgets.layout import choice_labels
from app.ui.widgets.text import escape_markdown
from core.data.tables.roles import as_category
from core.data.tables.written import cells, dates
from core.wording import list_text

_LOOKED_AT = 1000
_SHOWN = "%-d %B %Y"
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
    likely = next((name for name in names if guess_formats(form, name)), None)
    column = form.one("Column", names, likely, is_chosen=likely is not None)
    if column is None:
        return None
    first_values(form, column)
    chosen = date_format(form, column)
    return None if chosen is None else {"column": column, "format": chosen or None}


def date_parts(form: Form) -> Fields:
    column = form.one("Date column", form.names("date"), none="No column holds dates yet.")
    if column is None:
        likely = [name for name in form.names("category", "text", "id", "numeric") if guess_formats(form, name)]
        if likely:
            st.markdown(f"{escape_markdown(list_text(likely))} can be read as dates.")
        st.button(
            "Read dates first", key=form.key("read_first"), icon=":material/calendar_month:",
            on_click=st.session_state.update, args=({KIND: "parse_date"},),
        )  # fmt: skip
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


def guess_formats(form: Form, name: str) -> dict[str, str]:
    """Return the formats that read at least half of a column's first values, the best first, each with an example.

    ISO 8601 is the empty one.
    """
    known = form.table[name].slice(0, _LOOKED_AT).drop_null()
    if form.schema[name].type == "numeric" and not form.schema[name].integer:
        return {}
    text = cells.distinct_text(as_category(known))
    found: dict[str, tuple[int, str]] = {}
    listed = text.to_pylist()
    for date_format in [known for known in dates.DATE_FORMATS if dates.begin_like(listed, known)] if listed else ():
        days = dates.parse_dates(text, date_format)
        n_read = len(days) - days.null_count
        if 2 * n_read >= len(text):
            place = pc.index(days.is_valid(), pa.scalar(value=True)).as_py()
            found[date_format or ""] = n_read, f"{text[place].as_py()} → {days[place].as_py():{_SHOWN}}"
    return {name: found[name][1] for name in sorted(found, key=lambda name: -found[name][0])}


def date_format(form: Form, column: str) -> str | None:
    """Ask for a format, by what it makes of a value; None while nobody knows one, "" for ISO 8601."""
    read = guess_formats(form, column)
    old = form.old["format"] or "" if form.old.get("column") == column else None
    options = list(read) if old is None or old in read else [old, *read]
    if not options:
        st.caption("No usual format reads its values. Write the one that they have, or choose another column.")
    chosen = st.selectbox(
        "Format", options, index=options.index(old) if old is not None else 0 if options else None,
        key=form.key(f"format_{column}"), accept_new_options=True, placeholder="Write a format, such as %d.%m.%Y",
        format_func=lambda name: f"{name or 'ISO 8601'} ({read[name]})" if name in read else name or "ISO 8601",
        help="%d day, %m month, %Y year, %y of two digits, %b Jan, %B January, %H %M %S time, %I %p with AM or PM.",
    )  # fmt: skip
    return chosen if chosen is None else chosen.strip()
