"""Tables as pages show them, made from what core returns."""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import streamlit as st

from app.ui.widgets.text import escape_markdown
from core.data.tables.written.dates import ISO
from core.domain.columns import COLUMN_TYPES, Column, ColumnType, Schema
from core.domain.datasets import Dataset
from core.wording import cut_text, metric_text

if TYPE_CHECKING:
    import pyarrow as pa


PREVIEW_ROWS = 100
_DIRECTIVE = re.compile("%[a-zA-Z]")
_PARTS: Final = {
    "%d": "day", "%m": "month", "%b": "month", "%B": "month", "%Y": "year", "%y": "year", "%H": "hour", "%I": "hour",
    "%M": "minute", "%S": "second",
}  # fmt: skip
_EXAMPLES = 3
_SMALL, _LARGE = 10, 1000  # below: four decimals, two, none
WHOLE: Final = "localized"  # the format of large numbers: whole, thousands grouped
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


def number_format(values: Iterable[float | None]) -> str:
    """Return the format of a column of numbers of one kind: the same decimals throughout, thousands grouped.

    Its cells go through `number_cell`: the format groups thousands, but does not round.

    Examples
    --------
    >>> number_format([0.25, None]), number_format([12.5]), number_format([3_725_900.4])
    ('%.4f', '%.2f', 'localized')
    """
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    return "%.4f" if largest < _SMALL else "%.2f" if largest < _LARGE else WHOLE


def number_cell(value: float | None, shape: str) -> float | None:
    """Return a number as a cell of a column of this format holds it.

    Examples
    --------
    >>> number_cell(28_651.38, WHOLE), number_cell(0.85, "%.4f"), number_cell(None, WHOLE)
    (28651, 0.85, None)
    """
    return round(value) if value is not None and shape == WHOLE and math.isfinite(value) else value


def number_cell_text(value: float, shape: str) -> str:
    """Return a number as a column of this format shows it, for cells that hold more than one.

    Examples
    --------
    >>> number_cell_text(28_651.38, WHOLE), number_cell_text(0.85, "%.4f")
    ('28,651', '0.8500')
    """
    return f"{value:,.0f}" if shape == WHOLE else shape % value


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


def date_order(pattern: str) -> str:
    """Return a format of dates as the order in which people say its parts.

    Examples
    --------
    >>> date_order("%d.%m.%Y"), date_order("%m/%d/%y %H:%M")
    ('day.month.year', 'month/day/year hour:minute')
    """
    return _DIRECTIVE.sub(lambda found: _PARTS.get(found[0], found[0]), pattern)


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


def check_records(checks: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the checks of the installation as Markdown, the failed ones first."""
    return [
        {
            "Check": _check_name(check["name"]),
            "State": ":green-badge[OK]" if check["ok"] else ":red-badge[Failed]",
            "Detail": escape_markdown(check["detail"]),
        }
        for check in sorted(checks, key=lambda check: bool(check["ok"]))
    ]


def _check_name(name: str) -> str:
    if name.startswith("mlruns"):  # the folder is called so
        return name
    return name.replace("mlflow", "MLflow", 1) if name.startswith("mlflow") else name[0].upper() + name[1:]


def detail_text(detail: Mapping[str, Any]) -> str:
    """Return the detail of a line of the audit in words."""
    words = (
        f"{name.replace('_', ' ')}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in detail.items()
        if value not in (None, "", [], {})
    )
    return " · ".join(words)


def with_gaps(table: "pa.Table") -> "pa.Table":
    """Return a table as it stands in a file with nothing where a cell of text is empty, which a placeholder shows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            values = table[field.name]
            table = table.set_column(
                place, field, pc.if_else(pc.equal(values, ""), pa.scalar(None, field.type), values)
            )
    return table


def number_columns(schema: Schema) -> dict[str, Any]:
    """Return how columns of numbers look where a table shows what stands in the file, as text."""
    return {
        column.name: st.column_config.TextColumn(alignment="right")
        for column in schema.columns
        if column.type == "numeric"
    }
