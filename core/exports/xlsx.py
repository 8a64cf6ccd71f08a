"""Excel workbooks, written by rust_xlsxwriter: every text is a text cell, never a formula.

Why not openpyxl: docs/decisions/0007-xlsx-writer.md.
"""

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rustpy_xlsxwriter import FastExcel, Format

from core.errors import DataError

DATA_SHEET, SUMMARY_SHEET = "Predictions", "Summary"
MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_CELL_CHARS = 32_767
MAX_SHEETS = 5
_EXACT_WHOLE = 2**53
# What XML 1.0 cannot hold, escaped or not.
_ILLEGAL = "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"
# Excel's line break inside a cell is a line feed alone.
_LINE_END = "\r\n?"
_TO_ESCAPE = f"{_ILLEGAL}|\r"
# How Rust writes the system's error number: "(os error 28)" for people, "code: 28," in a panic.
_OS_ERROR = re.compile(r"\bos error (\d+)|\bOs \{ code: (\d+)")
_MIN_WIDTH, _MAX_WIDTH = 10, 60
_WIDTH_ROWS = 2_000  # of each column are looked at
_FILTER_WIDTH = 4  # of the arrow beside a header, with some air
_DAY, _SECOND = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
# Excel takes 1900 for a leap year: before March its days are off by one.
_FIRST_DAY, _LAST_DAY = datetime(1900, 3, 1), datetime(9999, 12, 31)  # noqa: DTZ001 - as a cell of a workbook is
_TEXT_WIDTHS = (28.0, 80.0)
_SCALE = "#F2B65C"


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a workbook has beside its table.

    Attributes
    ----------
    formats : mapping of str to str
        Column to Excel number format.
    colours : mapping of str to mapping of (str or int) to str
        Column, then value to background colour as ``#RRGGBB``.
    scales : tuple of str
        Columns of numbers that get a colour by their size.
    sheets : mapping of str to tuple of tuple of str
        More sheets by name, each the header and rows of texts.
    """

    formats: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[str, Mapping[str | int, str]] = field(default_factory=dict)
    scales: tuple[str, ...] = ()
    sheets: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)


def count_sheets(n_rows: int) -> int:
    """Return over how many sheets so many rows are spread.

    Examples
    --------
    >>> count_sheets(0), count_sheets(1_048_575), count_sheets(1_048_576)
    (1, 1, 2)
    """
    return max(1, math.ceil(n_rows / (MAX_ROWS - 1)))


def is_excel_time(column: pa.ChunkedArray) -> bool:
    """Whether a workbook can hold a column as dates: points in time without zone, to the second, from March 1900 on."""
    if not pa.types.is_timestamp(column.type) or column.type.tz:
        return False
    bounds = pc.min_max(column.cast(pa.timestamp("us"))).as_py()
    if bounds["min"] is None or bounds["min"] < _FIRST_DAY or bounds["max"] > _LAST_DAY:
        return False
    return bool(pc.all(pc.equal(pc.floor_temporal(column, unit="second"), column)).as_py())


def write_xlsx(table: pa.Table, path: Path, summary: Mapping[str, str] | None, look: Look | None = None) -> None:
    """Write a table of numbers, booleans, dates and text to a sheet, or to several where one is too small.

    The summary and the sheets of the look follow.

    DataError if the table has more columns or sheets than Excel allows, or a text longer than an Excel cell.
    """
    _check_size(table)
    look = look or Look()
    names = [_clean(name) for name in table.column_names]
    rows: Any = pa.table([_excel_column(column) for column in table.columns], names=names)
    book = FastExcel(path).format(bold_headers=True)
    widths = [_width(name, column, look.formats) for name, column in zip(names, rows.columns, strict=True)]
    formats = {
        name: Format().set_num_format(_time_format(column))
        for name, column in zip(names, rows.columns, strict=True)
        if pa.types.is_timestamp(column.type)
    } | {
        _clean(name): Format().set_num_format(form) for name, form in look.formats.items() if name in table.column_names
    }
    rules = _rules(look, set(table.column_names))
    for number in range(count_sheets(table.num_rows)):
        sheet = DATA_SHEET if number == 0 else f"{DATA_SHEET} {number + 1}"
        part = rows.slice(number * (MAX_ROWS - 1), MAX_ROWS - 1)
        book.freeze(row=1, sheet=sheet).sheet(
            sheet,
            part,
            column_widths=widths,
            column_formats=formats or None,
            conditional_formats=rules or None,
            autofilter=True,
        )
    if summary is not None:
        _add_texts(book, SUMMARY_SHEET, (("About", "Value"), *summary.items()))
    for name, lines in look.sheets.items():
        _add_texts(book, name, lines)
    _save(book)


def _width(name: str, column: pa.ChunkedArray, formats: Mapping[str, str]) -> float:
    """Return a width that the header with its arrow and the first rows fit into, in characters."""
    cells = column.slice(0, _WIDTH_ROWS)
    longest = 0
    if pa.types.is_timestamp(column.type):
        longest = len(_time_format(column))
    elif name not in formats and len(cells):
        longest = pc.max(pc.utf8_length(cells.cast(pa.string()))).as_py() or 0
    return float(min(max(len(name) + _FILTER_WIDTH, longest + 1, _MIN_WIDTH), _MAX_WIDTH))


def _time_format(column: pa.ChunkedArray) -> str:
    """Return the format of days, or of days with times where one has a time."""
    is_days = pc.all(pc.equal(pc.floor_temporal(column, unit="day"), column)).as_py()
    return _DAY if is_days is not False else _SECOND


def _add_texts(book: FastExcel, name: str, lines: Sequence[tuple[str, ...]]) -> None:
    header, *rest = lines
    columns = {
        _clean(title): [_clean(line[place])[:MAX_CELL_CHARS] for line in rest] for place, title in enumerate(header)
    }
    last = len(header) - 1
    widths = [_TEXT_WIDTHS[0] if place < last else _TEXT_WIDTHS[1] for place in range(len(header))]
    wrapped = [Format().set_bold() if place == 0 else Format().set_text_wrap() for place in range(len(header))]
    table = pa.table({title: pa.array(cells, pa.string()) for title, cells in columns.items()})
    book.freeze(row=1, sheet=name).sheet(name, table, column_widths=widths, column_formats=wrapped)


def _rules(look: Look, present: set[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the conditional formats: a colour per value, a scale of them per number."""
    rules: dict[str, list[dict[str, Any]]] = {}
    for name, colours in look.colours.items():
        texts = [value for value in colours if isinstance(value, str)]
        for value, colour in colours.items():
            if name not in present or any(other != value and other.startswith(str(value)) for other in texts):
                continue  # Excel's rule looks at how a text begins
            kind = (
                {"type": "text", "criteria": "begins_with"}
                if isinstance(value, str)
                else {"type": "cell", "criteria": "=="}
            )
            rules.setdefault(_clean(name), []).append(
                {**kind, "value": value, "format": Format().set_background_color(colour)}
            )
    # Not bars in the cells: they need an extension of the format that other programs drop with a warning.
    scale = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": _SCALE}
    return rules | {_clean(name): [scale] for name in look.scales if name in present}


