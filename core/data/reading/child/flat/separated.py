"""Separated text, read to columns of exact source text; runs in the child process only."""

import csv
import io
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.csv as pacsv

from core.data.reading.child.flat.dialect import QUOTE_HINT, Dialect, csv_options, find_dialect
from core.data.reading.child.flat.plain import Mended, unmark
from core.data.reading.child.flat.text import NotUtf8Error, TextSource, Way, is_mixed, open_text
from core.data.reading.child.layout import is_note, is_number, total_place
from core.data.reading.child.request import (
    HEAD_ROWS,
    ParquetSink,
    ReadResult,
    Request,
    cell_too_large,
    clean_header,
    renames,
    show_head,
    string_schema,
    text_array,
)
from core.data.reading.child.tail import Tail, footer_doubts, sum_doubts
from core.data.reading.child.totals import is_label
from core.errors import EmptyDataError, UnreadableFileError
from core.wording import count_text

_BLOCK_BYTES = 8 * 1024**2
# A file up to this size is looked at as a whole.
_LOOK_BYTES = 8 * 1024**2
_MAX_FOOTER = 20


def read_csv(request: Request) -> ReadResult:
    """Read the file in one pass; a second one only when it turns out not to be UTF-8, or to need a closer look.

    Raises
    ------
    DataError
        UnreadableFileError, EmptyDataError or FileTooLargeError, as docs/files.md lists them.
    """
    said = request.options.encoding
    try:
        return _read(request, Way(said))
    except NotUtf8Error as error:
        if said is not None:
            raise UnreadableFileError(
                "The file's text is not UTF-8.", hint="Choose another encoding.", code="file.encoding"
            ) from error
        return _read(request, Way(is_mixed=True) if is_mixed(request) else Way("cp1252"))


def _read(request: Request, way: Way) -> ReadResult:
    with open_text(request, way) as source:
        dialect = find_dialect(source, request.options)
        if dialect.squeezed and not way.squeezed:
            return _read(request, replace(way, squeezed=True))
        way = replace(way, encoding=source.encoding, is_mixed=source.is_mixed)
        header = [unmark(name) for name in dialect.layout.names]
        names, warnings = clean_header(header, request.max_columns)
        warnings += [
            f"The name {new!r} is not UTF-8 as the rest is, and read as Windows-1252."
            for old, new in zip(dialect.layout.names, header, strict=True)
            if old != new
        ]
        try:
            if request.action == "look" and source.estimated_bytes() > _LOOK_BYTES:
                body = _copy_head(request, dialect, names, source)
            else:
                body = _convert(request, source, dialect, names, way)
        except UnreadableFileError:
            if way.escaped or not source.has_escapes:
                raise
            return _read_escaped(request, way)
    if not body.rows:
        raise EmptyDataError("The file has a header but no rows.", code="file.no_rows")
    if source.encoding == "cp1252" and request.options.encoding is None:
        warnings.append("The file is not UTF-8; it was read as Windows-1252 (Latin-1). Check accented letters.")
    footer = footer_doubts(body.left_out, said=request.options.skip_footer is not None)
    if way.escaped:
        warnings.append('Quotes inside of cells are written with a backslash (\\"); they were read as quotes.')
    doubts = (*dialect.doubts, *dialect.layout.doubts, *body.doubts, *footer)
    return ReadResult(
        rows=body.rows,
        columns=tuple(names),
        format="csv",
        encoding=source.encoding,
        separator=dialect.separator,
        quote=dialect.quote,
        header_row=dialect.layout.header_row,
        n_header_rows=dialect.layout.n_header_rows,
        footer_rows=len(body.left_out),
        warnings=(*warnings, *body.warnings, *doubts),
        doubts=doubts,
        renamed=renames(header, names),
        head=show_head(((row.number, row.cells) for row in dialect.records), request),
        estimated_rows=body.estimated_rows,
    )


def _read_escaped(request: Request, way: Way) -> ReadResult:
    """Read a file again whose quotes contradict each other, unless a backslash escapes those inside of cells.

    UnreadableFileError, as without, if that does not help.
    """
    try:
        return _read(request, replace(way, escaped=True))
    except UnreadableFileError:
        return _read(request, way)


