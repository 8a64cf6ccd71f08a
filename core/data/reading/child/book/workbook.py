"""Workbooks (xlsx, xls, ods), read to columns of canonical text; runs in the child process only."""

import mmap
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import python_calamine as calamine

from core.data.reading.child.archive import SMALL_BYTES, check_doctypes, check_members, open_zip
from core.data.reading.child.book.cells import Columns, texts
from core.data.reading.child.book.digits import Digits, find_digits, with_digits
from core.data.reading.child.book.faults import find_faults, may_be_uncalculated, without_new_errors
from core.data.reading.child.layout import Row, find_layout
from core.data.reading.child.request import (
    ParquetSink,
    ReadResult,
    Request,
    clean_header,
    renames,
    show_head,
    string_schema,
    text_array,
)
from core.data.reading.child.tail import Tail, footer_doubts, sum_doubts
from core.errors import DataError, EmptyDataError, UnreadableFileError, UnsupportedFileError
from core.wording import count_text

_LOOKED_AT = 60
_BATCH_ROWS = 65_536
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_OLD_MACROS = "_VBA_PROJECT_CUR".encode("utf-16-le")
# The records BOF and, right behind it, FILEPASS; of BIFF8 and BIFF5.
_OLD_PASSWORD = re.compile(
    rb"\x09\x08(?:\x10\x00\x00\x06\x05\x00.{12}|\x08\x00\x00\x05\x05\x00.{4})\x2f\x00", re.DOTALL
)
_OLD_BOOKS = tuple(name.encode("utf-16-le") + b"\0\0" for name in ("Workbook", "Book"))
_MACROS = ("xl/vbaproject.bin", "xl/macrosheets/", "basic/", "scripts/")
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_KINDS = {"xlsx": "Excel (.xlsx)", "xls": "old Excel (.xls)", "ods": "OpenDocument (.ods)"}
_NEW_ERROR = "cell error value"  # in the library's message

Cells = Sequence[Any]


def list_sheets(request: Request) -> ReadResult:
    """Name the visible worksheets without reading them."""
    with _open(request) as book:
        return ReadResult(sheets=_sheet_names(book))


def read_workbook(request: Request) -> ReadResult:
    """Read the chosen sheet, or the first one that has rows.

    Raises
    ------
    DataError
        As docs/files.md lists them.
    """
    wanted = request.options.sheet
    with _open(request) as book:
        sheets = _sheet_names(book)
        if wanted is not None and wanted not in sheets:
            raise UnreadableFileError(
                f"The workbook has no sheet {wanted!r}.",
                hint=f"Choose one of: {', '.join(sheets)}.",
                code="file.no_such_sheet",
            )
        empty: DataError = EmptyDataError("The workbook has no worksheets.")
        for name in sheets if wanted is None else [wanted]:
            try:
                return _read_sheet(book, name, sheets, request)
            except EmptyDataError as error:
                empty = error
        raise empty


# --- what may be opened -----------------------------------------------------------------------------------------------


def _open(request: Request) -> calamine.CalamineWorkbook:
    if request.format == "xls":
        _check_old(request)
    else:
        _check_archive(request)
    try:
        return calamine.load_workbook(request.path)
    except calamine.PasswordError as error:
        raise _encrypted() from error
    except calamine.CalamineError as error:
        raise UnreadableFileError(f"The workbook is damaged or is not an {request.format} file.") from error


