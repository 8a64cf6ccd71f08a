"""A file or rows to score, opened: read once and looked at once for each model, whoever asks and however often."""

import shutil
import uuid
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
from cachetools import LRUCache

from core.data.datasets.registry import Datasets
from core.data.reading.like import fitting_options, read_like
from core.data.reading.reader import FileInfo
from core.data.tables.packed import AnyTable, PackedTable, read_packed
from core.domain.formats import BOOK_FORMATS
from core.domain.models import ModelSpec
from core.domain.reading import ReadOptions, column_called
from core.errors import DataError
from core.features.checking import FileCheck, check, rename_columns
from core.features.matching import ReadColumn, fit_notation, read_columns
from core.features.own_names import own_names, unsure_names
from core.files import make_folder, sha256_of
from core.ledger.database import Ledger
from core.models.opened import StoredModel
from core.parallel import FEW_ROWS
from core.settings import Settings

_KEPT: Final = 5  # what was found for so many models, as many as a file is compared under
_NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})
_Way: TypeAlias = tuple[ReadOptions, tuple[str, ...]]
_Key: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class ReadFile:
    """How a file was read.

    Attributes
    ----------
    path : Path
        A Parquet file of its rows: source text for CSV and Excel.
    warnings : tuple of str
        What has to be said of it.
    """

    path: Path
    info: FileInfo
    warnings: tuple[str, ...]

    def head(self, n_rows: int = 5) -> pa.Table:
        """Return the first rows."""
        return pa.Table.from_batches([next(pq.ParquetFile(self.path).iter_batches(batch_size=n_rows))])


@dataclass(frozen=True, eq=False)
class FittedRows:
    """Rows set against a model.

    Attributes
    ----------
    source : Table or PackedTable of shape (n_rows, n_columns)
        The rows as read.
    named : Table or PackedTable
        The same, their columns called as the model calls them.
    spec : ModelSpec
        What the model needs, in the notation of the rows.
    renamed : tuple of (str, str)
        The file's column and what it is taken for.
    notes : tuple of str
        What was taken for something else, in words.
    written : tuple of str
        Those of them that are about dates and numbers which are written in another way than in training.
    """

    model: StoredModel
    source: AnyTable
    named: AnyTable
    spec: ModelSpec
    renamed: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    written: tuple[str, ...] = ()

    @cached_property
    def read(self) -> tuple[ReadColumn, ...] | None:
        """The cells that the model needs, read once for check and prediction; None of many, which would need room."""
        is_whole = set(self.spec.needed.names) <= set(self.named.column_names)
        return read_columns(self.named, self.spec) if is_whole and self.named.num_rows < FEW_ROWS else None

    def check(self) -> FileCheck:
        """Look at every cell that the model needs; see `core.features.checking.check`."""
        return check(
            self.named, self.spec, self.model.reference, renamed=self.renamed, written=self.written, read=self.read
        )


def fit(
    source: AnyTable,
    model: StoredModel,
    mapping: Mapping[str, str] = _NO_NAMES,
    *,
    is_workbook: bool = False,
    renamed: Sequence[tuple[str, str]] = (),
) -> FittedRows:
    """Set rows against a model.

    Parameters
    ----------
    mapping : mapping of str to str
        The file's columns to the model's.
    is_workbook : bool
        Whether the cells come from a workbook.
    renamed : sequence of (str, str)
        Names as they stand in the file, where they had to be changed, and what these columns are called.
    """
    own = own_names(source.column_names, renamed, model.spec)
    named, used = rename_columns(source, {**mapping, **own})
    unsure = unsure_names(named.column_names, [(old, dict(used).get(new, new)) for old, new in renamed], model.spec)
    spec, notes = fit_notation(named, model.spec, is_workbook=is_workbook, reference=model.reference)
    told = tuple(f"“{theirs}” is used as “{ours}”." for theirs, ours in used)
    return FittedRows(model, source, named, spec, used, (*told, *unsure, *notes), notes)


