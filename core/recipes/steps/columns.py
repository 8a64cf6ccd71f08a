"""Steps on whole columns and their types: drop, rename, cast, dates, formulas, duplicate rows."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.schema import apply_counted, retype
from core.data.tables.written import cells
from core.data.tables.written.signs import main_unit
from core.domain.columns import COLUMN_TYPES, Column, ColumnType, Schema
from core.errors import RecipeError
from core.recipes import fields as read
from core.recipes.fields import json_field
from core.recipes.formula import Formula
from core.recipes.step import (
    MS_PER_DAY,
    NAMED,
    Columns,
    Encoded,
    Learned,
    Links,
    Show,
    Step,
    check_free,
    from_numbers,
    is_date,
    listed,
    need,
    nothing_known,
    put,
    to_numbers,
)
from core.wording import cut_text, list_text, unreadable_text

DATE_PARTS: Final = ("year", "quarter", "month", "day", "weekday", "hour", "days")
_DECIMALS: Final = (",", ".")
_TYPE_WORDS: Final[dict[str, str]] = {
    "numeric": "numbers",
    "category": "categories",
    "date": "dates",
    "text": "free text",
    "id": "ids",
}


@dataclass(frozen=True, kw_only=True)
class Drop(Step):
    """Leave columns out; a raw column that is dropped is not needed at scoring."""

    kind: ClassVar[str] = "drop"
    title: ClassVar[str] = "Drop columns"
    columns: tuple[str, ...] = json_field(read.names)

    def reads(self) -> tuple[str, ...]:
        return self.columns

    def learn(self, columns: Columns, schema: Schema) -> Learned:
        need(schema, self.columns)
        return {}

    def output(self, schema: Schema, learned: Learned) -> Schema:
        return Schema(tuple(column for column in schema.columns if column.name not in self.columns))

    def links(self, learned: Learned) -> Links:
        return {}

    def apply(self, columns: Columns, learned: Learned) -> list[str]:
        for name in self.columns:
            columns.pop(name, None)
        return []

    def words(self, learned: Learned | None, show: Show) -> str:
        return f"Drop {listed(self.columns, show)}"


@dataclass(frozen=True, kw_only=True)
class Rename(Step):
    """Give columns other names, all at once; `columns` maps old to new."""

    kind: ClassVar[str] = "rename"
    title: ClassVar[str] = "Rename columns"
    columns: dict[str, str] = json_field(read.table(read.text))

    def check(self) -> None:
        for new in self.columns.values():
            if new != " ".join(new.split()) or not new.isprintable():
                raise RecipeError(
                    f"{new!r} cannot be the name of a column",
                    hint="Use visible characters and single spaces.",
                    code="recipe.column_name",
                )

    def reads(self) -> tuple[str, ...]:
        return tuple(self.columns)

    def learn(self, columns: Columns, schema: Schema) -> Learned:
        need(schema, self.columns)
        check_free(schema, self.columns.values(), gone=self.columns)
        return {}

    def output(self, schema: Schema, learned: Learned) -> Schema:
        return Schema(
            tuple(replace(column, name=self.columns.get(column.name, column.name)) for column in schema.columns)
        )

    def links(self, learned: Learned) -> Links:
        return {new: (old,) for old, new in self.columns.items()}

    def indicators(self, learned: Learned, before: Encoded) -> Encoded:
        return {self.columns.get(name, name): one for name, one in before.items()}

    def apply(self, columns: Columns, learned: Learned) -> list[str]:
        taken = {new: columns.pop(old) for old, new in self.columns.items() if old in columns}
        columns.update(taken)
        return []

    def words(self, learned: Learned | None, show: Show) -> str:
        pieces = [f"{show(cut_text(old))} to {show(cut_text(new))}" for old, new in self.columns.items()]
        return f"Rename {list_text(pieces, NAMED)}"


@dataclass(frozen=True, kw_only=True)
class Cast(Step):
    """Read a column as another type; cells that do not fit become missing and are counted.

    Attributes
    ----------
    format : str or None
        For dates the `strptime` format; for numbers ``","`` or ``"."``, the decimal sign. Found out when None.
    """

    kind: ClassVar[str] = "cast"
    title: ClassVar[str] = "Change a type"
    column: str = json_field(read.text)
    to: ColumnType = json_field(read.choice(*COLUMN_TYPES))
    format: str | None = json_field(read.optional(read.text), default=None)

    def check(self) -> None:
        if self.format is not None and (self.to not in ("numeric", "date") or not self._is_format(self.format)):
            raise RecipeError(
                f"{self.format!r} is not a format for {_TYPE_WORDS[self.to]}",
                hint="Give a format for dates (%d.%m.%Y), or for numbers: , or . as the decimal sign.",
                code="recipe.field",
            )

    def _is_format(self, text: str) -> bool:
        return self.to == "date" or text in _DECIMALS

    def reads(self) -> tuple[str, ...]:
        return (self.column,)

    def learn(self, columns: Columns, schema: Schema) -> Learned:
        need(schema, (self.column,))
        values = columns[self.column]
        day_format = None
        if is_date(values) and self.to != "date":
            midnight = np.asarray(pc.cast(values.drop_null(), pa.int64()).to_numpy()) % MS_PER_DAY == 0
            day_format = "%Y-%m-%d" if midnight.all() else "%Y-%m-%d %H:%M:%S"
        found = self._retyped(_as_text(values, day_format))
        return {
            "integer": found.integer, "format": found.format, "decimal": found.decimal, "day_format": day_format,
            "unit": found.unit,
        }  # fmt: skip

    def _retyped(self, values: pa.ChunkedArray) -> Column:
        """Return the column as it will be read, with what its values show of the notation of numbers."""
        if self.to != "numeric" or not pa.types.is_string(values.type):
            return retype(Column(self.column, self.to), values, self.to, self.format)
        if self.format is None:
            return retype(Column(self.column, "category"), values, "numeric")
        decimal, unit = self.format, main_unit(cells.distinct_text(values))
        whole = Column(self.column, "numeric", integer=True, decimal=decimal, unit=unit)
        typed = apply_counted(pa.table({self.column: values}), Schema((whole,)))[0][self.column]
        if values.null_count < len(values) == typed.null_count:
            raise RecipeError(
                f"no value of {self.column!r} is a number with the decimal sign {decimal!r}",
                hint="Give the other sign, or none.",
                code="schema.type_unfit",
            )
        return replace(whole, integer=bool(pa.types.is_integer(typed.type)))

    def output(self, schema: Schema, learned: Learned) -> Schema:
        return schema.with_column(self._made(learned))

    def _made(self, learned: Learned) -> Column:
        known = {name: learned[name] for name in ("integer", "format", "decimal")}
        return Column(self.column, self.to, unit=learned.get("unit"), **known)  # older recipes know no unit

    def links(self, learned: Learned) -> Links:
        return {self.column: (self.column,)}

    def apply(self, columns: Columns, learned: Learned) -> list[str]:
        values = _as_text(columns[self.column], learned["day_format"])
        typed, bad = apply_counted(pa.table({self.column: values}), Schema((self._made(learned),)))
        columns[self.column] = typed[self.column]
        return [f"{name}: {unreadable_text(count, self.to)}" for name, count in bad.items()]

    def words(self, learned: Learned | None, show: Show) -> str:
        written = f" written like {show(self.format)}" if self.format else ""
        return f"Read {show(cut_text(self.column))} as {_TYPE_WORDS[self.to]}{written}"


@dataclass(frozen=True, kw_only=True)
class ParseDate(Step):
    """Read text, or numbers such as 20240131, as dates of one `strptime` format; None for ISO 8601."""

    kind: ClassVar[str] = "parse_date"
    title: ClassVar[str] = "Read dates"
    column: str = json_field(read.text)
    format: str | None = json_field(read.optional(read.text), default=None)

    def reads(self) -> tuple[str, ...]:
        return (self.column,)

    def _made(self) -> Column:
        return Column(self.column, "date", format=self.format)

    def learn(self, columns: Columns, schema: Schema) -> Learned:
        need(schema, (self.column,))
        typed, bad = apply_counted(pa.table({self.column: columns[self.column]}), Schema((self._made(),)))
        if bad and typed[self.column].null_count == len(typed):
            example = columns[self.column].drop_null()[0].as_py()
            raise RecipeError(
                f"{cut_text(str(example))!r} and every other value of {self.column!r} is not a date of the format "
                f"{self.format or 'ISO 8601'}",
                hint="Write the format that the dates have, such as %d.%m.%Y for 31.12.2024.",
                code="recipe.no_date",
            )
        return {}

    def output(self, schema: Schema, learned: Learned) -> Schema:
        return schema.with_column(self._made())

    def links(self, learned: Learned) -> Links:
        return {self.column: (self.column,)}

    def apply(self, columns: Columns, learned: Learned) -> list[str]:
        typed, bad = apply_counted(pa.table({self.column: columns[self.column]}), Schema((self._made(),)))
        columns[self.column] = typed[self.column]
        return [f"{name}: {unreadable_text(count, self._made().type)}" for name, count in bad.items()]

    def words(self, learned: Learned | None, show: Show) -> str:
        return f"Read {show(cut_text(self.column))} as dates written like {show(self.format or '2024-12-31')}"


@dataclass(frozen=True, kw_only=True)
class DateParts(Step):
    """Make numbers of a date: year, quarter, month, day, weekday (Monday is 1), hour, whole days since a reference."""

    kind: ClassVar[str] = "date_parts"
    title: ClassVar[str] = "Extract date parts"
    column: str = json_field(read.text)
    parts: tuple[str, ...] = json_field(read.choices(*DATE_PARTS))
    reference: str | None = json_field(read.optional(read.text), default=None)
    keep: bool = json_field(read.flag, default=True)

    def check(self) -> None:
        try:
            date.fromisoformat(self.reference or "1970-01-01")
        except ValueError as error:
            raise RecipeError(
                f"{self.reference!r} is not a date to count from",
                hint="Write it like 2024-12-31.",
                code="recipe.reference",
            ) from error

    def reads(self) -> tuple[str, ...]:
        return (self.column,)

    def learn(self, columns: Columns, schema: Schema) -> Learned:
        need(schema, (self.column,), ("date",))
        if "days" not in self.parts or self.reference:
            learned: Learned = {"reference": self.reference}
        else:
            first = pc.min(columns[self.column]).as_py()
            if first is None:
                raise nothing_known(self.column, "first day to count from")
            learned = {"reference": first.date().isoformat()}
        check_free(schema, self._names(learned).values(), gone=() if self.keep else (self.column,))
        return learned

    def _names(self, learned: Learned) -> dict[str, str]:
        words = {part: part for part in self.parts} | {"days": f"days since {learned['reference']}"}
        return {part: f"{self.column} ({words[part]})" for part in self.parts}

    def output(self, schema: Schema, learned: Learned) -> Schema:
        made = [Column(name, "numeric", integer=True) for name in self._names(learned).values()]
        return put(schema, self.column, made, keep=self.keep)

    def links(self, learned: Learned) -> Links:
        return dict.fromkeys(self._names(learned).values(), (self.column,))

    def apply(self, columns: Columns, learned: Learned) -> list[str]:
        values = columns[self.column] if self.keep else columns.pop(self.column)
        for part, name in self._names(learned).items():
            columns[name] = _date_part(values, part, learned["reference"])
        return []

    def words(self, learned: Learned | None, show: Show) -> str:
        reference = (learned or {}).get("reference") or self.reference or "the first one"
        parts = [f"days since {reference}" if part == "days" else part for part in self.parts]
        replaced = "" if self.keep else ", replacing it"
        return f"Extract {listed(parts, str)} of {show(cut_text(self.column))}{replaced}"


@dataclass(frozen=True, kw_only=True)
class Arithmetic(Step):
    """Make a column by a formula; a row without a value of it, such as after a division by zero, is missing."""

    kind: ClassVar[str] = "arithmetic"
    title: ClassVar[str] = "Compute a column"
    name: str = json_field(read.text)
    expression: str = json_field(read.text)

    def check(self) -> None:
        Rename(columns={"": self.name}).check()
        _ = Formula(self.expression).columns

    def reads(self) -> tuple[str, ...]:
        return Formula(self.expression).columns

    def learn(self, columns: Columns, schema: Schema) -> Learned:
        need(schema, self.reads(), ("numeric", "date"))
        check_free(schema, (self.name,))
        return {}

    def output(self, schema: Schema, learned: Learned) -> Schema:
        return Schema((*schema.columns, Column(self.name, "numeric")))

    def links(self, learned: Learned) -> Links:
        return {self.name: self.reads()}

    def apply(self, columns: Columns, learned: Learned) -> list[str]:
        numbers = {name: to_numbers(columns[name]) for name in self.reads()}
        columns[self.name] = from_numbers(Formula(self.expression).compute(numbers))
        return []

    def words(self, learned: Learned | None, show: Show) -> str:
        return f"Compute {show(cut_text(self.name))} as {show(self.expression)}"


@dataclass(frozen=True, kw_only=True)
class DropDuplicates(Step):
    """Keep the first of rows that are equal; for training only, no row of a file to score is ever dropped."""

    kind: ClassVar[str] = "drop_duplicates"
    title: ClassVar[str] = "Drop duplicate rows"
    columns: tuple[str, ...] | None = json_field(read.optional(read.names), default=None)

    def reads(self) -> tuple[str, ...]:
        return self.columns or ()

    def first_rows(self, columns: Columns, schema: Schema) -> npt.NDArray[np.int64]:
        """Return the numbers of the rows to keep, ascending; missing equals missing."""
        need(schema, self.reads())
        compared = [columns[name] for name in self.reads() or schema.names]
        keys = [str(place) for place in range(len(compared))]
        n_rows = len(compared[0]) if compared else 0
        table = pa.table([*compared, pa.array(np.arange(n_rows))], names=[*keys, "row"])
        found = table.group_by(keys, use_threads=False).aggregate([("row", "min")])
        return np.sort(np.asarray(found["row_min"].to_numpy(), dtype=np.int64))

    def learn(self, columns: Columns, schema: Schema) -> Learned:
        return {}

    def output(self, schema: Schema, learned: Learned) -> Schema:
        return schema

    def links(self, learned: Learned) -> Links:
        return {}

    def apply(self, columns: Columns, learned: Learned) -> list[str]:
        return []

    def words(self, learned: Learned | None, show: Show) -> str:
        of = f" with the same {listed(self.columns, show)}" if self.columns else ""
        dropped = (learned or {}).get("rows_dropped")
        count = "" if dropped is None else f" ({dropped:,} found)"
        return f"Drop duplicate rows{of}, for training only{count}"


def _as_text(values: pa.ChunkedArray, day_format: str | None) -> pa.ChunkedArray:
    return values if day_format is None else pc.strftime(values, format=day_format)


def _date_part(values: pa.ChunkedArray, part: str, reference: str | None) -> pa.ChunkedArray:
    simple: dict[str, Any] = {"year": pc.year, "quarter": pc.quarter, "month": pc.month, "day": pc.day, "hour": pc.hour}
    if part in simple:
        return simple[part](values)
    if part == "weekday":
        return pc.day_of_week(values, count_from_zero=False, week_start=1)
    start = datetime.fromisoformat(str(reference)).replace(tzinfo=UTC).timestamp() * 1000 / MS_PER_DAY
    return pc.cast(from_numbers(np.floor(to_numbers(values) - start)), pa.int64())
