"""What a person should know about how the numbers of a file are read, in sentences."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables import cells
from core.data.tables.schema import Inferred, ambiguous_numbers, apply_counted, plain_columns
from core.data.tables.writing import mixed_units, unclear_points
from core.domain.columns import Column, Schema
from core.wording import count_text, cut_text, list_text

_MAX_COLUMNS: Final = 5
_SAMPLE: Final = 200
_MIN_SHARE: Final = 0.5
_EXAMPLES: Final = 3
_CHOOSE: Final = "Choose one under decimal"


def number_doubts(table: pa.Table, found: Inferred, *, said: str | None, is_workbook: bool) -> tuple[str, ...]:
    """Say which numbers may be meant in another way.

    Parameters
    ----------
    table : Table
        As `infer_noted` was given it; its other parameters likewise.
    said : str or None
        The decimal sign that a person named.
    """
    unclear = ambiguous_numbers(table, found.schema)
    doubts = _each(
        unclear,
        lambda name: (
            f"The commas in {name!r} may be decimal commas or thousands separators; its values stay text. {_CHOOSE}."
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
    several = {name: units for name, values in _words(table, found.schema) if (units := mixed_units(values))}
    doubts += _each(
        several,
        lambda name: (
            f"The numbers in {name!r} do not all have the same unit ({list_text(several[name])}); its values stay text."
        ),
    )
    return tuple(doubts)


def number_remarks(table: pa.Table, found: Inferred) -> tuple[str, ...]:
    """Say which cells of numbers count as missing, what was left out beside digits, and why numbers became words."""
    remarks = _each(found.infinite, partial(_infinite, table, found.schema))
    remarks += _each(
        [name for name, _, is_guess in found.examples if not is_guess],
        lambda name: f"The values of {name!r} are read as numbers: {_example(table, found, name)}.",
    )
    odd = {name: text for name, values in _words(table, found.schema) if (text := _few_words(name, values))}
    return (*remarks, *_each(odd, odd.__getitem__))


def _each(names: Iterable[str], sentence: Callable[[str], str]) -> list[str]:
    known = list(names)
    told = [sentence(name) for name in known[:_MAX_COLUMNS]]
    rest = known[_MAX_COLUMNS:]
    return [*told, f"The same holds for {list_text(map(repr, rest))}."] if rest else told


def _words(table: pa.Table, schema: Schema) -> list[tuple[str, pa.ChunkedArray]]:
    words = (column.name for column in schema.columns if column.type in ("category", "text"))
    return [(name, table[name]) for name in words if pa.types.is_string(table[name].type)]


def _infinite(table: pa.Table, schema: Schema, name: str) -> str:
    _, bad = apply_counted(table, Schema((schema[name],)))
    cells_are = count_text(bad.get(name, 0), "cell is infinite; it counts", "cells are infinite; they count")
    return f"{name!r}: {cells_are} as missing."


def _example(table: pa.Table, found: Inferred, name: str) -> str:
    example = next(text for known, text, _ in found.examples if known == name)
    typed, _ = apply_counted(pa.table({name: [example]}), Schema((found.schema[name],)))
    return f"{cut_text(example)!r} is {typed[name][0].as_py()}"


def _few_words(name: str, values: pa.ChunkedArray) -> str:
    """Say that a column of words is one of numbers but for some cells; nothing when it is not."""
    sample = cells.distinct_text(values.slice(0, _SAMPLE))
    if not len(sample) or cells.parse_numbers(sample).null_count > (1 - _MIN_SHARE) * len(sample):
        return ""
    if _has_codes(cells.distinct_text(values)):
        return ""
    column = Column(name, "numeric")
    typed, bad = apply_counted(pa.table({name: values}), Schema((column,)))
    n_odd, n_known = bad.get(name, 0), len(values) - typed[name].null_count
    if not n_odd or n_odd > n_known:
        return ""
    text = cells.distinct_text(values)
    odd = pc.unique(text.filter(pc.is_null(cells.parse_numbers(text)))).slice(0, _EXAMPLES).to_pylist()
    those = count_text(n_odd, "cell that is not a number", "cells that are not numbers")
    return (
        f"{name!r} stays text because of {those} ({_quoted(odd)}) beside {count_text(n_known, 'number')}. "
        "Change its type to numeric to count such cells as missing."
    )


def _has_codes(text: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring_regex(text, cells.LEADING_ZERO)).as_py())


def _quoted(values: Sequence[str]) -> str:
    return list_text(repr(cut_text(value, 30)) for value in values)
