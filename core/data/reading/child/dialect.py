"""How a text file is written: separator, header and where the rows begin; runs in the child process only."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from core.data.reading.child.layout import Layout, Row, find_layout, is_number
from core.data.reading.child.text import TextSource
from core.domain.reading import SEPARATORS, ReadOptions
from core.errors import EmptyDataError, UnreadableFileError

QUOTE_HINT = "Look for a quote that is never closed, or put cells that contain quotes or line breaks in quotes."
_SAMPLE_BYTES = 256 * 1024
_MAX_HEADER_BYTES = 4 * 1024**2
_SAMPLE_RECORDS = 200
_MAX_TITLES = 20
# A table below titles must fit clearly better than one from the first line on.
_TITLE_PENALTY = 0.8


@dataclass(frozen=True)
class Record(Row):
    """A row of a text file; what was used up to its end, in characters and lines."""

    chars: int
    lines: int


@dataclass(frozen=True)
class Dialect:
    """How the file is written.

    Attributes
    ----------
    records : list of Record
        The first rows that are not blank.
    skipped_chars, skipped_lines : int
        Length of all that stands before the first row of data.
    """

    separator: str
    quote: str
    layout: Layout
    records: list[Record]
    width: int
    skipped_chars: int
    skipped_lines: int


def csv_options(separator: str, quote: str) -> dict[str, Any]:
    """Return the arguments that make the standard library's parser read this dialect."""
    if not quote:
        return {"delimiter": separator, "quoting": csv.QUOTE_NONE, "quotechar": None}
    return {"delimiter": separator, "quotechar": quote}


def find_dialect(source: TextSource, options: ReadOptions) -> Dialect:
    """Read the head of the file, decide, and put back what follows the header.

    DataError if there is no header, or it does not end.
    """
    head, text, dialect = source.take(_SAMPLE_BYTES), "", None
    while dialect is None:
        # A character cut in two at the end of the sample is left for later.
        text = head.decode("utf-8", errors="ignore")
        if source.at_end and not text.strip():
            raise EmptyDataError("The file is empty.")
        dialect = _best_dialect(text, options, complete=source.at_end)
        if dialect is None:
            if source.at_end or len(head) >= _MAX_HEADER_BYTES:
                raise UnreadableFileError("The header row does not end.", hint=QUOTE_HINT, code="file.quotes")
            head += source.take(len(head))
    source.put_back(head[len(text[: dialect.skipped_chars].encode()) :])
    return dialect


def _best_dialect(text: str, options: ReadOptions, *, complete: bool) -> Dialect | None:
    """Return the dialect that splits the rows most evenly, or None when the header goes on after `text`."""
    told, begin = _told_separator(text)
    said = options.separator or told
    separators = [said] if said else list(SEPARATORS)
    best: tuple[list[Record], int, str] | None = None
    best_score = (-1.0, 0)
    for separator in separators:
        records = list(_sample_records(text, separator, options, complete=complete, begin=begin))
        if not records:
            continue
        titles, score = _score(records, options)
        if score > best_score:
            best, best_score = (records, titles, separator), score
    if best is None:
        return None
    records, titles, separator = best
    layout = find_layout(records, options, begin=titles)
    skipped = records[layout.first - 1] if layout.first else None
    quote = options.quote if options.quote is not None else '"'
    return Dialect(
        separator=separator,
        quote=quote,
        layout=layout,
        records=records,
        width=len(layout.names),
        skipped_chars=skipped.chars if skipped else begin,
        skipped_lines=skipped.lines if skipped else int(begin > 0),
    )


def _told_separator(text: str) -> tuple[str | None, int]:
    """Return the separator that Excel wrote into a first line such as ``sep=;``, and the length of that line."""
    line, end, _ = text.partition("\n")
    line = line.rstrip("\r")
    if end and line[:4].lower() == "sep=" and len(line) == 5 and line[4] in SEPARATORS:
        return line[4], text.index("\n") + 1
    return None, 0


def _score(records: list[Record], options: ReadOptions) -> tuple[int, tuple[float, int]]:
    """Return how many titles stand above the table, and how well a separator fits.

    The score is the share of rows as wide as the header, then the width.
    """
    counts = Counter(len(row.cells) for row in records[len(records) // 2 :])
    width = counts.most_common(1)[0][0]
    titles = 0
    if options.header_row:
        titles = next((place for place, row in enumerate(records) if row.number >= options.header_row), 0)
    elif options.header_row is None and width > 1 and len(records[0].cells) != width:
        titles = next((place for place, row in enumerate(records[:_MAX_TITLES]) if len(row.cells) == width), 0)
        if any(map(is_number, records[titles].cells)):
            titles = 0  # what comes first as wide as the table is data: the header is another row
    width = len(records[titles].cells)
    rest = records[titles + 1 :]
    if width > 1:
        share = sum(len(row.cells) == width for row in rest) / len(rest) if rest else 1.0
        return titles, (share if not titles or options.header_row else share * _TITLE_PENALTY, width)
    # Rows that all have another width than the header: take their separator, so that the error can name both counts.
    others = {len(row.cells) for row in rest}
    return titles, (0.0, next(iter(others)) if len(others) == 1 and len(rest) > 1 else 1)


def _sample_records(text: str, separator: str, options: ReadOptions, *, complete: bool, begin: int) -> Iterator[Record]:
    """Give the first records; never one cut short."""
    csv.field_size_limit(len(text) + 1)
    used, first = [begin, int(begin > 0)], int(begin > 0) + 1

    def lines() -> Iterator[str]:
        for line in io.StringIO(text[begin:], newline=""):
            used[0] += len(line)
            used[1] += 1
            yield line

    quote = options.quote if options.quote is not None else '"'
    reader = csv.reader(lines(), **csv_options(separator, quote))
    wanted = _SAMPLE_RECORDS + (options.header_row or 0)

    def records() -> Iterator[Record]:
        nonlocal first
        for cells in reader:
            if used[0] == len(text) and not complete:
                return
            if cells:
                yield Record(first, cells, used[0], used[1])
            first = used[1] + 1

    yield from islice(records(), wanted + 1)
