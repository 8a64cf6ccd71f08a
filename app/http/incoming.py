"""The body of an HTTP request as it comes in, with every limit kept: a file goes to the disk, JSON stays in memory."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

import anyio
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.http.records import check_size
from core.data.reading.reader import check_upload_name
from core.errors import RequestError
from core.files import disk_errors, new_work_file, too_large
from core.settings import Settings

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_SETTING = "BELLWETHER_MAX_FILE"
_JSON = b"application/json"
_MULTIPART = "multipart/form-data"
_MULTIPART_OVERHEAD = 1024**2
_IDLE_S = 60.0
# A raw body is read by what its Content-Type says, unless Content-Disposition names the file.
RAW_ENDINGS = {
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "text/plain": ".txt",
    "application/gzip": ".csv.gz",
    "application/zip": ".zip",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
}
ANY_BYTES = "application/octet-stream"


class _Sink(Protocol):
    """Where the bytes of a body go."""

    def write(self, chunk: bytes) -> object: ...
    def finish(self) -> tuple[Path, str]: ...
    def discard(self) -> None: ...


async def receive(headers: Mapping[str, str], chunks: AsyncIterator[bytes], settings: Settings) -> tuple[Path, str]:
    """Stream the file of a request to a work file.

    Parameters
    ----------
    headers : mapping of str to str
        The request's; names in lower case.
    chunks : async iterator of bytes
        The body: multipart with the file as the field `file`, or the bytes of the file alone.
    settings : Settings
        `max_file_bytes` is compared with Content-Length first and enforced while the body comes in.

    Returns
    -------
    tuple of (Path, str)
        The work file, which the caller removes, and the name that the sender gave it.

    Raises
    ------
    RequestError
        If the body is broken, holds no file, is of a kind that is not taken, or stops coming in.
    UnsupportedFileError
        If the name's ending is none that is read.
    FileTooLargeError
        As soon as more is announced, or has come in, than allowed.
    """
    kind, options = parse_options_header(headers.get("content-type", ""))
    is_multipart = kind.decode("latin-1") == _MULTIPART
    limit = settings.max_file_bytes + (_MULTIPART_OVERHEAD if is_multipart else 0)
    _check_encoding(headers)
    sink: _Sink
    if is_multipart:
        _check_length(headers, limit, settings)
        sink = _Multipart(options.get(b"boundary", b""), settings)
    else:
        name = _raw_name(kind.decode("latin-1"), headers)
        _check_length(headers, limit, settings)
        sink = _Raw(name, settings)
    received = 0
    try:
        async for chunk in _steady(chunks):
            received += len(chunk)
            if received > limit:
                raise too_large(settings.max_file_bytes, _SETTING)
            sink.write(chunk)
        return sink.finish()
    except FormParserError as error:
        sink.discard()
        raise RequestError("The multipart body cannot be read.") from error
    except BaseException:
        sink.discard()
        raise


def is_json(headers: Mapping[str, str]) -> bool:
    """Whether the body is JSON records, which need no work file; see `app.http.records`.

    RequestError if it is in another encoding than UTF-8 (``request.media_type``).
    """
    kind, options = parse_options_header(headers.get("content-type", ""))
    if kind != _JSON:
        return False
    charset = options.get(b"charset", b"utf-8").decode("latin-1").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise RequestError(f"JSON in {charset!r} is not accepted.", hint="Send UTF-8.", code="request.media_type")
    return True


async def receive_json(headers: Mapping[str, str], chunks: AsyncIterator[bytes]) -> bytes:
    """Return the body of a request, which is in memory whole.

    Raises
    ------
    RequestError
        If it is compressed, or stops coming in.
    FileTooLargeError
        As soon as more is announced, or has come in, than `app.http.records.MAX_BYTES`.
    """
    _check_encoding(headers)
    announced = headers.get("content-length", "")
    if announced.isdigit():
        check_size(int(announced))
    body = bytearray()
    async for chunk in _steady(chunks):
        body += chunk
        check_size(len(body))
    return bytes(body)


async def _steady(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Pass the chunks on; refuse a sender that falls silent, since it would keep others waiting."""
    while True:
        try:
            with anyio.fail_after(_IDLE_S):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            message = f"No more of the body arrived for {_IDLE_S:g} seconds."
            raise RequestError(message, hint="Send it again.", code="request.timeout") from error
        yield chunk


