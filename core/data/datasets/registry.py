"""Datasets: files that were taken in, each known by the hash of its content.

One folder a dataset, built elsewhere and renamed into place, so a dataset is there whole or not at all:
``data/datasets/<id>/`` holds ``original.*``, ``data.parquet`` (source text), ``dataset.json`` and derived ``*.json``.
"""

import errno
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.data.datasets import folder as files
from core.data.datasets.cache import ColumnCache
from core.data.datasets.opened import OpenedDataset
from core.data.reading.reader import check_upload_name, look_at_file, read_file
from core.data.tables.schema import retype
from core.domain.columns import ColumnType
from core.domain.datasets import Dataset, RemoteData
from core.domain.reading import ReadOptions
from core.errors import DataError, DatasetInUseError, DatasetNotFoundError, DatasetQuotaError, StoreCorruptError
from core.files import check_free_space, make_folder, scratch, sync
from core.plain import from_json
from core.settings import Settings
from core.wording import list_text

_CACHE_BYTES = 512 * 1024**2

_log = logging.getLogger(__name__)


class Datasets:
    """The registry of datasets of one home folder; safe to share between threads and processes.

    Where a dataset is named by its id there may be none (`DatasetNotFoundError`), or a damaged one
    (`StoreCorruptError`); what takes a file in raises what `core.data.reading.reader.read_file` does, and keeps nothing
    then.

    Parameters
    ----------
    settings : Settings
        Where the datasets lie, and the limits on files.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._root = settings.datasets_dir
        self._cache = ColumnCache(_CACHE_BYTES)
        self._known: dict[str, tuple[tuple[int, int, int], Dataset]] = {}  # by id, with which file was read

    def add(
        self,
        path: Path,
        file_name: str,
        *,
        name: str | None = None,
        sheet: str | None = None,
        options: ReadOptions | None = None,
        version_of: str | None = None,
        sha256: str | None = None,
        remote: RemoteData | None = None,
    ) -> Dataset:
        """Take in a file; the same content, read in the same way, gives the dataset that is there.

        Parameters
        ----------
        name : str, optional
            What to call the dataset; the file's stem when omitted. A name in use gets a number.
        sheet : str, optional
            Sheet of a workbook; the first sheet with rows when omitted. Another sheet is another dataset.
        options : ReadOptions, optional
            What a person says about the file; what differs from the guess makes another dataset.
        version_of : str, optional
            Name of a dataset of which this becomes the next version.
        sha256 : str, optional
            Of the file's content, when whoever received it has computed it on the way.
        remote : RemoteData, optional
            What the file is a sample of.

        Returns
        -------
        Dataset
            With its types inferred.

        Raises
        ------
        DatasetNotFoundError
            If there is no dataset to be a version of.
        DatasetQuotaError
            If there are as many as the settings allow.
        """
        file_name = check_upload_name(file_name)
        wanted = options or ReadOptions()
        wanted = replace(wanted, sheet=sheet) if sheet is not None else wanted
        if version_of is not None and not self.versions(version_of):
            raise DatasetNotFoundError(f"There is no dataset called {version_of[:120]!r}.")
        check_free_space(self._root, self.settings)
        with scratch(self.settings, "dataset-") as folder:
            original = folder / f"original{files.ending(file_name)}"
            content = files.copy_hashed(path, original, sha256)
            if remote is not None:  # not the same as a file with the rows of the sample
                content = hashlib.sha256(f"{content}\0{remote.address}".encode()).hexdigest()
            wanted = self._what_differs(original, file_name, wanted)
            known = self.find_id(files.dataset_id_of(content, wanted.sheet, wanted))
            if known is not None:
                return known
            self._check_quota()
            info = read_file(original, file_name, folder / files.DATA_FILE, self.settings, options=wanted)
            # A workbook's id needs the name of the sheet that was read.
            dataset_id = files.dataset_id_of(content, info.sheet, wanted)
            known = self.find_id(dataset_id)
            if known is not None:
                return known
            dataset = files.describe(folder, original, file_name, info, wanted)
            if remote is not None:
                said = files.remote_warning(remote, dataset.n_rows)
                dataset = replace(dataset, remote=remote, warnings=(said, *dataset.warnings))
            called = files.clean_name(version_of or name or files.stem(file_name))
            return self._commit(folder, replace(dataset, id=dataset_id, name=called), is_version=version_of is not None)

    def _check_quota(self) -> None:
        if sum(map(files.is_dataset_folder, self._root.glob("*"))) >= self.settings.max_datasets:
            raise DatasetQuotaError(f"There are {self.settings.max_datasets:,} datasets, which is the limit.")

    def read_again(self, dataset_id: str, options: ReadOptions) -> Dataset:
        """Read the original file of a dataset with other options, as its next version."""
        known = self.open(dataset_id)
        return self.add(known.original(), known.about.file_name, options=options, version_of=known.about.name)

    def list(self) -> tuple[Dataset, ...]:
        """Return all datasets, the newest first; one whose files are damaged is left out and logged."""
        found = []
        for folder in filter(files.is_dataset_folder, self._root.glob("*")):
            try:
                found.append(self.get(folder.name))
            except StoreCorruptError:
                _log.warning("Dataset %s is damaged and is skipped.", folder.name)
            except DatasetNotFoundError:
                continue  # deleted by somebody else in this moment
        return tuple(sorted(found, key=lambda dataset: (dataset.created_at, dataset.id), reverse=True))

    def find_id(self, dataset_id: str) -> Dataset | None:
        """Return the dataset of that id, or None; reads no other one."""
        try:
            return self.get(dataset_id)
        except DatasetNotFoundError:
            return None

    def find(self, id_or_name: str) -> Dataset | None:
        """Return the dataset of that id or name, or None: ``sales`` is the newest version, ``sales@2`` one of them."""
        by_id = self.find_id(id_or_name)
        if by_id is not None:
            return by_id
        versions = self.versions(id_or_name)
        if versions:
            return versions[0]
        name, _, number = id_or_name.rpartition("@")
        return next((one for one in self.versions(name) if str(one.version) == number), None)

    def find_content(self, sha256: str, sheet: str | None) -> Dataset | None:
        """Return the dataset that a file of that content has become already, or None."""
        return self.find_id(files.dataset_id_of(sha256, sheet, ReadOptions()))

    def versions(self, name: str) -> tuple[Dataset, ...]:
        """Return all versions of the dataset of that name, the newest first."""
        found = (dataset for dataset in self.list() if dataset.name == name)
        return tuple(sorted(found, key=lambda dataset: dataset.version, reverse=True))

    def get(self, dataset_id: str) -> Dataset:
        """Return a dataset.

        Raises
        ------
        DatasetNotFoundError
            If there is none; anything but 32 hex digits is refused before a file is touched.
        """
        path = self._folder(dataset_id) / f"{files.META_KEY}.json"
        try:
            found = path.stat()
            which = (found.st_ino, found.st_mtime_ns, found.st_size)
            known = self._known.get(dataset_id)
            if known is None or known[0] != which:
                what = f"the description of dataset {dataset_id}"
                known = self._known[dataset_id] = (which, from_json(Dataset, path.read_bytes(), what=what))
            return known[1]
        except FileNotFoundError as error:
            raise files.not_found(dataset_id) from error

    def open(self, dataset_id: str) -> OpenedDataset:
        """Open a dataset: read its description once, and its columns from then on; errors as `get`."""
        return OpenedDataset(self.get(dataset_id), self._folder(dataset_id), self._cache)

    def rename(self, dataset_id: str, name: str) -> Dataset:
        """Give a dataset, with all its versions, another name.

        DataError if the name is empty, or another dataset has it.
        """
        name = files.clean_name(name)
        self.get(dataset_id)  # no lock for what is not a dataset
        with files.alone(self._root):
            dataset = self.get(dataset_id)
            if name != dataset.name and self.versions(name):
                raise DataError(
                    f"Another dataset is called {name!r}.", hint="Choose another name.", code="dataset.name_taken"
                )
            for version in self.versions(dataset.name):
                self._save(replace(version, name=name))
            return self.get(dataset_id)

    def set_type(self, dataset_id: str, column: str, type: ColumnType, *, format: str | None = None) -> Dataset:  # noqa: A002
        """Change the type of a column; the source text is kept, so nothing is lost by it.

        Parameters
        ----------
        format : str, optional
            Date only: the `strptime` format; found out when omitted.

        Raises
        ------
        DataError
            If there is no such column or type, or no value can be read that way.
        """
        files.check_type(type)
        known = self.open(dataset_id)
        values = known.source([column])[column]
        changed = retype(known.about.schema[column], values, type, format)
        with files.alone(self._root):
            dataset = self.get(dataset_id)
            return self._save(replace(dataset, schema=dataset.schema.with_column(changed)))

    def delete(self, dataset_id: str, *, used_by: Sequence[str]) -> None:
        """Remove a dataset and its files.

        Parameters
        ----------
        used_by : sequence of str
            Names of the runs that were trained on it.

        Raises
        ------
        DatasetInUseError
            If there are such runs; they are named.
        """
        dataset = self.get(dataset_id)
        if used_by:
            raise DatasetInUseError(f"{dataset.label!r} is used by {list_text(used_by)}.")
        with scratch(self.settings, "dataset-") as trash:
            with files.alone(self._root):
                self.get(dataset_id)
                # One rename takes it out of sight, so nobody meets a half-deleted dataset.
                self._folder(dataset_id).rename(trash / dataset_id)
            self._cache.drop(dataset_id)

    def _folder(self, dataset_id: str) -> Path:
        if files.ID.fullmatch(dataset_id) is None:
            raise files.not_found(dataset_id)
        folder = self._root / dataset_id
        if folder.is_symlink():
            raise files.not_found(dataset_id)
        return folder

    def _what_differs(self, original: Path, file_name: str, options: ReadOptions) -> ReadOptions:
        """Drop options that detection would choose too: they do not make a second dataset of the same data."""
        said = options.deciding()
        if not said or "decimal" in said:
            return options
        try:
            with scratch(self.settings, "dataset-") as folder:
                guess = look_at_file(
                    original, file_name, folder / files.DATA_FILE, self.settings, ReadOptions(sheet=options.sheet)
                )
        except DataError:
            return options  # it cannot be read by guess alone: what is said decides
        guessed = {**vars(guess), "skip_footer": guess.footer_rows if guess.estimated_rows is None else None}
        if any(guessed[key] != value for key, value in said.items()):
            return options
        return ReadOptions(sheet=options.sheet, types=options.types)

    def _commit(self, folder: Path, dataset: Dataset, *, is_version: bool) -> Dataset:
        make_folder(self._root)
        with files.alone(self._root):
            if is_version:
                last = max((one.version for one in self.versions(dataset.name)), default=0)
                dataset = replace(dataset, version=last + 1)
            else:
                taken = {one.name for one in self.list() if one.id != dataset.id}
                dataset = replace(dataset, name=files.free_name(dataset.name, taken))
            files.save_dataset(dataset, folder)
            try:
                folder.rename(self._root / dataset.id)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                return self.get(dataset.id)  # another thread or process was first with the same content
            sync(self._root)
        return dataset

    def _save(self, dataset: Dataset) -> Dataset:
        files.save_dataset(dataset, self._folder(dataset.id))
        return dataset