@dataclass(frozen=True)
class _Body:
    """What lies below the header."""

    rows: int
    left_out: list[list[str]]
    warnings: list[str]
    estimated_rows: int | None = None
    doubts: tuple[str, ...] = ()


@dataclass
class _Records:
    """What the strict parser found below the header.

    Attributes
    ----------
    rows : int
        As wide as the header.
    blank, hollow : int
        Lines with nothing on them; of another width, with nothing but separators.
    ends : list of list of str
        Other lines at the end.
    """

    rows: int = 0
    blank: int = 0
    hollow: int = 0
    ends: list[list[str]] = field(default_factory=list)


def _copy_head(request: Request, dialect: Dialect, names: list[str], source: TextSource) -> _Body:
    """Write the first rows only, and estimate how many there are."""
    rows = [row for row in dialect.records[dialect.layout.first :] if len(row.cells) == dialect.width][: 2 * HEAD_ROWS]
    with ParquetSink(request.out, string_schema(names), request) as sink:
        if rows:
            sink.write([text_array(column) for column in zip(*(row.cells for row in rows), strict=True)])
    chars_per_row = (dialect.records[-1].chars - dialect.skipped_chars) / max(
        len(dialect.records) - dialect.layout.first, 1
    )
    return _Body(len(rows), [], [], max(round(source.estimated_bytes() / max(chars_per_row, 1)), len(rows)))


def _convert(request: Request, source: TextSource, dialect: Dialect, names: list[str], way: Way) -> _Body:
    """Stream the rest of the source into the Parquet file."""
    try:
        made = _stream(request, source, dialect, names)
    except _TornError as error:
        # Lines at the end that are not rows, such as totals or a remark, are found by the strict parser or refused.
        found = _check_records(request, way, dialect)
        if not found.ends and not found.hollow:
            raise UnreadableFileError("The rows of the file cannot be separated.", hint=QUOTE_HINT) from error
        with open_text(request, way) as again:
            find_dialect(again, request.options)
            made = _stream(request, again, dialect, names, n_ends=len(found.ends))
    else:
        found = _Records(made.rows)
        if not made.rows or made.rows != source.lines or (source.has_escapes and dialect.quote):
            # Line breaks inside quotes or blank lines are fine, but a quote that is never closed looks the same.
            found = _check_records(request, way, dialect)
    if made.rows != found.rows:
        raise UnreadableFileError("The rows of the file cannot be separated.", hint=QUOTE_HINT, code="file.quotes")
    warnings = []
    if found.blank:
        warnings.append(f"{count_text(found.blank, 'blank line was', 'blank lines were')} skipped.")
    if hollow := found.hollow + made.tail.hollow:
        rows = count_text(hollow, "row with nothing but separators was", "rows with nothing but separators were")
        warnings.append(f"{rows} skipped.")
    left_out, warnings = made.tail.left_out + found.ends, [*warnings, *made.mended]
    return _Body(made.sink.rows, left_out, warnings, doubts=sum_doubts(made.tail))


class _TornError(Exception):
    """Control signal: the fast parser met a row of another width."""


@dataclass(frozen=True)
class _Streamed:
    """What the fast parser made: how many rows it met, and what was said of cells that are not of the encoding."""

    rows: int
    tail: Tail
    sink: ParquetSink
    mended: list[str]


def _stream(
    request: Request, source: TextSource, dialect: Dialect, names: list[str], *, n_ends: int | None = None
) -> _Streamed:
    """Run the fast parser; with `n_ends` it passes over rows of another width, which were looked at before."""
    # Positions stand in for names: the parser must not care what is in them.
    keys = [str(number) for number in range(len(names))]
    mended = Mended(names) if source.is_mixed else None
    with ParquetSink(request.out, string_schema(names), request) as sink:
        tail = Tail(sink, request)
        if source.is_exhausted():
            return _Streamed(0, tail, sink, [])
        try:
            reader = pacsv.open_csv(
                source,
                pacsv.ReadOptions(column_names=keys, block_size=max(_BLOCK_BYTES, 2 * request.max_cell_bytes)),
                pacsv.ParseOptions(
                    delimiter=dialect.separator,
                    quote_char=dialect.quote or False,
                    newlines_in_values=bool(dialect.quote),
                    invalid_row_handler=None if n_ends is None else lambda _row: "skip",
                ),
                pacsv.ConvertOptions(
                    column_types=dict.fromkeys(keys, pa.string()), null_values=[], strings_can_be_null=False
                ),
            )
            for batch in reader:
                tail.write(mended.mend(batch.columns) if mended else batch.columns)
        except pa.ArrowInvalid as error:
            if "invalid UTF8" in str(error) and source.encoding == "utf-8":
                raise NotUtf8Error from error
            raise _TornError from error
        tail.finish(already=n_ends or 0)
    return _Streamed(tail.rows + tail.hollow, tail, sink, mended.warnings() if mended else [])


