"""A file's bytes as UTF-8, unpacked and watched on the way; runs in the child process only."""

import codecs
import gzip
import io
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from core.data.reading.child.flat.plain import Plain, count_marked, utf8_decoder
from core.data.reading.child.request import Request
from core.domain.reading import encoding_name
from core.errors import FileTooLargeError, UnreadableFileError, UnsupportedFileError

# How files start that are sometimes given the name of a text file. Short marks such as "MZ" are left out: such files
# hold NUL bytes, and a header may well start with "MZ".
_MAGIC = {
    b"PK\x03\x04": "a zip archive or an Office file",
    b"PK\x05\x06": "a zip archive",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old or encrypted Office file",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip file",
    b"%PDF-": "a PDF",
    b"{\\rtf": "a rich-text document",
    b"\x7fELF": "a program",
    b"\x89PNG": "a picture",
    b"GIF8": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"SQLite format 3": "a database",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"Rar!": "a rar archive",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"<?xml": "an XML document",
    b'{"': "JSON",
    b"[{": "JSON",
}
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_MIXED = "utf-8, a few bytes are not"
_PROBE_BYTES = 64 * 1024
_ORDINARY_CONTROLS = b"\t\n\v\f\r\x1a\x1b"
_CONTROLS = bytes(set(range(32)) - set(_ORDINARY_CONTROLS))


class NotUtf8Error(Exception):
    """Control signal: the file has to be read again in another encoding."""


@dataclass(frozen=True)
class Way:
    """How the bytes of a file are turned into plain UTF-8.

    Attributes
    ----------
    encoding : str or None
        A key of `core.domain.reading.ENCODINGS`; None to find out from the first bytes.
    is_mixed : bool
        Whether a few bytes of a UTF-8 file are something else; they are marked.
    escaped, squeezed : bool
        As `core.data.reading.child.flat.plain.Plain`.
    """

    encoding: str | None = None
    is_mixed: bool = False
    escaped: bool = False
    squeezed: bool = False