def _check_length(headers: Mapping[str, str], limit: int, settings: Settings) -> None:
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise too_large(settings.max_file_bytes, _SETTING)


def _check_encoding(headers: Mapping[str, str]) -> None:
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        hint = "Send a .csv.gz file as it is, without Content-Encoding."
        raise RequestError("A compressed body is not accepted.", hint=hint, code="request.media_type")


def _raw_name(kind: str, headers: Mapping[str, str]) -> str:
    """Return the name of a raw body's file: what Content-Disposition says, else by the media type."""
    if kind not in RAW_ENDINGS and kind != ANY_BYTES:
        shown = f"Content-Type {kind!r} is not accepted." if kind else "The request has no Content-Type."
        hint = "Send multipart/form-data with the field 'file', or the file alone, for example as text/csv (/docs)."
        raise RequestError(shown, hint=hint, code="request.media_type")
    _, options = parse_options_header(headers.get("content-disposition", ""))
    if b"filename" in options:
        return check_upload_name(options[b"filename"].decode("utf-8", "replace"))
    if kind == ANY_BYTES:
        hint = 'Add Content-Disposition: attachment; filename="customers.csv".'
        raise RequestError("Nothing says what kind of file this is.", hint=hint, code="request.media_type")
    return f"file{RAW_ENDINGS[kind]}"


class _WorkFile:
    """A work file that is being written, up to the limit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._size = 0
        self._file: BinaryIO | None = None
        self.path: Path | None = None

    @property
    def is_open(self) -> bool:
        return self._file is not None and not self._file.closed

    def open(self) -> BinaryIO:
        self.path = new_work_file(self._settings)
        self._file = self.path.open("wb")
        return self._file

    def write(self, data: bytes) -> None:
        file = self._file or self.open()
        self._size += len(data)
        if self._size > self._settings.max_file_bytes:
            raise too_large(self._settings.max_file_bytes, _SETTING)
        with disk_errors(self._settings.work_dir):
            file.write(data)

    def close(self) -> None:
        if self._file is not None:
            with disk_errors(self._settings.work_dir):
                self._file.close()

    def discard(self) -> None:
        if self._file is not None:
            with suppress(OSError):  # a full disk refuses the last bytes once more; the file goes anyway
                self._file.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)


class _Raw:
    """A body that is the file."""

    def __init__(self, name: str, settings: Settings) -> None:
        self._name = name
        self._work = _WorkFile(settings)

    def write(self, chunk: bytes) -> None:
        if chunk:
            self._work.write(chunk)

    def finish(self) -> tuple[Path, str]:
        if self._work.path is None:
            raise RequestError("The request has no body.")
        self._work.close()
        return self._work.path, self._name

    def discard(self) -> None:
        self._work.discard()


class _Multipart:
    """A multipart body: keeps the part named `file`, skips every other one."""

    def __init__(self, boundary: bytes, settings: Settings) -> None:
        if not boundary:
            raise RequestError("The Content-Type names no boundary.")
        self._work = _WorkFile(settings)
        self._headers: dict[str, str] = {}
        self._name = self._value = b""
        self._file_name = ""
        try:
            self._parser = MultipartParser(boundary, self._callbacks())
        except FormParserError as error:
            raise RequestError("The boundary is invalid.") from error

    def write(self, chunk: bytes) -> None:
        self._parser.write(chunk)

    def finish(self) -> tuple[Path, str]:
        self._parser.finalize()
        if self._work.path is None or self._work.is_open:
            raise RequestError("The request has no complete field 'file' with a file name.")
        return self._work.path, self._file_name

    def discard(self) -> None:
        self._work.discard()

    def _callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._headers.clear,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._part_end,
        }

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._name = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", ""))
        if options.get(b"name") == b"file" and b"filename" in options and self._work.path is None:
            self._file_name = check_upload_name(options[b"filename"].decode("utf-8", "replace"))
            self._work.open()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._work.is_open:
            self._work.write(data[start:end])

    def _part_end(self) -> None:
        if self._work.is_open:
            self._work.close()
