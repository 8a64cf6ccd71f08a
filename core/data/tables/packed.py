"""Tables in little memory: a column whose values repeat is kept as codes of one, two or four bytes a row."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.data.tables.few import MOST
from core.data.tables.written.cells import is_mostly_distinct

_CELLS_AT_ONCE: Final = 1_000_000
_CODES: Final = (pa.int8(), pa.int16(), pa.int32())
_PLAIN: Final = (pa.types.is_string, pa.types.is_integer, pa.types.is_floating, pa.types.is_temporal)


class PackedTable:
    """A table whose columns are unpacked when they are asked for.

    It has those methods of `pa.Table` that one may want of a large file; `table` gives all of it, unpacked.

    Parameters
    ----------
    columns : sequence of ChunkedArray
        Of the same length; what `pack` returned, or as they are.
    names : sequence of str
        One for each.

    Examples
    --------
    >>> packed = PackedTable.of(pa.table({"city": ["Ulm", "Bonn", "Ulm"]}))
    >>> packed["city"].to_pylist()
    ['Ulm', 'Bonn', 'Ulm']
    """

    def __init__(self, columns: Sequence[pa.ChunkedArray], names: Sequence[str]) -> None:
        self._kept = pa.table(list(columns), names=list(names))

    @classmethod
    def of(cls, table: "pa.Table | PackedTable") -> "PackedTable":
        """Return a table packed; one that is packed already as it is."""
        if isinstance(table, PackedTable):
            return table
        return cls([pack(column) for column in table.columns], table.column_names)

    @property
    def column_names(self) -> list[str]:
        """The names in order."""
        return list(self._kept.column_names)

    @property
    def num_rows(self) -> int:
        """How many rows."""
        return int(self._kept.num_rows)

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the unpacked columns."""
        return pa.schema([(field.name, _value_type(field.type)) for field in self._kept.schema])

    @property
    def kinds(self) -> list[tuple[str, pa.DataType]]:
        """Names and types of the columns as they are kept."""
        return [(field.name, field.type) for field in self._kept.schema]

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        return unpack(self._kept[name])

    def select(self, names: Sequence[str]) -> "PackedTable":
        """Return some columns, packed."""
        return PackedTable([self._kept[name] for name in names], names)

    def rename_columns(self, names: Sequence[str]) -> "PackedTable":
        """Return it with other names."""
        return PackedTable(self._kept.columns, names)

    def words(self, name: str) -> pa.ChunkedArray | None:
        """Return each value of a column that is kept as codes once, perhaps with some that no row has; else None."""
        chunks = self._kept[name].chunks
        is_coded = bool(chunks) and pa.types.is_dictionary(chunks[0].type)
        return pa.chunked_array([chunks[0].dictionary]) if is_coded else None

    def recoded(self, name: str, words: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return a column, packed, with other values for its `words`, one for each in their order."""
        one = words.combine_chunks()
        return pa.chunked_array([pa.DictionaryArray.from_arrays(part.indices, one) for part in self._kept[name].chunks])

    def replaced(self, columns: Mapping[str, pa.ChunkedArray]) -> "PackedTable":
        """Return it with other values in some columns."""
        names = self.column_names
        return PackedTable([columns.get(name, self._kept[name]) for name in names], names)

    def beside(self, table: pa.Table) -> "PackedTable":
        """Return it with the columns of a table of as many rows behind its own."""
        return PackedTable([*self._kept.columns, *table.columns], [*self.column_names, *table.column_names])

    def slice(self, offset: int, length: int | None = None) -> "PackedTable":
        """Return some rows, packed; nothing is copied."""
        kept = self._kept.slice(offset, length)
        return PackedTable(kept.columns, kept.column_names)

    def take(self, rows: pa.Array) -> pa.Table:
        """Return rows by their numbers, unpacked."""
        columns = [unpack(self._kept[name].take(rows)) for name in self.column_names]
        return pa.table(columns, names=self.column_names)

    def iter_slices(self, n_rows: int) -> Iterator["PackedTable"]:
        """Yield all rows in order, so many at a time."""
        for offset in range(0, self.num_rows, n_rows):
            yield self.slice(offset, n_rows)

    def table(self) -> pa.Table:
        """Return all of it, unpacked."""
        return pa.table([self[name] for name in self.column_names], names=self.column_names)


AnyTable: TypeAlias = pa.Table | PackedTable
"""Where either will do."""


def read_packed(path: Path) -> PackedTable:
    """Read a Parquet file, a large one column by column."""
    with pq.ParquetFile(path) as file:
        names, n_rows = list(file.schema_arrow.names), file.metadata.num_rows
    step, columns = max(1, _CELLS_AT_ONCE // max(n_rows, 1)), []
    for start in range(0, len(names), step):
        some = pq.read_table(path, columns=names[start : start + step], partitioning=None)
        columns += [pack(column) for column in some.columns]
    pa.default_memory_pool().release_unused()
    return PackedTable(columns, names)


def write_packed(table: AnyTable, path: Path, *, rows_a_group: int, **options: object) -> None:
    """Write a Parquet file of the unpacked columns, some rows at a time.

    Parameters
    ----------
    rows_a_group : int
        Rows in memory at once.
    **options
        As `pyarrow.parquet.ParquetWriter` takes them.
    """
    if isinstance(table, pa.Table):
        pq.write_table(table, path, row_group_size=rows_a_group, **options)
        return
    # To look for repeated values among numbers that hardly repeat takes longer than all the rest.
    repeated = [name for name, kind in table.kinds if pa.types.is_dictionary(kind) or pa.types.is_string(kind)]
    with pq.ParquetWriter(path, table.schema, use_dictionary=repeated, **options) as writer:
        for part in table.iter_slices(rows_a_group):
            writer.write_table(part.table())


def pack(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as codes where its first rows repeat; else, and where its type is a rare one, as it is."""
    is_short = len(values) <= MOST
    if is_short or not any(is_plain(values.type) for is_plain in _PLAIN) or is_mostly_distinct(values):
        return values
    encoded = pc.dictionary_encode(values)
    chunks = encoded.chunks
    words = chunks[-1].dictionary  # one hash table over all chunks: the last one's has every value
    kind = next(kind for kind in _CODES if len(words) <= np.iinfo(kind.to_pandas_dtype()).max)
    codes = [pa.DictionaryArray.from_arrays(chunk.indices.cast(kind), words) for chunk in chunks]
    return pa.chunked_array(codes)


def unpack(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return what `pack` was given."""
    if not pa.types.is_dictionary(values.type):
        return values
    kind = values.type.value_type
    return pa.chunked_array([chunk.dictionary.take(chunk.indices) for chunk in values.chunks], kind)


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
