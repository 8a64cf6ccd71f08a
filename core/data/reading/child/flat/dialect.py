"""How a text file is written: separator, header and where the rows begin; runs in the child process only."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from core.data.reading.child.flat.plain import squeeze
from core.data.reading.child.flat.text import TextSource
from core.data.reading.child.layout import Layout, Row, find_layout, is_number
from core.domain.reading import RARE_SEPARATORS, SEPARATORS, ReadOptions
from core.errors import EmptyDataError, UnreadableFileError

QUOTE_HINT = "Look for a quote that is never closed, or put cells that contain quotes or line breaks in quotes."
_SAMPLE_BYTES = 256 * 1024
_MAX_HEADER_BYTES = 4 * 1024**2
_SAMPLE_RECORDS = 200
_MAX_TITLES = 20
# A table below titles must fit clearly better than one from the first line on.
_TITLE_PENALTY = 0.8
_MOMENT = re.compile(r"\s*\d{1,4}[-/.]\w{1,3}[-/.]\d{1,4},? \d")  # a day and a time are one value
_IN_WORDS = ": "  # may stand in any text
_ROW_NAMES = "row_names"


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
    squeezed : bool
        Whether runs of spaces stand between the cells.
    doubts : tuple of str
        What was guessed of the separator and may be wrong, in sentences.
    """

    separator: str
    quote: str
    layout: Layout
    records: list[Record]
    width: int
    skipped_chars: int
    skipped_lines: int
    squeezed: bool = False
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Split:
    """The first rows, split by one separator, and how well that fits."""

    records: list[Record]
    titles: int
    separator: str
    score: tuple[float, int]
    squeezed: bool = False

    @property
    def is_even(self) -> bool:
        """Whether all rows have as many cells as the header, more than one; of words, some column must be numbers."""
        rows = self.records[self.titles :]
        width = len(rows[0].cells)
        if width < 2 or len(rows) < 2 or any(len(row.cells) != width for row in rows) or not all(rows[0].cells):
            return False
        columns = zip(*(row.cells for row in rows[1:]), strict=True)
        return self.separator not in _IN_WORDS or any(all(map(is_number, cells)) for cells in columns)


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

    def split(separators: Iterable[tuple[str, bool]]) -> list[_Split]:
        found = (_split(text, each, options, complete=complete, begin=begin) for each in separators)
        return [one for one in found if one is not None]

    usual = split((separator, False) for separator in ([said] if said else SEPARATORS))
    if said == " ":
        usual = sorted([*split([(" ", True)]), *usual], key=lambda one: one.score[0], reverse=True)[:1]
    if not usual:
        return None
    best = max(usual, key=lambda one: one.score)
    if not said and len(best.records[best.titles].cells) == 1:
        rare = split([*((separator, False) for separator in RARE_SEPARATORS), (" ", True)])
        best = next((one for one in rare if one.is_even or _short_header(one, options)), best)
    elif not said and (best.titles or not best.is_even):
        # Decimal commas, or points within the cells, may look like a table below a title.
        rare = split((separator, False) for separator in RARE_SEPARATORS if separator not in _IN_WORDS)
        best = next((one for one in rare if one.is_even and not one.titles), best)
    return _dialect(best, options, begin=begin, is_said=said is not None)


def _dialect(split: _Split, options: ReadOptions, *, begin: int, is_said: bool) -> Dialect:
    records, doubts = split.records, [] if is_said else _separator_doubts(split)
    if short := _short_header(split, options):
        records = [short, *records[1:]]
    if short and short.cells[0] == _ROW_NAMES:
        doubts.append(
            "The header has one name less than the rows have cells: the first column is taken for the names of the "
            f"rows, and called {_ROW_NAMES!r}."
        )
    layout = find_layout(records, options, begin=split.titles)
    skipped = records[layout.first - 1] if layout.first else None
    return Dialect(
        separator=split.separator,
        quote=options.quote if options.quote is not None else '"',
        layout=layout,
        records=records,
        width=len(layout.names),
        skipped_chars=skipped.chars if skipped else begin,
        skipped_lines=skipped.lines if skipped else int(begin > 0),
        squeezed=split.squeezed,
        doubts=tuple(doubts),
    )


def _split(text: str, way: tuple[str, bool], options: ReadOptions, *, complete: bool, begin: int) -> _Split | None:
    """Split the first rows by a separator, with `way[1]` by runs of it; None when the first goes on after `text`."""
    separator, squeezed = way
    if squeezed:
        text = squeeze(text.encode()).decode()
    records = list(_sample_records(text, separator, options, complete=complete, begin=begin))
    if not records:
        return None
    titles, score = _score(records, options)
    return _Split(records, titles, separator, score, squeezed)


def _separator_doubts(split: _Split) -> list[str]:
    """Ask whether lines of several words are one column, or were meant to be split by spaces."""
    rows = split.records[split.titles :]
    if split.separator in RARE_SEPARATORS:
        name = RARE_SEPARATORS[split.separator].lower()
        return [f"No usual separator splits the rows; the {name} does, and was taken."]
    n_words = [len(row.cells[0].split()) for row in rows if len(row.cells) == 1]
    if len(rows) < 2 or len(n_words) < len(rows) or all(_MOMENT.match(row.cells[0]) for row in rows[1:]):
        return []
    is_even = n_words[0] > 1 and sum(count > 1 for count in n_words) * 2 > len(n_words)
    if not is_even and not (len(set(n_words[1:])) == 1 and n_words[1] > 1 and len(n_words) > 3):
        return []
    return ["The file has one column, whose lines have several words. If spaces separate columns, choose Space."]


def _short_header(split: _Split, options: ReadOptions) -> Record | None:
    """Return the header with a name more, where all rows have one cell more than it has names, as R writes tables.

    A last cell that is blank in every row is a separator too many: then a blank name is added at the end.
    """
    header, rows = split.records[split.titles], split.records[split.titles + 1 :]
    width = len(header.cells) + 1
    if options.header_row is not None or split.titles or not _is_short(header, rows):
        return None
    is_end = all(not row.cells[width - 1].strip() for row in rows)
    if is_end:
        return replace(header, cells=[*header.cells, ""])
    is_named = _are_row_names([row.cells[0] for row in rows])
    return replace(header, cells=[_ROW_NAMES, *header.cells]) if is_named else None


def _are_row_names(cells: Sequence[str]) -> bool:
    """Whether cells may name rows: no two alike, and numbers only if each is one more than the one before."""
    if len(set(cells)) < len(cells):
        return False
    if not any(map(is_number, cells)):
        return True
    whole = [int(cell) for cell in cells if cell.isascii() and cell.isdigit()]
    return whole == list(range(whole[0], whole[0] + len(cells))) if whole else False


def _is_short(header: Record, rows: list[Record]) -> bool:
    width = len(header.cells) + 1
    if width < 3 or len(rows) < 2 or any(len(row.cells) != width for row in rows):
        return False
    is_named = all(cell.strip() for cell in header.cells) and not any(map(is_number, header.cells))
    return is_named and any(map(is_number, rows[0].cells))


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
    if not titles and options.header_row is None and _is_short(records[0], rest):
        return titles, (_TITLE_PENALTY, width)
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
            if len(cells) == 1 or any(map(str.strip, cells)):
                yield Record(first, cells, used[0], used[1])
            first = used[1] + 1

    yield from islice(records(), wanted + 1)
