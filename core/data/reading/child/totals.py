"""Rows among the data that sum it up: subtotals inside a table, and sums at its end that no plain word tells.

A row is one only when it was worked out: its numbers are the sum or the mean of the rows above it. Pure rules over text
cells; docs/files.md tells them in words.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Final

from core.data.reading.child.layout import is_number, is_statistic

MAX_CELLS: Final = 500_000
_MAX_LABELS: Final = 1_000
# Begins or ends like the label of a sum or mean; RE2 and Python read it alike, in any case.
LABEL: Final = (
    r"^\s*(?:(?:grand|overall|sub|net|running)[ -]?)?(?:totals?|ttl|subtotals?|average|avg|mean|sum|summen?|gesamt\w*|"
    r"zwischensumme|durchschnitt|mittelwert|moyenne|promedio|somme|suma|totale?)\b|"
    r"\b(?:sub[ -]?)?(?:totals?|ttl)\s*:?\s*$|\bsumme\s*:?\s*$|^\s*(?:小计|合计|总计|平均|合計|小計)"
)
_LABEL: Final = re.compile(LABEL, re.IGNORECASE)
_MIN_SUMMED: Final = 2
_MAX_LEVELS: Final = 30
_DECIMALS: Final = re.compile(r"[.,](\d+)\D*$")


def is_label(cell: str) -> bool:
    """Whether a cell begins or ends like the label of a sum or a mean, such as ``Total sales`` or ``North Total``."""
    return _LABEL.search(cell) is not None


@dataclass(frozen=True)
class Table:
    """A table that is small enough to be looked at as a whole.

    Parameters
    ----------
    columns : sequence of sequence of str
        All its cells.
    labels : sequence of int
        The rows that have a label in one of the first columns, ascending.
    """

    columns: Sequence[Sequence[str]]
    labels: Sequence[int]

    @cached_property
    def n_rows(self) -> int:
        """How many rows it has."""
        return len(self.columns[0])

    def row(self, number: int) -> list[str]:
        """Return the cells of a row."""
        return [column[number] for column in self.columns]

    def find_sums(self) -> tuple[list[int], int]:
        """Return the rows that sum up others, ascending, and how many of them stand at the end.

        Inside the table all rows with a label must be such sums, or they are levels of the data.
        """
        if len(self.labels) > _MAX_LABELS:
            return [], 0
        sums = [row for row in self.labels if self._is_sum(row)]
        last = self.n_rows - 1
        if last not in self.labels and self._is_bare_sum(last):
            sums.append(last)
        n_end = 0
        while last - n_end in sums or (sums and is_statistic(self.row(last - n_end))):
            n_end += 1
        if last - n_end + 1 not in sums:
            n_end = 0
        inner = [row for row in sums if row <= last - n_end]
        if len(inner) < sum(row <= last - n_end for row in self.labels):
            inner = []
        return [*inner, *range(self.n_rows - n_end, self.n_rows)], n_end

    def _is_sum(self, row: int) -> bool:
        """Whether the label is the first filled cell, the others are numbers, and half of these sum up rows above."""
        filled = [place for place, column in enumerate(self.columns) if column[row].strip()]
        numbers = filled[1:]
        if not numbers or not is_label(self.columns[filled[0]][row]):
            return False
        if not all(is_number(self.columns[place][row]) for place in numbers):
            return False
        return 2 * sum(self._sums_up(place, row) for place in numbers) >= len(numbers)

    def _is_bare_sum(self, row: int) -> bool:
        """Whether a row has nothing but sums, and no name where all other rows have one."""
        filled = [place for place, column in enumerate(self.columns) if column[row].strip()]
        if row < _MIN_SUMMED or not filled or filled[0] == 0 or not all(map(str.strip, self.columns[0][:row])):
            return False
        return all(self._sums_up(place, row, is_bare=True) for place in filled)

    def _sums_up(self, place: int, row: int, *, is_bare: bool = False) -> bool:
        """Whether a cell is the sum or mean of the rows above it, back to one of the last labels or the first row."""
        return any(self._adds_up(numbers, place, row, is_bare=is_bare) for numbers in self._numbers[place])

    def _adds_up(self, numbers: "_Numbers", place: int, row: int, *, is_bare: bool) -> bool:
        number = numbers.cells[row]
        if number is None:
            return False
        before = [label + 1 for label in self.labels if label < row][-_MAX_LEVELS:]
        match = _DECIMALS.search(self.columns[place][row])
        rounding = 0.51 * 10.0 ** -len(match[1]) if match else 0.0
        for start in (0, *before):
            count, total, size = numbers.above(start, row)
            room = rounding + 1e-9 * size
            if not size or count < (_MIN_SUMMED if not start else 1):
                continue
            if abs(number - total) <= room or (not is_bare and abs(number - total / count) <= room):
                return True
        return False

    @cached_property
    def _numbers(self) -> list[list["_Numbers"]]:
        return [_Numbers.readings(column, self.labels) for column in self.columns]


@dataclass(frozen=True)
class _Numbers:
    """The numbers of a column, and what the first n of its rows that have no label add up to."""

    cells: Sequence[float | None]
    counts: Sequence[int]
    sums: Sequence[float]
    sizes: Sequence[float]

    @classmethod
    def readings(cls, column: Sequence[str], labels: Sequence[int]) -> list["_Numbers"]:
        """Read a column in each decimal notation that reads all that looks like a number: 1.234 may be either."""
        found = [cells for cells in (_parse(column, *signs) for signs in (",.", ".,")) if cells]
        return [cls._of(cells, labels) for cells in (found[:1] if len(found) > 1 and found[0] == found[1] else found)]

    @classmethod
    def _of(cls, cells: Sequence[float | None], labels: Sequence[int]) -> "_Numbers":
        left_out = set(labels)
        known = [0.0 if at in left_out or number is None else number for at, number in enumerate(cells)]
        counts = [int(at not in left_out and number is not None) for at, number in enumerate(cells)]
        return cls(
            cells,
            list(accumulate(counts, initial=0)),
            list(accumulate(known, initial=0.0)),
            list(accumulate(map(abs, known), initial=0.0)),
        )

    def above(self, start: int, row: int) -> tuple[int, float, float]:
        """Return how many numbers the rows from `start` to before `row` have, their sum, and that without signs."""
        return (
            self.counts[row] - self.counts[start],
            self.sums[row] - self.sums[start],
            self.sizes[row] - self.sizes[start],
        )


def _parse(column: Sequence[str], thousands: str, decimal: str) -> list[float | None] | None:
    found: list[float | None] = []
    for cell in column:
        plain = cell.strip().replace(thousands, "").replace(decimal, ".").replace(" ", "").lstrip("$€£")
        try:
            found.append(float(plain) if plain else None)
        except ValueError:
            if is_number(cell):
                return None
            found.append(None)
    return found if any(number is not None for number in found) else None
