"""Files in: every file is opened in a guarded child process and comes back as one Parquet file.

The rules (formats, header, limits, error codes) are in docs/files.md.
"""

import json
import os
import re
import signal
import unicodedata
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from core import errors
from core.data.reading.child.request import ReadResult, Request
from core.data.reading.client import ReaderProcess
from core.domain.columns import Schema
from core.domain.formats import BOOK_FORMATS, READABLE_EXTENSIONS, split_format
from core.domain.reading import Reading, ReadOptions
from core.errors import EmptyDataError, FileTooLargeError, UnreadableFileError, translate
from core.files import atomic_path, check_free_space, disk_errors, scratch
from core.plain import from_plain, to_json
from core.settings import Settings

__all__ = [
    "READABLE_EXTENSIONS",
    "FileInfo",
    "check_upload_name",
    "file_info",
    "format_of",
    "list_sheets",
    "look_at_file",
    "read_file",
]

_MAX_NAME_CHARS = 120
_process = ReaderProcess()


@dataclass(frozen=True)
class FileInfo:
    """What a file turned out to be.

    Attributes
    ----------
    columns : tuple of str
        Column names after the header rule.
    format : str
        ``"csv"``, ``"parquet"``, ``"xlsx"``, ``"xls"`` or ``"ods"``.
    encoding, separator, quote : str or None
        Of a text file: a key of `core.domain.reading.ENCODINGS`; the character between cells; the one around them.
    warnings : tuple of str
        Sentences for the person: renamed headers, skipped blank lines, a guessed encoding.
    doubts : tuple of str
        Those of them that are about a guess which a person should see before the data is used.
    member : str or None
        The file inside a zip archive.
    header_row, n_header_rows, footer_rows : int
        The first row of names (0: none), how many there are, and how many rows at the end were left out.
    renamed : tuple of (str, str)
        Names as they stand in the file, where they had to be changed, and what the columns are called.
    """

    rows: int
    columns: tuple[str, ...]
    format: str
    encoding: str | None
    separator: str | None
    sheet: str | None
    sheets: tuple[str, ...]
    warnings: tuple[str, ...]
    doubts: tuple[str, ...] = ()
    member: str | None = None
    quote: str | None = None
    header_row: int = 1
    n_header_rows: int = 1
    footer_rows: int = 0
    renamed: tuple[tuple[str, str], ...] = ()

    def reading(self, schema: Schema) -> Reading:
        """Return how the file was read; the schema knows about decimal commas."""
        known = {spec.name for spec in fields(Reading)} - {"decimal"}
        comma = any(column.decimal == "," for column in schema.columns)
        return Reading(**{name: getattr(self, name) for name in known}, decimal="," if comma else ".")


def check_upload_name(name: str) -> str:
    """Return a person's file name in a form that is safe to show and to store as text.

    Folders, control characters and invisible or direction-changing characters are dropped; long names are cut to
    120 characters, keeping the ending.

    Raises
    ------
    UnsupportedFileError
        If the ending is none that Bellwether reads.

    Examples
    --------
    >>> check_upload_name("../../etc/sales 2024.CSV")
    'sales 2024.CSV'
    """
    visible = "".join(char for char in unicodedata.normalize("NFC", name) if unicodedata.category(char)[0] != "C")
    base = re.split(r"[/\\]", visible)[-1].strip()
    _, ending = split_format(base)
    stem = base[: len(base) - len(ending)].strip(" .") or "file"
    return stem[: _MAX_NAME_CHARS - len(ending)] + ending


def format_of(name: str) -> str:
    """Return the format that a file's name promises: csv, parquet, xlsx, xls, ods or zip.

    UnsupportedFileError if the ending is none that Bellwether reads.
    """
    return split_format(name)[0]


def list_sheets(path: Path, name: str, settings: Settings) -> tuple[str, ...]:
    """Name the visible sheets of a workbook; nothing for other files.

    Returns
    -------
    tuple of str
        Sheet names in workbook order; ``()`` when the file is not a workbook.
    """
    if split_format(name)[0] not in (*BOOK_FORMATS, "zip"):
        return ()
    return _ask(_request("sheets", path, name, Path(os.devnull), settings, ReadOptions()), settings).sheets


