"""How a whole file writes its numbers: which decimal sign, which signs beside them. One file has one notation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.written import cells, notations, signs

Numbers: TypeAlias = Mapping[str, tuple[pa.ChunkedArray, bool]]
"""Columns of plain numbers by name, and whether all values are whole."""

_SAMPLE: Final = 200
_MARK = r"[.,]"
_DIGIT = r"[0-9]"


@dataclass(frozen=True)
class Written:
    """How the numbers of one column are written.

    Attributes
    ----------
    decimal : str or None
        As `core.domain.columns.Column.decimal`.
    unit : str or None
        As `core.domain.columns.Column.unit`.
    example : str
        A value that shows it, as it stands in the file; empty where it goes without saying.
    is_guess : bool
        Whether only groups of three digits speak for that decimal sign.
    has_infinite : bool
        Whether some values are infinite.
    """

    decimal: str | None = None
    unit: str | None = None
    example: str = ""
    is_guess: bool = False
    has_infinite: bool = False


@dataclass(frozen=True)
class _Look:
    """A column of words that are numbers: bare, and as which they are written."""

    text: pa.Array
    bare: pa.Array
    unit: str | None
    kind: str  # "," or ".": beyond doubt; "either"; "plain": as computers write them
    has_infinite: bool

    def written(self, decimal: str | None) -> Written | None:
        """Return how the column is written in a file of that decimal sign; None where that leaves it in doubt."""
        if self.kind == "plain":
            decimal = decimal if decimal == "," else None
        elif self.kind == "either" and decimal is None and not _has(self.bare, _MARK):
            decimal = "."  # only spaces or apostrophes: they separate thousands in any notation
        elif decimal is None or decimal != self.kind != "either":
            return None
        is_told = self.kind == "either" or not self.bare.equals(self.text)
        return Written(decimal, self.unit, self._example() if is_told else "", has_infinite=self.has_infinite)

    def _example(self) -> str:
        """Return what says most of how they are written: a value in brackets, or else the longest."""
        brackets = self.text.filter(pc.match_substring(self.text, "("))
        return str(max((brackets if len(brackets) else self.text).slice(0, _SAMPLE).to_pylist(), key=len))


def find_written(
    words: Mapping[str, pa.ChunkedArray],
    numbers: Numbers,
    said: str | None,
    *,
    is_workbook: bool = False,
) -> dict[str, Written]:
    """Find the columns of numbers that are not written as computers write them.

    Parameters
    ----------
    words : mapping of str to ChunkedArray of string
        Columns that are neither numbers nor dates so far.
    numbers : mapping of str to (ChunkedArray of string, bool)
        Columns of plain numbers, whose points may separate thousands, and whether all are whole as they are.
    said : str or None
        The decimal sign that a person named.
    is_workbook : bool
        Whether the cells come from a workbook, whose numbers have decimal points.

    Returns
    -------
    dict of str to Written
        Where columns disagree on the decimal sign, those that need one to be read are left out.
    """
    looks = {name: look for name, values in words.items() if (look := _look(values))}
    shown = {look.kind for look in looks.values()} & {",", "."}
    leaning = set() if said or shown else _leanings(looks, numbers, is_workbook=is_workbook)
    if "," in shown | leaning and said is None and not is_workbook and _has_points(numbers):
        shown, leaning = shown and shown | {"."}, leaning - {","}
    settled = shown or leaning
    decimal = said or (next(iter(settled)) if len(settled) == 1 else None)
    found = {name: written for name, look in looks.items() if (written := look.written(decimal))}
    if decimal == ",":
        for name, (values, _) in numbers.items():
            text = cells.distinct_text(values)
            # Beside text with commas a workbook has numbers with points.
            if is_workbook and said is None and not notations.leaning(text, padded=True):
                continue
            if pc.any(pc.match_substring(text, ".")).as_py() and notations.fits_notation(text, ","):
                example = "" if "," in shown or said else max(text.slice(0, _SAMPLE).to_pylist(), key=len)
                found[name] = Written(",", example=example)
    is_guess = said is None and not shown
    return {
        name: replace(known, is_guess=is_guess and known.decimal is not None and _has(pa.array([known.example]), _MARK))
        for name, known in found.items()
    }


def unclear_points(numbers: Numbers) -> tuple[str, ...]:
    """Name the columns whose points may separate thousands and are taken for decimal points.

    Where another column has points that cannot separate thousands, only those are named that speak for thousands.
    """
    likely = [name for name, (values, whole) in numbers.items() if _may_separate(values, whole=whole)]
    if not likely:
        return ()
    has_points = _has_points(numbers)
    return tuple(name for name in likely if not has_points or notations.leaning(cells.distinct_text(numbers[name][0])))


def main_notation(text: pa.Array) -> tuple[str | None, str | None]:
    """Return decimal sign and unit of those values that are numbers, whatever the others are.

    Parameters
    ----------
    text : Array of string, shape (n_values,)
        Trimmed values without missing ones.
    """
    if cells.number_kind(text)[0]:
        return notations.leaning(text, padded=True), None
    found = signs.undress(text)
    unit = next(iter(found.found_units()), None)
    bare = found.of_unit(unit).drop_null()
    fits = {decimal: notations.count_fitting(bare, decimal) for decimal in (",", ".")}
    if fits[","] != fits["."]:
        best = max(fits, key=lambda decimal: fits[decimal])
        return (best if cells.parse_numbers(bare).null_count else None), unit
    if _has(bare, _MARK):
        return notations.leaning(bare), unit
    return ("." if cells.parse_numbers(bare).null_count else None), unit


def unclear_marks(values: pa.ChunkedArray) -> bool:
    """Whether the values of a column of words are numbers whose marks may be decimal marks or separate thousands."""
    look = _look(values)
    return look is not None and look.kind == "either" and _has(look.bare, _MARK)


def mixed_units(values: pa.ChunkedArray) -> tuple[str, ...]:
    """Return the units of a column of words that are numbers of several, or of per cent with and without its sign."""
    sample = _sample(values)
    if not _has_digits(sample) or signs.undress(sample).numbers.null_count:
        return ()
    found = signs.undress(cells.distinct_text(values))
    units = found.found_units()
    is_mixed = len(units) > 1 or (signs.PER_CENT in units and not _is_one_unit(found))
    return tuple(units) if is_mixed and not found.numbers.null_count else ()


def mostly_digits(values: pa.ChunkedArray) -> bool:
    """Whether half of a sample of a column of words have digits, or more: ordinary words need no closer look."""
    sample = cells.without_infinite(_sample(values))
    return len(sample) > 0 and 2 * (pc.sum(pc.match_substring_regex(sample, _DIGIT)).as_py() or 0) >= len(sample)


def _look(values: pa.ChunkedArray) -> _Look | None:
    # Ordinary words leave here: going through every value of a long column of text takes time.
    sample = _sample(values)
    if not _has_digits(cells.without_infinite(sample)) or _look_at(sample) is None:
        return None
    return _look_at(cells.distinct_text(values))


def _look_at(text: pa.Array) -> _Look | None:
    known = cells.without_infinite(text)
    found = signs.undress(known)
    if found.numbers.null_count or not _is_one_unit(found):
        return None
    bare, unit, has_infinite = found.numbers, next(iter(found.found_units()), None), len(known) < len(text)
    if bare.equals(known) and not has_infinite and not cells.parse_numbers(known).null_count:
        return None  # as computers write them, and yet not taken for numbers: names with too many digits
    if kind := notations.notation(bare):
        return _Look(known, bare, unit, kind, has_infinite)
    # Digits alone that were not taken for numbers are names.
    is_plain = (has_infinite or not bare.equals(known)) and cells.number_kind(bare)[0] is not None
    return _Look(known, bare, unit, "plain", has_infinite) if is_plain else None


def _is_one_unit(found: signs.Bare) -> bool:
    """Whether all numbers have one unit; a sign of currency may be left out, one of per cent may not."""
    units = found.found_units()
    return len(units) < 2 and (signs.PER_CENT not in units or not pc.any(pc.equal(found.units, "")).as_py())


def _leanings(looks: Mapping[str, _Look], numbers: Numbers, *, is_workbook: bool) -> set[str]:
    found = {notations.leaning(look.bare) for look in looks.values() if look.kind == "either"}
    for values, whole in numbers.values():
        if _may_separate(values, whole=whole):
            found.add(notations.leaning(cells.distinct_text(values), padded=is_workbook))
    return {decimal for decimal in found if decimal}


def _may_separate(values: pa.ChunkedArray, *, whole: bool) -> bool:
    """Whether the points of plain numbers may all separate thousands, and there are some."""
    sample = _sample(values)
    if whole and not pc.any(pc.match_substring(sample, ".")).as_py():
        return False
    if not notations.fits_amounts(sample, ","):
        return False
    return notations.may_be_amounts(cells.distinct_text(values), ",")


def _has_points(numbers: Numbers) -> bool:
    """Whether some column of numbers has points that cannot separate thousands."""
    return any(
        not notations.fits_notation(text, ",")
        for values, whole in numbers.values()
        if not whole
        for text in (cells.distinct_text(values),)
    )


def _sample(values: pa.ChunkedArray) -> pa.Array:
    return cells.trim(cells.one_array(values.slice(0, _SAMPLE))).drop_null()


def _has_digits(sample: pa.Array) -> bool:
    return len(sample) > 0 and bool(pc.all(pc.match_substring_regex(sample, _DIGIT)).as_py())


def _has(text: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(text, pattern)).as_py())
