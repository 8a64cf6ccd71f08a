"""Columns of a table and the schema they make."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

ColumnType = Literal["numeric", "category", "date", "text", "id"]
COLUMN_TYPES: tuple[ColumnType, ...] = ("numeric", "category", "date", "text", "id")
FEATURE_TYPES: tuple[ColumnType, ...] = ("numeric", "category", "date")


@dataclass(frozen=True)
class Column:
    """One column and how its text is understood.

    Attributes
    ----------
    name : str
        Cleaned name (docs/files.md tells the rule).
    type : ColumnType
        numeric and date columns become numbers, category columns levels; text and id columns are never learned from.
    integer : bool
        Numeric only: every value seen was a whole number.
    format : str or None
        Date only: the `strptime` format, or several joined by `` | ``; None for ISO 8601.
    decimal : str or None
        Numeric only: ``","`` or ``"."`` when the numbers have decimal commas or separators of thousands.
    levels : tuple of str or None
        Category only: the known levels, sorted; None when nobody has looked.
    unit : str or None
        Numeric only: what stands beside the numbers in the file, ``%`` or the sign or code of a currency. 12.5% is
        12.5.
    """

    name: str
    type: ColumnType
    integer: bool = False
    format: str | None = None
    levels: tuple[str, ...] | None = None
    decimal: str | None = None
    unit: str | None = None


@dataclass(frozen=True)
class Schema:
    """The columns of a table in order."""

    columns: tuple[Column, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Column:
        return self._by_name[name]

    def select(self, names: Iterable[str]) -> "Schema":
        """Return the schema of the named columns, in the order given."""
        return Schema(tuple(self[name] for name in names))

    def with_column(self, column: Column) -> "Schema":
        """Return a copy in which the column of that name is replaced."""
        return Schema(tuple(column if old.name == column.name else old for old in self.columns))

    def digest(self) -> str:
        """Return the sha256 of the names, types, formats, decimals and units (not the levels), as 64 hex digits."""
        written = [(c.decimal, c.unit) if c.unit else (c.decimal,) if c.decimal else () for c in self.columns]
        plain = [(c.name, c.type, c.format, *known) for c, known in zip(self.columns, written, strict=True)]
        return hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()
