"""The file to score on the Predict page: received once, opened once."""

from typing import TYPE_CHECKING

import streamlit as st

from app.ui import navigation
from app.ui.data import uploads
from app.ui.data.uploads import Upload
from app.ui.errors import guard
from app.ui.widgets.text import escape_markdown
from core.data.datasets.folder import copy_hashed
from core.data.datasets.samples import SAMPLE_EXPERIMENT, SAMPLE_NAME, sample_scoring_path
from core.data.reading.reader import READABLE_EXTENSIONS
from core.domain.models import ModelSpec
from core.exports.tables import write_table
from core.files import new_work_file, scratch
from core.models.opened import StoredModel
from core.scoring.opened import OpenedFile

if TYPE_CHECKING:
    from core.services import Services
    from core.settings import Settings

_REASONS_WEIGHT = 5  # a row with reasons takes about so many times as long
_DATASET = "predict_dataset"
UPLOAD, OPENED, SCORED = "predict.upload", "predict.opened", "predict.scored"


def keep_upload(upload: Upload) -> None:
    """Make a received file the one to score, in place of an earlier one; the same one again changes nothing."""
    old: Upload | None = st.session_state.get(UPLOAD)
    if old is not None and (old.name, old.sha256) == (upload.name, upload.sha256):
        upload.discard()
        return
    if old is not None:
        old.discard()
    _close()
    st.session_state[UPLOAD] = upload


def receive(experiment: str, spec: ModelSpec, services: "Services") -> Upload | None:
    """Draw the ways to bring a file; return the one to score."""
    received = st.file_uploader(
        f"A file with the columns of {escape_markdown(spec.dataset_name)}; {escape_markdown(spec.target)} is optional",
        type=list(READABLE_EXTENSIONS),
        max_upload_size=max(1, services.settings.max_upload_bytes // 1024**2),
        key="predict_upload",
    )
    if received is not None:
        with guard(stop=False), st.spinner("Receiving the file"):
            keep_upload(uploads.spill(received, services.settings))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        is_sample = experiment == SAMPLE_EXPERIMENT or spec.dataset_name == SAMPLE_NAME
        if is_sample and st.button(
            "Use the sample file: 500 other customers", key="predict_sample", icon=":material/science:"
        ):
            with guard(stop=False):
                keep_upload(sample_upload(services.settings))
        with guard(stop=False):
            dataset_choice(spec, services)
    upload: Upload | None = st.session_state.get(UPLOAD)
    return upload


def sample_upload(settings: "Settings") -> Upload:
    """Return the sample's file to score as if it had been uploaded."""
    source = sample_scoring_path()
    path = new_work_file(settings)
    return Upload(path, source.name, (), copy_hashed(source, path), is_sample=True)


def dataset_choice(spec: ModelSpec, services: "Services") -> None:
    """Draw the choice of a dataset with all columns that the model needs, instead of a file from elsewhere.

    The one that the model learned from is none: its rows say nothing of how good the predictions are.
    """
    if not navigation.has_page("data"):
        return
    fitting = {
        one.id: one
        for one in services.datasets.list()
        if one.remote is None and one.id != spec.dataset_id and set(spec.needed.names) <= set(one.schema.names)
    }
    if fitting:
        st.selectbox(
            "Dataset", tuple(fitting), key=_DATASET, index=None, label_visibility="collapsed", width=320,
            placeholder="Or a dataset that is here", format_func=lambda key: fitting[key].label,
            on_change=_take_dataset, args=(services,),
        )  # fmt: skip


def _take_dataset(services: "Services") -> None:
    """Callback: score the dataset that was chosen."""
    chosen, st.session_state[_DATASET] = st.session_state[_DATASET], None
    if chosen is None:
        return
    with guard(stop=False):
        data = services.datasets.open(chosen)
        with scratch(services.settings, "dataset-") as folder:
            # As it was read, not as a file: the answers about its separator, header or sheet stay good.
            written = folder / "rows.parquet"
            write_table(data.typed(), written)
            path = new_work_file(services.settings)
            keep_upload(Upload(path, f"{data.about.name}.parquet", (), copy_hashed(written, path)))


def open_once(upload: Upload, sheet: str | None, services: "Services") -> OpenedFile:
    """Return the file to score, opened once for each upload and sheet; it says itself what it was read and found."""
    known: OpenedFile | None = st.session_state.get(OPENED)
    if known is None or (known.path, known.sheet) != (upload.path, sheet):
        _close()
        st.session_state[OPENED] = known = services.scorer.open(upload.path, upload.name, sheet=sheet)
    return known


def is_long(n_rows: int, n_reasons: int, settings: "Settings") -> bool:
    """Whether a file takes so long to score that nobody should have to wait for it with the page open."""
    return n_rows * (_REASONS_WEIGHT if n_reasons else 1) > settings.background_rows


def flagged_rows_csv(file: OpenedFile, model: StoredModel, settings: "Settings") -> bytes:
    """Return the flagged rows as a CSV file; called when the download is clicked.

    Raises
    ------
    StoreError, DiskFullError
        If the store cannot be read, or the disk is full.
    """
    with scratch(settings, "download-") as folder:
        out = folder / "rows.csv"
        write_table(file.check(model).flagged_table(file.fit(model).source), out)
        return out.read_bytes()


def _close() -> None:
    """Let go of the opened file and its result."""
    if old := st.session_state.pop(OPENED, None):
        old.close()
    st.session_state.pop(SCORED, None)