def _check_old(request: Request) -> None:
    """Look for what an old workbook must have and must not have; it has no directory of sizes to check."""
    with Path(request.path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        head = content[:8]
        if head.startswith(b"PK"):
            raise _mismatch(request, "a zip archive or a newer workbook: try the extension .xlsx or .ods")
        if head != _OLE2:
            raise _mismatch(request, "something else; many programs write a web page or text and call it .xls")
        if content.find(_ENCRYPTED) >= 0 or _OLD_PASSWORD.search(content):
            raise _encrypted()
        if content.find(_OLD_MACROS) >= 0:
            raise _with_macros()
        if all(content.find(name) < 0 for name in _OLD_BOOKS):
            raise _mismatch(request, "another Office file")


def _check_archive(request: Request) -> None:
    """Look at the zip directory before anything is unpacked (trust T06)."""
    with Path(request.path).open("rb") as file:
        head = file.read(8)
        if head == _OLE2:
            if _ENCRYPTED in file.read(SMALL_BYTES):
                raise _encrypted()
            raise _mismatch(request, "an old Excel or other Office file")
    if not head.startswith(b"PK"):
        raise _mismatch(request, "something else")
    with open_zip(request.path, "workbook's zip archive") as archive:
        members = archive.infolist()
        check_members(members, request.max_unpacked_bytes, "BELLWETHER_MAX_UNPACKED", "workbook")
        _check_parts(archive, {member.filename.replace("\\", "/").lower() for member in members}, request)
        check_doctypes(archive, members)


def _check_parts(archive: zipfile.ZipFile, names: set[str], request: Request) -> None:
    if any(name.startswith(_MACROS) for name in names):
        raise _with_macros()
    if request.format == "xlsx":
        is_right = "[content_types].xml" in names and any(name.startswith("xl/") for name in names)
    else:
        is_right = {"mimetype", "content.xml"} <= names and archive.read("mimetype").strip() == _ODS
    if not is_right:
        raise _mismatch(request, "a zip archive of other files")


def _sheet_names(book: calamine.CalamineWorkbook) -> tuple[str, ...]:
    return tuple(
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == calamine.SheetTypeEnum.WorkSheet and sheet.visible == calamine.SheetVisibleEnum.Visible
    )


# --- one sheet --------------------------------------------------------------------------------------------------------


def _read_sheet(
    book: calamine.CalamineWorkbook,
    name: str,
    sheets: tuple[str, ...],
    request: Request,
    digits: Digits | None = None,
) -> ReadResult:
    sheet = _get_sheet(book, name, request)
    merged = _Merged.of(sheet)
    rows = merged.fill_down((n, cells) for n, cells in _numbered_rows(sheet, digits) if _has_value(cells))
    head = list(islice(rows, _LOOKED_AT + (request.options.header_row or 0)))
    if not head:
        raise EmptyDataError(f"The sheet {name!r} is empty.")
    as_text = [Row(number, texts(cells)) for number, cells, _ in head]
    layout = find_layout(as_text, request.options, spread=merged.fill_across)
    names, warnings = clean_header(layout.names, request.max_columns)
    body = _Body(begin=layout.header_row + layout.n_header_rows - 1)
    faults = find_faults(request, name) if request.format == "ods" else None
    columns = Columns(names, is_ods=faults is not None, errors=frozenset(faults.errors if faults else ()))
    rest = body.watch(chain(head[layout.first :], rows))
    with ParquetSink(request.out, string_schema(names), request) as sink:
        tail = Tail(sink, request)
        while chunk := list(islice(rest, _BATCH_ROWS)):
            tail.write([text_array(columns.texts(*each)) for each in enumerate(zip(*chunk, strict=True))])
        tail.finish()
    if columns.has_long and digits is None and (digits := find_digits(request, name)):
        return _read_sheet(book, name, sheets, request, digits)
    if not sink.rows:
        raise EmptyDataError(f"The sheet {name!r} has a header but no rows.", code="file.no_rows")
    is_odd = columns.has_blank or body.n_blank(tail.rows) or (columns.has_zero and may_be_uncalculated(request))
    if faults is None and is_odd:
        faults = find_faults(request, name)
    footer = footer_doubts(tail.left_out, said=request.options.skip_footer is not None)
    doubts = (*layout.doubts, *sum_doubts(tail), *(faults.doubts() if faults else ()), *footer)
    return ReadResult(
        rows=sink.rows,
        columns=tuple(names),
        format=request.format,
        sheet=name,
        sheets=sheets,
        header_row=layout.header_row,
        n_header_rows=layout.n_header_rows,
        footer_rows=len(tail.left_out),
        warnings=(*warnings, *body.warnings(tail.rows), *columns.warnings(), *doubts),
        doubts=doubts,
        renamed=renames(layout.names, names),
        head=show_head(((row.number, row.cells) for row in as_text), request),
    )


def _get_sheet(book: calamine.CalamineWorkbook, name: str, request: Request) -> calamine.CalamineSheet:
    try:
        return book.get_sheet_by_name(name)
    except calamine.CalamineError as error:
        if request.format != "xlsx" or _NEW_ERROR not in str(error):
            raise UnreadableFileError(f"The sheet {name!r} is damaged.") from error
    try:
        # Errors of newer versions of Excel, which the library does not know.
        return calamine.load_workbook(without_new_errors(request)).get_sheet_by_name(name)
    except calamine.CalamineError as error:
        raise UnreadableFileError(f"The sheet {name!r} is damaged.") from error


def _numbered_rows(sheet: calamine.CalamineSheet, digits: Digits | None) -> Iterable[tuple[int, Cells]]:
    rows = enumerate(sheet.iter_rows(), 1)
    return rows if not digits or sheet.start is None else with_digits(rows, digits, sheet.start[1])


def _has_value(cells: Cells) -> bool:
    return any(cell != "" for cell in cells)


@dataclass
class _Body:
    """Counts what is met below the header."""

    begin: int
    last: int = 0
    n_filled: int = 0

    def watch(self, rows: Iterable[tuple[int, Cells, int]]) -> Iterator[Cells]:
        for number, cells, n_filled in rows:
            self.last = number
            self.n_filled += n_filled
            yield cells

    def n_blank(self, n_rows: int) -> int:
        return self.last - max(self.begin, 0) - n_rows

    def warnings(self, n_rows: int) -> list[str]:
        found = []
        blank = self.n_blank(n_rows)
        if blank > 0:
            found.append(f"{count_text(blank, 'blank row was', 'blank rows were')} skipped.")
        if self.n_filled:
            cells = count_text(self.n_filled, "cell")
            found.append(f"Merged cells: {cells} below the first got its value.")
        return found


class _Merged:
    """The merged cells of a sheet; rows are numbered from 1, columns from the sheet's first."""

    def __init__(self, ranges: Iterable[tuple[int, int, int, int]]) -> None:
        # (first row, first column, last row, last column), so that the next one to begin is at the end.
        self._ranges = sorted(ranges, reverse=True)
        self._wide: dict[int, list[tuple[int, int]]] = {}
        for top, left, _, right in self._ranges:
            if right > left:
                self._wide.setdefault(top, []).append((left, right))

    @classmethod
    def of(cls, sheet: calamine.CalamineSheet) -> "_Merged":
        if sheet.start is None:
            return cls(())
        offset = sheet.start[1]
        found = sheet.merged_cell_ranges or ()
        return cls((top + 1, left - offset, bottom + 1, right - offset) for (top, left), (bottom, right) in found)

    def fill_down(self, rows: Iterable[tuple[int, Cells]]) -> Iterator[tuple[int, Cells, int]]:
        """Repeat the value of a merged range in its first column, in each row; give rows and how many cells it were."""
        waiting = [one for one in self._ranges if one[2] > one[0]]
        active: list[tuple[int, int, Any]] = []  # last row, column, value
        for number, cells in rows:
            filled = list(cells) if active else cells
            active = [one for one in active if one[0] >= number]
            n_filled = 0
            for _, column, value in active:
                if filled[column] == "" and value != "":
                    filled[column] = value  # type: ignore[index]
                    n_filled += 1
            while waiting and waiting[-1][0] <= number:
                top, left, bottom, _ = waiting.pop()
                if top == number and left < len(cells):
                    active.append((bottom, left, cells[left]))
            yield number, filled, n_filled

    def fill_across(self, row: Row) -> Sequence[str]:
        """Repeat the value of a merged range in each of its columns; for rows of names."""
        filled = list(row.cells)
        for left, right in self._wide.get(row.number, ()):
            if left < len(filled):
                filled[left : right + 1] = [filled[left]] * (min(right + 1, len(filled)) - left)
        return filled


# --- errors -----------------------------------------------------------------------------------------------------------


def _encrypted() -> UnsupportedFileError:
    return UnsupportedFileError(
        "The workbook is protected by a password.", hint="Save it without a password.", code="file.encrypted"
    )


def _with_macros() -> UnsupportedFileError:
    return UnsupportedFileError(
        "The workbook contains macros.",
        hint="Save it as an Excel workbook without macros (.xlsx).",
        code="file.macros",
    )


def _mismatch(request: Request, kind: str) -> UnsupportedFileError:
    return UnsupportedFileError(
        f"The name says {_KINDS[request.format]}, but the content is {kind}.",
        hint="Save the table as .xlsx, or give the file the extension that fits its content.",
        code="file.content_mismatch",
    )
