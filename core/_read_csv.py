"""Separated text, read to columns of exact source text; runs in the child process only."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as pacsv

from core._read_common import Answer, ParquetSink, Request, cell_too_large, clean_header, string_schema
from core._read_text import NotUtf8Error, TextSource, open_text
from core.errors import EmptyDataError, UnreadableFileError

_SEPARATORS = (",", ";", "\t", "|")
_SAMPLE_BYTES = 256 * 1024
_MAX_HEADER_BYTES = 4 * 1024**2
_SAMPLE_RECORDS = 200
_BLOCK_BYTES = 8 * 1024**2
_QUOTE_HINT = "Look for a quote that is never closed, or put cells that hold quotes or line breaks in quotes."


@dataclass(frozen=True)
class _Dialect:
    separator: str
    header: list[str]
    header_chars: int  # length of the header record with all that stands before it
    header_lines: int


def read_csv(request: Request) -> Answer:
    """Read the file in one pass; a second one only when it turns out not to be UTF-8, or to need a closer look.

    Raises
    ------
    DataError
        UnreadableFileError, EmptyDataError or FileTooLargeError, as docs/files.md lists them.
    """
    try:
        return _read(request, None)
    except NotUtf8Error:
        return _read(request, "cp1252")


def _read(request: Request, encoding: str | None) -> Answer:
    with open_text(request, encoding) as source:
        dialect = _find_dialect(source)
        names, warnings = clean_header(dialect.header, request.max_columns)
        rows = _convert(request, source, dialect, names)
        if not rows or rows != source.lines:
            # Line breaks inside quotes or blank lines are fine, but a quote that is never closed looks the same.
            warnings += _check_records(request, source.encoding, dialect, rows)
    if not rows:
        raise EmptyDataError("The file has a header but no rows.", code="file.no_rows")
    if source.encoding == "cp1252":
        warnings.append("The file is not UTF-8; it was read as Windows-1252 (Latin-1). Check accented letters.")
    return Answer(
        rows=rows,
        columns=tuple(names),
        encoding=source.encoding,
        separator=dialect.separator,
        warnings=tuple(warnings),
    )


def _find_dialect(source: TextSource) -> _Dialect:
    """Read the head of the file, decide on separator and header, and put back what follows the header."""
    head, text, dialect = source.take(_SAMPLE_BYTES), "", None
    while dialect is None:
        # A character cut in two at the end of the sample is left for later.
        text = head.decode("utf-8", errors="ignore")
        if source.at_end and not text.strip():
            raise EmptyDataError("The file is empty.")
        dialect = _best_dialect(text, complete=source.at_end)
        if dialect is None:
            if source.at_end or len(head) >= _MAX_HEADER_BYTES:
                raise UnreadableFileError("The header row does not end.", hint=_QUOTE_HINT, code="file.quotes")
            head += source.take(len(head))
    source.put_back(head[len(text[: dialect.header_chars].encode()) :])
    return dialect


def _best_dialect(text: str, *, complete: bool) -> _Dialect | None:
    """Return the separator that splits header and rows most evenly, or None when the header goes on after `text`."""
    best: _Dialect | None = None
    best_score = (-1.0, 0)
    for separator in _SEPARATORS:
        records = list(_sample_records(text, separator, complete=complete))
        if not records:
            continue
        header, chars, lines = records[0]
        score = _score(len(header), Counter(len(cells) for cells, _, _ in records[1:]))
        if score > best_score:
            best, best_score = _Dialect(separator, header, chars, lines), score
    return best


def _score(width: int, counts: Counter[int]) -> tuple[float, int]:
    """Rate a separator by the share of rows as wide as the header, then by width."""
    if width > 1:
        return (counts[width] / counts.total() if counts else 1.0, width)
    # A title above the table: take the table's separator, so that the error can name the line and the counts.
    return (0.0, next(iter(counts)) if len(counts) == 1 and counts.total() > 1 else 1)


def _sample_records(text: str, separator: str, *, complete: bool) -> Iterator[tuple[list[str], int, int]]:
    """Give the first records with the characters and lines used up to each one's end; never a record cut short."""
    csv.field_size_limit(len(text) + 1)
    used = [0, 0]

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            used[0] += len(line)
            used[1] += 1
            yield line

    reader = csv.reader(lines(), delimiter=separator)
    given = 0
    for cells in reader:
        if used[0] == len(text) and not complete:
            return
        if cells:
            yield cells, used[0], used[1]
            given += 1
            if given > _SAMPLE_RECORDS:
                return


