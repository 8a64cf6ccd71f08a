"""A cache of columns, bounded by their bytes."""

import threading

import pyarrow as pa
from cachetools import LRUCache

from core.domain.columns import Column

Key = tuple[str, Column]


class ColumnCache:
    """Keeps the columns used last; safe to share between threads.

    Parameters
    ----------
    max_bytes : int
        What is kept at most; a larger column is not kept at all.
    """

    def __init__(self, max_bytes: int) -> None:
        self._lock = threading.Lock()
        self._columns: LRUCache[Key, pa.ChunkedArray] = LRUCache(max_bytes, getsizeof=lambda column: column.nbytes)

    def get(self, key: Key) -> pa.ChunkedArray | None:
        """Return the column, or None."""
        with self._lock:
            return self._columns.get(key)

    def put(self, key: Key, column: pa.ChunkedArray) -> None:
        """Keep a column, and forget those unused for longest."""
        if column.nbytes <= self._columns.maxsize:
            with self._lock:
                self._columns[key] = column

    def drop(self, dataset_id: str) -> None:
        """Forget every column of a dataset."""
        with self._lock:
            for key in [key for key in self._columns if key[0] == dataset_id]:
                del self._columns[key]
