"""Steps on the levels of categories."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import pyarrow as pa
import pyarrow.compute as pc

from core.domain.columns import Column, ColumnType, Schema
from core.errors import RecipeError
from core.recipes import fields as read
from core.recipes.fields import json_field
from core.recipes.step import (
    NAMED,
    Columns,
    Encoded,
    Learned,
    Links,
    Show,
    Step,
    check_free,
    listed,
    need,
    nothing_known,
    put,
)
from core.wording import cells_text, cut_text, list_text

MAX_ONE_HOT: Final = 100
MAX_LEVEL_CHARS: Final = 200
_WORDS: Final[tuple[ColumnType, ...]] = ("category", "text", "id")


@dataclass(frozen=True, kw_only=True)
class GroupRare(Step):
    """Put the levels of less than a share of the training rows together; a new level of a later file joins them."""

    kind: ClassVar[str] = "group_rare"
    title: ClassVar[str] = "Group rare levels"
    column: str = json_field(read.text)
    min_share: float = json_field(read.share, default=0.01)
    other: str = json_field(read.text, default="other")

    def reads(self) -> tuple[str, ...]:
        return (self.column,)

    def learn(self, columns: Columns, schema: Schema) -> Learned:
        need(schema, (self.column,), _WORDS)
        counts = _level_counts(self.column, columns[self.column])
        known = sum(counts.values())
        return {"levels": sorted(level for level, rows in counts.items() if rows / known >= self.min_share)}

    def output(self, schema: Schema, learned: Learned) -> Schema:
        return schema.with_column(replace(schema[self.column], type="category", levels=None))

    def links(self, learned: Learned) -> Links:
        return {self.column: (self.column,)}

    def apply(self, columns: Columns, learned: Learned) -> list[str]:
        values = columns[self.column]
        kept = pc.is_in(values, value_set=pa.array(learned["levels"], pa.string()))
        columns[self.column] = pc.if_else(pc.or_(kept, pc.is_null(values)), values, self.other)
        return []

    def words(self, learned: Learned | None, show: Show) -> str:
        kept = f" ({len(learned['levels']):,} stay)" if learned else ""
        share = f"{self.min_share * 100:g}%"
        return f"Group levels of {show(cut_text(self.column))} under {share} as {show(self.other)}{kept}"


@dataclass(frozen=True, kw_only=True)
class MapLevels(Step):
    """Put levels in place of others; null makes a level missing, levels that are not named stay."""

    kind: ClassVar[str] = "map_levels"
    title: ClassVar[str] = "Replace levels"
    column: str = json_field(read.text)
    levels: dict[str, str | None] = json_field(read.table(read.optional(read.text)))

    def reads(self) -> tuple[str, ...]:
        return (self.column,)

    def learn(self, columns: Columns, schema: Schema) -> Learned:
        need(schema, (self.column,), _WORDS)
        return {}

    def output(self, schema: Schema, learned: Learned) -> Schema:
        return schema.with_column(replace(schema[self.column], levels=None))

    def links(self, learned: Learned) -> Links:
        return {self.column: (self.column,)}

    def apply(self, columns: Columns, learned: Learned) -> list[str]:
        values = columns[self.column]
        olds, news = pa.array(list(self.levels), pa.string()), pa.array(list(self.levels.values()), pa.string())
        place = pc.index_in(values, value_set=olds)
        columns[self.column] = pc.if_else(pc.is_valid(place), news.take(pc.fill_null(place, 0)), values)
        return []

    def words(self, learned: Learned | None, show: Show) -> str:
        pairs = [
            f"{show(cut_text(old))} by {show(cut_text(new)) if new else 'missing'}" for old, new in self.levels.items()
        ]
        return f"In {show(cut_text(self.column))}, replace {list_text(pairs, NAMED)}"


@dataclass(frozen=True, kw_only=True)
class OneHot(Step):
    """Make a column of 0 and 1 for each level of the training rows; a missing or new level is 0 in all of them."""

    kind: ClassVar[str] = "one_hot"
    title: ClassVar[str] = "One-hot encode"
    columns: tuple[str, ...] = json_field(read.names)

    def reads(self) -> tuple[str, ...]:
        return self.columns

    def learn(self, columns: Columns, schema: Schema) -> Learned:
        need(schema, self.columns, ("category",))
        learned: dict[str, list[str]] = {}
        for name in self.columns:
            levels = sorted(_level_counts(name, columns[name]))
            if len(levels) > MAX_ONE_HOT:
                raise RecipeError(
                    f"{name!r} has {len(levels):,} levels, and one-hot makes at most {MAX_ONE_HOT} columns from one",
                    hint="Group rare levels first, or leave it as a category: H2O takes categories as they are.",
                    code="recipe.too_many_levels",
                )
            if too_long := next((level for level in levels if len(level) > MAX_LEVEL_CHARS), None):
                raise RecipeError(
                    f"a level of {name!r} is too long to be part of a column's name: {cut_text(too_long)!r}",
                    hint=f"Replace levels of more than {MAX_LEVEL_CHARS} characters first, or number them.",
                    code="recipe.level_too_long",
                )
            learned[name] = levels
        check_free(schema, [made for made, _, _ in _one_hot_names(learned)])
        return {"levels": learned}

    def output(self, schema: Schema, learned: Learned) -> Schema:
        for name in self.columns:
            made = [Column(f"{name}={level}", "numeric", integer=True) for level in learned["levels"][name]]
            schema = put(schema, name, made, keep=False)
        return schema

    def links(self, learned: Learned) -> Links:
        return {made: (name,) for made, name, _ in _one_hot_names(learned["levels"])}

    def indicators(self, learned: Learned, before: Encoded) -> Encoded:
        own = {made: (name, level) for made, name, level in _one_hot_names(learned["levels"])}
        return {**super().indicators(learned, before), **own}

    def apply(self, columns: Columns, learned: Learned) -> list[str]:
        remarks = []
        for name in self.columns:
            if name not in columns:
                continue
            levels = learned["levels"][name]
            values = columns.pop(name)
            place = pc.index_in(values, value_set=pa.array(levels, pa.string()))
            for number, level in enumerate(levels):
                hit = pc.fill_null(pc.equal(place, number), fill_value=False)
                columns[f"{name}={level}"] = pc.cast(hit, pa.int64())
            remarks += _unseen(name, values, place, "0 in every column made of it")
        return remarks

    def words(self, learned: Learned | None, show: Show) -> str:
        made = f" ({sum(map(len, learned['levels'].values())):,} columns)" if learned else ""
        return f"Make a column of 0 and 1 for each level of {listed(self.columns, show)}{made}"


@dataclass(frozen=True, kw_only=True)
class LabelEncode(Step):
    """Make a whole number of each level: the numbers given, else 0, 1, 2 … in the order of the sorted levels.

    A level without a number, such as a new one of a later file, is missing.
    """

    kind: ClassVar[str] = "label_encode"
    title: ClassVar[str] = "Number the levels"
    column: str = json_field(read.text)
    levels: dict[str, int] | None = json_field(read.optional(read.table(read.whole(-(2**31), 2**31))), default=None)

    @property
    def _name(self) -> str:
        return f"{self.column} (code)"

    def reads(self) -> tuple[str, ...]:
        return (self.column,)

    def learn(self, columns: Columns, schema: Schema) -> Learned:
        need(schema, (self.column,), _WORDS)
        check_free(schema, (self._name,))
        if self.levels is not None:
            return {"levels": dict(self.levels)}
        found = sorted(_level_counts(self.column, columns[self.column]))
        return {"levels": {level: code for code, level in enumerate(found)}}

    def output(self, schema: Schema, learned: Learned) -> Schema:
        return put(schema, self.column, [Column(self._name, "numeric", integer=True)], keep=False)

    def links(self, learned: Learned) -> Links:
        return {self._name: (self.column,)}

    def apply(self, columns: Columns, learned: Learned) -> list[str]:
        values = columns.pop(self.column)
        place = pc.index_in(values, value_set=pa.array(list(learned["levels"]), pa.string()))
        columns[self._name] = pa.array(learned["levels"].values(), pa.int64()).take(place)
        return _unseen(self.column, values, place, "counted as missing")

    def words(self, learned: Learned | None, show: Show) -> str:
        levels: dict[str, Any] = (learned or {}).get("levels") or self.levels or {}
        pieces = [f"{show(cut_text(level))} is {code}" for level, code in levels.items()]
        pairs = f": {list_text(pieces, NAMED)}" if pieces else ""
        return f"Number the levels of {show(cut_text(self.column))}{pairs}"


def _level_counts(name: str, values: pa.ChunkedArray) -> dict[str, int]:
    counted = values.drop_null().value_counts()
    counts = dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
    if not counts:
        raise nothing_known(name, "level")
    return counts


def _one_hot_names(levels: dict[str, list[str]]) -> list[tuple[str, str, str]]:
    return [(f"{name}={level}", name, level) for name, found in levels.items() for level in found]


def _unseen(name: str, values: pa.ChunkedArray, place: pa.ChunkedArray, became: str) -> list[str]:
    """Report cells whose level has no place."""
    count = place.null_count - values.null_count
    if not count:
        return []
    found = pc.unique(values.filter(pc.and_(pc.is_null(place), pc.is_valid(values))))
    levels = listed(found.to_pylist(), str)
    return [f"{name}: {cells_text(count)} a level that the recipe does not know: {levels} ({became})."]
