"""Files on their way in: from a browser's widget to a file on disk, never held in memory for long."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.typing import UploadedFile

from core.data.reading.reader import check_upload_name, list_sheets
from core.domain.reading import ReadOptions
from core.files import disk_errors, new_work_file, too_large
from core.settings import Settings

if TYPE_CHECKING:
    from core.domain.datasets import Dataset
    from core.services import Services

COMMAND = "take it in on this machine with `python -m core data add PATH`"


@dataclass(frozen=True)
class Upload:
    """A file that a page has received and not used yet.

    Attributes
    ----------
    path : Path
        The work file.
    name : str
        The person's file name, safe to show.
    sheets : tuple of str
        The sheets of a workbook; empty for other files.
    sha256 : str
        Of its content, computed while it was received.
    is_sample : bool
        Whether it is the file that ships with the app, which nobody has sent.
    """

    path: Path
    name: str
    sheets: tuple[str, ...]
    sha256: str
    is_sample: bool = False

    def discard(self) -> None:
        """Remove the work file."""
        self.path.unlink(missing_ok=True)


def spill(uploaded: UploadedFile, settings: Settings) -> Upload:
    """Write what a `st.file_uploader` holds to a work file and release its bytes.

    The widget keeps showing the file's name; its value is None from the page's next run on, so that a page takes in
    what it holds whenever it holds something: a run that was cut off before this leaves the file to the next one.

    Raises
    ------
    DataError
        If it is too large for a page, its name's ending is none that is read, or its sheets cannot be listed.
    DiskFullError
        If the disk is full.
    """
    try:
        if uploaded.size > settings.max_upload_bytes:
            raise too_large(settings.max_upload_bytes, "BELLWETHER_MAX_UPLOAD", f"{COMMAND}, ")
        name = check_upload_name(uploaded.name)
        path = new_work_file(settings)
        try:
            content = uploaded.getvalue()  # the bytes that Streamlit holds; `getbuffer` would copy them
            with disk_errors(settings.work_dir):
                path.write_bytes(content)
            sha256 = hashlib.sha256(content).hexdigest()
            del content
            return Upload(path, name, list_sheets(path, name, settings), sha256)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    finally:
        uploaded.seek(0)
        uploaded.truncate(0)
        context = get_script_run_ctx()
        if context is not None:
            # The manager that Streamlit runs with has it; the protocol that it is typed with has not.
            context.uploaded_file_mgr.remove_file(context.session_id, uploaded.file_id)  # type: ignore[attr-defined]


def take_in(
    upload: Upload, services: "Services", *, options: ReadOptions | None = None, version_of: str | None = None
) -> "Dataset":
    """Make a dataset of a received file, whose work file is gone afterwards.

    Raises
    ------
    DataError, DiskFullError
        As `core.data.datasets.registry.Datasets.add`.
    """
    try:
        dataset = services.datasets.add(
            upload.path, upload.name, options=options, version_of=version_of, sha256=upload.sha256
        )
    finally:
        upload.discard()
    services.ledger.record("add dataset", dataset.id, detail={"name": dataset.label, "file": dataset.file_name})
    return dataset
