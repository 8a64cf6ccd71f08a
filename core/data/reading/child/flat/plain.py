"""What some programs write into text files, brought to the plain form that the parsers know; in the child only.

A mark of the end of file, quotes escaped by a backslash, runs of spaces between the cells, and bytes that are not of
the encoding of the rest. All works on bytes or texts as they pass, and costs nothing where none of it is met.
"""

import codecs
import re
from collections.abc import Sequence
from typing import Any, Final

import pyarrow.compute as pc

from core.data.reading.child.request import text_array
from core.wording import count_text, cut_text

_END_MARK: Final = re.compile(rb"\x1a[\x1a\r\n]*\Z")
_TAIL_BYTES: Final = 64
_ESCAPED: Final = re.compile(rb"\\\\|\\\"")
_QUOTED_OR_SPACES: Final = re.compile(rb'("[^"]*")|[ ]+')
_SHOWN: Final = 3
_BEYOND: Final = re.compile(r"[^\x00-\x7f]")
# A byte that is not UTF-8 becomes the private character that lies this much higher, until its cell is known.
_PRIVATE: Final = 0xF700
_MARKED: Final = re.compile(f"[{chr(_PRIVATE + 0x80)}-{chr(_PRIVATE + 0xFF)}]")
_MARKED_CELL: Final = r"[\x{F780}-\x{F7FF}]"


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(_PRIVATE + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("bellwether-mark", _mark)


def utf8_decoder() -> codecs.IncrementalDecoder:
    """Return a decoder of UTF-8 that marks the bytes which are something else, instead of failing."""
    return codecs.getincrementaldecoder("utf-8")("bellwether-mark")


def count_marked(text: str) -> tuple[int, int]:
    """Return how many characters of a text from `utf8_decoder` are beyond ASCII, and how many of these are marked."""
    return len(_BEYOND.findall(text)), len(_MARKED.findall(text))


def unmark(text: str) -> str:
    """Return a text with the bytes that are not UTF-8 read as Windows-1252."""
    return _MARKED.sub(lambda match: bytes([ord(match[0]) - _PRIVATE]).decode("cp1252", "replace"), text)


class Plain:
    """Passes the bytes of a file on in the plain form; what cannot be decided yet is held back.

    Parameters
    ----------
    escaped : bool
        Whether a backslash stands before quotes inside of cells; they are doubled instead.
    squeezed : bool
        Whether runs of spaces stand between the cells; one is left.

    Attributes
    ----------
    has_escapes : bool
        Whether a backslash stood before a quote anywhere so far.
    """

    def __init__(self, *, escaped: bool = False, squeezed: bool = False) -> None:
        self._escaped = escaped
        self._squeezed = squeezed
        self._held = b""
        self.has_escapes = False

    def feed(self, data: bytes) -> bytes:
        """Return what can be passed on."""
        data = self._held + data if self._held else data
        keep = len(data)
        if self._squeezed:
            keep = data.rfind(b"\n") + 1
        elif mark := _END_MARK.search(data[-_TAIL_BYTES:]):
            keep = len(data) - len(data[-_TAIL_BYTES:]) + mark.start()
        elif data.endswith(b"\\"):
            keep = len(data) - 1
        data, self._held = data[:keep], data[keep:]
        return self._settle(data)

    def end(self) -> bytes:
        """Return what was held back, without a mark of the end of file."""
        data, self._held = _END_MARK.sub(b"", self._held), b""
        return self._settle(data)

    def _settle(self, data: bytes) -> bytes:
        self.has_escapes = self.has_escapes or b'\\"' in data
        if self._escaped and b"\\" in data:
            data = _ESCAPED.sub(lambda match: b'""' if match[0] == b'\\"' else match[0], data)
        return squeeze(data) if self._squeezed else data


def squeeze(data: bytes) -> bytes:
    r"""Leave one space of each run between the cells, none at the ends of a line, and all of them inside quotes.

    Examples
    --------
    >>> squeeze(b'  a   "b  c" d  \n1 2')
    b'a "b  c" d\n1 2'
    """

    def plain(match: re.Match[bytes]) -> bytes:
        if match[1] is not None:
            return match[1]
        at_start = match.start() == 0 or data[match.start() - 1] in b"\r\n"
        at_end = match.end() == len(data) or data[match.end()] in b"\r\n"
        return b"" if at_start or at_end else b" "

    return _QUOTED_OR_SPACES.sub(plain, data)


class Mended:
    """Finds the cells with bytes that were marked, reads them as Windows-1252, and tells which they were."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._rows = 0
        self._count = 0
        self._shown: list[str] = []

    def mend(self, columns: Sequence[Any]) -> list[Any]:
        """Return columns of equal length with the marked cells read."""
        mended = [self._mend(name, column) for name, column in zip(self._names, columns, strict=True)]
        self._rows += len(columns[0])
        return mended

    def _mend(self, name: str, column: Any) -> Any:
        marked = pc.match_substring_regex(column, _MARKED_CELL)
        if not pc.any(marked).as_py():
            return column
        cells = column.to_pylist()
        for place in pc.indices_nonzero(marked).to_pylist():
            cells[place] = unmark(cells[place])
            self._count += 1
            if len(self._shown) < _SHOWN:
                self._shown.append(f"{cut_text(cells[place])!r} in data row {self._rows + place + 1:,} of {name!r}")
        return text_array(cells)

    def warnings(self) -> list[str]:
        """Return a sentence about the cells that are not UTF-8."""
        if not self._count:
            return []
        cells = count_text(self._count, "cell is", "cells are")
        more = ", …" if self._count > len(self._shown) else ""
        return [f"{cells} not UTF-8 as the rest is, and read as Windows-1252: {'; '.join(self._shown)}{more}."]
