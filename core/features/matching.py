"""A file's columns against what a model needs: what is missing, what is unknown, what the engine gets."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from core.data.drift.compare import Reference
from core.data.tables.levels import LevelReport
from core.data.tables.packed import AnyTable, PackedTable, pack, unpack
from core.data.tables.schema import apply_column, apply_counted, infer_schema, match_levels, zoned_dates
from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.errors import SchemaMismatchError
from core.features.features import read_fitted, to_features
from core.features.own_numbers import fit_numbers
from core.parallel import iter_ahead
from core.wording import cells_text, list_text, unreadable_text


@dataclass(frozen=True)
class ColumnCheck:
    """How a file's columns compare with what a model needs.

    Attributes
    ----------
    missing : tuple of str
        Needed columns that are not there.
    near : dict of str to str
        For missing columns: the file's column whose name is most alike, where one is; for the only one, the only column
        that is left over, where its values fit (`core.features.renames.with_likely`).
    extra : tuple of str
        Columns that the model does not use.
    """

    missing: tuple[str, ...]
    near: dict[str, str]
    extra: tuple[str, ...]

    @property
    def likely(self) -> tuple[str, str] | None:
        """The file's column and the only missing one, which it is likely to be; None where nothing is proposed."""
        [wanted, *more] = self.missing or ("",)
        return (self.near[wanted], wanted) if not more and wanted in self.near else None


def use_text(theirs: str, ours: str) -> str:
    """Return what a likely rename is called, on the page and in an error's hint alike.

    Examples
    --------
    >>> use_text("AGE", "age")
    'Use column “AGE” as “age”'
    """
    return f"Use column “{theirs}” as “{ours}”"


def check_columns(names: Sequence[str], spec: ModelSpec) -> ColumnCheck:
    """Compare a file's column names with the ones a model needs."""
    present = set(names)
    needed = spec.needed.names
    missing = tuple(name for name in needed if name not in present)
    known = {*needed, spec.target, spec.id_column}
    if spec.target in present:  # what is compared with it is weighted
        known.add(spec.weights_column)
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


def fit_notation(
    source: AnyTable, spec: ModelSpec, *, is_workbook: bool, reference: Reference | None = None
) -> tuple[ModelSpec, tuple[str, ...]]:
    """Return what a model needs in the notation of a file: how its dates and numbers are written.

    Parameters
    ----------
    spec : ModelSpec
        In the notation of the training data.
    is_workbook : bool
        Whether the cells come from a workbook, whose numbers have decimal points whatever the training data had.
    reference : Reference, optional
        The training rows' values, whose range settles what nothing else does.

    Returns
    -------
    spec : ModelSpec
        With the file's date formats where the training data's do not read every cell and the file's own do, and with
        what its numbers show of signs beside them and of marks between their digits.
    notes : tuple of str
        What was changed, in words.
    """
    needed = spec.needed
    notes: list[str] = []
    known = {column.name: column for column in reference.columns} if reference else {}
    for column in needed.columns:
        if column.name not in source.column_names or not pa.types.is_string(_kind(source, column)):
            continue
        if column.type == "numeric":
            fitted, told = fit_numbers(source, column, known.get(column.name), is_workbook=is_workbook)
            needed = needed if fitted == column else needed.with_column(fitted)
            notes += told
        if column.type == "date" and (found := _own_dates(source, column)):
            needed = needed.with_column(found)
            notes.append(
                f"{column.name}: dates are written {found.format or 'as ISO 8601'} here, another way than in training."
            )
    present = Schema(tuple(column for column in needed.columns if column.name in source.column_names))
    notes += [f"{name}: the times have time zones; they are read as UTC." for name in zoned_dates(source, present)]
    target = spec.target_column
    if target.type == "numeric" and spec.target in source.column_names and pa.types.is_string(_kind(source, target)):
        fitted, told = fit_numbers(source, target, None, is_workbook=is_workbook)
        spec = spec if fitted == target else replace(spec, target_column=fitted)
        notes += told
    if needed is spec.needed:
        return spec, tuple(notes)
    return (replace(spec, features=needed) if spec.inputs is None else replace(spec, inputs=needed)), tuple(notes)


def _kind(source: AnyTable, column: Column) -> pa.DataType:
    return source.schema.field(column.name).type


def _own_dates(source: AnyTable, column: Column) -> Column | None:
    """Return the column with the file's own date format if that reads every cell and the model's does not."""
    table = pa.table({column.name: source[column.name]})
    if not apply_counted(table, Schema((column,)))[1]:
        return None
    own = infer_schema(table).columns[0]
    if own.type != "date" or apply_counted(table, Schema((own,)))[1]:
        return None
    return replace(column, format=own.format)


@dataclass(frozen=True)
class ReadColumn:
    """A column that the model needs, read.

    Attributes
    ----------
    values : ChunkedArray of shape (n_rows,)
        As its type; cells that are not of it are null.
    n_unreadable : int
        How many those are.
    matched : ChunkedArray of shape (n_rows,)
        Of a category: levels that the model knows alone, the others null. Else `values`.
    """

    column: Column
    values: pa.ChunkedArray
    n_unreadable: int
    matched: pa.ChunkedArray
    report: LevelReport


