"""A table that stays on disk: a Parquet file whose columns are read when they are asked for, one at a time."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
from cachetools import LRUCache

from core.data.tables.packed import AnyTable
from core.data.tables.written.cells import blank

_KEPT_BYTES: Final = 64 * 1024**2


class StoredTable:
    """A Parquet file, to be looked at column by column; safe to share between threads.

    It has those methods of `pa.Table` that looking at types takes. The columns that were used last stay in memory, all
    others are read again. The file stays open: with thousands of columns, opening it takes longer than reading one.

    Parameters
    ----------
    path : Path
        The file, which stays where it is meanwhile.
    kept_bytes : int
        Of columns, at most.
    """

    def __init__(self, path: Path, *, kept_bytes: int = _KEPT_BYTES) -> None:
        self._lock = threading.Lock()
        self._kept: LRUCache[str, pa.ChunkedArray] = LRUCache(kept_bytes, getsizeof=lambda values: values.nbytes)
        self._file = pq.ParquetFile(path)
        self.schema: pa.Schema = self._file.schema_arrow
        self.num_rows: int = self._file.metadata.num_rows

    @property
    def column_names(self) -> list[str]:
        """The names in order."""
        return list(self.schema.names)

    @property
    def num_columns(self) -> int:
        """How many columns."""
        return len(self.schema.names)

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        with self._lock:
            known = self._kept.get(name)
            if known is None:
                known = self._file.read(columns=[name])[name]
                if known.nbytes <= self._kept.maxsize:
                    self._kept[name] = known
            return known


Columns: TypeAlias = AnyTable | StoredTable
"""What is looked at one column at a time."""


def is_source(table: Columns, name: str) -> bool:
    """Whether a column is source text, not of a native type."""
    return bool(pa.types.is_string(table.schema.field(name).type))


class Blanked(Mapping[str, pa.ChunkedArray]):
    """Columns of words, the signs in them that stand for a missing value blanked; each made when it is asked for."""

    def __init__(self, table: Columns, signs: Mapping[str, tuple[str, ...]], names: Sequence[str]) -> None:
        self._table, self._signs, self._names = table, signs, names

    def only(self, names: Sequence[str]) -> "Blanked":
        """Return some of them."""
        return Blanked(self._table, self._signs, names)

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        signs = self._signs.get(name)
        return blank(self._table[name], pa.array(signs)) if signs else self._table[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class PlainNumbers(Mapping[str, tuple[pa.ChunkedArray, bool]]):
    """Columns of plain numbers with whether all are whole; each read when it is asked for."""

    def __init__(self, table: Columns, whole: Mapping[str, bool]) -> None:
        self._table, self._whole = table, whole

    def __getitem__(self, name: str) -> tuple[pa.ChunkedArray, bool]:
        return self._table[name], self._whole[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole)

    def __len__(self) -> int:
        return len(self._whole)