def _convert(request: Request, source: TextSource, dialect: _Dialect, names: list[str]) -> int:
    """Stream the rest of the source into the Parquet file and return the number of rows."""
    schema = string_schema(names)
    # Positions stand in for names: the parser must not care what is in them.
    keys = [str(number) for number in range(len(names))]
    with ParquetSink(request.out, schema, request) as sink:
        if source.is_exhausted():
            return 0
        try:
            reader = pacsv.open_csv(
                source,
                pacsv.ReadOptions(column_names=keys, block_size=max(_BLOCK_BYTES, 2 * request.max_cell_bytes)),
                pacsv.ParseOptions(delimiter=dialect.separator, newlines_in_values=True),
                pacsv.ConvertOptions(
                    column_types=dict.fromkeys(keys, pa.string()), null_values=[], strings_can_be_null=False
                ),
            )
            for batch in reader:
                sink.write(batch.columns)
        except pa.ArrowInvalid as error:
            if "invalid UTF8" in str(error) and source.encoding == "utf-8":
                raise NotUtf8Error from error
            _check_records(request, source.encoding, dialect, None)
            raise UnreadableFileError("The rows of the file cannot be told apart.", hint=_QUOTE_HINT) from error
        return sink.rows


def _check_records(request: Request, encoding: str, dialect: _Dialect, rows: int | None) -> list[str]:
    """Go through the file with the strict parser of the standard library, which knows line numbers.

    Parameters
    ----------
    rows : int or None
        The number of rows that the fast parser found; None when it gave up.

    Raises
    ------
    UnreadableFileError
        If a row has another number of cells than the header, quotes are wrong, or the two parsers disagree.
    """
    csv.field_size_limit(request.max_cell_bytes)
    width, found, blank, start = len(dialect.header), 0, 0, 1
    with (
        open_text(request, encoding) as source,
        io.TextIOWrapper(io.BufferedReader(source), "utf-8", newline="") as text,
    ):
        reader = csv.reader(text, delimiter=dialect.separator, strict=True)
        try:
            for cells in reader:
                if not cells:
                    blank += start > dialect.header_lines
                elif len(cells) != width:
                    raise _ragged(start, len(cells), width)
                else:
                    found += 1
                start = reader.line_num + 1
        except csv.Error as error:
            if "field limit" in str(error):
                raise cell_too_large(f"line {start:,}", request) from error
            raise _bad_record(start, str(error)) from error
    if rows is not None and rows != found - 1:
        raise UnreadableFileError("The rows of the file cannot be told apart.", hint=_QUOTE_HINT, code="file.quotes")
    return [f"{blank:,} blank lines were skipped."] if blank > 1 else ["1 blank line was skipped."] if blank else []


def _ragged(line: int, cells: int, width: int) -> UnreadableFileError:
    return UnreadableFileError(
        f"Line {line:,} has {cells:,} cells; the header has {width:,}.",
        hint="Correct that line; a cell that holds the separator must stand in quotes.",
        code="file.ragged",
    )


def _bad_record(line: int, reason: str) -> UnreadableFileError:
    reason = "a quote is never closed" if "unexpected end" in reason else "text follows a closing quote"
    return UnreadableFileError(f"Line {line:,} cannot be read: {reason}.", hint=_QUOTE_HINT, code="file.quotes")
