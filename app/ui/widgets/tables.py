"""Tables as pages show them, made from what core returns."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from core.data.tables.dates import ISO
from core.domain.columns import COLUMN_TYPES, Column, ColumnType
from core.domain.datasets import Dataset
from core.wording import cut_text, metric_text

if TYPE_CHECKING:
    import pyarrow as pa


PREVIEW_ROWS = 100
_EXAMPLES = 3
_SMALL, _LARGE = 10, 1000  # below: four decimals, two, none
_EXAMPLE_CHARS = 40
TYPE_HELP = (
    "**numeric**, **category** and **date** columns are learned from. **text** and **id** columns are kept and shown, "
    "never learned from."
)


FORMAT_HELP = (
    "Only for dates: %d day, %m month, %Y year, %H:%M time, such as %d.%m.%Y. Several are joined by ` | `. "
    "Excel: the day numbers of Excel."
)
_DECIMAL_NOTES = {",": "decimal comma", ".": "commas separate thousands"}


def number_shape(values: Iterable[float | None]) -> dict[str, Any]:
    """Return how a column of numbers of one kind looks: the same decimals throughout, thousands grouped.

    For `st.column_config.NumberColumn(**number_shape(values))`.

    Examples
    --------
    >>> number_shape([0.25, None]), number_shape([3_725_900.4])
    ({'format': 'localized', 'step': 0.0001}, {'format': 'localized', 'step': 1})
    """
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    return {"format": "localized", "step": 0.0001 if largest < _SMALL else 0.01 if largest < _LARGE else 1}


def written(
    records: Sequence[Mapping[str, Any]], names: Iterable[str], show: Callable[[Any], str] = metric_text
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return records whose columns hold numbers of several kinds, written as in sentences, and how the columns look.

    Examples
    --------
    >>> written([{"Metric": "RMSE", "Holdout": 127138.4}, {"Metric": "R²", "Holdout": None}], ["Holdout"])[0]
    [{'Metric': 'RMSE', 'Holdout': '127,138'}, {'Metric': 'R²', 'Holdout': '–'}]
    """
    chosen = tuple(names)
    cells = [{**record, **{name: show(record[name]) for name in chosen if name in record}} for record in records]
    return cells, dict.fromkeys(chosen, st.column_config.TextColumn(alignment="right"))


def examples(values: Iterable[object]) -> str:
    """Return the first few different values, for a look at a column.

    Examples
    --------
    >>> examples(["a", "", "a", "b"])
    'a · b'
    """
    seen: dict[str, None] = {}
    for value in values:
        text = "" if value is None else str(value).strip()
        if text:
            seen.setdefault(cut_text(text, _EXAMPLE_CHARS))
        if len(seen) == _EXAMPLES:
            break
    return " · ".join(seen)


def schema_table(dataset: Dataset, preview: "pa.Table") -> pd.DataFrame:
    """Return one row per column: name, type, date format and a few values."""
    return pd.DataFrame(
        {
            "column": list(dataset.schema.names),
            "type": [column.type for column in dataset.schema.columns],
            "examples": [examples(preview[name].to_pylist()) for name in dataset.schema.names],
            "format": [_date_format(column) for column in dataset.schema.columns],
            "note": [_type_note(column) for column in dataset.schema.columns],
        }
    )


def _date_format(column: Column) -> str:
    return (column.format or ISO) if column.type == "date" else ""


def type_words(column: Column) -> str:
    """Return a column's type with what else is known about it."""
    detail = _date_format(column) or _type_note(column)
    return f"{column.type} ({detail})" if detail else column.type


def _type_note(column: Column) -> str:
    if column.type == "category" and column.levels:
        return f"{len(column.levels):,} levels"
    if column.type == "numeric":
        notes = ["whole numbers"] if column.integer else []
        notes += [_DECIMAL_NOTES[column.decimal]] if column.decimal else []
        return ", ".join([*notes, *([f"written with {column.unit}"] if column.unit else [])])
    return ""


SCHEMA_COLUMNS = {
    "column": st.column_config.TextColumn("Column", disabled=True, pinned=True),
    "type": st.column_config.SelectboxColumn("Type", options=list(COLUMN_TYPES), required=True, width="small"),
    "examples": st.column_config.TextColumn("First values", disabled=True, width="large"),
    "format": st.column_config.TextColumn("Date format", help=FORMAT_HELP),
    "note": st.column_config.TextColumn("Note", disabled=True),
}


def changed_types(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, tuple[ColumnType, str | None]]:
    """Return the new type, with the date format that was written, of each column where one of them differs."""
    changes = {}
    old_rows, new_rows = (frame[["column", "type", "format"]].itertuples(index=False) for frame in (before, after))
    for (name, old, old_format), (_, new, written) in zip(old_rows, new_rows, strict=True):
        date_format = written.strip() or None if isinstance(written, str) and written != old_format else None
        if new != old or (new == "date" and date_format):
            changes[name] = (new, date_format if new == "date" else None)
    return changes


def checks_table(checks: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the checks of the installation, the failed ones first."""
    ordered = sorted(checks, key=lambda check: bool(check["ok"]))
    rows = [{"state": ["OK" if c["ok"] else "Failed"], "check": c["name"], "detail": c["detail"]} for c in ordered]
    return pd.DataFrame(rows, columns=["state", "check", "detail"])


def detail_text(detail: Mapping[str, Any]) -> str:
    """Return the detail of a line of the audit in words."""
    words = (
        f"{name.replace('_', ' ')}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in detail.items()
        if value not in (None, "", [], {})
    )
    return " · ".join(words)


CHECK_COLUMNS = {
    "state": st.column_config.MultiselectColumn(
        "State", options=["OK", "Failed"], color=["green", "red"], width="small"
    ),
    "check": st.column_config.TextColumn("Check", width="medium"),
    "detail": st.column_config.TextColumn("Detail", width="large"),
}
