"""Workbooks of formats that no library here writes, made byte by byte: old Excel (BIFF8 in OLE2) and OpenDocument."""

import datetime as dt
import io
import struct
import zipfile
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

_SECTOR = 512
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_EXCEL_EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - Excel knows no zones

Table = Sequence[Sequence[object]]


def xls(
    *sheets: Table | tuple[str, Table],
    merged: Iterable[tuple[int, int, int, int]] = (),
    streams: Iterable[str] = (),
    hidden: Iterable[int] = (),
    extra: bytes = b"",
) -> bytes:
    """Return an old Excel workbook.

    Parameters
    ----------
    sheets
        Rows, or name and rows.
    merged
        First row, last row, first column, last column, from 0; of every sheet.
    streams
        Names of empty streams to add, such as that of a macro project.
    extra
        Records to put behind the first one.
    """
    named = [sheet if isinstance(sheet, tuple) else (f"Sheet{n}", sheet) for n, sheet in enumerate(sheets, 1)]
    bodies = [_biff_sheet(rows, list(merged)) for _, rows in named]
    formats = b"".join(_record(0xE0, struct.pack("<HH16x", 0, number)) for number in (0, 14, 22))
    head = (
        _record(0x809, struct.pack("<HHHHII", 0x600, 5, 0xDBB, 0x7CC, 0, 6))
        + extra
        + _record(0x42, b"\xb0\x04")
        + formats
    )
    bound = [struct.pack("<BB", n in set(hidden), 0) + _text(name, "B") for n, (name, _) in enumerate(named)]
    tail = _record(0x0A, b"")
    offset = len(head) + sum(len(one) + 8 for one in bound) + len(tail)
    globals_ = head
    for one, body in zip(bound, bodies, strict=True):
        globals_ += _record(0x85, struct.pack("<I", offset) + one)
        offset += len(body)
    return _ole2({"Workbook": globals_ + tail + b"".join(bodies), **dict.fromkeys(streams, b"")})


def ods(*sheets: Table | tuple[str, Table], body: str | None = None, **parts: str) -> bytes:
    """Return an OpenDocument spreadsheet; `body` replaces the tables, `parts` adds or replaces files."""
    named = [sheet if isinstance(sheet, tuple) else (f"Sheet{n}", sheet) for n, sheet in enumerate(sheets, 1)]
    tables = body if body is not None else "".join(_ods_table(name, rows) for name, rows in named)
    space = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="{space}:office:1.0" '
        f'xmlns:table="{space}:table:1.0" xmlns:text="{space}:text:1.0" office:version="1.3"><office:body>'
        f"<office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        f'<?xml version="1.0"?><manifest:manifest xmlns:manifest="{space}:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>'
    )
    files = {"mimetype": kind, "content.xml": content, "META-INF/manifest.xml": manifest, **parts}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def zipped(members: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive of files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _ods_table(name: str, rows: Table) -> str:
    body = "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows)
    return f'<table:table table:name="{name}">{body}</table:table>'


def _ods_cell(value: object) -> str:
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, bool):
        kind = f'"boolean" office:boolean-value="{str(value).lower()}"'
    elif isinstance(value, int | float):
        kind = f'"float" office:value="{value!r}"'
    elif isinstance(value, dt.date):
        kind = f'"date" office:date-value="{value.isoformat()}"'
    else:
        kind = '"string"'
    return f"<table:table-cell office:value-type={kind}><text:p>{escape(str(value))}</text:p></table:table-cell>"


def _record(number: int, data: bytes) -> bytes:
    return struct.pack("<HH", number, len(data)) + data


def _text(text: str, size: str) -> bytes:
    return struct.pack(f"<{size}B", len(text.encode("utf-16-le")) // 2, 1) + text.encode("utf-16-le")


def _biff_sheet(rows: Table, merged: list[tuple[int, int, int, int]]) -> bytes:
    width = max((len(row) for row in rows), default=0)
    found = _record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0xDBB, 0x7CC, 0, 6))
    found += _record(0x200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0))
    found += b"".join(_biff_cell(r, c, value) for r, row in enumerate(rows) for c, value in enumerate(row))
    if merged:
        found += _record(0xE5, struct.pack("<H", len(merged)) + b"".join(struct.pack("<4H", *one) for one in merged))
    return found + _record(0x0A, b"")


def _biff_cell(row: int, column: int, value: object) -> bytes:
    if value is None:
        return b""
    place = struct.pack("<HH", row, column)
    if isinstance(value, bool):
        return _record(0x205, place + struct.pack("<HBB", 0, value, 0))
    if isinstance(value, int | float):
        return _record(0x203, place + struct.pack("<Hd", 0, value))
    if isinstance(value, dt.date):
        moment = value if isinstance(value, dt.datetime) else dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001
        days = (moment - _EXCEL_EPOCH) / dt.timedelta(days=1)
        return _record(0x203, place + struct.pack("<Hd", 2 if isinstance(value, dt.datetime) else 1, days))
    return _record(0x204, place + struct.pack("<H", 0) + _text(str(value), "H"))


def _ole2(streams: dict[str, bytes]) -> bytes:
    """Return a compound file; a stream is padded to 4,096 bytes, so that none is a small one."""
    padded = {name: data.ljust(-(-max(len(data), 4096) // _SECTOR) * _SECTOR, b"\0") for name, data in streams.items()}
    n_data = sum(len(data) // _SECTOR for data in padded.values())
    n_folder = -(-(len(padded) + 1) * 128 // _SECTOR)
    n_fat = 1
    while (n_fat + n_folder + n_data) * 4 > n_fat * _SECTOR:
        n_fat += 1
    table = [_FAT] * n_fat + [*range(n_fat + 1, n_fat + n_folder), _END]
    entries = [_entry("Root Entry", 5, _END, 0, child=1)]
    for number, (name, data) in enumerate(padded.items(), 2):
        begin, count = len(table), len(data) // _SECTOR
        table += [*range(begin + 1, begin + count), _END]
        entries.append(_entry(name, 2, begin, len(data), right=number if number <= len(padded) else _FREE))
    table += [_FREE] * (n_fat * _SECTOR // 4 - len(table))
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, n_fat, n_fat, 0, 4096, _END, 0, _END, 0,
    )  # fmt: skip
    fat_places = [*range(n_fat), *[_FREE] * (109 - n_fat)]
    folder = b"".join(entries).ljust(n_folder * _SECTOR, b"\0")
    return (
        header
        + struct.pack("<109I", *fat_places)
        + struct.pack(f"<{len(table)}I", *table)
        + folder
        + b"".join(padded.values())
    )


def _entry(name: str, kind: int, begin: int, size: int, *, child: int = _FREE, right: int = _FREE) -> bytes:
    encoded = name.encode("utf-16-le")
    return struct.pack("<64sHBBIII16xI16xIQ", encoded, len(encoded) + 2, kind, 1, _FREE, right, child, 0, begin, size)
