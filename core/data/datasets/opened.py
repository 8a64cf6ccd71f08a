"""One dataset, opened: its description as it was then, its columns, and what was found out about it."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from core.data.datasets import folder as files
from core.data.datasets.cache import ColumnCache
from core.data.tables.schema import apply_schema
from core.domain.columns import Schema
from core.domain.datasets import Dataset
from core.errors import DatasetNotFoundError, StoreCorruptError, translate

MAX_CACHED_ROWS: Final = 2_000_000
_BUFFER_BYTES: Final = 1 << 20


class OpenedDataset:
    """The columns of a dataset with the types that they had when it was opened; safe to share between threads.

    Every method raises `DatasetNotFoundError` if the dataset was deleted since, and `StoreCorruptError` if its files
    cannot be read.

    Parameters
    ----------
    about : Dataset
        Its description.
    folder : Path
        Where its files lie.
    cache : ColumnCache
        Columns of all datasets that were read last.
    """

    def __init__(self, about: Dataset, folder: Path, cache: ColumnCache) -> None:
        self.about = about
        self._folder = folder
        self._cache = cache

    def original(self) -> Path:
        """Return the path of the file as it was taken in."""
        path = self._folder / f"original{files.ending(self.about.file_name)}"
        if not path.is_file():
            raise StoreCorruptError(f"The original file of dataset {self.about.id} is gone.")
        return path

    def source(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Read columns as they stand in the file.

        Parameters
        ----------
        columns : sequence of str, optional
            The columns wanted, in order; all when omitted.

        Returns
        -------
        Table of shape (n_rows, n_columns)
            Strings (empty for an empty cell); native types when the file was Parquet.

        Raises
        ------
        DataError
            If there is no such column.
        """
        return self._read(files.select_columns(self.about.schema, columns).names)

    def head(self, n_rows: int) -> pa.Table:
        """Read the first rows of all columns as they stand in the file; nothing else of it is read."""
        with self._reading(), pq.ParquetFile(self._folder / files.DATA_FILE, buffer_size=_BUFFER_BYTES) as file:
            batches = file.iter_batches(n_rows, columns=list(self.about.schema.names))
            first = next(batches, None)
            return file.schema_arrow.empty_table() if first is None else pa.Table.from_batches([first])

    def typed(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Read columns as their types (`core.data.tables.schema.apply_schema`); parameters and errors as `source`.

        Notes
        -----
        Columns are kept in memory, up to 512 MiB over all datasets.
        """
        wanted = files.select_columns(self.about.schema, columns)
        found = {column: self._cache.get((self.about.id, column)) for column in wanted.columns}
        absent = Schema(tuple(column for column, values in found.items() if values is None))
        if absent.columns:
            made = apply_schema(self._read(absent.names), absent)
            for column in absent.columns:
                found[column] = made[column.name]
                self._cache.put((self.about.id, column), made[column.name])
        return pa.table([found[column] for column in wanted.columns], names=list(wanted.names))

    def load(self, names: Sequence[str]) -> pa.Table:
        """Read columns as `typed` for whoever takes a few at a time (`core.data.tables.batches.Load`).

        Columns of more than `MAX_CACHED_ROWS` rows are not kept: a few of them would push all others out.
        """
        if self.about.n_rows <= MAX_CACHED_ROWS:
            return self.typed(names)
        return apply_schema(self.source(names), self.about.schema.select(names))

    def find_json(self, key: str) -> dict[str, Any] | None:
        """Return what `cached_json` has kept under a key; None when it would have to be made."""
        try:
            kept = json.loads((self._folder / f"{files.slug(key)}.json").read_bytes())
            is_ours = (kept["key"], kept["schema"]) == (key, self.about.schema.digest())
            data: dict[str, Any] | None = kept["data"] if is_ours else None
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None  # not there, or not of use: it can always be made again
        return data

    def cached_json(self, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return derived data kept beside the dataset; rebuilt when a column's type has changed since.

        Parameters
        ----------
        key : str
            What it is, such as ``"profile"``.
        make : callable
            Makes the data; plain JSON.
        """
        kept = self.find_json(key)
        if kept is not None:
            return kept
        data = make()
        with files.alone(self._folder.parent):
            if not self._folder.exists():  # deleted meanwhile: writing would bring back a folder without a dataset
                raise files.not_found(self.about.id)
            path = self._folder / f"{files.slug(key)}.json"
            files.write_json(path, {"key": key, "schema": self.about.schema.digest(), "data": data})
        return data

    def _reading(self) -> AbstractContextManager[None]:
        return translate(
            {FileNotFoundError: DatasetNotFoundError, pa.ArrowInvalid: StoreCorruptError, OSError: StoreCorruptError},
            f"The data of dataset {self.about.id} cannot be read.",
        )

    def _read(self, names: Sequence[str]) -> pa.Table:
        with self._reading():
            return pq.read_table(self._folder / files.DATA_FILE, columns=list(names), partitioning=None)
