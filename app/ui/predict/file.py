"""The file to score on the Predict page: kept in the work folder, read once, checked once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import streamlit as st

from app.ui.data.uploads import Upload
from core.data.reading.reader import FileInfo
from core.domain.models import ModelInfo, ModelSpec
from core.exports.tables import write_table
from core.features.checking import FileCheck
from core.files import new_work_file, scratch, sha256_of

if TYPE_CHECKING:
    from core.services import Services
    from core.settings import Settings

_REASONS_WEIGHT = 5  # a row with reasons takes the engine about so many times as long
UPLOAD, READ, SCORED = "predict.upload", "predict.read", "predict.scored"


@dataclass(frozen=True)
class ReadFile:
    """A received file as it was read, in the work folder.

    Attributes
    ----------
    dataset_id : str
        The dataset whose options it was read with.
    table : Path
        Parquet file of the source text.
    notes : tuple of str
        How it was read, where that was not by guess.
    """

    upload: Upload
    sheet: str | None
    dataset_id: str
    table: Path
    info: FileInfo
    notes: tuple[str, ...]

    def head(self, n_rows: int = 5) -> pa.Table:
        """Return the first rows."""
        return pa.Table.from_batches([next(pq.ParquetFile(self.table).iter_batches(batch_size=n_rows))])

    def discard(self) -> None:
        """Remove what was read."""
        self.table.unlink(missing_ok=True)


def keep_upload(upload: Upload) -> None:
    """Make a received file the one to score, in place of an earlier one."""
    forget_upload()
    st.session_state[UPLOAD] = upload


def forget_upload() -> None:
    """Remove the file to score and what was made from it."""
    for key in (UPLOAD, READ):
        if old := st.session_state.pop(key, None):
            old.discard()
    st.session_state.pop(SCORED, None)


def sample_upload(settings: "Settings") -> Upload:
    """Return the sample's file to score as if it had been uploaded."""
    from core.data.datasets.samples import sample_scoring_path

    source = sample_scoring_path()
    path = new_work_file(settings)
    path.write_bytes(source.read_bytes())
    return Upload(path, source.name, (), sha256_of(path))


def read_once(upload: Upload, sheet: str | None, services: "Services", spec: ModelSpec) -> ReadFile:
    """Read the file to score, once per file, sheet and training data.

    Raises
    ------
    DataError, DiskFullError
        As `core.data.reading.reader.read_file`.
    """
    known: ReadFile | None = st.session_state.get(READ)
    if known and (known.upload, known.sheet, known.dataset_id) == (upload, sheet, spec.dataset_id):
        return known
    if known:
        known.discard()
    st.session_state.pop(SCORED, None)
    table = upload.path.with_name(f"{upload.path.name}.parquet")
    info, notes = services.scorer.read(upload.path, upload.name, table, spec, sheet=sheet)
    st.session_state[READ] = read = ReadFile(upload, sheet, spec.dataset_id, table, info, notes)
    return read


def is_long(read: ReadFile, n_reasons: int, settings: "Settings") -> bool:
    """Whether a file takes so long to score that nobody should have to wait for it with the page open."""
    weight = _REASONS_WEIGHT if n_reasons else 1
    return read.info.rows * weight > settings.background_rows


def check_once(read: ReadFile, model: ModelInfo, spec: ModelSpec, services: "Services") -> FileCheck:
    """Check a file against a model, once for each file, model and remembered columns.

    Raises
    ------
    StoreError
        If what was stored with the model cannot be read.
    """
    mapping = services.scorer.mapping(model.experiment)
    return _check(read, model, spec, services, str(read.table), read.upload.name, model.id, tuple(mapping.items()))


@st.cache_data(max_entries=32, show_spinner="Checking the file")
def _check(
    _read: ReadFile, _model: ModelInfo, _spec: ModelSpec, _services: "Services", path: str, name: str, model_id: str,
    mapping: tuple[tuple[str, str], ...],
) -> FileCheck:  # fmt: skip
    # Row by row it is as large as the file: only what it adds up to is kept.
    return replace(_full_check(_read, _model, _spec, _services, dict(mapping)), notes=None)


def _full_check(
    read: ReadFile, model: ModelInfo, spec: ModelSpec, services: "Services", mapping: Mapping[str, str]
) -> FileCheck:
    return services.scorer.check(pq.read_table(read.table), model, spec, read.info, mapping)


def odd_rows_csv(read: ReadFile, model: ModelInfo, spec: ModelSpec, services: "Services") -> bytes:
    """Return the flagged rows as a CSV file; called when the download is clicked.

    Raises
    ------
    StoreError, DiskFullError
        If the store cannot be read, or the disk is full.
    """
    found = _full_check(read, model, spec, services, services.scorer.mapping(model.experiment))
    with scratch(services.settings, "download-") as folder:
        out = folder / "rows.csv"
        write_table(found.odd_table(pq.read_table(read.table)), out)
        return out.read_bytes()
