"""Where the table begins and ends among rows of cells: titles above it, one or two header rows, totals below it.

Pure rules over text cells, the same for text files and workbooks; docs/files.md tells them in words.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median_high

from core.domain.reading import ReadOptions
from core.errors import EmptyDataError
from core.wording import count_text, cut_text

_MAX_TITLES = 20
_SHOWN = 3
_SHOWN_CHARS = 40
_NUMERIC = re.compile(r"[+-]?\d[\d.,' \u00a0\u202f]*(?:[eE][+-]?\d+)?%?")
_YEAR = re.compile(r"(?:19|20)\d\d")
_MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "-"})
TOTAL_WORDS = (
    "total", "totals", "grand total", "sum", "sums", "subtotal", "sub-total", "sub total", "overall total", "ttl",
    "average", "avg", "mean", "durchschnitt", "mittelwert", "moyenne", "promedio", "平均",
    "summe", "summen", "gesamt", "gesamtsumme", "insgesamt", "endsumme",
    "somme", "total général", "totale", "suma", "suma total", "totaal", "razem", "итого", "всего",
    "合计", "总计", "小计", "合計", "総計",
)  # fmt: skip
_TOTALS = frozenset(TOTAL_WORDS)
# Words that may be names as well: they count beside other sums, or where the row leaves cells empty.
_STATISTICS = frozenset(
    {
        "min", "max", "minimum", "maximum", "median", "count", "std", "std dev", "stdev", "std. dev.",
        "standard deviation", "standardabweichung", "anzahl",
    }
)  # fmt: skip
_NOTE = re.compile(
    r"(?:(?:data )?source|notes?|footnote|quelle|hinweis|anmerkung|fuente|nota|exported|generated|printed|stand)"
    r"(?: \w+){0,2}\s*:|©|\*|\(?\d[\d,. ]* (?:rows?|records?|zeilen|datensätze)\b"
    r"|end of (?:the )?(?:report|file|data|list|table)\b"
    r"|(?:exported|generated|printed|created|downloaded|(?:last )?updated|erstellt|stand|as of)\b.*\d{4}",
    re.IGNORECASE,
)
_RULE = re.compile(r"[-=_*]{2,}")


@dataclass(frozen=True)
class Row:
    """A row that is not blank: its place in the file, from 1, and its cells as text."""

    number: int
    cells: Sequence[str]


@dataclass(frozen=True)
class Layout:
    """Where the table begins.

    Attributes
    ----------
    names : list of str
        The names as they stand in the file, two rows joined.
    header_row : int
        Number of the first header row; 0 when there is none.
    first : int
        Index, among the rows looked at, of the first row of data.
    doubts : tuple of str
        What was guessed and may be wrong, in sentences.
    """

    names: list[str]
    header_row: int
    n_header_rows: int
    first: int
    doubts: tuple[str, ...] = ()


def _as_it_is(row: Row) -> Sequence[str]:
    return row.cells


def find_layout(
    rows: Sequence[Row],
    options: ReadOptions,
    *,
    begin: int = 0,
    spread: Callable[[Row], Sequence[str]] = _as_it_is,
) -> Layout:
    """Find the header among the first rows of a file.

    Parameters
    ----------
    rows : sequence of Row, at least one
        The first rows that are not blank.
    options : ReadOptions
        `header_row` and `n_header_rows` are taken as said; the rest is guessed.
    begin : int
        Index before which no header can be, because those rows are not as wide as the table.
    spread : callable
        Gives the cells of a row of names, merged cells repeated.

    Raises
    ------
    EmptyDataError
        If the header is said to be below the last row.
    """
    if options.header_row == 0:
        return Layout([f"column_{position}" for position in range(1, len(rows[begin].cells) + 1)], 0, 0, begin)
    said = options.header_row
    head = _row_at(rows, said) if said else _guess_header(rows, begin)
    if options.n_header_rows is None:
        start, count = _guess_group(rows, head, spread, may_be_above=not said)
    else:
        start, count = head, options.n_header_rows
    block = [spread(row) for row in rows[start : start + count]]
    layout = Layout(join_names(block), rows[start].number, len(block), start + len(block))
    return replace(layout, doubts=tuple(_doubts(rows, layout, options, start)))


def join_names(block: Sequence[Sequence[str]]) -> list[str]:
    """Join the cells of several header rows to one name a column, as in ``2023 / Q1``.

    A blank cell of an upper row belongs to the group on its left, where the row below has a name.

    Examples
    --------
    >>> join_names([["Region", "2023", ""], ["", "Q1", "Q2"]])
    ['Region', '2023 / Q1', '2023 / Q2']
    """
    names = list(block[-1])
    for upper in reversed(block[:-1]):
        group, joined = "", []
        for cell, name in zip(upper, names, strict=True):
            group = cell if cell.strip() else group
            above = cell if cell.strip() or not name.strip() else group
            parts = [part for part in (above, name) if part.strip()]
            joined.append(parts[0] if len(set(parts)) == 1 else " / ".join(parts))
        names = joined
    return names


def is_number(cell: str) -> bool:
    """Whether a cell looks like a number, in any country's notation."""
    return _NUMERIC.fullmatch(cell.strip()) is not None


