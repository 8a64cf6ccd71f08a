"""Files on their way in: from a browser's widget or an HTTP body to a file on disk, never held in memory for long."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeGuard

import streamlit as st
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.typing import UploadedFile

from core.config import Settings
from core.errors import DataError, FileTooLargeError
from core.files import check_free_space, disk_errors
from core.readers import check_upload_name, list_sheets
from core.reading import ReadOptions

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

    from core.services import Services
    from core.types import Dataset

_MIB = 1024**2
_MULTIPART_OVERHEAD = _MIB
COMMAND = "take it in on this machine with `python -m core data add PATH`"


def new_work_file(settings: Settings) -> Path:
    """Make an empty file of our own naming in the work folder.

    Raises
    ------
    DiskFullError
        If less is free than the settings ask for.
    """
    check_free_space(settings.work_dir, settings)
    with disk_errors(settings.work_dir):
        handle, name = tempfile.mkstemp(prefix="upload-", dir=settings.work_dir)
        os.close(handle)
    return Path(name)


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
    """

    path: Path
    name: str
    sheets: tuple[str, ...]

    def discard(self) -> None:
        """Remove the work file."""
        self.path.unlink(missing_ok=True)


def is_new(uploaded: UploadedFile | None, key: str) -> TypeGuard[UploadedFile]:
    """Whether the uploader `key` holds a file that has not been handled yet; says so once for each file."""
    if uploaded is None or st.session_state.get(f"handled.{key}") == uploaded.file_id:
        return False
    st.session_state[f"handled.{key}"] = uploaded.file_id
    return True


def spill(uploaded: UploadedFile, settings: Settings) -> Upload:
    """Write what a `st.file_uploader` holds to a work file and let go of its bytes.

    The widget keeps showing the file's name; its file is empty from now on, and None after the page's next run.

    Raises
    ------
    DataError
        If it is too large for a page, its name's ending is none that is read, or its sheets cannot be listed.
    DiskFullError
        If the disk is full.
    """
    try:
        if uploaded.size > settings.max_upload_bytes:
            raise _too_large(settings.max_upload_bytes, "BELLWETHER_MAX_UPLOAD", f"{COMMAND}, ")
        name = check_upload_name(uploaded.name)
        path = new_work_file(settings)
        try:
            with disk_errors(settings.work_dir), uploaded.getbuffer() as content:
                path.write_bytes(content)
            return Upload(path, name, list_sheets(path, name, settings))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    finally:
        uploaded.seek(0)
        uploaded.truncate(0)
        context = get_script_run_ctx()
        if context is not None:
            context.uploaded_file_mgr.remove_file(context.session_id, uploaded.file_id)


def take_in(
    upload: Upload, services: "Services", *, options: ReadOptions | None = None, version_of: str | None = None
) -> "Dataset":
    """Make a dataset of a received file, whose work file is gone afterwards.

    Raises
    ------
    DataError, DiskFullError
        As `core.datasets.Datasets.add`.
    """
    try:
        dataset = services.datasets.add(upload.path, upload.name, options=options, version_of=version_of)
    finally:
        upload.discard()
    services.ledger.record("add dataset", dataset.id, detail={"name": dataset.label, "file": dataset.file_name})
    return dataset


async def receive(content_type: str, chunks: AsyncIterator[bytes], settings: Settings) -> tuple[Path, str]:
    """Stream the field `file` of a multipart body to a work file.

    Parameters
    ----------
    content_type : str
        The request's Content-Type, which names the boundary.
    chunks : async iterator of bytes
        The body.
    settings : Settings
        `max_file_bytes` is enforced while the body comes in.

    Returns
    -------
    tuple of (Path, str)
        The work file, which the caller removes, and the name that the sender gave it.

    Raises
    ------
    DataError
        ``request.invalid``: not a multipart body, broken, or without a field `file`.
    UnsupportedFileError
        If the name's ending is none that is read.
    FileTooLargeError
        As soon as more has come in than allowed.
    DiskFullError
        If the disk is full.
    """
    field = _FileField(settings)
    received = 0
    try:
        parser = MultipartParser(_boundary(content_type), field.callbacks())
        async for chunk in chunks:
            received += len(chunk)
            if received > settings.max_file_bytes + _MULTIPART_OVERHEAD:
                raise _too_large(settings.max_file_bytes, "BELLWETHER_MAX_FILE")
            parser.write(chunk)
        parser.finalize()
        return field.done()
    except MultipartParseError as error:
        field.discard()
        raise _invalid("The multipart body cannot be read.") from error
    except BaseException:
        field.discard()
        raise


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise _invalid("The request is not multipart/form-data.")
    return options[b"boundary"]


def _invalid(message: str) -> DataError:
    hint = "Send the file as the multipart field 'file', as in: curl -F file=@customers.csv URL"
    return DataError(message, hint=hint, code="request.invalid")


def _too_large(limit: int, setting: str, instead: str = "") -> FileTooLargeError:
    return FileTooLargeError(
        f"The file is larger than the {limit / _MIB:,.0f} MiB allowed.",
        hint=f"Split the file, {instead}or raise {setting}.",
    )


class _FileField:
    """The callbacks of the multipart parser: keeps the part named `file`, skips every other one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._headers: dict[str, str] = {}
        self._name = self._value = b""
        self._writing = False
        self._size = 0
        self._file_name = ""
        self._file: BinaryIO | None = None
        self.path: Path | None = None

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._headers.clear,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._part_end,
        }

    def done(self) -> tuple[Path, str]:
        if self.path is None or self._writing:
            raise _invalid("The request holds no complete field 'file' with a file name.")
        return self.path, self._file_name

    def discard(self) -> None:
        if self._file is not None:
            with suppress(OSError):  # a full disk refuses the last bytes once more; the file goes anyway
                self._file.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._name = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", ""))
        if options.get(b"name") == b"file" and b"filename" in options and self.path is None:
            self._file_name = check_upload_name(options[b"filename"].decode("utf-8", "replace"))
            self.path = new_work_file(self._settings)
            self._file = self.path.open("wb")
            self._writing = True

    def _data(self, data: bytes, start: int, end: int) -> None:
        if not self._writing or self._file is None:
            return
        self._size += end - start
        if self._size > self._settings.max_file_bytes:
            raise _too_large(self._settings.max_file_bytes, "BELLWETHER_MAX_FILE")
        with disk_errors(self._settings.work_dir):
            self._file.write(data[start:end])

    def _part_end(self) -> None:
        if self._writing and self._file is not None:
            with disk_errors(self._settings.work_dir):
                self._file.close()
        self._writing = False