def read_file(
    path: Path,
    name: str,
    out: Path,
    settings: Settings,
    *,
    sheet: str | None = None,
    options: ReadOptions | None = None,
) -> FileInfo:
    """Read one file and write it as Parquet.

    Cells of text files come out as their exact source text (empty cell = empty string); cells of workbooks as
    canonical text; Parquet keeps numbers, dates and text.

    Parameters
    ----------
    out : Path
        The Parquet file to write; replaced atomically, untouched when reading fails.
    sheet : str, optional
        The sheet of a workbook; the first sheet with rows when omitted.
    options : ReadOptions, optional
        What a person says about the file; everything is guessed when omitted.

    Returns
    -------
    FileInfo
        Rows, columns and how the file was read.

    Raises
    ------
    UnsupportedFileError
        If the format is not read, or the content is not what the name says.
    FileTooLargeError
        If a limit is exceeded.
    UnreadableFileError
        If the content is damaged or ambiguous, or the child was ended by a limit.
    EmptyDataError
        If there is no header or no row.
    DataError
        ``file.options``: an option that cannot be meant.

    Notes
    -----
    About 0.3 s a file and 0.5 s per 1,000,000 rows of 12 columns of CSV; memory is that of the child.
    """
    options = options or ReadOptions()
    options = replace(options, sheet=sheet) if sheet is not None else options
    return file_info(_run("read", path, name, out, settings, options))


def look_at_file(path: Path, name: str, out: Path, settings: Settings, options: ReadOptions) -> ReadResult:
    """Do what `read_file` does, with the first rows as they stand; of a large file only the head is read."""
    return _run("look", path, name, out, settings, options)


def file_info(answer: ReadResult) -> FileInfo:
    """Return what the child found out, for everybody else."""
    return FileInfo(**{spec.name: getattr(answer, spec.name) for spec in fields(FileInfo)})


def _run(action: str, path: Path, name: str, out: Path, settings: Settings, options: ReadOptions) -> ReadResult:
    options.check()
    check_free_space(out.parent, settings)
    # What lies in the work folder is gone when its work ends.
    with atomic_path(out, lasting=not out.is_relative_to(settings.work_dir)) as temporary:
        return _ask(_request(action, path, name, temporary, settings, options), settings)


def _ask(request: Request, settings: Settings) -> ReadResult:
    if request.format != "zip":
        return _ask_child(request, settings)
    with scratch(settings, "unpacked-") as folder:
        return _ask_child(replace(request, scratch=str(folder / "file")), settings)


def _request(action: str, path: Path, name: str, out: Path, settings: Settings, options: ReadOptions) -> Request:
    kind, ending = split_format(name)
    size = path.stat().st_size
    if not size:
        raise EmptyDataError("The file is empty.")
    if size > settings.max_file_bytes:
        raise FileTooLargeError(
            f"The file has {size:,} bytes; the limit is {settings.max_file_bytes:,}.",
            hint="Split the file, or raise BELLWETHER_MAX_FILE.",
        )
    return Request(
        action=action,
        path=str(path),
        out=str(out),
        scratch=os.devnull,
        name=name,
        format=kind,
        gzipped=ending.lower().endswith(".gz"),
        options=options,
        max_columns=settings.max_columns,
        max_cell_bytes=settings.max_cell_bytes,
        max_file_bytes=settings.max_file_bytes,
        max_unpacked_bytes=settings.max_unpacked_bytes,
        memory_bytes=settings.reader_memory_bytes,
        cpu_s=settings.reader_cpu_s,
    )


def _ask_child(request: Request, settings: Settings) -> ReadResult:
    try:
        output, code = _process.ask(to_json(request).encode(), settings.reader_wall_s)
    except TimeoutError as error:
        raise _too_slow() from error
    if code == -signal.SIGXCPU:
        raise _too_slow()
    if code:
        raise _died(request)
    try:
        answer = json.loads(output)
    except ValueError as error:
        raise _died(request) from error
    return _parse_answer(answer, Path(request.out))


def _parse_answer(answer: dict[str, Any], out: Path) -> ReadResult:
    if "errno" in answer:
        # A damaged archive sends its reader to places that do not exist; only a full disk is not the file's fault.
        damaged = translate({OSError: UnreadableFileError}, "The file is damaged.")
        with damaged, disk_errors(out.parent):
            raise OSError(answer["errno"], os.strerror(answer["errno"]))
    if "error" in answer:
        error = answer["error"]
        kind: type[errors.AppError] = getattr(errors, error["kind"])
        raise kind(error["message"], hint=error["hint"], code=error["code"])
    return from_plain(ReadResult, answer["ok"], what="what the reader found")


def _too_slow() -> UnreadableFileError:
    return UnreadableFileError(
        "Reading the file took too long and was stopped.",
        hint="Split the file, save it as CSV, or raise BELLWETHER_READER_CPU and BELLWETHER_READER_WALL.",
        code="file.too_slow",
    )


def _died(request: Request) -> UnreadableFileError:
    kind = {"csv": "text", "xls": "old Excel", "xlsx": "Excel", "ods": "OpenDocument", "zip": "zip"}
    stray = "A stray cell far from the table may be the cause: copy the table to a new sheet, or save it as CSV."
    return UnreadableFileError(
        f"The {kind.get(request.format, 'Parquet')} file could not be read within the limits; nothing was saved.",
        hint=stray if request.format in BOOK_FORMATS else None,
        code="file.reader_died",
    )
