"""What each step of a recipe does to real rows: before and after, counted; a step that does not fit has its error."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.domain.columns import Schema
from core.errors import RecipeError
from core.recipes.recipe import DropDuplicates, Recipe, Step, naming_step

MAX_ROWS: Final = 100_000
SEED: Final = 1
_BEFORE, _AFTER = " · before", " · after"


@dataclass(frozen=True, kw_only=True)
class StepEffect:
    """One step, tried on rows.

    Attributes
    ----------
    learned : dict or None
        What it learned of the rows; None when it is off or does not fit.
    error : RecipeError or None
        Why it does not fit; the steps after it are tried without it.
    schema : Schema
        The columns that the step finds.
    before, after : Table
        Only the columns that it takes, and only those that it makes or changes; the same rows, unless it drops some.
    made : Schema
        Of `after`.
    remarks : tuple of str
        Cells that could not be used, in words with counts.
    """

    step: Step
    learned: dict[str, object] | None
    error: RecipeError | None
    schema: Schema
    before: pa.Table
    after: pa.Table
    made: Schema
    n_rows: tuple[int, int]
    n_columns: tuple[int, int]
    remarks: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[str, ...]:
        """The columns that are there before and after."""
        return tuple(name for name in self.after.column_names if name in self.before.column_names)

    @property
    def missing(self) -> tuple[int, int]:
        """Missing cells in the columns taken, and in the columns made of them."""
        return _count_missing(self.before), _count_missing(self.after)

    def changed_cells(self) -> int:
        """Count the cells of changed columns that hold something else now."""
        return int(sum(np.count_nonzero(_differs(self.before[name], self.after[name])) for name in self.changed))

    def examples(self, n_rows: int) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
        """Return a few rows before and after, those that are changed first; of duplicates the ones dropped.

        Returns
        -------
        table : Table
            The columns taken and those made, side by side; a column that is in both is named ``… · before`` and
            ``… · after``.
        marked : ndarray of bool, shape (n_rows, n_columns)
            The cells that the step made or changed.
        """
        if isinstance(self.step, DropDuplicates):
            return self.before.slice(0, n_rows), np.zeros(
                (min(n_rows, len(self.before)), self.before.num_columns), bool
            )
        differs = {name: _differs(self.before[name], self.after[name]) for name in self.changed}
        some = np.any(list(differs.values()), axis=0) if differs else np.zeros(self.n_rows[0], bool)
        rows = np.sort(np.argsort(~some, kind="stable")[:n_rows])
        arrays, names, marks = [], [], []
        for name in dict.fromkeys([*self.before.column_names, *self.after.column_names]):
            both = name in differs
            if name in self.before.column_names:
                arrays.append(self.before[name])
                names.append(name + _BEFORE if both else name)
                marks.append(np.zeros(len(rows), bool))
            if name in self.after.column_names:
                arrays.append(self.after[name])
                names.append(name + _AFTER if both else name)
                marks.append(differs[name][rows] if both else np.ones(len(rows), bool))
        marked = np.column_stack(marks) if marks else np.zeros((len(rows), 0), bool)
        return pa.table(arrays, names=names).take(pa.array(rows)), marked


@dataclass(frozen=True)
class RecipePreview:
    """A recipe tried on rows.

    Attributes
    ----------
    effects : tuple of StepEffect
        One for each step, also for those that are off.
    """

    effects: tuple[StepEffect, ...]
    schema: Schema
    table: pa.Table
    n_rows: int

    @property
    def error(self) -> RecipeError | None:
        """The first error of a step."""
        return next((effect.error for effect in self.effects if effect.error), None)


def preview(recipe: Recipe, typed: pa.Table, schema: Schema) -> RecipePreview:
    """Try a recipe step by step; a step that does not fit is reported and skipped.

    Parameters
    ----------
    typed : Table of shape (n_rows, n_columns)
        From `core.data.tables.schema.apply_schema`; see `draw_rows`.
    """
    n_rows = typed.num_rows
    effects = []
    for place, step in enumerate(recipe.steps):
        effect, typed, schema = try_step(step, typed, schema, place=place)
        effects.append(effect)
    return RecipePreview(tuple(effects), schema, typed, n_rows)


def try_step(step: Step, typed: pa.Table, schema: Schema, *, place: int = 0) -> tuple[StepEffect, pa.Table, Schema]:
    """Try one step on the columns that it finds; returns its effect, and the rows and columns after it."""
    before = typed.select([name for name in step.reads() if name in schema])
    if not step.on:
        return _untried(step, typed, schema, before), typed, schema
    columns = {name: typed[name] for name in schema.names}
    try:
        with naming_step(step.kind, place):
            if isinstance(step, DropDuplicates):
                return _try_duplicates(step, typed, schema, step.first_rows(columns, schema))
            learned = step.learn(columns, schema)
            out = step.output(schema, learned)
            remarks = step.apply(columns, learned)
    except RecipeError as error:
        return _untried(step, typed, schema, before, error=error), typed, schema
    after = pa.table([columns[name] for name in out.names], names=list(out.names))
    made = [name for name in out.names if name in step.links(learned)]
    effect = StepEffect(
        step=step, learned=learned, error=None, schema=schema, before=before, after=after.select(made),
        made=out.select(made), n_rows=(typed.num_rows, typed.num_rows),
        n_columns=(len(schema.columns), len(out.columns)), remarks=tuple(remarks),
    )  # fmt: skip
    return effect, after, out


def _try_duplicates(
    step: DropDuplicates, typed: pa.Table, schema: Schema, kept: npt.NDArray[np.int64]
) -> tuple[StepEffect, pa.Table, Schema]:
    left_out = np.setdiff1d(np.arange(typed.num_rows, dtype=np.int64), kept)
    shown = typed.select(list(step.reads() or schema.names)).take(pa.array(left_out))
    size = len(schema.columns)
    effect = StepEffect(
        step=step, learned={"rows_dropped": len(left_out)}, error=None, schema=schema, before=shown,
        after=shown.select([]), made=Schema(()), n_rows=(typed.num_rows, len(kept)), n_columns=(size, size),
    )  # fmt: skip
    return effect, typed.take(pa.array(kept)), schema


def draw_rows(n_rows: int) -> npt.NDArray[np.int64] | None:
    """Return the row numbers to try a recipe on: at most `MAX_ROWS`, always the same; None for all."""
    if n_rows <= MAX_ROWS:
        return None
    return np.sort(np.random.default_rng(SEED).choice(n_rows, MAX_ROWS, replace=False))


def _untried(
    step: Step, typed: pa.Table, schema: Schema, before: pa.Table, *, error: RecipeError | None = None
) -> StepEffect:
    size = (typed.num_rows, typed.num_rows), (len(schema.columns), len(schema.columns))
    return StepEffect(
        step=step, learned=None, error=error, schema=schema, before=before, after=before.select([]), made=Schema(()),
        n_rows=size[0], n_columns=size[1],
    )  # fmt: skip


def _count_missing(table: pa.Table) -> int:
    return int(sum(table[name].null_count for name in table.column_names))


def _differs(before: pa.ChunkedArray, after: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Mark the cells that hold something else; of columns whose types differ, those that are missing in one of them."""
    gone = pc.xor(pc.is_null(before), pc.is_null(after))
    if before.type == after.type or {before.type, after.type} == {pa.int64(), pa.float64()}:
        other = pc.fill_null(pc.not_equal(before, after), fill_value=False)
        gone = pc.or_(gone, other)
    return np.asarray(gone.to_numpy(), dtype=bool)
