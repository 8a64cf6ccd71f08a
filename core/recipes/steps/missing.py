"""The step that fills missing values."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc

from core.domain.columns import FEATURE_TYPES, Column, Schema
from core.errors import RecipeError
from core.recipes import fields as read
from core.recipes.fields import json_field
from core.recipes.step import (
    Columns,
    Learned,
    Links,
    Show,
    Step,
    check_free,
    is_date,
    is_whole_number,
    listed,
    need,
    nothing_known,
    put,
)
from core.recipes.steps.numbers import able_to_hold, number_scalar, plain_number
from core.wording import cut_text, number_text

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - dates are kept without a zone (docs/types.md)
_ONE_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True)
class Impute(Step):
    """Fill missing values: with the median, the most frequent value, or a constant."""

    kind: ClassVar[str] = "impute"
    title: ClassVar[str] = "Fill missing values"
    columns: tuple[str, ...] = json_field(read.names)
    method: Literal["median", "mode", "constant"] = json_field(read.choice("median", "mode", "constant"))
    value: str | float | None = json_field(read.optional(read.cell), default=None)
    flag: bool = json_field(read.flag, default=False)

    def check(self) -> None:
        if (self.value is None) == (self.method == "constant"):
            raise RecipeError(
                "a value goes with the method constant, and with no other",
                hint="Give the value to fill in, or choose median or mode.",
                code="recipe.field",
            )

    def reads(self) -> tuple[str, ...]:
        return self.columns

    def learn(self, columns: Columns, schema: Schema) -> Learned:
        allowed = ("numeric", "date") if self.method == "median" else (*FEATURE_TYPES, "text")
        found = need(schema, self.columns, allowed)
        if self.flag:
            check_free(schema, map(flag_name, self.columns))
        return {"fills": {column.name: self._fill(column, columns[column.name]) for column in found}}

    def _fill(self, column: Column, values: pa.ChunkedArray) -> str | float:
        """Return what to fill in, as JSON: a number, a text, or a date in ISO 8601."""
        if self.method == "constant":
            return _constant(column, self.value)
        if values.null_count == len(values):
            raise nothing_known(column.name, self.method)
        if self.method == "median":
            ticks = pc.cast(values, pa.int64()) if is_date(values) else values
            middle = pc.quantile(ticks, q=0.5)[0].as_py()
            return _date_text(middle) if is_date(values) else plain_number(middle)
        counted = values.drop_null().value_counts()
        most = pc.max(counted.field("counts"))
        # Of several equally frequent values the smallest one, so that the order of the rows does not matter.
        found = pc.min(counted.field("values").filter(pc.equal(counted.field("counts"), most)))
        return _date_text(found.cast(pa.int64()).as_py()) if is_date(values) else found.as_py()

    def output(self, schema: Schema, learned: Learned) -> Schema:
        for name in self.columns:
            column, fill = schema[name], learned["fills"][name]
            whole = column.integer and column.type == "numeric" and is_whole_number(fill)
            schema = schema.with_column(replace(column, integer=whole))
            if self.flag:
                schema = put(schema, name, [Column(flag_name(name), "numeric", integer=True)], keep=True)
        return schema

    def links(self, learned: Learned) -> Links:
        flags: Links = {flag_name(name): (name,) for name in self.columns} if self.flag else {}
        return {name: (name,) for name in self.columns} | flags

    def apply(self, columns: Columns, learned: Learned) -> list[str]:
        for name in self.columns:
            if name in columns:
                values = columns[name]
                if self.flag:
                    columns[flag_name(name)] = pc.cast(pc.is_null(values), pa.int64())
                columns[name] = _filled(values, learned["fills"][name])
        return []

    def words(self, learned: Learned | None, show: Show) -> str:
        flags = ", and mark where" if self.flag else ""
        if self.method == "constant":
            return f"Fill missing {listed(self.columns, show)} with {show(cut_text(str(self.value)))}{flags}"
        what = "median" if self.method == "median" else "most frequent value"
        fills = (learned or {}).get("fills", {})
        shown = f" ({show(cut_text(_shown(fills[self.columns[0]])))})" if len(self.columns) == 1 and fills else ""
        return f"Fill missing {listed(self.columns, show)} with the {what}{shown}{flags}"


def flag_name(name: str) -> str:
    """Return the name of the column that marks where another one was missing."""
    return f"{name} (missing)"


def _constant(column: Column, value: str | float | None) -> str | float:
    name, is_text = repr(column.name), isinstance(value, str)
    if column.type == "numeric" and is_text:
        raise RecipeError(
            f"{value!r} is not a number to fill {name} with", hint="Give a number.", code="recipe.constant"
        )
    if column.type in ("category", "text"):
        if value == "":
            raise RecipeError("an empty text counts as missing", hint="Give a word.", code="recipe.constant")
        return str(value)
    if column.type == "date":
        try:
            return datetime.fromisoformat(str(value)).replace(tzinfo=None).isoformat()
        except ValueError as error:
            raise RecipeError(
                f"{value!r} is not a date to fill {name} with", hint="Write it like 2024-12-31.", code="recipe.constant"
            ) from error
    return value  # type: ignore[return-value]


def _filled(values: pa.ChunkedArray, fill: str | float) -> pa.ChunkedArray:
    if is_date(values):
        return pc.fill_null(values, pa.scalar(datetime.fromisoformat(str(fill)), values.type))
    if isinstance(fill, str):
        return pc.fill_null(values, pa.scalar(fill, values.type))
    values = able_to_hold(values, fill)
    return pc.fill_null(values, number_scalar(fill, values.type))


def _date_text(milliseconds: float) -> str:
    return (_EPOCH + round(milliseconds) * _ONE_MS).isoformat()


def _shown(fill: str | float) -> str:
    return fill.removesuffix("T00:00:00") if isinstance(fill, str) else number_text(fill, 6)
