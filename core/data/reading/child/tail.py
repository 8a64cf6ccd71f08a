"""The end of a table: rows are held back until it is known whether they belong to it."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from core.data.reading.child.layout import TOTAL_WORDS, count_footer, is_number, is_total, show_rows
from core.data.reading.child.request import ParquetSink, Request, text_array
from core.data.reading.child.totals import LABEL, MAX_CELLS, Table, is_label
from core.wording import count_text

_LOOKED_AT = 20
_LABEL_COLUMNS = 3
_BLANK_CHARS = 4
_BLANKS = text_array([*(" " * count for count in range(_BLANK_CHARS + 1)), "\u00a0"])
_SPELLINGS = text_array(
    sorted(
        {
            spelling + end
            for word in TOTAL_WORDS
            for spelling in (word, word.title(), word.upper(), word.capitalize())
            for end in ("", ":")
        }
    )
)


class Tail:
    """Passes batches of text on to a sink, all but the last rows.

    Parameters
    ----------
    request : Request
        Its `skip_footer` says how many rows to leave out; None to find out.
    """

    def __init__(self, sink: ParquetSink, request: Request) -> None:
        self._sink = sink
        self._said = request.options.skip_footer
        self._keep = max(_LOOKED_AT, self._said or 0)
        self._held: deque[list[Any]] = deque()
        self._n_held = 0
        self._seen = [0] * _LABEL_COLUMNS
        self.rows = 0
        self.hollow = 0
        self.left_out: list[list[str]] = []
        self.inner: list[list[str]] = []
        self.doubted: list[list[str]] = []
        self._is_small = self._said is None

    def write(self, columns: Iterable[Any]) -> None:
        """Take columns of equal length."""
        batch = list(columns)
        batch = self._without_hollow(batch)
        n_rows = len(batch[0])
        self.rows += n_rows
        if self._said is None:
            for place, column in enumerate(batch[:_LABEL_COLUMNS]):
                self._seen[place] += pc.sum(pc.is_in(column, value_set=_SPELLINGS)).as_py() or 0
        self._held.append(batch)
        self._n_held += n_rows
        self._is_small = self._is_small and self.rows * len(batch) <= MAX_CELLS
        if self._is_small:
            return  # small enough to be looked at as a whole in the end
        while self._n_held - len(self._held[0][0]) >= self._keep:
            oldest = self._held.popleft()
            self._n_held -= len(oldest[0])
            self._sink.write(oldest)

    def _without_hollow(self, batch: list[Any]) -> list[Any]:
        """Leave out rows whose cells are all blank; in a table of one column they are missing values."""
        if len(batch) < 2 or not len(batch[0]):
            return batch
        if pc.min(pc.binary_length(batch[0])).as_py() > _BLANK_CHARS:
            return batch
        # Most rows have a value in one of the first columns: the others are looked at only as long as one has none.
        hollow = _is_blank(batch[0])
        for column in batch[1:]:
            if not pc.any(hollow).as_py():
                return batch
            hollow = pc.and_(hollow, _is_blank(column))
        n_hollow = pc.sum(hollow).as_py()
        self.hollow += n_hollow
        keep = pc.invert(hollow)
        return [column.filter(keep) for column in batch] if n_hollow else batch

    def finish(self, *, already: int = 0) -> None:
        """Write what belongs to the table; `already` rows at the end were left out before they came here."""
        n_sums = self._leave_out_sums() if self._is_small and self._n_held else 0
        drop = self._count_footer(n_sums) if self._said is None else max(self._said - already, 0)
        drop = min(drop, self._n_held)
        self.left_out = self._last_rows(drop)
        rest = self._n_held - drop
        for batch in self._held:
            n_rows = min(len(batch[0]), rest)
            rest -= n_rows
            if n_rows:
                self._sink.write([column.slice(0, n_rows) for column in batch])
        self._held.clear()

    def _leave_out_sums(self) -> int:
        """Leave out rows inside of the table that sum up others; return how many such rows stand at the end."""
        columns = [pa.concat_arrays(parts) for parts in zip(*self._held, strict=True)]
        labels = set[int]()
        for column in columns[:_LABEL_COLUMNS]:
            labels.update(_find_labels(column))
        if not labels and columns[0][-1].as_py().strip():
            return 0
        table = Table([column.to_pylist() for column in columns], sorted(labels))
        sums, n_end = table.find_sums()
        inner = sums[: len(sums) - n_end]
        last = table.row(self._n_held - 1)
        if not n_end and is_label(last[0]) and not is_total(last[0]) and all(map(is_number, filter(None, last[1:]))):
            self.doubted = [last]
        if inner:
            self._drop(table, inner)
        return n_end

    def _drop(self, table: Table, rows: list[int]) -> None:
        self.inner = [table.row(row) for row in rows]
        for cells in self.inner:
            for place, cell in enumerate(cells[:_LABEL_COLUMNS]):
                self._seen[place] -= is_total(cell)
        dropped = set(rows)
        kept = [row for row in range(self._n_held) if row not in dropped]
        self._held = deque([[text_array([column[row] for row in kept]) for column in table.columns]])
        self._n_held = len(kept)

    def _count_footer(self, n_sums: int) -> int:
        found = count_footer(self._last_rows(min(_LOOKED_AT, self._n_held)), self._seen, n_sums)
        # A table of nothing but totals is a table.
        return found if found < self.rows else 0

    def _last_rows(self, count: int) -> list[list[str]]:
        rows: list[list[str]] = []
        for batch in reversed(self._held):
            start = max(len(batch[0]) - (count - len(rows)), 0)
            columns = [column.slice(start).to_pylist() for column in batch]
            rows = [list(cells) for cells in zip(*columns, strict=True)] + rows
            if len(rows) >= count:
                break
        return rows


def sum_doubts(tail: Tail) -> tuple[str, ...]:
    """Return the sentences about rows inside of the table that sum up others, and one at its end that does not."""
    doubts = []
    if tail.inner:
        rows = count_text(len(tail.inner), "row that sums up others was", "rows that sum up others were")
        doubts.append(f"{rows} left out: {show_rows(tail.inner)}.")
    if tail.doubted:
        row = show_rows(tail.doubted)
        doubts.append(f"The last row begins like a total, but is not the sum of the rows above, and was kept: {row}.")
    return tuple(doubts)


def _is_blank(column: Any) -> Any:
    return pc.is_in(column, value_set=_BLANKS)


def _find_labels(column: Any) -> list[int]:
    """Return where a column of text has the label of a sum; numbers, and words that repeat, cost little."""
    try:
        pc.cast(column, pa.float64())
    except pa.ArrowInvalid:
        encoded = column.dictionary_encode()
        like = pc.match_substring_regex(encoded.dictionary, LABEL, ignore_case=True)
        if pc.any(like).as_py():
            places: list[int] = pc.indices_nonzero(like.take(encoded.indices)).to_pylist()
            return places
    return []


def footer_doubts(left_out: Sequence[Sequence[str]], *, said: bool) -> tuple[str, ...]:
    """Return the sentence about rows at the end that are not in the table."""
    if not left_out:
        return ()
    rows = "The last row was" if len(left_out) == 1 else f"The last {len(left_out)} rows were"
    why = "as you chose" if said else "because they look like totals or notes"
    if len(left_out) == 1 and not said:
        why = "because it looks like a total or a note"
    return (f"{rows} left out {why}: {show_rows(left_out)}.",)
