"""Recipes: ordered steps from raw columns to features, fitted once on the training rows, the same for ever after.

`Recipe` is what a person decides, `FittedRecipe` what was learned for it (medians, levels, bounds); both are JSON.
docs/recipe.md tells each step and its rules.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.data.tables.levels import with_levels
from core.domain.columns import Schema
from core.errors import DataError, RecipeError, SchemaMismatchError
from core.plain import from_plain, to_plain
from core.recipes.step import Columns, Encoded, Learned, Show, Step
from core.recipes.steps.columns import Arithmetic, Cast, DateParts, Drop, DropDuplicates, ParseDate, Rename
from core.recipes.steps.levels import GroupRare, LabelEncode, MapLevels, OneHot
from core.recipes.steps.missing import Impute
from core.recipes.steps.numbers import Bin, Clip, MinMax, Standardize

__all__ = [
    "KINDS", "RECIPE_VERSION", "Cast", "Drop", "DropDuplicates", "Fitted", "FittedRecipe", "MapLevels", "Recipe",
    "Step", "fit", "fit_rows", "naming_step", "read_step",
]  # fmt: skip

RECIPE_VERSION: Final = 1
KINDS: Final[Mapping[str, type[Step]]] = {
    kind.kind: kind
    for kind in (
        Impute, Drop, Rename, Cast, ParseDate, DateParts, Clip, Bin, MinMax, Standardize, GroupRare, MapLevels, OneHot,
        LabelEncode, Arithmetic, DropDuplicates,
    )
}  # fmt: skip
_ABOUT: Final = ("recipe_version", "name", "version", "dataset", "parent", "change", "person", "saved_at", "steps")


def read_step(data: object, *, place: int | None = None) -> Step:
    """Read one step from its JSON.

    Parameters
    ----------
    data : object
        ``{"kind": …}`` and the fields of that kind.
    place : int, optional
        Its place in the recipe, from 0, for the message.

    Raises
    ------
    RecipeError
        If the kind is unknown, a field is missing or unknown, or holds something else than it should.

    Examples
    --------
    >>> read_step({"kind": "drop", "columns": ["id"]}).columns
    ('id',)
    """
    which = "The step" if place is None else f"Step {place + 1}"
    if not isinstance(data, Mapping) or not isinstance(data.get("kind"), str):
        raise RecipeError(f"{which} is not an object with a kind.", code="recipe.kind", step=place)
    kind = KINDS.get(data["kind"])
    if kind is None:
        raise RecipeError(
            f"{which} is of the kind {data['kind'][:60]!r}, which this version does not know.",
            hint=f"Known are {', '.join(KINDS)}.",
            code="recipe.kind",
            step=place,
        )
    with naming_step(kind.kind, place):
        return kind.from_dict(data)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """An ordered list of steps.

    Attributes
    ----------
    name : str
        What people call it; empty for one that is not saved.
    dataset : str
        Name of the dataset it was made on; empty when nobody knows.
    """

    steps: tuple[Step, ...] = ()
    name: str = ""
    version: int | None = None
    dataset: str = ""

    @property
    def label(self) -> str:
        """Name and version in words."""
        name = self.name or "recipe without a name"
        return f"{name}, version {self.version}" if self.version else name

    def with_steps(self, steps: Sequence[Step]) -> "Recipe":
        """Return a copy with other steps."""
        return replace(self, steps=tuple(steps))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data; `from_dict` reads it back."""
        about: dict[str, Any] = {"name": self.name, "version": self.version, "dataset": self.dataset}
        known = {key: value for key, value in about.items() if value}
        return {"recipe_version": RECIPE_VERSION, **known, "steps": [step.to_dict() for step in self.steps]}

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Read what `to_dict` wrote, or a person.

        Raises
        ------
        RecipeError
            If it is not a recipe, one of a newer version, or a step cannot be read; the message names the step.
        """
        found = _check_version(data)
        unknown = [key for key in found if key not in _ABOUT]
        if unknown:
            raise RecipeError(f"A recipe has no field {str(unknown[0])[:60]!r}.", code="recipe.field")
        steps, version = found.get("steps"), found.get("version")
        texts = [found.get(key, "") for key in ("name", "dataset")]
        if not isinstance(steps, list) or not all(isinstance(text, str) for text in texts):
            raise RecipeError("A recipe has a list of steps; its name and dataset are texts.", code="recipe.field")
        if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
            raise RecipeError("The version of a recipe is a whole number.", code="recipe.field")
        read = tuple(read_step(step, place=place) for place, step in enumerate(steps))
        return cls(steps=read, name=texts[0], version=version, dataset=texts[1])


@dataclass(frozen=True, kw_only=True)
class FittedRecipe:
    """A recipe with what it learned of the training rows.

    Attributes
    ----------
    inputs : Schema
        The raw columns that it needs, with the levels that the training rows have.
    steps : tuple of (Step, dict)
        The steps that were on, each with what it learned.
    schema : Schema
        The columns that come out, with the levels that the training rows have.
    """

    inputs: Schema
    steps: tuple[tuple[Step, Learned], ...]
    schema: Schema

    @cached_property
    def _live(self) -> tuple[tuple[Step, Learned], ...]:
        """The steps that any column that comes out is made by."""
        wanted, live = set(self.schema.names), []
        for step, learned in reversed(self.steps):
            links = step.links(learned)
            if not wanted.isdisjoint(links):
                live.append((step, learned))
            wanted = _sources(wanted, links)
        return tuple(reversed(live))

    @cached_property
    def origins(self) -> dict[str, tuple[str, ...]]:
        """The raw columns that each column which comes out is made of."""
        found: dict[str, tuple[str, ...]] = {name: (name,) for name in self.inputs.names}
        for step, learned in self._live:
            made = {
                name: tuple(dict.fromkeys(raw for source in sources for raw in found.get(source, ())))
                for name, sources in step.links(learned).items()
            }
            found |= made
        return {name: found[name] for name in self.schema.names}

    @cached_property
    def indicators(self) -> dict[str, tuple[str, str]]:
        """The columns of 0 and 1 that come out unchanged, each with the column and the level that it stands for."""
        found: Encoded = {}
        for step, learned in self._live:
            found = step.indicators(learned, found)
        return {name: found[name] for name in self.schema.names if name in found}

    def narrowed(self, names: Sequence[str]) -> "FittedRecipe":
        """Return the recipe of only some of the columns that come out; it needs fewer raw ones."""
        wanted = set(names)
        for step, learned in reversed(self.steps):
            wanted = _sources(wanted, step.links(learned))
        inputs = Schema(tuple(column for column in self.inputs.columns if column.name in wanted))
        return FittedRecipe(inputs=inputs, steps=self.steps, schema=self.schema.select(names))

    def transform(self, typed: pa.Table) -> pa.Table:
        """Apply the steps; see `transform_counted`."""
        return self.transform_counted(typed)[0]

    def transform_counted(self, typed: pa.Table) -> tuple[pa.Table, tuple[str, ...]]:
        """Apply the steps to rows, none of which is dropped.

        Parameters
        ----------
        typed : Table of shape (n_rows, n_raw_columns)
            Raw columns as their types (`apply_schema`); those that are not in `inputs` are ignored.

        Returns
        -------
        table : Table of shape (n_rows, n_columns)
            The columns of `schema`, in its order.
        remarks : tuple of str
            Cells that could not be used as they are, in words with counts.

        Raises
        ------
        SchemaMismatchError
            If a column of `inputs` is not in the table.
        """
        absent = tuple(name for name in self.inputs.names if name not in typed.column_names)
        if absent:
            raise SchemaMismatchError(f"Columns are missing: {', '.join(map(repr, absent))}.", missing=absent)
        columns: Columns = {name: typed[name] for name in self.inputs.names}
        remarks: list[str] = []
        for step, learned in self._live:
            remarks += step.apply(columns, learned)
        names = list(self.schema.names)
        return pa.table([columns[name] for name in names], names=names), tuple(remarks)

    def words(self, show: Show = str) -> tuple[str, ...]:
        """Return each step in plain words, with what it learned; `show` draws names that come from data."""
        return tuple(step.words(learned, show) for step, learned in self.steps)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data; `from_dict` reads it back."""
        return {
            "recipe_version": RECIPE_VERSION,
            "inputs": to_plain(self.inputs),
            "steps": [{**step.to_dict(), "learned": learned} for step, learned in self.steps],
            "schema": to_plain(self.schema),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote (RecipeError if it is one of a newer version, or a step cannot be read)."""
        found = _check_version(data)
        steps = []
        for place, item in enumerate(found["steps"]):
            plain = {key: value for key, value in item.items() if key != "learned"}
            steps.append((read_step(plain, place=place), dict(item["learned"])))
        return cls(
            inputs=from_plain(Schema, found["inputs"]), steps=tuple(steps), schema=from_plain(Schema, found["schema"])
        )


class Fitted(NamedTuple):
    """A fitted recipe and the rows it was fitted on.

    Attributes
    ----------
    rows : ndarray of int64, shape (n_kept_rows,)
        Which rows were kept; all of them unless a step drops duplicates.
    """

    recipe: FittedRecipe
    table: pa.Table
    rows: npt.NDArray[np.int64]


def fit(recipe: Recipe, typed: pa.Table, schema: Schema) -> FittedRecipe:
    """Learn what the steps need from rows; parameters and errors as `fit_rows`."""
    return fit_rows(recipe, typed, schema).recipe


def fit_rows(recipe: Recipe, typed: pa.Table, schema: Schema, *, beside: Schema | None = None) -> Fitted:
    """Learn what the steps need from rows, and transform those rows.

    Parameters
    ----------
    recipe : Recipe
        Steps that are off are left out.
    typed : Table of shape (n_rows, n_columns)
        The rows to learn from, as their types (`apply_schema`).
    schema : Schema
        The raw columns that the recipe may use.
    beside : Schema, optional
        More columns of `typed`, such as the target: no step sees them, but rows that differ in them are no duplicates.

    Returns
    -------
    Fitted
        The fitted recipe, with the transformed rows.

    Raises
    ------
    RecipeError
        If a step does not fit the columns as they are when its turn comes; the message names the step, and `step` is
        its place.

    Notes
    -----
    A few tens of milliseconds per step on 267,416 rows.
    """
    columns: Columns = {name: typed[name] for name in schema.names}
    others: Columns = {name: typed[name] for name in (beside or Schema(())).names}
    rows = np.arange(typed.num_rows, dtype=np.int64)
    now, steps = schema, []
    for place, step in enumerate(recipe.steps):
        if not step.on:
            continue
        with naming_step(step.kind, place):
            if isinstance(step, DropDuplicates):
                both = Schema((*now.columns, *(beside or Schema(())).columns))
                kept = step.first_rows(columns | others, both)
                learned: Learned = {"rows_dropped": len(rows) - len(kept)}
                if learned["rows_dropped"]:
                    chosen = pa.array(kept)
                    columns = {name: values.take(chosen) for name, values in columns.items()}
                    others = {name: values.take(chosen) for name, values in others.items()}
                    rows = rows[kept]
            else:
                learned = step.learn(columns, now)
                now = step.output(now, learned)
                step.apply(columns, learned)
            steps.append((step, learned))
    table = pa.table([columns[name] for name in now.names], names=list(now.names))
    whole = FittedRecipe(inputs=with_levels(schema, typed), steps=tuple(steps), schema=with_levels(now, table))
    return Fitted(whole.narrowed(now.names), table, rows)


def _sources(wanted: set[str], links: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the columns that have to be there before a step for those that are wanted after it."""
    made = wanted.intersection(links)
    return (wanted - made).union(*(links[name] for name in made))


def _check_version(data: object) -> Mapping[str, Any]:
    if not isinstance(data, Mapping) or "recipe_version" not in data:
        raise RecipeError("This is not a recipe: it has no recipe_version.", code="recipe.version")
    version = data["recipe_version"]
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise RecipeError(f"{str(version)[:60]!r} is not a recipe version.", code="recipe.version")
    if version > RECIPE_VERSION:
        raise RecipeError(
            f"The recipe is of version {version}; this Bellwether reads version {RECIPE_VERSION} and older.",
            hint="Open it with the newer Bellwether that wrote it. It was not changed.",
            code="recipe.version",
        )
    return data


@contextmanager
def naming_step(kind: str, place: int | None) -> Iterator[None]:
    """Say in every expected error of the block which step it comes from.

    Parameters
    ----------
    place : int or None
        Its place in the recipe, from 0.

    Raises
    ------
    RecipeError
        In place of a DataError, with its code and hint.
    """
    try:
        yield
    except DataError as error:
        which = "The step" if place is None else f"Step {place + 1}"
        message = error.message.rstrip(".")
        raise RecipeError(f"{which} ({kind}): {message}.", hint=error.hint, code=error.code, step=place) from error
