"""What every step of a recipe is: fields that are its JSON, what it learns, and what it does to columns."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.domain.columns import Column, ColumnType, Schema
from core.errors import RecipeError
from core.recipes.fields import FieldError, flag, json_field
from core.wording import cut_text, list_text

FloatArray = npt.NDArray[np.float64]
Columns = dict[str, pa.ChunkedArray]
Learned = dict[str, Any]
Links = dict[str, tuple[str, ...]]
Encoded = dict[str, tuple[str, str]]  # columns of 0 and 1: the column and the level that each stands for
Show = Callable[[str], str]

MS_PER_DAY = 86_400_000
NAMED = 3  # names in a sentence before "and N more"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: immutable, its fields are its JSON.

    `learn` and `output` are for fitting and see every column; `apply` changes the columns handed to it in place and is
    the same at training and at scoring. Where a step has several columns, `apply` takes those that are there: the ones
    that no feature is made of are left out before.

    Attributes
    ----------
    on : bool
        Off: the step is kept, but does nothing.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    on: bool = json_field(flag, default=True)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote.

        RecipeError if a field is missing, unknown or holds something else than it should.
        """
        known = {spec.name: spec for spec in fields(cls)}
        given = {name: value for name, value in data.items() if name != "kind"}
        unknown = sorted(given.keys() - known.keys())
        if unknown:
            raise RecipeError(
                f"there is no field {unknown[0]!r}", hint=f"It has {', '.join(known)}.", code="recipe.field"
            )
        absent = [name for name, spec in known.items() if spec.default is MISSING and name not in given]
        if absent:
            raise RecipeError(f"the field {absent[0]!r} is missing", code="recipe.field")
        values = {}
        for name, value in given.items():
            try:
                values[name] = known[name].metadata["read"](value)
            except FieldError as error:
                raise RecipeError(f"the field {name!r}must be {error}", code="recipe.field") from error
        step = cls(**values)
        step.check()
        return step

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data, the kind first; `on` only when it is off."""
        data: dict[str, Any] = {"kind": self.kind}
        for spec in fields(self):
            value = getattr(self, spec.name)
            if spec.name != "on":
                data[spec.name] = list(value) if isinstance(value, tuple) else value
        return data if self.on else {**data, "on": False}

    def switched(self, *, on: bool) -> Self:
        """Return a copy that is on or off."""
        return replace(self, on=on)

    def check(self) -> None:
        """Refuse fields that do not go together (RecipeError)."""

    def reads(self) -> tuple[str, ...]:
        """Return the columns that have to be there."""
        raise NotImplementedError

    def learn(self, columns: Columns, schema: Schema) -> Learned:
        """Check the columns and return what has to be remembered of the training rows, as plain JSON data."""
        raise NotImplementedError

    def output(self, schema: Schema, learned: Learned) -> Schema:
        """Return the columns after the step."""
        raise NotImplementedError

    def links(self, learned: Learned) -> Links:
        """Return, for each column that is made or changed, the columns that it is made of."""
        raise NotImplementedError

    def indicators(self, learned: Learned, before: Encoded) -> Encoded:
        """Return which columns of 0 and 1 stand for levels after the step, where `before` are those before it."""
        changed = self.links(learned)
        return {name: one for name, one in before.items() if name not in changed}

    def apply(self, columns: Columns, learned: Learned) -> list[str]:
        """Change columns in place and return remarks on cells that could not be used, in words with counts."""
        raise NotImplementedError

    def words(self, learned: Learned | None, show: Show) -> str:
        """Return the step in plain words; `show` draws a name or value that comes from data."""
        raise NotImplementedError


# --- checks -----------------------------------------------------------------------------------------------------------


def need(schema: Schema, names: Iterable[str], types: Sequence[ColumnType] = ()) -> list[Column]:
    """Return the named columns (RecipeError if one is not there, or is of another type than those allowed)."""
    found = []
    for name in names:
        if name not in schema:
            near = difflib.get_close_matches(name, schema.names, n=1)
            raise RecipeError(
                f"there is no column {name!r}",
                hint=f"Did you mean {near[0]!r}? Fix the step, switch it off or remove it."
                if near
                else "Fix the step, switch it off or remove it.",
                code="recipe.column_missing",
            )
        column = schema[name]
        if types and column.type not in types:
            raise RecipeError(
                f"{name!r} is of type {column.type}, and this works on {' and '.join(types)} columns only",
                hint="Choose another column, or add a step that changes its type first.",
                code="recipe.column_type",
            )
        found.append(column)
    return found


def check_free(schema: Schema, names: Iterable[str], *, gone: Iterable[str] = ()) -> None:
    """Refuse names for new columns that another column has (RecipeError)."""
    taken = set(schema.names) - set(gone)
    for name in names:
        if name in taken:
            raise RecipeError(
                f"a column called {name!r} already exists",
                hint="Rename or drop that column first.",
                code="recipe.name_taken",
            )
        taken.add(name)


def nothing_known(name: str, what: str) -> RecipeError:
    """Return the error for a column without a single value to learn from."""
    return RecipeError(
        f"every value of {name!r} is missing in the training rows, so there is no {what}",
        hint="Drop the column, or fill it with a constant.",
        code="recipe.all_missing",
    )


# --- schemas ----------------------------------------------------------------------------------------------------------


def put(schema: Schema, after: str, made: Sequence[Column], *, keep: bool) -> Schema:
    """Return the schema with columns behind another one, or in its place."""
    columns: list[Column] = []
    for column in schema.columns:
        if column.name != after:
            columns.append(column)
        else:
            columns += [column, *made] if keep else made
    return Schema(tuple(columns))


# --- columns ----------------------------------------------------------------------------------------------------------


def is_date(values: pa.ChunkedArray) -> bool:
    """Whether a column holds dates."""
    return bool(pa.types.is_timestamp(values.type))


def to_numbers(values: pa.ChunkedArray) -> FloatArray:
    """Return numbers as float64, dates as days since 1970-01-01; NaN where missing."""
    if is_date(values):
        return to_numbers(pc.cast(values, pa.int64())) / MS_PER_DAY
    return np.asarray(pc.cast(values, pa.float64(), safe=False).to_numpy(), dtype=np.float64)


def from_numbers(numbers: FloatArray) -> pa.ChunkedArray:
    """Return float64 numbers as a column; what is not finite becomes missing."""
    return pa.chunked_array([pa.array(numbers, pa.float64(), mask=~np.isfinite(numbers))])


def known_numbers(values: pa.ChunkedArray) -> FloatArray:
    """Return the numbers that are not missing."""
    return to_numbers(values.drop_null())


def is_whole_number(value: float) -> bool:
    """Whether a number is whole and exact as a float."""
    return float(value).is_integer() and abs(value) < 2**53


# --- words ------------------------------------------------------------------------------------------------------------


def listed(names: Sequence[str], show: Show) -> str:
    """Return names in a sentence, the first few of them and long ones cut."""
    return list_text(names, NAMED, show=lambda name: show(cut_text(name)))
