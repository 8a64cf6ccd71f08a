"""Cells of workbooks as canonical text; runs in the child process only."""

import datetime
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from core.wording import list_text

# Whole numbers up to here are exact in the 64-bit floats that Excel stores.
_EXACT_WHOLE = 2.0**53
# LibreOffice writes 15 digits.
_ODS_WHOLE = 1e15
# How OpenDocument writes a time of more than a day.
_DURATION: Final = re.compile(r"(-?)PT(\d+)H(\d+)M(\d+(?:\.\d+)?)S")


def texts(cells: Sequence[Any]) -> list[str]:
    """Return cells as text: numbers with all their digits, days and times as ISO 8601, durations as seconds."""
    return [cell if type(cell) is str else _FORMATS[type(cell)](cell) for cell in cells]


class Columns:
    """Turns columns into text and notes what is met.

    Parameters
    ----------
    is_ods : bool
        Whether the cells are of an OpenDocument file, which has durations as text.
    errors : collection of str
        Texts that stand for an error and become empty.

    Attributes
    ----------
    has_long : bool
        Whether any number is whole and has more digits than the file surely holds.
    has_blank : bool
        Whether any cell was empty.
    has_zero : bool
        Whether any number was 0.
    """

    def __init__(self, names: Sequence[str], *, is_ods: bool, errors: frozenset[str] = frozenset()) -> None:
        self._names = names
        self._is_ods = is_ods
        self._errors = errors
        self._exact = _ODS_WHOLE if is_ods else _EXACT_WHOLE
        self._durations: set[int] = set()
        self.has_blank = False
        self.has_zero = False
        self.has_long = False
        self._long: set[int] = set()
        self._formats = {**_FORMATS, float: self._number}

    def texts(self, place: int, cells: Sequence[Any]) -> list[str]:
        """Return the cells of the column at a place as text; times are seconds where it has durations."""
        if self._is_ods:
            cells = [_read_duration(cell) if type(cell) is str else cell for cell in cells]
            cells = ["" if cell in self._errors else cell for cell in cells] if self._errors else cells
        if place in self._durations or datetime.timedelta in set(map(type, cells)):
            self._durations.add(place)
            cells = [_since_midnight(cell) if type(cell) is datetime.time else cell for cell in cells]
        had_long, self.has_long = self.has_long, False
        found = [cell if type(cell) is str else self._formats[type(cell)](cell) for cell in cells]
        if self.has_long:
            self._long.add(place)
        self.has_long = self.has_long or had_long
        self.has_blank = self.has_blank or "" in found
        self.has_zero = self.has_zero or "0" in found
        return found

    def _number(self, value: float) -> str:
        if value.is_integer():
            if abs(value) < self._exact:
                return str(int(value))
            self.has_long = True
            if abs(value) < _EXACT_WHOLE:
                return str(int(value))
        return repr(value)

    def warnings(self) -> list[str]:
        """Return sentences about columns of durations and of numbers that the workbook has rounded."""
        found = []
        if self._durations:
            found.append(f"Durations are read as seconds: {self._named(self._durations)}.")
        if self._long:
            found.append(
                f"Whole numbers with more digits than a workbook keeps may be rounded: {self._named(self._long)}. Ids "
                "are kept as they are when their cells are text."
            )
        return found

    def _named(self, places: set[int]) -> str:
        return list_text(repr(self._names[place]) for place in sorted(places))


def _read_duration(text: str) -> str | datetime.timedelta:
    match = _DURATION.fullmatch(text) if "PT" in text else None
    if match is None:
        return text
    length = datetime.timedelta(hours=int(match[2]), minutes=int(match[3]), seconds=float(match[4]))
    return -length if match[1] else length


def _since_midnight(time: datetime.time) -> datetime.timedelta:
    return datetime.timedelta(hours=time.hour, minutes=time.minute, seconds=time.second, microseconds=time.microsecond)


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) <= _EXACT_WHOLE else repr(value)


def _moment(value: datetime.datetime) -> str:
    return value.isoformat(sep=" ", timespec="seconds")


_FORMATS: dict[type, Callable[[Any], str]] = {
    float: _number,
    int: str,
    bool: lambda value: "true" if value else "false",
    datetime.date: datetime.date.isoformat,
    datetime.datetime: _moment,
    datetime.time: lambda value: value.isoformat(timespec="seconds"),
    datetime.timedelta: lambda value: _number(value.total_seconds()),
}
