"""Column types: inferred from source text once, changeable by a person, applied to every later file.

The rules are in docs/types.md; how a cell is read stands in `cells`, what a column is for in `roles`.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.distinct import count_distinct
from core.data.tables.few import read_few
from core.data.tables.levels import LevelReport, match_levels, with_levels
from core.data.tables.roles import (
    MIN_ROWS,
    TaskGuess,
    as_category,
    check_target,
    count_classes,
    guess_id_column,
    guess_positive,
    guess_task,
    is_id_name,
    is_key_name,
    is_nearly_unique,
    is_number_name,
    is_row_number,
    is_unique,
    proposed_ignores,
)
from core.data.tables.stored import Blanked, Columns, PlainNumbers, is_source
from core.data.tables.writing import Numbers, Written, find_written, main_notation, mostly_digits, unclear_marks
from core.data.tables.written import cells, clocks, dates, notations
from core.data.tables.written.cells import MISSING_TOKENS
from core.domain.columns import Column, ColumnType, Schema
from core.errors import DataError, SchemaMismatchError
from core.parallel import iter_ahead

__all__ = [
    "MISSING_TOKENS",
    "Inferred",
    "LevelReport",
    "TaskGuess",
    "ambiguous_dates",
    "ambiguous_numbers",
    "apply_column",
    "apply_counted",
    "apply_schema",
    "as_category",
    "check_target",
    "count_classes",
    "guess_id_column",
    "guess_positive",
    "guess_task",
    "infer_noted",
    "infer_schema",
    "match_levels",
    "plain_columns",
    "proposed_ignores",
    "retype",
    "with_levels",
    "zoned_dates",
]

TEXT_DISTINCT_SHARE: Final = 0.5
TEXT_MIN_DISTINCT: Final = 1_000
TEXT_MEAN_CHARS: Final = 50
TEXT_MAX_LEVELS: Final = 10_000
_MIN_VALUES = 3  # of a column in which signs stand for missing values
_VALUES: Final = ("numeric", "date")
_SAMPLE = 200
_LONG = r"^[+-]?[0-9]{16,}$"
_DATE = pa.timestamp("ms")


@dataclass(frozen=True)
class Inferred:
    """The types found, and what is worth saying about the numbers.

    Attributes
    ----------
    infinite : tuple of str
        Columns of numbers some of which are infinite; those count as missing.
    examples : tuple of (str, str, bool)
        Columns of numbers that are not written as computers write them, a value that shows it, and whether that its
        marks separate thousands is a guess.
    placeholders: tuple of (str, tuple of str)
        Columns of numbers or dates, and the signs in them that stand for a missing value.
    with_digits : tuple of str
        Columns that were words at first and whose values mostly have digits: what may be meant as numbers or moments.
    """

    schema: Schema
    infinite: tuple[str, ...] = ()
    examples: tuple[tuple[str, str, bool], ...] = ()
    placeholders: tuple[tuple[str, tuple[str, ...]], ...] = ()
    with_digits: tuple[str, ...] = ()

    def retyped(self, schema: Schema) -> "Inferred":
        """Return the same with the types that a person chose; nothing is said of those that are numbers no more."""
        numbers = {column.name for column in schema.columns if column.type == "numeric"}
        infinite = tuple(name for name in self.infinite if name in numbers)
        examples = tuple(example for example in self.examples if example[0] in numbers)
        valued = {column.name for column in schema.columns if column.type in _VALUES}
        placeholders = tuple(known for known in self.placeholders if known[0] in valued)
        return replace(self, schema=schema, infinite=infinite, examples=examples, placeholders=placeholders)


def infer_schema(table: Columns, *, decimal: str | None = None, is_workbook: bool = False) -> Schema:
    """Do what `infer_noted` does, and return the schema alone."""
    return infer_noted(table, decimal=decimal, is_workbook=is_workbook).schema


def infer_noted(table: Columns, *, decimal: str | None = None, is_workbook: bool = False) -> Inferred:
    """Decide the type of every column.

    Parameters
    ----------
    table : Table of shape (n_rows, n_columns)
        Source text (empty string for an empty cell), or native types from Parquet.
    decimal : str, optional
        ``"."`` or ``","`` when a person said so; the columns tell it otherwise.
    is_workbook : bool
        Whether the cells come from a workbook, whose numbers have decimal points.

    Returns
    -------
    Inferred
        Its schema has the columns in order, without levels.

    Notes
    -----
    About 0.4 s for 267,416 x 12 cells of text.
    """
    found = [_infer_column(name, table[name]) for name in table.column_names]
    schema = Schema(tuple(column for column, _ in found))
    signs: dict[str, tuple[str, ...]] = {}
    for name in _words(table, schema):
        if len(texts := cells.find_placeholders(table[name])):
            signs[name] = tuple(texts.to_pylist())
            values = cells.blank(table[name], texts)
            column, _ = _infer_column(name, values)
            if column.type in _VALUES and count_distinct(cells.distinct_text(values)) >= _MIN_VALUES:
                schema = schema.with_column(column)
    told = Blanked(table, signs, _words(table, schema))
    words = told.only([name for name in told if mostly_digits(told[name])])
    written = find_written(words, plain_columns(table, schema), decimal, is_workbook=is_workbook)
    for name, known in written.items():
        schema = schema.with_column(_written_column(name, words[name] if name in words else table[name], known))
    odd = {column.name for column, has_infinite in found if has_infinite and column.type == "numeric"}
    odd |= {name for name, known in written.items() if known.has_infinite}
    examples = tuple((name, known.example, known.is_guess) for name, known in written.items() if known.example)
    placeholders = tuple((name, texts) for name, texts in signs.items() if schema[name].type in _VALUES)
    infinite = tuple(name for name in table.column_names if name in odd)
    return Inferred(schema, infinite, examples, placeholders, tuple(words))


def ambiguous_numbers(table: Columns, schema: Schema) -> tuple[str, ...]:
    """Name the columns of words whose values may be decimals or thousands, such as ``1,234`` or ``€1.234``."""
    return tuple(name for name in _words(table, schema) if unclear_marks(table[name]))


def plain_columns(table: Columns, schema: Schema) -> Numbers:
    """Return the columns of source text that are numbers as computers write them, and whether all are whole."""
    plain = (column for column in schema.columns if column.type == "numeric" and not (column.decimal or column.unit))
    return PlainNumbers(table, {column.name: column.integer for column in plain if is_source(table, column.name)})


def apply_schema(table: Columns, schema: Schema) -> pa.Table:
    """Read the columns of a schema as their types.

    Parameters
    ----------
    table : Table of shape (n_rows, n_source_columns)
        Source text or native types; columns that the schema does not have are left out.

    Returns
    -------
    Table of shape (n_rows, n_columns)
        In the schema's order. Numeric: int64 when the column is of whole numbers and holds nothing else, else float64.
        Category, text, id: string. Date: timestamp[ms]. Missing and unreadable cells: null.

    Raises
    ------
    SchemaMismatchError
        If a column of the schema is not in the table.
    """
    return apply_counted(table, schema)[0]


def apply_counted(table: Columns, schema: Schema) -> tuple[pa.Table, dict[str, int]]:
    """Do what `apply_schema` does, and count per column the cells that hold something that is not of its type.

    SchemaMismatchError if a column of the schema is not in the table.
    """
    present = set(table.column_names)
    missing = tuple(name for name in schema.names if name not in present)
    if missing:
        raise SchemaMismatchError(f"Columns are missing: {', '.join(map(repr, missing))}.", missing=missing)
    parsed = list(
        iter_ahead(lambda column: apply_column(table[column.name], column), schema.columns, n_rows=table.num_rows)
    )
    typed = pa.table([values for values, _ in parsed], names=list(schema.names))
    return typed, {column.name: bad for column, (_, bad) in zip(schema.columns, parsed, strict=True) if bad}


def apply_column(values: pa.ChunkedArray, column: Column) -> tuple[pa.ChunkedArray, int]:
    """Do what `apply_counted` does, for the values of one column."""
    if not pa.types.is_string(values.type):
        native = _apply_native(values, column)
        if native is not None:
            return native
        values = as_category(values)
    if (few := read_few(values, column)) is not None:
        return few, 0
    if column.type == "numeric":
        return cells.convert(values, _number_reader(column))
    if column.type == "date":
        return cells.convert(values, partial(dates.parse_dates, date_format=column.format))
    return cells.convert(values, cells.join_lines)


def retype(column: Column, values: pa.ChunkedArray, kind: ColumnType, date_format: str | None = None) -> Column:
    """Return the column as the type that a person chose.

    Parameters
    ----------
    column : Column
        The column as it is.
    values : ChunkedArray, shape (n_rows,)
        Its source text or native values.
    date_format : str, optional
        Date only: the `strptime` format; the one that reads most values when omitted.

    Raises
    ------
    DataError
        If not a single value can be read as that type, or the format cannot be used.
    """
    new = Column(column.name, kind)
    if kind == "date" and date_format is None and pa.types.is_string(values.type):
        text = cells.distinct_text(values)
        date_format = min(dates.DATE_FORMATS, key=lambda known: dates.parse_dates(text, known).null_count)
    if kind == "date":
        new = replace(new, format=date_format)
    if kind == column.type == "numeric":
        new = replace(new, decimal=column.decimal, unit=column.unit)
    elif kind == "numeric" and pa.types.is_string(values.type):
        decimal, unit = main_notation(cells.distinct_text(values))
        new = replace(new, decimal=decimal, unit=unit)
    typed, n_bad = apply_column(values, new)
    if n_bad and typed.null_count == len(typed):
        raise DataError(
            f"No value of {column.name!r} can be read as {kind}.",
            hint="Choose another type, or for a date give its format.",
            code="schema.type_unfit",
        )
    return replace(new, integer=kind == "numeric" and cells.is_whole(typed))


def ambiguous_dates(table: Columns, schema: Schema) -> tuple[str, ...]:
    """Name the text columns whose dates fit both day/month and month/day."""
    return tuple(
        column.name
        for column in schema.columns
        if column.type == "date"
        and column.format
        and is_source(table, column.name)
        and _fits_both(cells.distinct_text(table[column.name]), column.format)
    )


def zoned_dates(table: Columns, schema: Schema) -> tuple[str, ...]:
    """Name the columns of moments whose clocks are of a zone, so that they are moved to UTC."""
    return tuple(column.name for column in schema.columns if column.type == "date" and _has_zones(table[column.name]))


def _has_zones(values: pa.ChunkedArray) -> bool:
    if pa.types.is_timestamp(values.type):
        return values.type.tz not in (None, "UTC")
    return bool(pa.types.is_string(values.type) and clocks.has_zones(cells.distinct_text(values)))


def _fits_both(text: pa.Array, date_format: str) -> bool:
    """Whether day and month can be exchanged in every value that a part of the format reads."""
    for part in date_format.split(dates.SEVERAL):
        read = text.filter(pc.is_valid(dates.parse_dates(text, part)))
        swapped = dates.swapped_date_format(part)
        if swapped and not dates.parse_dates(read, swapped).null_count:
            return True
        text = text.filter(pc.is_null(dates.parse_dates(text, part)))
    return False


def _words(table: Columns, schema: Schema) -> tuple[str, ...]:
    """Name the columns of source text that are neither numbers nor dates."""
    return tuple(
        column.name
        for column in schema.columns
        if column.type not in ("numeric", "date") and is_source(table, column.name)
    )


def _infer_column(name: str, values: pa.ChunkedArray) -> tuple[Column, bool]:
    """Return the column, and whether some of its numbers are infinite."""
    kind = values.type
    if _is_date(kind):
        return Column(name, "date"), False
    if pa.types.is_integer(kind) and cells.has_past(values, cells.EXACT_FLOAT):
        return _infer_text(name, as_category(values))  # such numbers are names: as floats some of them would be equal
    if _is_number(kind):
        numbers, n_infinite = _native_numbers(values, Column(name, "numeric", integer=True))
        return _number_column(
            Column(name, "numeric", integer=pa.types.is_integer(numbers.type)), values
        ), n_infinite > 0
    if pa.types.is_boolean(kind):
        return Column(name, "category"), False
    return _infer_text(name, pc.cast(values, pa.string()))


def _infer_text(name: str, values: pa.ChunkedArray) -> tuple[Column, bool]:
    text = cells.distinct_text(values)
    number, has_infinite = cells.number_kind(text)
    if number:
        return _number_column(Column(name, "numeric", integer=number == "integer"), values), has_infinite
    formats = dates.matching_date_formats(text)
    if formats:
        return Column(name, "date", format=formats[0]), False
    if joined := dates.joined_date_format(text):
        return Column(name, "date", format=joined), False
    return Column(name, _kind_of_words(name, values, text)), False


def _written_column(name: str, values: pa.ChunkedArray, known: Written) -> Column:
    """Return the column of numbers that are written in that way; whether they are whole is found here."""
    column = Column(name, "numeric", integer=True, decimal=known.decimal, unit=known.unit)
    whole = pa.types.is_integer(apply_column(values, column)[0].type)
    return _number_column(replace(column, integer=whole), values)


def _number_column(column: Column, values: pa.ChunkedArray) -> Column:
    """Tell ids from other numbers; `values` may still be text."""
    by_name = is_id_name(column.name) or is_key_name(column.name)
    if not column.integer or column.unit or not (by_name or is_number_name(column.name)):
        return column
    typed, _ = apply_column(values, column)
    is_id = (is_unique(typed) and (by_name or is_row_number(typed))) or (by_name and is_nearly_unique(typed))
    return Column(column.name, "id") if is_id else column


def _kind_of_words(name: str, values: pa.ChunkedArray, text: pa.Array) -> ColumnType:
    """Tell ids, free text and categories apart; `text` has the values of `values`, perhaps each once."""
    typed, _ = cells.convert(values, cells.join_lines)
    n_known = len(typed) - typed.null_count
    n_distinct = count_distinct(text)
    numbers_rows = is_number_name(name) and len(typed) >= MIN_ROWS
    if 0 < n_distinct == len(typed) and (is_id_name(name) or is_key_name(name) or numbers_rows or _are_long(text)):
        return "id"
    if n_distinct > TEXT_MAX_LEVELS:
        return "text"
    is_varied = n_distinct > TEXT_DISTINCT_SHARE * n_known
    mean_chars = pc.mean(pc.utf8_length(typed)).as_py() or 0.0
    return "text" if is_varied and (n_distinct > TEXT_MIN_DISTINCT or mean_chars > TEXT_MEAN_CHARS) else "category"


def _are_long(text: pa.Array) -> bool:
    """Whether all values are numbers of as many digits as only names of things have: a 64-bit float loses the last."""
    return all(pc.all(pc.match_substring_regex(part, _LONG)).as_py() for part in (text.slice(0, _SAMPLE), text))


def _number_reader(column: Column) -> Callable[[pa.Array], pa.Array]:
    return partial(notations.parse_notation, decimal=column.decimal, whole=column.integer, unit=column.unit)


def _apply_native(values: pa.ChunkedArray, column: Column) -> tuple[pa.ChunkedArray, int] | None:
    """Read native numbers and dates as such; None when the column has to go through its text."""
    if column.type == "numeric" and _is_number(values.type):
        return _native_numbers(values, column)
    if column.type == "date" and _is_date(values.type):
        zone = getattr(values.type, "tz", None)
        instant = pc.cast(pc.cast(values, pa.timestamp("us", zone), safe=False), pa.timestamp("us"))
        return pc.cast(instant, _DATE, safe=False), 0
    return None


def _native_numbers(values: pa.ChunkedArray, column: Column) -> tuple[pa.ChunkedArray, int]:
    if pa.types.is_integer(values.type) and column.integer:
        with suppress(pa.ArrowInvalid):  # unsigned numbers past 2^63
            return pc.cast(values, pa.int64()), 0
    numbers = pc.cast(values, pa.float64(), safe=False)
    known = cells.finite(numbers)
    n_bad = pc.sum(pc.is_inf(numbers)).as_py() or 0
    fits = column.integer and cells.is_whole(known) and (pc.max(pc.abs(known)).as_py() or 0) < cells.EXACT_FLOAT
    return (pc.cast(known, pa.int64()) if fits else known), n_bad


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_date(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))
