"""Excel workbooks: openpyxl makes the workbook, the rows of data are made column-wise and streamed into it.

Why not openpyxl alone: docs/decisions/0007-xlsx-writer.md. No cell can be a formula: rows are built from the two
templates below, neither of which has a formula in it, and all text is escaped.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import IO, Any

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from core.errors import DataError

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_CELL_CHARS = 32_767
_BATCH_ROWS = 20_000
# 6, the default, takes much longer for a file hardly smaller.
_PACKING_LEVEL = 4
_EXACT_WHOLE = 2**53
_DATA_PART = "xl/worksheets/sheet1.xml"
# What XML 1.0 cannot hold, escaped or not.
_ILLEGAL = "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"
_MARKUP = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;"))
_MIN_WIDTH, _MAX_WIDTH = 10, 40


def write_xlsx(table: pa.Table, file: IO[bytes], summary: Mapping[str, str] | None) -> None:
    """Write a table of numbers, booleans and text to the sheet "Data", and the summary to the sheet "Summary".

    Raises
    ------
    DataError
        If the table is larger than an Excel sheet, or a text longer than an Excel cell.
    """
    _check_size(table)
    skeleton = _make_skeleton(table.column_names, summary)
    corner = f"{get_column_letter(max(table.num_columns, 1))}{table.num_rows + 1}"
    with (
        zipfile.ZipFile(skeleton) as source,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_PACKING_LEVEL) as target,
    ):
        for member in source.infolist():
            content = source.read(member)
            if member.filename != _DATA_PART:
                target.writestr(member.filename, content)
                continue
            # Some readers believe the dimension and would see the header only.
            content = re.sub(rb'<dimension ref="[^"]*"', f'<dimension ref="A1:{corner}"'.encode(), content)
            head, end, tail = content.partition(b"</sheetData>")
            with target.open(member.filename, "w", force_zip64=True) as part:
                part.write(head)
                for rows in _iter_rows_xml(table):
                    part.write(rows)
                part.write(end + tail)


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


def _make_skeleton(names: list[str], summary: Mapping[str, str] | None) -> io.BytesIO:
    """Return a workbook with the header, the frozen pane and the summary, but no rows of data."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Data"
    sheet.freeze_panes = "A2"
    for number, name in enumerate(names, start=1):
        _put_text(sheet, 1, number, name, bold=True)
        sheet.column_dimensions[get_column_letter(number)].width = min(max(len(name) + 2, _MIN_WIDTH), _MAX_WIDTH)
    if summary is not None:
        second = book.create_sheet("Summary")
        second.column_dimensions["A"].width, second.column_dimensions["B"].width = 28, 80
        for row, (key, value) in enumerate(summary.items(), start=1):
            _put_text(second, row, 1, key, bold=True)
            _put_text(second, row, 2, value, bold=False)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer


def _put_text(sheet: Worksheet, row: int, column: int, text: str, *, bold: bool) -> None:
    cell = sheet.cell(row, column, re.sub(_ILLEGAL, "", text))
    # openpyxl takes "=..." for a formula and "#N/A" for an error.
    cell.data_type = "s"
    cell.font = Font(bold=bold)


def _iter_rows_xml(table: pa.Table) -> Iterator[memoryview]:
    texts = [_as_text(column) for column in table.columns]
    first = 2
    for start in range(0, table.num_rows, _BATCH_ROWS):
        size = min(_BATCH_ROWS, table.num_rows - start)
        numbers = pc.cast(pa.array(range(first + start, first + start + size), pa.int32()), pa.string())
        cells = [
            _cells_xml(get_column_letter(position), numbers, column.slice(start, size).combine_chunks())
            for position, column in enumerate(texts, start=1)
        ]
        rows = pc.binary_join_element_wise('<row r="', numbers, '">', *cells, "</row>", "")
        yield joined(rows)


def _as_text(column: Any) -> Any:
    """Turn whole numbers that Excel would round into text."""
    if not pa.types.is_integer(column.type):
        return column
    bounds = pc.min_max(column).as_py()
    exact = bounds["min"] is None or (bounds["min"] >= -_EXACT_WHOLE and bounds["max"] <= _EXACT_WHOLE)
    return column if exact else pc.cast(column, pa.string())


def _cells_xml(letter: str, numbers: Any, column: Any) -> Any:
    """Return the cells of one column as XML, one string a row; nothing for a missing value."""
    if pa.types.is_string(column.type):
        start, end = '" t="inlineStr"><is><t xml:space="preserve">', "</t></is></c>"
        text = _escape(column)
    elif pa.types.is_boolean(column.type):
        start, end = '" t="b"><v>', "</v></c>"
        text = pc.cast(pc.cast(column, pa.int8()), pa.string())
    else:
        start, end = '"><v>', "</v></c>"
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
        text = pc.cast(column, pa.string())
    # A null in any part makes the whole cell null.
    cells = pc.binary_join_element_wise(f'<c r="{letter}', numbers, start, text, end, "")
    return pc.fill_null(cells, "")


def _escape(text: Any) -> Any:
    if pc.any(pc.match_substring_regex(text, _ILLEGAL)).as_py():
        text = pc.replace_substring_regex(text, _ILLEGAL, "")
    for plain, escaped in _MARKUP:
        text = pc.replace_substring(text, plain, escaped)
    return text


def joined(rows: Any) -> memoryview:
    """Return the strings of a fresh array without nulls end to end, which is how Arrow stores them."""
    return memoryview(rows.buffers()[2])[: pc.sum(pc.binary_length(rows)).as_py()]
