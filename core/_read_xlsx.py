"""Excel workbooks, read to columns of canonical text; runs in the child process only."""

import datetime
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import python_calamine as calamine
from pyarrow.lib import StringBuilder

from core._read_common import Answer, ParquetSink, Request, clean_header, string_schema
from core.errors import DataError, EmptyDataError, FileTooLargeError, UnreadableFileError, UnsupportedFileError

_MAX_MEMBERS = 1000
_MAX_RATIO = 200
# Below this size a member cannot hurt, however well it is packed.
_SMALL_BYTES = 1024**2
_BATCH_ROWS = 65_536
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_MACROS = ("xl/vbaproject.bin", "xl/macrosheets/")
# Whole numbers up to here are exact in the 64-bit floats that Excel stores.
_EXACT_WHOLE = 2.0**53


def list_sheets(request: Request) -> Answer:
    """Name the visible worksheets without reading them."""
    with _open(request) as book:
        return Answer(sheets=_sheet_names(book))


def read_xlsx(request: Request) -> Answer:
    """Read the chosen sheet, or the first one that has rows.

    Raises
    ------
    DataError
        As docs/files.md lists them.
    """
    with _open(request) as book:
        sheets = _sheet_names(book)
        if request.sheet is not None and request.sheet not in sheets:
            raise UnreadableFileError(
                f"The workbook has no sheet {request.sheet!r}.",
                hint=f"Choose one of: {', '.join(sheets)}.",
                code="file.no_such_sheet",
            )
        empty: DataError = EmptyDataError("The workbook has no worksheets.")
        for name in sheets if request.sheet is None else [request.sheet]:
            try:
                return _read_sheet(book, name, sheets, request)
            except EmptyDataError as error:
                empty = error
        raise empty


def _open(request: Request) -> calamine.CalamineWorkbook:
    _check_archive(request)
    try:
        return calamine.load_workbook(request.path)
    except calamine.PasswordError as error:
        raise _encrypted() from error
    except calamine.CalamineError as error:
        raise UnreadableFileError("The workbook is damaged or is not an xlsx file.") from error


def _check_archive(request: Request) -> None:
    """Look at the zip directory before anything is unpacked (trust T06)."""
    with Path(request.path).open("rb") as file:
        head = file.read(8)
        if head == _OLE2:
            if _ENCRYPTED in file.read(_SMALL_BYTES):
                raise _encrypted()
            raise _mismatch("an old Excel or other Office file")
    if not head.startswith(b"PK"):
        raise _mismatch("something else")
    try:
        with zipfile.ZipFile(request.path) as archive:
            members = archive.infolist()
            _check_members(members, request)
            _check_parts({member.filename.lower() for member in members})
            _check_doctypes(archive, members)
    except DataError:
        raise
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise UnreadableFileError("The workbook's zip archive is damaged.") from error


def _check_members(members: Sequence[zipfile.ZipInfo], request: Request) -> None:
    unpacked = sum(member.file_size for member in members)
    if unpacked > request.max_unpacked_bytes:
        raise FileTooLargeError(
            f"The workbook unpacks to {unpacked:,} bytes; the limit is {request.max_unpacked_bytes:,}.",
            hint="Save the sheet as CSV, or raise BELLWETHER_MAX_UNPACKED.",
            code="file.unpacked_too_large",
        )
    if len(members) > _MAX_MEMBERS:
        raise _suspicious(f"it has {len(members):,} parts; the limit is {_MAX_MEMBERS:,}")
    for member in members:
        if member.file_size > _SMALL_BYTES and member.file_size > _MAX_RATIO * member.compress_size:
            raise _suspicious(f"a part unpacks to more than {_MAX_RATIO} times its size")


def _check_parts(names: set[str]) -> None:
    if any(name.startswith(_MACROS) for name in names):
        raise UnsupportedFileError(
            "The workbook holds macros.",
            hint="Save it as an Excel workbook without macros (.xlsx).",
            code="file.macros",
        )
    if "[content_types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise _mismatch("a zip archive of other files")


def _check_doctypes(archive: zipfile.ZipFile, members: Iterable[zipfile.ZipInfo]) -> None:
    """Refuse document type declarations: entities are declared there, and Excel writes none (trust T07)."""
    for member in members:
        if member.filename.lower().endswith((".xml", ".rels", ".vml")):
            with archive.open(member) as part:
                head = part.read(64 * 1024)
            # Dropping NULs makes UTF-16 text comparable.
            if b"<!DOCTYPE" in head.replace(b"\0", b"").upper():
                raise UnreadableFileError(
                    "The workbook holds XML declarations that Excel does not write.", code="file.xml_entities"
                )


def _sheet_names(book: calamine.CalamineWorkbook) -> tuple[str, ...]:
    return tuple(
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == calamine.SheetTypeEnum.WorkSheet and sheet.visible == calamine.SheetVisibleEnum.Visible
    )


def _read_sheet(book: calamine.CalamineWorkbook, name: str, sheets: tuple[str, ...], request: Request) -> Answer:
    try:
        sheet = book.get_sheet_by_name(name)
    except calamine.CalamineError as error:
        raise UnreadableFileError(f"The sheet {name!r} is damaged.") from error
    rows = (cells for cells in sheet.iter_rows() if any(cell != "" for cell in cells))
    header = next(rows, None)
    if header is None:
        raise EmptyDataError(f"The sheet {name!r} is empty.")
    names, warnings = clean_header(_texts(header), request.max_columns)
    with ParquetSink(request.out, string_schema(names), request) as sink:
        while chunk := list(islice(rows, _BATCH_ROWS)):
            sink.write([_text_array(column) for column in zip(*chunk, strict=True)])
    if not sink.rows:
        raise EmptyDataError(f"The sheet {name!r} has a header but no rows.", code="file.no_rows")
    blank = sheet.height - 1 - sink.rows
    if blank:
        warnings.append(f"{blank:,} blank rows were skipped." if blank > 1 else "1 blank row was skipped.")
    return Answer(rows=sink.rows, columns=tuple(names), sheet=name, sheets=sheets, warnings=tuple(warnings))


def _text_array(column: Sequence[Any]) -> Any:
    # pa.array() would do, but it imports pandas on its first call, which doubles the time for a small file.
    builder = StringBuilder()
    builder.append_values(_texts(column))
    return builder.finish()


def _texts(column: Sequence[Any]) -> list[str]:
    return [cell if type(cell) is str else _FORMATS[type(cell)](cell) for cell in column]


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) <= _EXACT_WHOLE else repr(value)


def _moment(value: datetime.datetime) -> str:
    return value.isoformat(sep=" ", timespec="seconds")


_FORMATS: dict[type, Callable[[Any], str]] = {
    float: _number,
    int: str,
    bool: lambda value: "true" if value else "false",
    datetime.date: datetime.date.isoformat,
    datetime.datetime: _moment,
    datetime.time: lambda value: value.isoformat(timespec="seconds"),
    datetime.timedelta: str,
}


def _encrypted() -> UnsupportedFileError:
    return UnsupportedFileError(
        "The workbook is protected by a password.", hint="Save it without a password.", code="file.encrypted"
    )


def _mismatch(kind: str) -> UnsupportedFileError:
    return UnsupportedFileError(
        f"The name says Excel (.xlsx), but the content is {kind}.",
        hint="Save the table as .xlsx in Excel, or give the file the ending that fits its content.",
        code="file.content_mismatch",
    )


def _suspicious(reason: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"The workbook was not opened because {reason}.", hint="Save the sheet as CSV.", code="file.suspicious_archive"
    )
