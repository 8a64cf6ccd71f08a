"""Excel workbooks, written by rust_xlsxwriter: every text is a text cell, never a formula.

Why not openpyxl: docs/decisions/0007-xlsx-writer.md.
"""

import os
import re
from collections.abc import Mapping
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
_EXACT_WHOLE = 2**53
# What XML 1.0 cannot hold, escaped or not.
_ILLEGAL = "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"
# Excel's line break inside a cell is a line feed alone.
_LINE_END = "\r\n?"
_ODD = f"{_ILLEGAL}|\r"
# How Rust writes the system's error number: "(os error 28)" for people, "code: 28," in a panic.
_OS_ERROR = re.compile(r"\bos error (\d+)|\bOs \{ code: (\d+)")
_MIN_WIDTH, _MAX_WIDTH = 10, 40
_SUMMARY_WIDTHS = [28.0, 80.0]


def write_xlsx(table: pa.Table, path: Path, summary: Mapping[str, str] | None) -> None:
    """Write a table of numbers, booleans and text to one sheet, and the summary to a second one.

    Raises
    ------
    DataError
        If the table is larger than an Excel sheet, or a text longer than an Excel cell.
    OSError
        If the file cannot be written.
    """
    _check_size(table)
    names = [_clean(name) for name in table.column_names]
    rows: Any = pa.table([_excel_column(column) for column in table.columns], names=names)
    book = FastExcel(path).format(bold_headers=True).freeze(row=1, sheet=DATA_SHEET)
    widths = [float(min(max(len(name) + 2, _MIN_WIDTH), _MAX_WIDTH)) for name in names]
    book.sheet(DATA_SHEET, rows, column_widths=widths, autofilter=True)
    if summary is not None:
        lines = pa.table(
            {"About": [_clean(key) for key in summary], "Value": [_clean(text) for text in summary.values()]}
        )
        book.sheet(SUMMARY_SHEET, lines, column_widths=_SUMMARY_WIDTHS, column_formats=[Format().set_bold(), Format()])
    _save(book)


def _save(book: FastExcel) -> None:
    """Write the file; a failure of the disk gets its errno back, which the library tells in words only."""
    try:
        book.save()
    except BaseException as error:  # a Rust panic, which is what a full disk may be, is no Exception
        found = _OS_ERROR.search(str(error))
        if found is not None:
            number = int(found[1] or found[2])
            raise OSError(number, os.strerror(number)) from error
        raise


def _check_size(table: pa.Table) -> None:
    hint = "Download the result as CSV instead."
    if table.num_rows + 1 > MAX_ROWS:
        raise DataError(
            f"{table.num_rows:,} rows do not fit into an Excel sheet of {MAX_ROWS:,} with its header.",
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
                f"Column {name!r} holds a text longer than the {MAX_CELL_CHARS:,} characters of an Excel cell.",
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
    if pa.types.is_string(kind) and pc.any(pc.match_substring_regex(column, _ODD)).as_py():
        return pc.replace_substring_regex(pc.replace_substring_regex(column, _LINE_END, "\n"), _ILLEGAL, "")
    return column


def _clean(text: str) -> str:
    return re.sub(_ILLEGAL, "", re.sub(_LINE_END, "\n", text))
