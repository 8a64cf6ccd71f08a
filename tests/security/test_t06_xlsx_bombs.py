"""T06: workbooks made to exhaust memory end as a clear error within the limit, and the server does not feel them."""

import io
import os
import time
import zipfile
from pathlib import Path

import openpyxl
import psutil
import pytest

from core.data.reading.reader import list_sheets, read_file
from core.errors import DataError
from core.settings import Settings

MIB = 1024**2
_SHEET = "xl/worksheets/sheet1.xml"
_HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
_TAIL = b"</sheetData></worksheet>"


def plain_workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append(["x", 1])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def with_parts(**parts: bytes) -> bytes:
    """Return the plain workbook with some members replaced or added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain_workbook())) as source, zipfile.ZipFile(buffer, "w", 8) as target:
        for member in source.namelist():
            if member not in parts:
                target.writestr(member, source.read(member))
        for name, content in parts.items():
            target.writestr(name, content)
    return buffer.getvalue()


def with_sheet(rows: bytes) -> bytes:
    return with_parts(**{_SHEET: _HEAD + rows + _TAIL})


def far_cells(last: str, row: int) -> bytes:
    return with_sheet(
        f'<row r="1"><c r="A1"><v>1</v></c></row><row r="{row}"><c r="{last}{row}"><v>1</v></c></row>'.encode()
    )


def big_strings() -> bytes:
    """Return a workbook that unpacks to 110 MiB at a ratio that is not suspicious."""
    texts = b"".join(b"<si><t>%s</t></si>" % (b"x" * 20 + b"%d" % number) for number in range(1000))
    return with_parts(**{f"xl/media/{number}.xml": b"<sst>" + texts * 50 + b"</sst>" for number in range(60)})


def lying_directory() -> bytes:
    """Return a workbook whose zip directory gives a small size for a part that unpacks to 64 MiB."""
    sheet = _HEAD + b" " * 64 * MIB + _TAIL
    content = bytearray(with_parts(**{_SHEET: sheet}))
    true, told = len(sheet).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    return bytes(content.replace(true, told))


BOMBS = {
    "two far cells, 4 KB": (lambda: far_cells("XFD", 1_048_576), {"file.reader_died", "file.memory"}),
    "two cells far apart in rows": (lambda: far_cells("ZZZ", 1_048_576), {"file.reader_died", "file.unreadable"}),
    "wide": (lambda: far_cells("XFD", 1), {"file.too_many_columns"}),
    "blown-up sheet": (lambda: with_sheet(b" " * 40 * MIB), {"file.suspicious_archive"}),
    "over the unpacked limit": (big_strings, {"file.unpacked_too_large"}),
    "2,000 members": (
        lambda: with_parts(**{f"xl/media/{number}.xml": b"<a/>" for number in range(2000)}),
        {"file.suspicious_archive"},
    ),
    "lying directory": (lying_directory, {"file.unreadable", "file.reader_died", "file.suspicious_archive"}),
    "endless text in a cell": (
        lambda: with_sheet(
            b'<row r="1"><c t="inlineStr"><is><t>' + os.urandom(MIB).hex().encode() + b"</t></is></c></row>"
        ),
        {"file.unreadable", "file.cell_too_large", "file.no_rows", "file.unpacked_too_large"},
    ),
    "deep nesting": (
        lambda: with_sheet(b"<row>" * 100_000 + b"</row>" * 100_000),
        {"file.suspicious_archive", "file.empty", "file.unreadable", "file.no_rows", "file.reader_died"},
    ),
    "row numbers over the end": (lambda: far_cells("A", 4_000_000_000), {"file.unreadable", "file.reader_died"}),
}


def read(tmp_path: Path, content: bytes):
    source = tmp_path / "upload"
    source.write_bytes(content)
    settings = Settings(
        home=tmp_path,
        min_free_bytes=1,
        reader_memory_bytes=700 * MIB,
        reader_cpu_s=10,
        reader_wall_s=20,
        max_unpacked_bytes=100 * MIB,
    )
    return read_file(source, "bomb.xlsx", tmp_path / "out" / "o.parquet", settings)


@pytest.mark.parametrize("name", BOMBS)
def test_bomb(tmp_path, name):
    make, codes = BOMBS[name]
    content = make()
    before, begun = psutil.Process().memory_info().rss, time.monotonic()
    with pytest.raises(DataError) as caught:
        read(tmp_path, content)
    assert caught.value.code in codes
    assert time.monotonic() - begun < 20
    assert psutil.Process().memory_info().rss - before < 100 * MIB
    assert list((tmp_path / "out").iterdir()) == []


def test_the_plain_workbook_is_read_under_the_same_limits(tmp_path):
    assert read(tmp_path, plain_workbook()).rows == 1


def test_list_sheets_is_guarded_too(tmp_path):
    (tmp_path / "b").write_bytes(with_sheet(b" " * 40 * MIB))
    with pytest.raises(DataError) as caught:
        list_sheets(tmp_path / "b", "b.xlsx", Settings(home=tmp_path))
    assert caught.value.code == "file.suspicious_archive"