class OpenedFile:
    """A file to score with one model or with several, for one thread at a time.

    Every method may raise `DataError` or `DiskFullError`, as `core.data.reading.reader.read_file` does, and
    `StoreError` where model or ledger cannot be read.

    Parameters
    ----------
    path : Path
        Where its bytes are; they must not change.
    name : str
        The person's name for it; its extension decides how it is read.
    sheet : str, optional
        The sheet of a workbook.
    settings, datasets, ledger
        The services it works with.

    Notes
    -----
    What was read lies in the work folder until `close`, or until nobody has the file any more. Rows are in memory only
    while somebody works on them, since a page keeps a file open for as long as a person looks at it.
    """

    def __init__(
        self, path: Path, name: str, settings: Settings, datasets: Datasets, ledger: Ledger, *, sheet: str | None = None
    ) -> None:
        self.path = path
        self.name = name
        self.sheet = sheet
        self._settings = settings
        self._datasets = datasets
        self._ledger = ledger
        self._folder = settings.work_dir / f"score-{uuid.uuid4().hex}"
        self.close = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._read: dict[_Way, ReadFile] = {}
        self._sources: weakref.WeakValueDictionary[Path, PackedTable] = weakref.WeakValueDictionary()
        self._fitted: weakref.WeakValueDictionary[_Key, FittedRows] = weakref.WeakValueDictionary()
        self._checks: LRUCache[_Key, FileCheck] = LRUCache(_KEPT)

    @cached_property
    def sha256(self) -> str:
        """Of its bytes."""
        return sha256_of(self.path)

    @property
    def n_bytes(self) -> int:
        """How many they are."""
        return self.path.stat().st_size

    def read(self, model: StoredModel) -> ReadFile:
        """Read the file as the model's training data was; once for all models whose data was read alike."""
        dataset, needed = self._datasets.find_id(model.spec.dataset_id), model.spec.needed.names
        said = fitting_options(dataset.options if dataset else ReadOptions(), self.name, self.sheet)
        way = (said, needed if said != ReadOptions(sheet=self.sheet) else ())  # a guess asks for no columns
        if way not in self._read:
            make_folder(self._folder)
            out = self._folder / f"{len(self._read)}.parquet"
            info, notes = read_like(
                self.path, self.name, out, self._settings, options=said, needed=needed, sheet=self.sheet
            )
            self._check_rows(info.rows)
            self._read[way] = ReadFile(out, info, (*info.warnings, *notes))
        return self._read[way]

    def fit(self, model: StoredModel) -> FittedRows:
        """Return the rows set against a model, with the names that are remembered for its experiment."""
        key, mapping = self._key(model)
        fitted = self._fitted.get(key)
        if fitted is None:
            read = self.read(model)
            source = self._sources.get(read.path)
            if source is None:
                source = self._sources[read.path] = read_packed(read.path)
            info = read.info
            mapping = {column_called(old, info.columns, info.renamed): new for old, new in mapping.items()}
            fitted = self._fitted[key] = fit(
                source, model, mapping, is_workbook=info.format in BOOK_FORMATS, renamed=info.renamed
            )
        return fitted

    def check(self, model: StoredModel) -> FileCheck:
        """Return how the file fits a model, looked at once."""
        key, _ = self._key(model)
        if key not in self._checks:
            self._checks[key] = self.fit(model).check()
        return self._checks[key]

    def _key(self, model: StoredModel) -> tuple[_Key, dict[str, str]]:
        mapping = self._ledger.columns(model.info.experiment)
        return (model.info.id, tuple(mapping.items())), mapping

    def _check_rows(self, n_rows: int) -> None:
        most = self._settings.max_score_rows
        if n_rows > most:
            raise DataError(
                f"The file has {n_rows:,} rows; at most {most:,} are scored at once.",
                hint="Split the file, or raise BELLWETHER_MAX_SCORE_ROWS.",
                code="scoring.too_many_rows",
            )


class OpenedRows:
    """Rows in memory to score with one model or with several: a few, whose cells are texts, as those of a request.

    Numbers have decimal points, whatever the training data had. Every method may raise `StoreError`.
    """

    sheet = None

    def __init__(self, table: pa.Table, content: bytes, ledger: Ledger) -> None:
        self.content = content
        self._table = table
        self._ledger = ledger

    def fit(self, model: StoredModel) -> FittedRows:
        """Return the rows set against a model, with the names that are remembered for its experiment."""
        return fit(self._table, model, self._ledger.columns(model.info.experiment), is_workbook=True)