def count_footer(tail: Sequence[Sequence[str]], seen: Sequence[int], n_sums: int = 0) -> int:
    """Count the rows at the end that are totals or notes about the table.

    Parameters
    ----------
    tail : sequence of sequence of str
        The last rows of the file.
    seen : sequence of int
        For the first columns, how many cells of the whole file are a word for a total: a word that is not only at the
        end is a level of the data.
    n_sums : int
        How many of the last rows are known to sum up others.
    """
    count, totals = 0, [0] * len(seen)
    for end, cells in zip(range(len(tail), 0, -1), reversed(tail), strict=True):
        place = total_place(cells)
        if place is not None and place < len(totals):
            totals[place] += 1
        elif count >= n_sums and not (
            is_note(cells, len(cells))
            or is_rule(cells)
            or (is_statistic(cells) and (count or (end > 1 and _sums_up(tail[end - 2]))))
        ):
            break
        count += 1
    return 0 if any(found > ours for found, ours in zip(seen, totals, strict=True)) else count


def total_place(cells: Sequence[str]) -> int | None:
    """Return where the label of a row of totals stands; None for any other row.

    Its first cell that is not blank is a word for a total, at least one other cell is a number, and none is text.
    """
    filled = [place for place, cell in enumerate(cells) if cell.strip()]
    if not filled or not is_total(cells[filled[0]]):
        return None
    rest = [cells[place] for place in filled[1:]]
    return filled[0] if rest and all(is_number(cell) for cell in rest) else None


