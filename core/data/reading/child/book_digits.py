"""Whole numbers of a workbook with more digits than a 64-bit float holds; runs in the child process only.

The library that reads workbooks gives floats, so the digits are taken from the file's own XML, where some programs
write all of them; Excel itself keeps 15.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from core.data.reading.child.archive import open_zip
from core.data.reading.child.book_faults import attribute, blocks, find_part
from core.data.reading.child.request import Request

Digits = Mapping[int, Mapping[int, str]]

_LIKELY: Final = re.compile(rb">\s*-?\d{16}")
_CELL: Final = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>(?:\s*<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>))?"
    rb"\s*<(?:\w+:)?v>\s*(-?\d{16,300})(?:\.0*)?\s*<"
)
_PLACE: Final = re.compile(r"([A-Z]+)(\d+)")


def find_digits(request: Request, sheet: str) -> Digits:
    """Return the long whole numbers of a sheet of an xlsx file by row, from 1, and column, from 0."""
    found: dict[int, dict[int, str]] = {}
    if request.format != "xlsx":
        return found
    with open_zip(request.path, "workbook's zip archive") as archive:
        part = find_part(archive, sheet)
        for block in blocks(archive, part) if part is not None else ():
            for match in _CELL.finditer(block) if _LIKELY.search(block) else ():
                place = _PLACE.fullmatch(attribute(match[1].decode("utf-8", "replace"), "r"))
                if place:
                    found.setdefault(int(place[2]), {})[_column(place[1])] = match[2].decode()
    return found


def with_digits(rows: Iterable[tuple[int, Sequence[Any]]], digits: Digits, offset: int) -> Iterator[tuple[int, Any]]:
    """Put the digits in the place of rounded numbers; `offset` is the column of the first cell."""
    for number, cells in rows:
        if long := digits.get(number):
            yield (
                number,
                [long.get(place + offset, cell) if type(cell) is float else cell for place, cell in enumerate(cells)],
            )
        else:
            yield number, cells


def _column(letters: str) -> int:
    column = 0
    for letter in letters:
        column = 26 * column + ord(letter) - ord("A") + 1
    return column - 1
