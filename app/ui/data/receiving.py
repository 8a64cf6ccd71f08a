"""A received file on its way to a dataset: taken in at once when its guess is clear, else shown with what to decide."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from app.ui import state
from app.ui.data import reading, uploads
from app.ui.errors import guard, show
from app.ui.widgets.layout import choice_labels
from app.ui.widgets.text import escape_markdown
from core.data.datasets.preview import FilePreview, preview_file
from core.data.datasets.versions import Proposal, propose_version_of
from core.data.reading.reader import format_of
from core.domain.reading import ReadOptions
from core.errors import DataError
from core.wording import count_text

if TYPE_CHECKING:
    from pathlib import Path

    from core.domain.datasets import Dataset
    from core.services import Services

_PREFIX = "data_read"
_NEW, _VERSION = "New dataset", "New version of {name}"
# What another option may fix; any other refusal is final.
_MENDABLE = frozenset(
    {"file.ragged", "file.quotes", "file.encoding", "file.too_many_columns", "file.cell_too_large", "file.options"}
)


@dataclass(frozen=True)
class _Look:
    """What a file looked like with certain options: a preview, or why there is none."""

    path: "Path"
    options: ReadOptions
    preview: FilePreview | None
    error: DataError | None


def receive(upload: uploads.Upload, services: "Services") -> "Dataset | None":
    """Take a file in when nothing has to be asked or when the person says so; draw the question otherwise.

    Raises
    ------
    DataError, DiskFullError
        If the file cannot be read whatever the options; it is gone then.
    """
    sheet = st.session_state.get("data_sheet")
    options = reading.chosen_options(_PREFIX, sheet if sheet in upload.sheets else None)
    with st.spinner("Looking at the file"):
        look = _look_once(upload, options, services)
    if not st.session_state.get(state.UPLOAD_ASKED):
        if look.error is not None and look.error.code not in _MENDABLE:
            drop(upload)
            raise look.error
        if look.preview is not None and _is_clear(look.preview, upload, services):
            return _take_in(upload, services, options, None)
        st.session_state[state.UPLOAD_ASKED] = True
    return _ask(upload, look, services)


def drop(upload: uploads.Upload) -> None:
    """Forget a received file and everything that was chosen for it."""
    upload.discard()
    for key in (state.PENDING_UPLOAD, state.UPLOAD_ASKED, state.UPLOAD_LOOK, "data_sheet", "data_as"):
        st.session_state.pop(key, None)
    reading.forget_options(_PREFIX)


def look_once(key: str, path: "Path", name: str, options: ReadOptions, services: "Services") -> _Look:
    """Look at a file with certain options, once for each; an expected error is part of the answer."""
    known: _Look | None = st.session_state.get(key)
    if known is not None and (known.path, known.options) == (path, options):
        return known
    try:
        look = _Look(path, options, preview_file(path, name, services.settings, options), None)
    except DataError as error:
        look = _Look(path, options, None, error)
    st.session_state[key] = look
    return look


def _look_once(upload: uploads.Upload, options: ReadOptions, services: "Services") -> _Look:
    return look_once(state.UPLOAD_LOOK, upload.path, upload.name, options, services)


def _is_clear(preview: FilePreview, upload: uploads.Upload, services: "Services") -> bool:
    """Whether nothing has to be asked: one sheet, no doubtful guess, and no dataset that this may be a version of."""
    if len(upload.sheets) > 1 or preview.doubts:
        return False
    if services.datasets.find_content(upload.sha256, preview.info.sheet) is not None:
        return True
    return _proposal(preview, upload, services) is None


def _proposal(preview: FilePreview, upload: uploads.Upload, services: "Services") -> Proposal | None:
    return propose_version_of(services.datasets.list(), upload.name, preview.info.columns)


def _ask(upload: uploads.Upload, look: _Look, services: "Services") -> "Dataset | None":
    preview = look.preview
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/description: **{escape_markdown(upload.name)}**", width="stretch")
            if preview:
                st.badge("estimated" if not preview.is_exact else count_text(preview.n_rows, "row"), color="gray")
        if len(upload.sheets) > 1:
            st.selectbox(f"It has {len(upload.sheets)} sheets", upload.sheets, key="data_sheet", width=360)
        if preview is None:
            show(look.error or DataError("The file cannot be read this way."))
        else:
            st.markdown(f"Read as: **{escape_markdown(preview.reading.in_words())}**")
            reading.doubts_list(preview.doubts)
            reading.first_rows(preview, "data_look")
        with st.expander("Not right? Change how it is read", expanded=preview is None, key="data_knobs"):
            kind = preview.info.format if preview else format_of(upload.name)
            reading.knobs(_PREFIX, preview, kind=kind)
            if preview:
                reading.raw_rows(preview, "data_raw")
        return _decide(upload, look, services)


def _decide(upload: uploads.Upload, look: _Look, services: "Services") -> "Dataset | None":
    preview, version_of = look.preview, None
    proposal = _proposal(preview, upload, services) if preview else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if proposal is not None:
            name = proposal.dataset.name
            labels = {_VERSION: f"New version of {escape_markdown(name)}", _NEW: _NEW}
            answer = st.segmented_control(
                "Keep it as",
                [_VERSION, _NEW],
                default=_VERSION if proposal.is_namesake else _NEW,
                required=True,
                key="data_as",
                format_func=choice_labels(labels),
            )
            version_of = name if answer == _VERSION else None
        st.space("stretch")
        if st.button("Cancel", key="data_cancel"):
            drop(upload)
            st.rerun()
        label = "Add this sheet" if len(upload.sheets) > 1 else "Add"
        if st.button(label, key="data_add_sheet", type="primary", icon=":material/add:", disabled=preview is None):
            with guard(stop=False), st.spinner("Reading the file"):
                return _take_in(upload, services, look.options, version_of)
    return None


def _take_in(
    upload: uploads.Upload, services: "Services", options: ReadOptions, version_of: str | None
) -> "Dataset | None":
    try:
        return uploads.take_in(upload, services, options=options, version_of=version_of)
    finally:
        drop(upload)
