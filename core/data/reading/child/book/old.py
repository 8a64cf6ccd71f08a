"""The records of a sheet in an old workbook (BIFF in a compound file); runs in the child process only.

Just as much of both formats as it takes to find cells with errors, which the library that reads them gives as empty.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_FREE: Final = 0xFFFFFFFA  # the first of the numbers that are no sector
_BOF, _EOF, _BOUNDSHEET, _FORMULA, _BOOLERR = 0x809, 0x0A, 0x85, 0x06, 0x205
_ERRORS: Final = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
_ENTRY_BYTES: Final = 128
_HEADER_SECTORS: Final = 109


def iter_errors(path: str, sheet: str) -> Iterator[tuple[int, int, str]]:
    """Yield row and column, from 0, and the error of each cell of a sheet that holds one; none where it is damaged."""
    try:
        stream = _read_stream(Path(path).read_bytes())
        start = _find_sheet(stream, sheet)
        if start is not None:
            yield from _iter_sheet(stream, start)
    except (struct.error, IndexError, ValueError, OverflowError):
        return


def _iter_sheet(stream: bytes, start: int) -> Iterator[tuple[int, int, str]]:
    depth = 0  # charts stand inside of a sheet
    for kind, data in _records(stream, start):
        depth += (kind == _BOF) - (kind == _EOF)
        if depth <= 0:
            return
        if kind == _BOOLERR and data[7]:
            row, column = struct.unpack_from("<HH", data)
            yield row, column, _ERRORS.get(data[6], "#N/A")
        elif kind == _FORMULA and data[12:14] == b"\xff\xff" and data[6] == 2:
            row, column = struct.unpack_from("<HH", data)
            yield row, column, _ERRORS.get(data[8], "#N/A")


def _records(stream: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    while start + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, start)
        yield kind, stream[start + 4 : start + 4 + size]
        start += 4 + size


def _find_sheet(stream: bytes, sheet: str) -> int | None:
    is_biff8 = True
    for kind, data in _records(stream, 0):
        if kind == _BOF:
            is_biff8 = struct.unpack_from("<H", data)[0] >= 0x600
        elif kind == _BOUNDSHEET:
            is_wide = is_biff8 and data[7] & 1
            name = data[8 if is_biff8 else 7 :].decode("utf-16-le" if is_wide else "cp1252", "replace")
            if name == sheet:
                return int(struct.unpack_from("<I", data)[0])
        elif kind == _EOF:
            break
    return None


def _read_stream(content: bytes) -> bytes:
    """Return the stream of the workbook; nothing if there is none."""
    size = 1 << struct.unpack_from("<H", content, 0x1E)[0]
    first_folder = struct.unpack_from("<I", content, 0x30)[0]
    table = _allocation(content, size)
    folder = _chain(content, table, first_folder, size)
    for start in range(0, len(folder), _ENTRY_BYTES):
        entry = folder[start : start + _ENTRY_BYTES]
        n_name = struct.unpack_from("<H", entry, 64)[0]
        if entry[: max(n_name - 2, 0)].decode("utf-16-le", "replace") in ("Workbook", "Book"):
            begin, length = struct.unpack_from("<II", entry, 116)
            return _chain(content, table, begin, size)[:length]
    return b""


def _allocation(content: bytes, size: int) -> list[int]:
    """Return which sector follows each sector."""
    places = list(struct.unpack_from(f"<{_HEADER_SECTORS}I", content, 0x4C))
    more = struct.unpack_from("<I", content, 0x44)[0]
    n_left = len(content) // size
    while more < _FREE and n_left:
        found = struct.unpack_from(f"<{size // 4}I", content, (more + 1) * size)
        places += found[:-1]
        more, n_left = found[-1], n_left - 1
    table: list[int] = []
    for place in places:
        if place < _FREE:
            table += struct.unpack_from(f"<{size // 4}I", content, (place + 1) * size)
    return table


def _chain(content: bytes, table: list[int], sector: int, size: int) -> bytes:
    parts: list[bytes] = []
    while sector < _FREE and len(parts) <= len(table):
        parts.append(content[(sector + 1) * size : (sector + 2) * size])
        sector = table[sector]
    return b"".join(parts)
