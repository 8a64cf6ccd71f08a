"""A file's columns against what a model needs: what is missing, what is unknown, what the engine gets."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from core.errors import SchemaMismatchError
from core.features import read_fitted, to_features
from core.schema import apply_counted, infer_schema, match_levels
from core.types import Column, ModelSpec, Schema

_SHOWN = 5  # names listed in a warning before "and N more"


@dataclass(frozen=True)
class ColumnCheck:
    """How a file's columns compare with what a model needs.

    Attributes
    ----------
    missing : tuple of str
        Needed columns that are not there.
    near : dict of str to str
        For missing columns: the file's column whose name is most alike, where one is.
    extra : tuple of str
        Columns that the model does not use.
    """

    missing: tuple[str, ...]
    near: dict[str, str]
    extra: tuple[str, ...]


def check_columns(names: Sequence[str], spec: ModelSpec) -> ColumnCheck:
    """Compare a file's column names with the ones a model needs.

    Parameters
    ----------
    names : sequence of str
        The file's column names, cleaned.
    spec : ModelSpec
        What the model needs.
    """
    present = set(names)
    needed = spec.needed.names
    missing = tuple(name for name in needed if name not in present)
    known = {*needed, spec.target, spec.id_column}
    extra = tuple(name for name in names if name not in known)
    by_plain: dict[str, str] = {}
    for name in extra:
        by_plain.setdefault(_plain(name), name)
    near = {}
    for name in missing:
        found = difflib.get_close_matches(_plain(name), by_plain, n=1, cutoff=0.75)
        if found:
            near[name] = by_plain[found[0]]
    return ColumnCheck(missing, near, extra)


def fit_notation(source: pa.Table, spec: ModelSpec, *, is_workbook: bool) -> tuple[ModelSpec, tuple[str, ...]]:
    """Return what a model needs in the notation of a file: how its dates and decimals are written.

    Parameters
    ----------
    source : Table of shape (n_rows, n_columns)
        As read.
    spec : ModelSpec
        In the notation of the training data.
    is_workbook : bool
        Whether the cells come from a workbook, whose numbers have decimal points whatever the training data had.

    Returns
    -------
    spec : ModelSpec
        With the file's date formats where the training data's do not read every cell and the file's own do.
    notes : tuple of str
        What was changed, in words.
    """
    needed, notes = spec.needed, []
    for column in needed.columns:
        if column.name not in source.column_names or not pa.types.is_string(source[column.name].type):
            continue
        if column.type == "numeric" and column.decimal is not None and is_workbook:
            needed = needed.with_column(replace(column, decimal=None))
        if column.type == "date" and (found := _own_dates(source, column)):
            needed = needed.with_column(found)
            notes.append(
                f"{column.name}: dates are written {found.format or 'as ISO 8601'} here, another way than in training."
            )
    if needed is spec.needed:
        return spec, ()
    return (replace(spec, features=needed) if spec.inputs is None else replace(spec, inputs=needed)), tuple(notes)


def _own_dates(source: pa.Table, column: Column) -> Column | None:
    """Return the column with the file's own date format if that reads every cell and the model's does not."""
    table = source.select([column.name])
    if not apply_counted(table, Schema((column,)))[1]:
        return None
    own = infer_schema(table).columns[0]
    if own.type != "date" or apply_counted(table, Schema((own,)))[1]:
        return None
    return replace(column, format=own.format)


def prepare(source: pa.Table, spec: ModelSpec) -> tuple[pa.Table, tuple[str, ...]]:
    """Turn a file's columns into exactly what the model was trained on.

    Parameters
    ----------
    source : pa.Table
        As read.
    spec : ModelSpec
        What the model needs.

    Returns
    -------
    pa.Table
        The model's features in its order and types, made by its recipe where it has one; unknown levels and unparsable
        cells are null.
    tuple of str
        Warnings: each thing that was ignored or emptied, with counts.

    Raises
    ------
    SchemaMismatchError
        If a needed column is missing; near names are offered.
    """
    check = check_columns(source.column_names, spec)
    if check.missing:
        raise _mismatch(check)
    warnings = []
    if check.extra:
        warnings.append(f"Ignored, because the model does not use them: {_listed(check.extra)}.")
    typed, unparsable = apply_counted(source, spec.needed)
    for name, count in unparsable.items():
        what = "number" if spec.needed[name].type == "numeric" else spec.needed[name].type
        warnings.append(f"{name}: {count} {_cells(count)} no {what} (counted as missing).")
    recipe = read_fitted(spec.recipe)
    if recipe is not None:
        typed, _ = _match_levels(typed, spec.needed, keep_unseen=True)
    features, remarks = to_features(typed, recipe, spec.features)
    features, unseen = _match_levels(features, spec.features, keep_unseen=False)
    return features, (*warnings, *remarks, *unseen)


def _match_levels(typed: pa.Table, schema: Schema, *, keep_unseen: bool) -> tuple[pa.Table, list[str]]:
    """Take levels spelled differently for the known ones; the others are missing, unless a recipe is to judge them."""
    warnings = []
    for index, column in enumerate(schema.columns):
        if column.type != "category" or column.levels is None:
            continue
        matched, report = match_levels(typed[column.name], column.levels)
        if report.n_unseen and keep_unseen:
            matched = pc.coalesce(matched, typed[column.name])
        elif report.n_unseen:
            warnings.append(
                f"{column.name}: {report.n_unseen} {_cells(report.n_unseen)} a level that training never saw"
                f": {_listed(level for level, _ in report.unseen)} (counted as missing)."
            )
        typed = typed.set_column(index, column.name, matched)
    return typed, warnings


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _cells(count: int) -> str:
    return "cell holds" if count == 1 else "cells hold"


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def _mismatch(check: ColumnCheck) -> SchemaMismatchError:
    hints = [f"{there!r} may be {wanted!r}" for wanted, there in check.near.items()]
    plural = "columns" if len(check.missing) > 1 else "column"
    return SchemaMismatchError(
        f"The file lacks the {plural} {_listed(check.missing)}, which the model needs.",
        hint=f"Rename: {'; '.join(hints)}." if hints else None,
        code="schema.missing_columns",
        missing=check.missing,
        unexpected=check.extra,
    )
