"""Whole numbers of a workbook with more digits than a 64-bit float holds; runs in the child process only.

The library that reads workbooks gives floats, so the digits are taken from the file's own XML, where some programs
write all of them; Excel itself keeps 15, and LibreOffice shows more than it stores.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from core.data.reading.child.archive import open_zip
from core.data.reading.child.book.faults import attribute, blocks, find_part, iter_ods, ods_content
from core.data.reading.child.request import Request

_ROUNDED: Final = 1e-14  # of 15 digits
Digits = Mapping[int, Mapping[int, str]]

_LIKELY: Final = re.compile(rb">\s*-?\d{16}")
_CELL: Final = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>(?:\s*<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>))?"
    rb"\s*<(?:\w+:)?v>\s*(-?\d{16,300})(?:\.0*)?\s*<"
)
_LONG: Final = re.compile(r"-?\d{16,300}")
_PLACE: Final = re.compile(r"([A-Z]+)(\d+)")


def find_digits(request: Request, sheet: str) -> Digits:
    """Return the long whole numbers of a sheet of an xlsx or ods file by row, from 1, and column, from 0."""
    found: dict[int, dict[int, str]] = {}
    if request.format == "xls":
        return found
    with open_zip(request.path, "workbook's zip archive") as archive:
        if request.format == "ods":
            return _ods_digits(ods_content(archive), sheet)
        part = find_part(archive, sheet)
        for block in blocks(archive, part) if part is not None else ():
            for match in _CELL.finditer(block) if _LIKELY.search(block) else ():
                place = _PLACE.fullmatch(attribute(match[1].decode("utf-8", "replace"), "r"))
                if place:
                    found.setdefault(int(place[2]), {})[_column(place[1])] = match[2].decode()
    return found


def _ods_digits(content: str, sheet: str) -> Digits:
    found: dict[int, dict[int, str]] = {}
    for cell in iter_ods(content, sheet):
        value = attribute(cell.attributes, "office:value")
        digits = next((text for text in (cell.text or "", value) if _LONG.fullmatch(text)), None)
        # What is shown may be another number in words of its own; it counts where it is the same but for its end.
        if digits is None or not value or not math.isclose(float(digits), float(value), rel_tol=_ROUNDED):
            continue
        for row in range(cell.row, cell.row + cell.n_rows):
            places = found.setdefault(row, {})
            places |= dict.fromkeys(range(cell.column - 1, cell.column - 1 + cell.n_columns), digits)
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
