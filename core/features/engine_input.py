"""Typed columns as the engine gets them, the same values in two forms: CSV for the cluster, Arrow for scoring."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from core.data.tables.packed import AnyTable
from core.data.tables.roles import as_category
from core.domain.aliases import NO_ALIASES, Aliases
from core.domain.columns import Column, Schema
from core.files import disk_errors

_ROWS_AT_ONCE = 100_000
_SCORED_AT_ONCE = 50_000
_CELLS_AT_ONCE = 4_000_000
_FILLER = "bellwether_filler"
_MS_PER_DAY = 86_400_000


def engine_csv(
    typed: AnyTable, schema: Schema, path: Path, aliases: Aliases = NO_ALIASES, *, target: str | None = None
) -> tuple[tuple[str, str], ...]:
    """Write the columns the engine can use as CSV without a header.

    Parameters
    ----------
    aliases : Aliases
        What the engine calls differently.
    target : str, optional
        The column whose levels are the classes, where it is among them.

    Returns
    -------
    tuple of (str, str)
        The engine's name and ``"Numeric"`` or ``"Enum"`` of every column written. A single column gets a second one,
        ``bellwether_filler``, because the engine drops empty lines.

    Notes
    -----
    Missing cells are empty, text is quoted, numbers have all their digits, dates are days since 1970-01-01.
    """
    written = _features(schema)
    columns = [(aliases.column(column.name), "Enum" if column.type == "category" else "Numeric") for column in written]
    if len(columns) == 1:
        columns.append((_FILLER, "Numeric"))
    with disk_errors(path.parent), ExitStack() as stack:
        writer: pyarrow.csv.CSVWriter | None = None
        for part in _parts(typed, _ROWS_AT_ONCE):
            arrays = [
                _aliased(_engine_values(part[column.name], column), aliases if column.name == target else NO_ALIASES)
                for column in written
            ]
            if len(arrays) < len(columns):
                arrays.append(pa.chunked_array([np.zeros(part.num_rows, dtype=np.int8)]))
            rows = pa.table(arrays, names=[name for name, _ in columns])
            if writer is None:
                options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
                writer = stack.enter_context(pyarrow.csv.CSVWriter(path, rows.schema, write_options=options))
            writer.write_table(rows)
    return tuple(columns)


def engine_rows(typed: AnyTable, schema: Schema) -> Iterator[pa.RecordBatch]:
    """Yield the columns the engine can use as Arrow, some rows at a time.

    Numbers are float64, dates days since 1970-01-01, categories dictionaries of strings; missing cells are null.
    """
    written = _features(schema)
    for part in _parts(typed, max(1, min(_SCORED_AT_ONCE, _CELLS_AT_ONCE // max(len(written), 1)))):
        arrays = [_scored_values(part[column.name], column).combine_chunks() for column in written]
        yield pa.record_batch(arrays, names=[column.name for column in written])


def _features(schema: Schema) -> list[Column]:
    return [column for column in schema.columns if column.type not in ("text", "id")]


def _parts(typed: AnyTable, n_rows: int) -> Iterator[AnyTable]:
    """Yield a table some rows at a time; one without rows whole."""
    for offset in range(0, max(typed.num_rows, 1), n_rows):
        yield typed.slice(offset, n_rows)


def _scored_values(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    found = _engine_values(values, column)
    # Not every whole number is a double: the nearest one is what the engine would read, too.
    return found.dictionary_encode() if column.type == "category" else found.cast(pa.float64(), safe=False)


def _aliased(values: pa.ChunkedArray, aliases: Aliases) -> pa.ChunkedArray:
    for name in aliases.classes:
        values = pc.if_else(pc.equal(values, name), aliases.level(name), values)
    return values


def _engine_values(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if column.type == "category":
        return as_category(values)
    if column.type == "date":
        return pc.divide(pc.cast(pc.cast(values, pa.int64()), pa.float64()), float(_MS_PER_DAY))
    return values