def read_column(values: pa.ChunkedArray, column: Column) -> ReadColumn:
    """Read a column of a file; levels spelled differently are taken for the known ones."""
    found, n_unreadable = apply_column(values, column)
    return ReadColumn(column, found, n_unreadable, *_match(found, column))


def read_columns(source: AnyTable, spec: ModelSpec) -> tuple[ReadColumn, ...]:
    """Read every column that the model needs (SchemaMismatchError if one is missing)."""
    check = check_columns(source.column_names, spec)
    if check.missing:
        raise _mismatch(check)
    read = iter_ahead(
        lambda column: read_column(source[column.name], column), spec.needed.columns, n_rows=source.num_rows
    )
    return tuple(read)


def prepare(source: pa.Table, spec: ModelSpec) -> tuple[pa.Table, tuple[str, ...]]:
    """Do what `prepare_packed` does, for few rows: the features are a plain table."""
    features, warnings = prepare_packed(source, spec)
    return features.table(), warnings


def prepare_packed(
    source: AnyTable, spec: ModelSpec, read: Sequence[ReadColumn] | None = None
) -> tuple[PackedTable, tuple[str, ...]]:
    """Turn a file's columns into exactly what the model was trained on.

    Parameters
    ----------
    read : sequence of ReadColumn, optional
        What `read_columns` returned, where the cells have been read already.

    Returns
    -------
    PackedTable
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
    told = [f"Ignored, because the model does not use them: {list_text(check.extra)}."] if check.extra else []
    recipe = read_fitted(spec.recipe)
    if read is None:
        make = partial(_prepare_column, source, keep_unseen=recipe is not None)
        columns = list(iter_ahead(make, spec.needed.columns, n_rows=source.num_rows))
    else:
        columns = [_prepared(one, keep_unseen=recipe is not None) for one in read]
    told += [warning for column in columns if (warning := column.unparsable())]
    typed = PackedTable([column.values for column in columns], spec.needed.names)
    if recipe is None:
        unseen = [warning for column in columns if (warning := column.unseen())]
        return typed.select(spec.features.names), (*told, *unseen)
    features, remarks = to_features(typed.table(), recipe, spec.features)
    matched = [_Prepared(column, *_match(features[column.name], column)) for column in spec.features.columns]
    unseen = [warning for column in matched if (warning := column.unseen())]
    return PackedTable([pack(column.values) for column in matched], spec.features.names), (*told, *remarks, *unseen)


@dataclass(frozen=True)
class _Prepared:
    """A column as the model needs it, and what happened on the way there."""

    column: Column
    values: pa.ChunkedArray
    report: LevelReport
    n_unparsable: int = 0

    def unparsable(self) -> str:
        if not self.n_unparsable:
            return ""
        return f"{self.column.name}: {unreadable_text(self.n_unparsable, self.column.type)}"

    def unseen(self) -> str:
        if not self.report.n_unseen:
            return ""
        return (
            f"{self.column.name}: {cells_text(self.report.n_unseen)} a level that "
            f"training never saw: {list_text(level for level, _ in self.report.unseen)} (counted as missing)."
        )


def _prepare_column(source: AnyTable, column: Column, *, keep_unseen: bool) -> _Prepared:
    words = source.words(column.name) if isinstance(source, PackedTable) else None
    if words is not None:
        found = _prepared(read_column(words, column), keep_unseen=keep_unseen)
        # Where something is unusual its rows have to be counted.
        if not (found.n_unparsable or found.report.unseen or found.report.renamed):
            return replace(found, values=source.recoded(column.name, unpack(found.values)))
    return _prepared(read_column(source[column.name], column), keep_unseen=keep_unseen)


def _prepared(read: ReadColumn, *, keep_unseen: bool) -> _Prepared:
    """Leave unseen levels out, unless a recipe is to judge them; packed."""
    values = read.matched
    if keep_unseen and read.report.n_unseen:
        values = pc.coalesce(values, read.values)
    return _Prepared(read.column, pack(values), read.report, read.n_unreadable)


def _match(values: pa.ChunkedArray, column: Column) -> tuple[pa.ChunkedArray, LevelReport]:
    """Take levels spelled differently for the known ones; the others are missing."""
    if column.type == "category" and column.levels is not None:
        return match_levels(values, column.levels)
    return values, LevelReport()


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _mismatch(check: ColumnCheck) -> SchemaMismatchError:
    hints = [f"{there!r} may be {wanted!r}" for wanted, there in check.near.items()]
    plural = "columns" if len(check.missing) > 1 else "column"
    return SchemaMismatchError(
        f"The file lacks the {plural} {list_text(check.missing)}, which the model needs.",
        hint=f"Rename: {'; '.join(hints)}." if hints else None,
        code="schema.missing_columns",
        missing=check.missing,
        unexpected=check.extra,
    )
