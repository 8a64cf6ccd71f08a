"""Datasets: files that were taken in, each known by the hash of its content.

One folder a dataset, built elsewhere and renamed into place, so a dataset is there whole or not at all:
``data/datasets/<id>/`` holds ``original.*``, ``data.parquet`` (source text), ``dataset.json`` and derived ``*.json``.
"""

import errno
import json
import logging
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core import _dataset_files as files
from core._column_cache import ColumnCache
from core.config import Settings
from core.errors import DataError, DatasetInUseError, DatasetNotFoundError, StoreCorruptError, translate
from core.files import check_free_space, disk_errors, make_folder
from core.readers import check_upload_name, read_file
from core.schema import apply_schema, retype
from core.types import COLUMN_TYPES, ColumnType, Dataset, Schema

_CACHE_BYTES = 512 * 1024**2

_log = logging.getLogger(__name__)


class Datasets:
    """The registry of datasets of one home folder; safe to share between threads.

    Parameters
    ----------
    settings : Settings
        Where the datasets lie, and the limits on files.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._root = settings.datasets_dir
        # Files are read outside it: the lock covers the choice of a name, the renames, and changes of dataset.json.
        self._lock = threading.RLock()
        self._cache = ColumnCache(_CACHE_BYTES)

    def add(self, path: Path, file_name: str, *, name: str | None = None, sheet: str | None = None) -> Dataset:
        """Take in a file; the same content again gives the dataset that is there.

        Parameters
        ----------
        path : Path
            Where the bytes lie; the file stays there.
        file_name : str
            The person's file name; its ending decides the format.
        name : str, optional
            What to call the dataset; the file's stem when omitted. A name in use gets a number.
        sheet : str, optional
            Sheet of a workbook; the first one with rows when omitted. Another sheet is another dataset.

        Returns
        -------
        Dataset
            With its types inferred.

        Raises
        ------
        DataError
            As `core.readers.read_file`; nothing is kept.
        DiskFullError
            If there is no space; nothing is kept.
        """
        file_name = check_upload_name(file_name)
        check_free_space(self._root, self._settings)
        with self._workspace() as folder:
            original = folder / f"original{files.ending(file_name)}"
            content = files.copy_hashed(path, original)
            known = self._read_if_there(files.dataset_id_of(content, sheet))
            if known is not None:
                return known
            info = read_file(original, file_name, folder / files.DATA_FILE, self._settings, sheet=sheet)
            # A workbook's id needs the name of the sheet that was read.
            known = self._read_if_there(files.dataset_id_of(content, info.sheet))
            if known is not None:
                return known
            dataset = files.describe(folder, original, file_name, info, files.dataset_id_of(content, info.sheet))
            return self._commit(folder, replace(dataset, name=files.clean_name(name or files.stem(file_name))))

    def list(self) -> tuple[Dataset, ...]:
        """Return all datasets, the newest first; one whose files are damaged is left out and logged."""
        found = []
        for folder in filter(files.is_dataset_folder, self._root.glob("*")):
            try:
                found.append(self.get(folder.name))
            except StoreCorruptError:
                _log.warning("Dataset %s is damaged and left out.", folder.name)
            except DatasetNotFoundError:
                continue  # deleted by somebody else in this moment
        return tuple(sorted(found, key=lambda dataset: (dataset.created_at, dataset.id), reverse=True))

    def find(self, id_or_name: str) -> Dataset | None:
        """Return the dataset of that id or name, or None."""
        by_id = self._read_if_there(id_or_name)
        return by_id or next((dataset for dataset in self.list() if dataset.name == id_or_name), None)

    def get(self, dataset_id: str) -> Dataset:
        """Return a dataset.

        Raises
        ------
        DatasetNotFoundError
            If there is none; anything but 32 hex digits is refused before a file is touched.
        StoreCorruptError
            If its description cannot be read.
        """
        path = self._folder(dataset_id) / f"{files.META_KEY}.json"
        try:
            return files.dataset_from_dict(json.loads(path.read_bytes()))
        except FileNotFoundError as error:
            raise files.not_found(dataset_id) from error
        except (ValueError, KeyError, TypeError) as error:
            raise StoreCorruptError(f"The description of dataset {dataset_id} is damaged.") from error

    def rename(self, dataset_id: str, name: str) -> Dataset:
        """Give a dataset another name.

        Raises
        ------
        DatasetNotFoundError
            If there is none.
        DataError
            If the name is empty, or another dataset has it.
        """
        name = files.clean_name(name)
        with self._lock:
            dataset = self.get(dataset_id)
            if name in self._names(but=dataset_id):
                raise DataError(
                    f"Another dataset is called {name!r}.", hint="Choose another name.", code="dataset.name_taken"
                )
            return self._save(replace(dataset, name=name))

    def set_type(self, dataset_id: str, column: str, type: ColumnType, *, format: str | None = None) -> Dataset:  # noqa: A002
        """Change the type of a column; the source text is kept, so nothing is lost by it.

        Parameters
        ----------
        dataset_id : str
            The dataset.
        column : str
            The column.
        type : ColumnType
            The new type.
        format : str, optional
            Date only: the `strptime` format; found out when omitted.

        Raises
        ------
        DatasetNotFoundError
            If there is no such dataset.
        DataError
            If there is no such column or type, or no value can be read that way.
        """
        if type not in COLUMN_TYPES:
            raise DataError(
                f"{type!r} is no type.", hint=f"Choose one of {', '.join(COLUMN_TYPES)}.", code="schema.type"
            )
        with self._lock:
            dataset = self.get(dataset_id)
            values = self.source(dataset_id, [column])[column]
            changed = retype(dataset.schema[column], values, type, format)
            return self._save(replace(dataset, schema=dataset.schema.with_column(changed)))

    def delete(self, dataset_id: str, *, used_by: Sequence[str]) -> None:
        """Remove a dataset and its files.

        Parameters
        ----------
        dataset_id : str
            The dataset.
        used_by : sequence of str
            Names of the runs that were trained on it.

        Raises
        ------
        DatasetNotFoundError
            If there is none.
        DatasetInUseError
            If there are such runs; they are named.
        """
        folder = self._folder(dataset_id)
        with self._lock:
            dataset = self.get(dataset_id)
            if used_by:
                shown = ", ".join(used_by[:5]) + (f" and {len(used_by) - 5} more" if len(used_by) > 5 else "")
                raise DatasetInUseError(f"{dataset.name!r} is used by {shown}.")
            with self._workspace() as grave:
                # One rename takes it out of sight, so nobody meets a half-deleted dataset.
                folder.rename(grave / dataset_id)
            self._cache.drop(dataset_id)

    def source(self, dataset_id: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read columns as they stand in the file.

        Parameters
        ----------
        dataset_id : str
            The dataset.
        columns : sequence of str, optional
            The columns wanted, in order; all when omitted.

        Returns
        -------
        Table of shape (n_rows, n_columns)
            Strings (empty for an empty cell); native types when the file was Parquet.

        Raises
        ------
        DatasetNotFoundError
            If there is no such dataset.
        DataError
            If there is no such column.
        StoreCorruptError
            If the stored data cannot be read.
        """
        return self._read(dataset_id, files.select_columns(self.get(dataset_id).schema, columns).names)

    def typed(self, dataset_id: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read columns as their types (`core.schema.apply_schema`); parameters and errors as `source`.

        Notes
        -----
        Columns are kept in memory, up to 512 MiB over all datasets.
        """
        wanted = files.select_columns(self.get(dataset_id).schema, columns)
        found = {column: self._cache.get((dataset_id, column)) for column in wanted.columns}
        absent = Schema(tuple(column for column, values in found.items() if values is None))
        if absent.columns:
            made = apply_schema(self._read(dataset_id, absent.names), absent)
            for column in absent.columns:
                found[column] = made[column.name]
                self._cache.put((dataset_id, column), made[column.name])
        return pa.table([found[column] for column in wanted.columns], names=list(wanted.names))

    def cached_json(self, dataset_id: str, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return derived data kept beside the dataset; made anew when a column's type has changed since.

        Parameters
        ----------
        dataset_id : str
            The dataset.
        key : str
            What it is, such as ``"profile"``.
        make : callable
            Makes the data; plain JSON.

        Raises
        ------
        DatasetNotFoundError
            If there is no such dataset.
        DiskFullError
            If the data cannot be kept.
        """
        path = self._folder(dataset_id) / f"{files.slug(key)}.json"
        digest = self.get(dataset_id).schema.digest()
        try:
            kept = json.loads(path.read_bytes())
            if kept["key"] == key and kept["schema"] == digest:
                data: dict[str, Any] = kept["data"]
                return data
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            pass  # not there, or not of use: it can always be made again
        data = make()
        with self._lock:
            self.get(dataset_id)  # deleted meanwhile: writing would bring back a folder without a dataset
            files.write_json(path, {"key": key, "schema": digest, "data": data})
        return data

    def _folder(self, dataset_id: str) -> Path:
        if files.ID.fullmatch(dataset_id) is None:
            raise files.not_found(dataset_id)
        folder = self._root / dataset_id
        if folder.is_symlink():
            raise files.not_found(dataset_id)
        return folder

    def _read_if_there(self, dataset_id: str) -> Dataset | None:
        try:
            return self.get(dataset_id)
        except DatasetNotFoundError:
            return None

    def _names(self, *, but: str) -> set[str]:
        return {dataset.name for dataset in self.list() if dataset.id != but}

    def _read(self, dataset_id: str, names: Sequence[str]) -> pa.Table:
        path = self._folder(dataset_id) / files.DATA_FILE
        with translate(
            {FileNotFoundError: DatasetNotFoundError, pa.ArrowInvalid: StoreCorruptError, OSError: StoreCorruptError},
            f"The data of dataset {dataset_id} cannot be read.",
        ):
            return pq.read_table(path, columns=list(names), partitioning=None)

    def _commit(self, folder: Path, dataset: Dataset) -> Dataset:
        make_folder(self._root)
        with self._lock:
            dataset = replace(dataset, name=files.free_name(dataset.name, self._names(but=dataset.id)))
            files.write_json(folder / f"{files.META_KEY}.json", files.dataset_to_dict(dataset))
            try:
                folder.rename(self._root / dataset.id)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                return self.get(dataset.id)  # another thread or process was first with the same content
            files.sync_folder(self._root)
        return dataset

    def _save(self, dataset: Dataset) -> Dataset:
        files.write_json(self._folder(dataset.id) / f"{files.META_KEY}.json", files.dataset_to_dict(dataset))
        return dataset

    @contextmanager
    def _workspace(self) -> Iterator[Path]:
        """Give a new private folder on the same disk; what is left in it at the end is removed."""
        make_folder(self._settings.work_dir)
        with disk_errors(self._settings.work_dir):
            folder = Path(tempfile.mkdtemp(prefix="dataset-", dir=self._settings.work_dir))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
