"""What a person should know about how the numbers of a file are read, in sentences."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.schema import Inferred, ambiguous_numbers, apply_counted, plain_columns
from core.data.tables.stored import Columns
from core.data.tables.writing import main_notation, mixed_units, unclear_points
from core.data.tables.written import cells, notations
from core.data.tables.written.clocks import unknown_zones
from core.domain.columns import Schema
from core.wording import count_text, cut_text, list_text

_MAX_COLUMNS: Final = 5
_SAMPLE: Final = 200
_MIN_SHARE: Final = 0.5
_EXAMPLES: Final = 3
_DIGIT: Final = r"[0-9]"
_CODE: Final = rf"{cells.LEADING_ZERO}|^[+-]?[0-9]{{16}}"  # as numbers they would lose zeros or digits
_CHOOSE: Final = "Choose one under decimal"


def number_doubts(table: Columns, found: Inferred, *, said: str | None, is_workbook: bool) -> tuple[str, ...]:
    """Say which numbers may be meant in another way.

    Parameters
    ----------
    table : Table
        As `infer_noted` was given it; its other parameters likewise.
    said : str or None
        The decimal sign that a person named.
    """
    unclear = ambiguous_numbers(table, found.schema.select(found.with_digits))
    doubts = _each(
        unclear,
        lambda name: (
            f"The commas or points in {name!r} may be decimal or separate thousands; its values stay text. {_CHOOSE}."
        ),
    )
    doubts += _each(
        [name for name, _, is_guess in found.examples if is_guess],
        lambda name: (
            f"The marks between three digits in {name!r} are taken for separators of thousands: "
            f"{_example(table, found, name)}. {_CHOOSE} if that is wrong."
        ),
    )
    if said is None and not is_workbook:
        doubts += _each(
            unclear_points(plain_columns(table, found.schema)),
            lambda name: (
                f"The points in {name!r} may be decimal points or thousands separators; they are read as "
                f"decimal points. {_CHOOSE} if that is wrong."
            ),
        )
    several = {name: units for name, values in _words(table, found) if (units := mixed_units(values))}
    doubts += _each(
        several,
        lambda name: (
            f"The numbers in {name!r} do not all have the same unit ({list_text(several[name])}); its values stay text."
        ),
    )
    return tuple(doubts)


def zone_doubts(table: Columns, found: Inferred) -> tuple[str, ...]:
    """Say which moments stay words because the zones of their clocks are named by names of several zones."""
    named = {
        name: zones
        for name, values in _words(table, found)
        if (zones := unknown_zones(cells.distinct_text(values.slice(0, _SAMPLE))))
    }
    return tuple(
        _each(
            named,
            lambda name: (
                f"The times in {name!r} name a zone that is not known, or is one of several: {list_text(named[name])}. "
                "They stay text; write how far the clock is ahead of UTC, such as +05:30."
            ),
        )
    )


def number_remarks(table: Columns, found: Inferred) -> tuple[str, ...]:
    """Say which cells of numbers count as missing, what was left out beside digits, and why numbers became words."""
    remarks = _each(found.infinite, partial(_infinite, table, found.schema))
    remarks += _each(
        [name for name, _, is_guess in found.examples if not is_guess],
        lambda name: f"The values of {name!r} are read as numbers: {_example(table, found, name)}.",
    )
    signs = dict(found.placeholders)
    remarks += _each(signs, lambda name: _placeholders(table[name], name, signs[name]))
    odd = {name: text for name, values in _words(table, found) if (text := _few_words(name, values))}
    return (*remarks, *_each(odd, odd.__getitem__))


def _each(names: Iterable[str], sentence: Callable[[str], str]) -> list[str]:
    known = list(names)
    told = [sentence(name) for name in known[:_MAX_COLUMNS]]
    rest = known[_MAX_COLUMNS:]
    return [*told, f"The same holds for {list_text(map(repr, rest))}."] if rest else told


def _words(table: Columns, found: Inferred) -> Iterator[tuple[str, pa.ChunkedArray]]:
    words = (name for name in found.with_digits if found.schema[name].type in ("category", "text"))
    return ((name, table[name]) for name in words if pa.types.is_string(table.schema.field(name).type))


def _infinite(table: Columns, schema: Schema, name: str) -> str:
    _, bad = apply_counted(table, Schema((schema[name],)))
    cells_are = count_text(bad.get(name, 0), "cell is infinite; it counts", "cells are infinite; they count")
    return f"{name!r}: {cells_are} as missing."


def _placeholders(values: pa.ChunkedArray, name: str, texts: tuple[str, ...]) -> str:
    count = cells.blank(values, pa.array(texts)).null_count - values.null_count
    hold = count_text(count, "cell holds", "cells hold")
    missing = "counts as missing" if count == 1 else "count as missing"
    return f"{name!r}: {hold} {list_text(map(repr, texts[:_EXAMPLES]))} and {missing}."


def _example(table: Columns, found: Inferred, name: str) -> str:
    example = next(text for known, text, _ in found.examples if known == name)
    typed, _ = apply_counted(pa.table({name: [example]}), Schema((found.schema[name],)))
    return f"{cut_text(example)!r} is {typed[name][0].as_py()}"


def _few_words(name: str, values: pa.ChunkedArray) -> str:
    """Say that a column of words is one of numbers but for some cells; nothing when it is not."""
    sample = cells.distinct_text(values.slice(0, _SAMPLE))
    if (pc.sum(pc.match_substring_regex(sample, _DIGIT)).as_py() or 0) < _MIN_SHARE * len(sample):
        return ""
    decimal, unit = main_notation(sample)
    read = partial(notations.parse_notation, decimal=decimal, whole=False, unit=unit)
    if not len(sample) or read(sample).null_count > (1 - _MIN_SHARE) * len(sample):
        return ""
    typed, n_odd = cells.convert(values, read)
    text, n_known = pc.unique(cells.distinct_text(values)), len(values) - typed.null_count
    if not n_odd or n_odd > n_known or pc.any(pc.match_substring_regex(text, _CODE)).as_py():
        return ""
    odd = text.filter(pc.is_null(read(text))).slice(0, _EXAMPLES).to_pylist()
    those = count_text(n_odd, "cell that is not a number", "cells that are not numbers")
    shown, numbers = list_text(map(_quoted, odd)), count_text(n_known, "number")
    return (
        f"{name!r} stays text because of {those} ({shown}) beside {numbers}. "
        "Change its type to numeric to count such cells as missing."
    )


def _quoted(value: str) -> str:
    return repr(cut_text(value, 30))
