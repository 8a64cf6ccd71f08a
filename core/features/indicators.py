"""Columns of 0 and 1 that a recipe made of one column, seen as that column again: how people know them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.features.features import read_fitted


@dataclass(frozen=True)
class Indicators:
    """Which of a model's features stand for levels of one column.

    Attributes
    ----------
    levels : mapping of str to mapping of str to str
        For each column that a recipe encoded, the features made of it and their levels.
    """

    levels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: ModelSpec) -> "Indicators":
        """Return those of a model; none where its recipe changed them further, or kept the column beside them."""
        recipe, names = read_fitted(spec.recipe), frozenset(spec.features.names)
        found: dict[str, dict[str, str]] = {}
        for made, (column, level) in (recipe.indicators if recipe else {}).items():
            if made in names and column not in names and column != spec.target:
                found.setdefault(column, {})[made] = level
        return cls(found)

    def column_of(self, feature: str) -> str:
        """Return the column that a feature stands for; the feature itself where it stands for none."""
        return next((column for column, levels in self.levels.items() if feature in levels), feature)

    def seen(self, typed: pa.Table) -> pa.Table:
        """Put each column in the place of its indicators; missing where all of them are 0."""
        for column, levels in self.levels.items():
            values = pa.nulls(typed.num_rows, pa.string())
            for made, level in levels.items():
                values = pc.if_else(pc.equal(typed[made], 1).combine_chunks(), level, values)
            place = min(typed.schema.get_field_index(made) for made in levels)
            typed = typed.drop_columns(list(levels)).add_column(place, column, values)
        return typed

    def seen_schema(self, schema: Schema) -> Schema:
        """Return the columns of a table that `seen` returns."""
        columns: dict[str, Column] = {}
        for one in schema.columns:
            column = self.column_of(one.name)
            levels = tuple(sorted(self.levels.get(column, {}).values()))
            columns[column] = one if column == one.name else Column(column, "category", levels=levels)
        return Schema(tuple(columns.values()))

    def encoded_schema(self, seen: Schema) -> Schema:
        """Return the columns of a table that `encoded` returns."""
        known = tuple(column for column in seen.columns if column.name not in self.levels)
        made = (Column(name, "numeric", integer=True) for levels in self.levels.values() for name in levels)
        return Schema((*known, *made))

    def encoded(self, seen: pa.Table) -> pa.Table:
        """Return the features that the model gets, behind the columns that are its features already."""
        for column, levels in self.levels.items():
            values = seen[column]
            seen = seen.drop_columns([column])
            for made, level in levels.items():
                hit = pc.fill_null(pc.equal(values, level), fill_value=False)
                seen = seen.append_column(made, pc.cast(hit, pa.int64()))
        return seen


NO_INDICATORS: Final = Indicators()