def _save(book: FastExcel) -> None:
    """Write the file; a failure of the disk gets its errno back, which the library tells in words only."""
    try:
        book.save()
    except BaseException as error:  # a Rust panic, which is what a full disk may be, is not an Exception
        found = _OS_ERROR.search(str(error))
        if found is not None:
            number = int(found[1] or found[2])
            raise OSError(number, os.strerror(number)) from error
        raise


def _check_size(table: pa.Table) -> None:
    hint = "Download the result as CSV instead."
    if count_sheets(table.num_rows) > MAX_SHEETS:
        raise DataError(
            f"{table.num_rows:,} rows do not fit into {MAX_SHEETS} Excel sheets of {MAX_ROWS:,} with their headers.",
            hint=hint,
            code="export.too_many_rows",
        )
    if table.num_columns > MAX_COLUMNS:
        raise DataError(
            f"{table.num_columns:,} columns do not fit into an Excel sheet of {MAX_COLUMNS:,}.",
            hint=hint,
            code="export.too_many_columns",
        )
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_string(column.type) and (pc.max(pc.utf8_length(column)).as_py() or 0) > MAX_CELL_CHARS:
            raise DataError(
                f"Column {name!r} has a text longer than the {MAX_CELL_CHARS:,} characters of an Excel cell.",
                hint=hint,
                code="export.cell_too_long",
            )


def _excel_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as Excel can hold it: no infinity or control characters, no whole number it would round."""
    kind = column.type
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
    if pa.types.is_integer(kind):
        bounds = pc.min_max(column).as_py()
        exact = bounds["min"] is None or (bounds["min"] >= -_EXACT_WHOLE and bounds["max"] <= _EXACT_WHOLE)
        return column if exact else pc.cast(column, pa.string())
    if pa.types.is_string(kind) and pc.any(pc.match_substring_regex(column, _TO_ESCAPE)).as_py():
        return pc.replace_substring_regex(pc.replace_substring_regex(column, _LINE_END, "\n"), _ILLEGAL, "")
    return column


def _clean(text: str) -> str:
    return re.sub(_ILLEGAL, "", re.sub(_LINE_END, "\n", text))