def is_rule(cells: Sequence[str]) -> bool:
    """Whether a row is a line drawn with signs, such as ``---`` in every cell that is filled."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return bool(filled) and all(map(_RULE.fullmatch, filled))


def _sums_up(cells: Sequence[str]) -> bool:
    return total_place(cells) is not None or is_statistic(cells)


def is_statistic(cells: Sequence[str]) -> bool:
    """Whether a row begins with the name of a statistic that may be another name as well, and goes on in numbers."""
    filled = [cell for cell in cells if cell.strip()]
    word = filled[0].strip().rstrip(":").casefold() if filled else ""
    return word in _STATISTICS and len(filled) > 1 and all(map(is_number, filled[1:]))


def is_total(cell: str) -> bool:
    """Whether a cell is a word for a total."""
    return cell.strip().rstrip(":").strip().casefold() in _TOTALS


def is_note(cells: Sequence[str], width: int) -> bool:
    """Whether a row of a table of three or more columns is a remark: only its first cell is filled, as "Source: …"."""
    filled = [place for place, cell in enumerate(cells) if cell.strip()]
    return width > 2 and filled == [0] and _NOTE.match(cells[0].strip()) is not None


def show_rows(rows: Sequence[Sequence[str]]) -> str:
    """Return a few rows as a person would quote them."""
    shown = [" ".join(cell.strip() for cell in cells if cell.strip()) for cells in rows[:_SHOWN]]
    quoted = [repr(cut_text(text, _SHOWN_CHARS)) for text in shown]
    return ", ".join(quoted) + (", …" if len(rows) > _SHOWN else "")


def _row_at(rows: Sequence[Row], number: int) -> int:
    for place, row in enumerate(rows):
        if row.number >= number:
            return place
    raise EmptyDataError(
        f"The header cannot be in row {number:,}: the last row is {rows[-1].number:,}.",
        hint="Choose the row that has the names of the columns.",
        code="file.no_rows",
    )


def _filled(row: Row) -> int:
    return sum(1 for cell in row.cells if cell.strip())


def _guess_header(rows: Sequence[Row], begin: int) -> int:
    """Return the first row that is about as full as the table and has no numbers, else the first row."""
    typical = median_high([_filled(row) for row in rows[len(rows) // 2 :]])
    if typical < 2:
        return begin
    for place, row in enumerate(rows[begin : begin + _MAX_TITLES], start=begin):
        if _filled(row) >= 2 and 3 * _filled(row) >= 2 * typical:
            # A row with numbers is data: then there is no better header than the row above all others.
            return place if place == begin or not any(map(_is_data, row.cells)) else begin
    return begin


def _guess_group(
    rows: Sequence[Row], head: int, spread: Callable[[Row], Sequence[str]], *, may_be_above: bool
) -> tuple[int, int]:
    """Return start and number of the header rows: two where one alone repeats names and both together do not."""
    for upper in (head - 1, head) if may_be_above and head else (head,):
        if upper + 2 < len(rows) and rows[upper].number + 1 == rows[upper + 1].number and _filled(rows[upper]) > 1:
            names, others = spread(rows[upper]), spread(rows[upper + 1])
            if _is_group(names, others, rows[upper + 2 :], unclear=others if upper < head else names):
                return upper, 2
    return head, 1


def _is_group(upper: Sequence[str], lower: Sequence[str], below: Sequence[Row], *, unclear: Sequence[str]) -> bool:
    """Whether two rows are one header.

    Numbers stand below, none but years in the lower row; the names in `unclear`, one of the two, repeat or are blank
    in columns which the other row tells apart; and all joined names differ.
    """
    width = len(lower)
    joined = [name.strip() for name in join_names([upper, lower])] if len(upper) == width else []
    if len(set(joined)) < width or "" in joined:
        return False
    names = [name.strip() for name in unclear]
    places = [c for c, name in enumerate(names) if names.count(name) > 1 or (not name and c > 0)]
    cells = [cell.strip() for cell in lower]
    if len(places) < 2 or any(map(_is_data, cells)) or any(cells[c].casefold() in _MISSING for c in places):
        return False
    return any(_is_numeric_below(below, c, years=is_number(cells[c])) for c in places)


def _is_numeric_below(rows: Sequence[Row], column: int, *, years: bool) -> bool:
    """Whether most cells of a column are numbers; below a year, numbers that are not years."""
    cells = [row.cells[column].strip() for row in rows if column < len(row.cells) and row.cells[column].strip()]
    return sum(map(_is_data if years else is_number, cells)) * 2 > len(cells)


def _is_data(cell: str) -> bool:
    """Whether a cell is a number that cannot be a name: years are names of columns as well."""
    return is_number(cell) and _YEAR.fullmatch(cell.strip()) is None


def _doubts(rows: Sequence[Row], layout: Layout, options: ReadOptions, start: int) -> list[str]:
    doubts = []
    if start and options.header_row is None:
        above = [row.cells for row in rows[:start]]
        left_out = count_text(start, "row above the header was", "rows above the header were")
        doubts.append(f"{left_out} left out: {show_rows(above)}.")
    if layout.n_header_rows > 1 and options.n_header_rows is None:
        example = next((name for name in layout.names if " / " in name), layout.names[0])
        doubts.append(f"The names are made from {layout.n_header_rows} rows, such as {example!r}.")
    names = [name for name in layout.names if name.strip()]
    if options.header_row is None and len(names) > 1 and all(map(is_number, names)):
        doubts.append("Every name in the header is a number. If the file has no header, set the header row to 0.")
    return doubts