def _check_records(request: Request, way: Way, dialect: Dialect) -> _Records:
    """Go through the file with the strict parser of the standard library, which knows line numbers.

    UnreadableFileError if a row has another number of cells than the header and is not a footer, or quotes are wrong.
    """
    csv.field_size_limit(request.max_cell_bytes)
    found, ragged, start = _Records(), _Ragged(request, dialect.width), 1
    with (
        open_text(request, way) as source,
        io.TextIOWrapper(io.BufferedReader(source), "utf-8", newline="") as text,
    ):
        reader = csv.reader(text, strict=True, **csv_options(dialect.separator, dialect.quote))
        try:
            for cells in reader:
                if start > dialect.skipped_lines:
                    is_hollow = len(cells) not in (0, 1, dialect.width) and not any(map(str.strip, cells))
                    ragged.take(start, [] if is_hollow else cells)
                    found.blank += not cells
                    found.hollow += is_hollow
                    found.rows += len(cells) == dialect.width
                start = reader.line_num + 1
        except csv.Error as error:
            if "field limit" in str(error):
                raise cell_too_large(f"line {start:,}", request) from error
            raise _bad_record(start, str(error)) from error
        except UnicodeDecodeError as error:
            raise NotUtf8Error from error
    found.ends = ragged.lines()
    return found


class _Ragged:
    """Lines of another width than the table: a footer when nothing else follows, and it is said or looks like one."""

    def __init__(self, request: Request, width: int) -> None:
        self._said = request.options.skip_footer
        self._width = width
        self._lines: list[tuple[int, list[str]]] = []
        self._after_blank = False
        self._n_below = 0  # lines from the first of them on

    def take(self, line: int, cells: list[str]) -> None:
        """Look at the next line of the file; refuse it when it cannot be a footer."""
        is_ragged = bool(cells) and len(cells) != self._width
        if is_ragged:
            self._lines.append((line, cells))
        self._n_below += bool(self._lines and cells)
        if self._said is None:
            may_be = bool(self._lines[1:]) or self._looks_like_footer(cells)
            refused = not may_be if is_ragged else bool(self._lines and cells) and not is_note(cells, self._width)
        else:
            refused = self._n_below > self._said
        if refused or len(self._lines) > max(_MAX_FOOTER, self._said or 0):
            raise self._ragged()
        self._after_blank = not cells

    def lines(self) -> list[list[str]]:
        """Return the lines that are left out."""
        return [cells for _, cells in self._lines]

    def _looks_like_footer(self, cells: list[str]) -> bool:
        filled = [cell for cell in cells if cell.strip()]
        is_remark = self._after_blank and len(filled) < 2 and not any(map(is_number, filled))
        is_sum = len(filled) > 1 and is_label(filled[0]) and all(map(is_number, filled[1:]))
        return is_remark or is_sum or total_place(cells) is not None or is_note(cells, self._width)

    def _ragged(self) -> UnreadableFileError:
        line, cells = self._lines[0]
        return UnreadableFileError(
            f"Line {line:,} has {len(cells):,} cells; the header has {self._width:,}.",
            hint="Fix that line; a cell that contains the separator must be in quotes. If the header is another "
            "line, or the last lines are not data, choose that when reading.",
            code="file.ragged",
        )


def _bad_record(line: int, reason: str) -> UnreadableFileError:
    reason = "a quote is never closed" if "unexpected end" in reason else "text follows a closing quote"
    return UnreadableFileError(f"Line {line:,} cannot be read: {reason}.", hint=QUOTE_HINT, code="file.quotes")
