"""A cache of columns, bounded by their bytes."""

import threading
from collections import OrderedDict

import pyarrow as pa

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
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._columns: OrderedDict[Key, pa.ChunkedArray] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> pa.ChunkedArray | None:
        """Return the column, or None."""
        with self._lock:
            if key in self._columns:
                self._columns.move_to_end(key)
            return self._columns.get(key)

    def put(self, key: Key, column: pa.ChunkedArray) -> None:
        """Keep a column, and forget those unused for longest."""
        if column.nbytes > self._max_bytes:
            return
        with self._lock:
            self._remove(key)
            self._columns[key] = column
            self._bytes += column.nbytes
            while self._bytes > self._max_bytes:
                self._remove(next(iter(self._columns)))

    def drop(self, dataset_id: str) -> None:
        """Forget every column of a dataset."""
        with self._lock:
            for key in [key for key in self._columns if key[0] == dataset_id]:
                self._remove(key)

    def _remove(self, key: Key) -> None:
        column = self._columns.pop(key, None)
        if column is not None:
            self._bytes -= column.nbytes
