"""What is unusual about each row to score: cells of the wrong type, unseen levels, values out of range, gaps."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.drift.compare import ColumnReference, Reference
from core.data.relations.binning import show_numbers
from core.data.tables.codes import numbers_with_gaps
from core.data.tables.levels import LevelReport
from core.data.tables.packed import AnyTable
from core.data.tables.schema import apply_counted
from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.features.matching import ReadColumn, read_columns
from core.metrics.ranking import BoolArray, IntArray

MISSING_SHARE = 0.5  # a row with more of its values missing is outside what the model knows
INSIDE, OUTSIDE = "inside", "outside"
_VALUE_CHARS = 40


@dataclass(frozen=True, kw_only=True)
class ColumnNotes:
    """What is unusual about one column the model needs.

    Attributes
    ----------
    unreadable, unseen, outside : ndarray of bool, shape (n_rows,), or None
        Rows whose cell is not of the column's type, is a level that training never saw, or is out of the range of the
        training rows; None when there is no such row, and for `outside` when the range is not known.
    n_empty : int
        Rows whose cell is empty in the file.
    levels : LevelReport
        Of a category: values taken for a level spelled differently, and unseen ones.
    low, high : str
        The range in words, where some rows are outside.
    """

    column: Column
    n_empty: int
    unreadable: BoolArray | None = None
    unseen: BoolArray | None = None
    outside: BoolArray | None = None
    levels: LevelReport = field(default_factory=LevelReport)
    low: str = ""
    high: str = ""

    def text(self, raw: pa.Array, rows: IntArray) -> pa.Array:
        """Say in words what is unusual in each of some rows; null where nothing is."""
        name, words = f"{self.column.name}: ", pa.nulls(len(rows), pa.string())
        shown = pc.utf8_slice_codeunits(pc.cast(raw.take(rows), pa.string()), 0, _VALUE_CHARS)
        kind = "number" if self.column.type == "numeric" else self.column.type
        for mask, ending in (
            (self.unreadable, f"” is not a {kind}"),
            (self.unseen, "” was never seen in training"),
            (self.outside, f"” is outside {self.low} to {self.high}"),
        ):
            if mask is not None:
                words = pc.if_else(
                    pa.array(mask[rows]), pc.binary_join_element_wise(f"{name}“", shown, ending, ""), words
                )
        return words


@dataclass(frozen=True)
class RowNotes:
    """What is unusual about the rows of a file.

    Attributes
    ----------
    n_missing : ndarray of int, shape (n_rows,)
        How many needed values each row lacks: empty, unreadable or unseen.
    """

    n_missing: IntArray
    columns: tuple[ColumnNotes, ...]

    @property
    def n_rows(self) -> int:
        """Rows of the file."""
        return len(self.n_missing)

    def __getitem__(self, name: str) -> ColumnNotes:
        for found in self.columns:
            if found.column.name == name:
                return found
        raise KeyError(name)

    def is_empty(self) -> BoolArray:
        """Return which rows have no usable value at all."""
        return np.asarray(self.n_missing == len(self.columns))

    def is_flagged(self) -> BoolArray:
        """Return which rows hold an unreadable, unseen or out-of-range value, or no value at all."""
        flagged = self.is_empty()
        for found in self.columns:
            for mask in (found.unreadable, found.unseen, found.outside):
                if mask is not None:
                    flagged = flagged | mask
        return flagged

    def is_outside(self) -> BoolArray:
        """Return which rows are outside what the model knows: flagged, or with over half the values missing."""
        return self.is_flagged() | (self.n_missing > MISSING_SHARE * len(self.columns))

    def texts(self, source: AnyTable, rows: IntArray) -> pa.Array:
        """Say in words what is unusual in each of some rows, the columns in order; null where nothing is."""
        n_missing, n_columns = self.n_missing[rows], len(self.columns)
        gaps = pa.array(
            [
                f"{n} of {n_columns} values missing" if n > MISSING_SHARE * n_columns else None
                for n in n_missing.tolist()
            ],
            pa.string(),
        )
        parts = [
            found.text(source[found.column.name], rows)
            for found in self.columns
            if any(mask is not None for mask in (found.unreadable, found.unseen, found.outside))
        ]
        return _joined([*parts, gaps])

    def trust(self, source: AnyTable) -> pa.Table:
        """Return per row `trust` (``inside`` or ``outside`` what the model knows) and `trust_note`, the reason."""
        is_outside = self.is_outside()
        rows = np.flatnonzero(is_outside)
        notes = pa.nulls(self.n_rows, pa.string())
        if len(rows):
            notes = pc.replace_with_mask(notes, pa.array(is_outside), _one_array(self.texts(source, rows)))
        return pa.table({"trust": pc.if_else(pa.array(is_outside), OUTSIDE, INSIDE), "trust_note": notes})


def note_rows(
    source: AnyTable, spec: ModelSpec, reference: Reference | None, read: Sequence[ReadColumn] | None = None
) -> tuple[RowNotes, pa.Table]:
    """Look at every cell that the model needs.

    Parameters
    ----------
    source : Table
        As read, with every needed column.
    spec : ModelSpec
        What the model needs, the notation of the file in its columns.
    reference : Reference or None
        The training rows' values; ranges are not checked without it.
    read : sequence of ReadColumn, optional
        What `core.features.matching.read_columns` returned, where the cells have been read already.

    Returns
    -------
    Table of shape (n_rows, n_needed)
        The needed columns as their types; categories with their own levels, unseen ones too.

    Raises
    ------
    SchemaMismatchError
        If a needed column is missing.

    Notes
    -----
    About 1 s for 1,000,000 rows x 11 columns.
    """
    read = read_columns(source, spec) if read is None else read
    known = {column.name: column for column in reference.columns} if reference else {}
    notes, typed, n_missing = [], [], np.zeros(source.num_rows, dtype=np.int32)
    for one in read:
        found, missing = _note_column(source, one, known.get(one.column.name))
        # What was taken for a known level is that level.
        typed.append(one.values if one.matched is one.values else pc.coalesce(one.matched, one.values))
        n_missing += missing
        notes.append(found)
    return RowNotes(n_missing, tuple(notes)), pa.table(typed, names=list(spec.needed.names))


def _note_column(source: AnyTable, read: ReadColumn, known: ColumnReference | None) -> tuple[ColumnNotes, BoolArray]:
    column = read.column
    missing = _mask(read.values.is_null()) if read.values.null_count else np.zeros(len(read.values), dtype=np.bool_)
    unreadable = unseen = None
    if read.n_unreadable:
        as_text, _ = apply_counted(source, Schema((Column(column.name, "category"),)))
        unreadable = missing & ~_mask(as_text[column.name].is_null())
    n_empty = int(missing.sum()) - read.n_unreadable
    if read.report.n_unseen:
        unseen = _mask(read.matched.is_null()) & ~missing
        missing = missing | unseen
    outside, low, high = _range(read.values, column, known)
    notes = ColumnNotes(
        column=column, n_empty=n_empty, unreadable=unreadable, unseen=unseen, outside=outside, levels=read.report,
        low=low, high=high,
    )  # fmt: skip
    return notes, missing


def _range(
    values: pa.ChunkedArray, column: Column, reference: ColumnReference | None
) -> tuple[BoolArray | None, str, str]:
    if reference is None or not reference.sketch or column.type not in ("numeric", "date"):
        return None, "", ""
    ends = np.array([reference.sketch[0], reference.sketch[-1]])
    numbers = numbers_with_gaps(values)
    outside = (numbers < ends[0]) | (numbers > ends[1])
    return (outside, *show_numbers(ends, column)) if outside.any() else (None, "", "")


def _joined(parts: list[pa.Array]) -> pa.Array:
    joined = pc.binary_join_element_wise(*parts, "; ", null_handling="skip")
    return pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), joined)


def _one_array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _mask(values: pa.Array | pa.ChunkedArray) -> BoolArray:
    return np.asarray(values, dtype=np.bool_)