class TextSource(io.RawIOBase):
    """A stream of UTF-8 bytes that refuses NUL bytes and more than the limit, and counts lines as they are read.

    Parameters
    ----------
    raw : binary stream
        The file, already unpacked.
    way : Way
        How its bytes are read.
    disk : binary stream
        The file as it lies on the disk, below `raw` when that unpacks.
    """

    def __init__(self, raw: IO[bytes], request: Request, way: Way, disk: IO[bytes]) -> None:
        self._raw = raw
        self._disk = disk
        self.closers = ExitStack()
        self._request = request
        self._total = 0
        self._newlines = self._returns = 0
        self._last = b"\n"
        self.at_end = False
        head = self._fetch(_PROBE_BYTES)
        _check_magic(head)
        found, bom_bytes = _find_encoding(head, at_end=len(head) < _PROBE_BYTES)
        self.is_mixed = way.is_mixed or (way.encoding is None and found == _MIXED)
        self.encoding = "utf-8" if self.is_mixed else _settle(way.encoding, found)
        self._decoder = None if self.encoding == "utf-8" else codecs.getincrementaldecoder(self.encoding)()
        if self.is_mixed:
            self._decoder = utf8_decoder()
        self.has_mark = bom_bytes > 0
        self._plain = Plain(escaped=way.escaped, squeezed=way.squeezed)
        # UTF-16 is full of NUL bytes; anything else must look like text before a decoder complains about it.
        if not self.encoding.startswith("utf-16"):
            _check_controls(head)
        # Files that were put together from others may have a second mark.
        self._pending = self._plain.feed(self._to_utf8(head[bom_bytes:]).removeprefix(codecs.BOM_UTF8))

    @property
    def lines(self) -> int:
        """Lines handed out since the last `put_back`, with a last one that has no line break."""
        breaks = self._newlines or self._returns
        return breaks + (self._last not in b"\r\n")

    @property
    def has_escapes(self) -> bool:
        """Whether a backslash stood before a quote so far."""
        return self._plain.has_escapes

    def estimated_bytes(self) -> int:
        """Return about how many bytes of text the file has, from how far it has been read."""
        return round(self._total * Path(self._request.path).stat().st_size / max(self._disk.tell(), 1))

    def take(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end of the file."""
        parts, missing = [], size
        while missing > 0 and (part := self.read(missing)):
            parts.append(part)
            missing -= len(part)
        self.is_exhausted()
        return b"".join(parts)

    def put_back(self, data: bytes) -> None:
        """Make `data` the next bytes to be read and count lines from there."""
        self._pending = data + self._pending
        self._newlines = self._returns = 0
        self._last = b"\n"

    def is_exhausted(self) -> bool:
        """Say whether nothing is left to read."""
        if not self._pending:
            self._pending = self._next(_PROBE_BYTES)
        self.at_end = not self._pending
        return self.at_end

    def readable(self) -> bool:
        """Say that the stream can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; none at the end of the file."""
        size = size if size >= 0 else _PROBE_BYTES
        data = self._pending or self._next(size)
        data, self._pending = data[:size], data[size:]
        self._newlines += data.count(b"\n")
        self._returns += data.count(b"\r")
        self._last = data[-1:] or self._last
        return data

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` and return the number of bytes."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the files below."""
        self.closers.close()
        super().close()

    def _next(self, size: int) -> bytes:
        while chunk := self._fetch(size):
            # A chunk may end in the middle of its only character.
            if data := self._plain.feed(self._to_utf8(chunk)):
                return data
        return self._plain.feed(self._to_utf8(b"", final=True)) + self._plain.end()

    def _fetch(self, size: int) -> bytes:
        try:
            chunk = self._raw.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UnreadableFileError("The gzip file is damaged or cut short.", code="file.broken_gzip") from error
        self._total += len(chunk)
        if self._total > self._request.max_file_bytes:
            raise FileTooLargeError(
                f"The file unpacks to more than {self._request.max_file_bytes:,} bytes.",
                hint="Split the file, or raise BELLWETHER_MAX_FILE.",
            )
        return chunk

    def _to_utf8(self, chunk: bytes, *, final: bool = False) -> bytes:
        if self._decoder is not None:
            try:
                chunk = self._decoder.decode(chunk, final).encode()
            except UnicodeDecodeError as error:
                said = self._request.options.encoding
                wrong = f"is not {encoding_name(said)}" if said else "is neither UTF-8 nor Windows-1252"
                raise UnreadableFileError(
                    f"The file's text {wrong}.",
                    hint="Choose another encoding, or save it as CSV UTF-8.",
                    code="file.encoding",
                ) from error
        if b"\0" in chunk:
            raise _binary()
        return chunk


def open_text(request: Request, way: Way) -> TextSource:
    """Open the file of a request, unpacking gzip (DataError if its first bytes show that it is not text)."""
    with ExitStack() as stack:
        disk: IO[bytes] = stack.enter_context(Path(request.path).open("rb"))
        raw = disk
        if request.gzipped:
            if disk.read(2) != b"\x1f\x8b":
                raise UnsupportedFileError(
                    "The name ends in .gz, but this is not a gzip file.", code="file.content_mismatch"
                )
            disk.seek(0)
            raw = cast(IO[bytes], stack.enter_context(gzip.open(disk, "rb")))
        source = TextSource(raw, request, way, disk)
        source.closers = stack.pop_all()
    return source


def is_mixed(request: Request) -> bool:
    """Whether a file that is not UTF-8 is so all the same, but for a few bytes."""
    with open_text(request, Way("utf-8", is_mixed=True)) as source:
        if source.has_mark:
            return True
        good = bad = 0
        while data := source.read():
            if not data.isascii():
                beyond, marked = count_marked(data.decode(errors="ignore"))
                good, bad = good + beyond - marked, bad + marked
    return 0 < bad <= good


def _find_encoding(head: bytes, *, at_end: bool) -> tuple[str, int]:
    """Return the encoding and how many bytes of byte-order mark to skip; Python's UTF-16 decoder wants its own."""
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding, len(bom) if encoding == "utf-8" else 0
    if wide := _find_utf16(head):
        return wide, 0
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, at_end)
    except UnicodeDecodeError:
        beyond, marked = count_marked(utf8_decoder().decode(head, at_end))
        return (_MIXED if 2 * marked <= beyond else "cp1252"), 0
    return "utf-8", 0


def _find_utf16(head: bytes) -> str | None:
    """Tell UTF-16 without a byte-order mark: Latin letters, digits and separators have a NUL in every second byte."""
    pairs = len(head) // 2
    odd, even = head[1::2].count(0), head[0 : 2 * pairs : 2].count(0)
    if pairs and max(odd, even) > 0.6 * pairs and min(odd, even) < 0.01 * pairs:
        return "utf-16-le" if odd > even else "utf-16-be"
    return None


def _settle(said: str | None, found: str) -> str:
    """Return the decoder's name; UTF-16 has two byte orders, which the bytes tell."""
    if said == "utf-16" and not found.startswith("utf-16"):
        return "utf-16-le"
    return found if said is None or said == "utf-16" else said


def _check_magic(head: bytes) -> None:
    start = head[:64].lstrip().lower()
    for magic, kind in _MAGIC.items():
        if head.startswith(magic) or start.startswith(magic.lower()):
            raise UnsupportedFileError(
                f"The name says text (CSV), but the content is {kind}.",
                hint="Save the table as CSV, xlsx or Parquet, with the matching extension.",
                code="file.content_mismatch",
            )


def _check_controls(text: bytes) -> None:
    """Refuse what is not text: a NUL byte, or more than one control character in 100 bytes."""
    controls = len(text) - len(text.translate(None, _CONTROLS))
    if b"\0" in text or controls > len(text) / 100:
        raise _binary()


def _binary() -> UnsupportedFileError:
    return UnsupportedFileError(
        "The file is not text: it contains NUL bytes or many control characters.",
        hint="Save the table as CSV UTF-8, xlsx or Parquet.",
        code="file.binary",
    )
