"""Typed columns as the CSV that the engine reads: the same for training, scoring and explaining."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from core.data.tables.packed import AnyTable, PackedTable
from core.data.tables.roles import as_category
from core.domain.columns import Column, Schema
from core.files import disk_errors

_ROWS_AT_ONCE = 100_000
_FILLER = "bellwether_filler"
_MS_PER_DAY = 86_400_000


def engine_csv(typed: AnyTable, schema: Schema, path: Path) -> tuple[tuple[str, str], ...]:
    """Write the columns the engine can use as CSV without a header.

    Returns
    -------
    tuple of (str, str)
        Name and ``"Numeric"`` or ``"Enum"`` of every column written. A single column gets a second one,
        ``bellwether_filler``, because the engine drops empty lines.

    Notes
    -----
    Missing cells are empty, text is quoted, numbers have all their digits, dates are days since 1970-01-01.
    """
    written = [column for column in schema.columns if column.type not in ("text", "id")]
    columns = [(column.name, "Enum" if column.type == "category" else "Numeric") for column in written]
    if len(columns) == 1:
        columns.append((_FILLER, "Numeric"))
    with disk_errors(path.parent), ExitStack() as stack:
        writer: pyarrow.csv.CSVWriter | None = None
        for part in _parts(typed):
            arrays = [_engine_values(part[column.name], column) for column in written]
            if len(arrays) < len(columns):
                arrays.append(pa.chunked_array([np.zeros(part.num_rows, dtype=np.int8)]))
            rows = pa.table(arrays, names=[name for name, _ in columns])
            if writer is None:
                options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
                writer = stack.enter_context(pyarrow.csv.CSVWriter(path, rows.schema, write_options=options))
            writer.write_table(rows)
    return tuple(columns)


def _parts(typed: AnyTable) -> Iterator[AnyTable]:
    """Yield a packed table some rows at a time; any other, and one without rows, whole."""
    if isinstance(typed, PackedTable) and typed.num_rows:
        yield from typed.iter_slices(_ROWS_AT_ONCE)
    else:
        yield typed


def _engine_values(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if column.type == "category":
        return as_category(values)
    if column.type == "date":
        return pc.divide(pc.cast(pc.cast(values, pa.int64()), pa.float64()), float(_MS_PER_DAY))
    return values
