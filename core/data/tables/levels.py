"""Levels of category columns: what training knew, and what a later file has instead."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables import few
from core.domain.columns import Schema


@dataclass(frozen=True)
class LevelReport:
    """What became of category values that the training data did not have.

    Attributes
    ----------
    renamed : tuple of (str, str, int)
        Value, the known level it was taken for, rows.
    unseen : tuple of (str, int)
        Value and rows, made missing; most frequent first.
    """

    renamed: tuple[tuple[str, str, int], ...] = ()
    unseen: tuple[tuple[str, int], ...] = ()

    @property
    def n_unseen(self) -> int:
        """Rows that became missing."""
        return sum(rows for _, rows in self.unseen)

    @property
    def n_renamed(self) -> int:
        """Rows taken for a level spelled differently."""
        return sum(rows for *_, rows in self.renamed)


def with_levels(schema: Schema, typed: pa.Table) -> Schema:
    """Return the schema with the sorted levels of every category column."""
    return Schema(
        tuple(
            replace(column, levels=tuple(sorted(pc.unique(typed[column.name].drop_null()).to_pylist())))
            if column.type == "category"
            else column
            for column in schema.columns
        )
    )


def match_levels(values: pa.ChunkedArray, levels: Sequence[str]) -> tuple[pa.ChunkedArray, LevelReport]:
    """Keep known levels, take near ones for them and make the rest missing.

    Parameters
    ----------
    values : ChunkedArray of string, shape (n_rows,)
        A category column from `apply_schema`.
    levels : sequence of str
        The levels that the model knows.

    Returns
    -------
    matched : ChunkedArray of string, shape (n_rows,)
        Only known levels and nulls. A value is taken for a known level when it equals exactly one of them in another
        spelling (``YES``, ``yes ``; see `plain_spelling`) or form of number (``1.0``, ``1``, ``01``).
    report : LevelReport
        What was changed.
    """
    if len(values) <= few.MOST and not set(values.to_pylist()).difference(levels, (None,)):
        return values, LevelReport()
    encoded = pc.dictionary_encode(values).combine_chunks()
    found = encoded.dictionary.to_pylist()
    unknown = set(found).difference(levels)
    if not unknown:
        return values, LevelReport()
    by_key: dict[str | Decimal, list[str]] = {}
    for level in levels:
        by_key.setdefault(level_key(level), []).append(level)
    near = {value: by_key[key][0] for value in unknown if len(by_key.get(key := level_key(value), ())) == 1}
    matched = pa.array([near.get(value) if value in unknown else value for value in found], pa.string())
    rows = np.bincount(encoded.indices.drop_null().to_numpy(), minlength=len(found)).tolist()
    counts = sorted((-n, value) for value, n in zip(found, rows, strict=True) if value in unknown)
    report = LevelReport(
        renamed=tuple((value, near[value], -n) for n, value in counts if value in near),
        unseen=tuple((value, -n) for n, value in counts if value not in near),
    )
    return pa.chunked_array([matched.take(encoded.indices)]), report


def level_key(level: str) -> str | Decimal:
    """Return what two spellings of one level share: the number, else the text as it is meant."""
    plain = level.removeprefix("+").removeprefix("-").replace(".", "", 1)
    return Decimal(level).normalize() if plain.isascii() and plain.isdigit() else plain_spelling(level)


def plain_spelling(level: str) -> str:
    """Return a level without what people do not mean by it: case, spaces around or repeated, Unicode form.

    Examples
    --------
    >>> plain_spelling(" New\u00a0 York\u200b") == plain_spelling("new york")
    True
    """
    if level.isascii():  # of which there is one form only
        return " ".join(level.casefold().split())
    visible = "".join(char for char in unicodedata.normalize("NFKC", level) if unicodedata.category(char) != "Cf")
    return " ".join(visible.casefold().split())
