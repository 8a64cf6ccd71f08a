"""T06 for archives and other workbooks: made to exhaust memory, to nest or to escape; each ends as a DataError."""

import io
import struct
import time
import zipfile
from pathlib import Path

import psutil
import pytest

from core.data.reading.reader import read_file
from core.errors import DataError
from core.settings import Settings
from tests.office_files import ods, xls, zipped

MIB = 1024**2
CSV = b"a,b\n1,2\n"
CELL = '<table:table-cell office:value-type="float" office:value="1"{}><text:p>1</text:p></table:table-cell>'


def quine_like() -> bytes:
    """Return archives in archives, ten deep."""
    content = zipped({"a.csv": CSV})
    for _ in range(10):
        content = zipped({"a.zip": content})
    return content


def lying_size() -> bytes:
    """Return an archive whose directory tells 1,000 bytes of a file of 64 MiB."""
    content = zipped({"a.csv": b"1,2\n" * (16 * MIB)})
    return content.replace((64 * MIB).to_bytes(4, "little"), (1000).to_bytes(4, "little"))


def overlapping() -> bytes:
    """Return an archive whose directory lists one file 900 times (Fifield 2019)."""
    content = zipped({"a.csv": b"1,2\n" * 200_000})
    end = content.rindex(b"PK\x05\x06")
    entry = content[content.index(b"PK\x01\x02") : end]
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 900, 900, 900 * len(entry), content.index(b"PK\x01\x02"), 0)
    return content[: content.index(b"PK\x01\x02")] + entry * 900 + tail


def encrypted() -> bytes:
    content = bytearray(zipped({"a.csv": CSV}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def far_cells() -> bytes:
    """Return an old workbook of a few cells that claims to be as large as one can be."""
    content = xls([["a"], [1]])
    place = content.index(b"\x00\x02\x0e\x00")
    return content[: place + 4] + struct.pack("<IIHHH", 0, 2**32 - 1, 0, 2**16 - 1, 0) + content[place + 18 :]


def far_number() -> bytes:
    content = xls([["a"], [1]])
    place = content.index(b"\x03\x02\x0e\x00")
    return content[: place + 4] + struct.pack("<HH", 65535, 65535) + content[place + 8 :]


def many_merges() -> bytes:
    return xls([["a"], *[[n] for n in range(500)]], merged=[(1, 65535, c % 256, 255) for c in range(1000)])


def repeated(columns: int, rows: int) -> bytes:
    cell = CELL.format(f' table:number-columns-repeated="{columns}"')
    row = f'<table:table-row table:number-rows-repeated="{rows}">{cell}</table:table-row>'
    return ods(body=f'<table:table table:name="x">{row}</table:table>')


# name -> (content, file name, codes)
BOMBS = {
    "zeros": (lambda: zipped({"a.csv": bytes(50 * MIB)}), "a.zip", {"file.suspicious_archive"}),
    "over the limit": (
        lambda: zipped({"a.csv": CSV * 15 * MIB}, method=zipfile.ZIP_STORED),
        "a.zip",
        {"file.unpacked_too_large", "file.too_large"},
    ),
    "nested": (quine_like, "a.zip", {"file.zip_members"}),
    "lying": (lying_size, "a.zip", {"file.unreadable", "file.suspicious_archive"}),
    "overlapping": (overlapping, "a.zip", {"file.zip_members", "file.unpacked_too_large", "file.unreadable"}),
    "2,000 members": (
        lambda: zipped({f"{n}.csv": b"" for n in range(2000)}),
        "a.zip",
        {"file.suspicious_archive"},
    ),
    "password": (encrypted, "a.zip", {"file.encrypted"}),
    "xls that claims a lot": (far_cells, "a.xls", {"file.unreadable", "file.reader_died"}),
    "xls with a far cell": (far_number, "a.xls", {"file.reader_died", "file.memory", "file.too_many_columns"}),
    "xls with many merged ranges": (many_merges, "a.xls", {None}),
    "ods wide": (lambda: repeated(2**30, 1), "a.ods", {"file.too_many_columns", "file.reader_died", "file.unreadable"}),
    "ods long": (lambda: repeated(1024, 2**20), "a.ods", {"file.unreadable", "file.reader_died", "file.no_rows"}),
    "ods below the cell limit": (
        lambda: repeated(90, 10**6),
        "a.ods",
        {"file.reader_died", "file.memory", "file.unreadable", "file.too_slow"},
    ),
    "ods with blown-up text": (
        lambda: ods(**{"content.xml": "<a>" + " " * 40 * MIB + "</a>"}),
        "a.ods",
        {"file.suspicious_archive"},
    ),
    "workbook in an archive": (lambda: zipped({"a.ods": repeated(1024, 2**20)}), "a.zip", {"file.unreadable"}),
}


def settings_of(home: Path) -> Settings:
    return Settings(
        home=home,
        min_free_bytes=1,
        reader_memory_bytes=700 * MIB,
        reader_cpu_s=10,
        reader_wall_s=20,
        max_unpacked_bytes=100 * MIB,
        max_file_bytes=100 * MIB,
    )


@pytest.mark.parametrize("name", BOMBS)
def test_bomb(tmp_path, name):
    make, file_name, codes = BOMBS[name]
    (tmp_path / "upload").write_bytes(make())
    settings, out = settings_of(tmp_path), tmp_path / "out" / "o.parquet"
    before, begun, code = psutil.Process().memory_info().rss, time.monotonic(), None
    try:
        read_file(tmp_path / "upload", file_name, out, settings)
    except DataError as error:
        code = error.code
    assert code in codes
    assert out.exists() == (code is None)
    assert time.monotonic() - begun < 20
    assert psutil.Process().memory_info().rss - before < 100 * MIB
    assert not settings.work_dir.exists() or list(settings.work_dir.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["../../escaped.csv", "/tmp/escaped.csv", "C:\\escaped.csv", "..\\..\\escaped.csv", "a/../../b/escaped.csv",
     "x" * 300 + "/escaped.csv", "\u202eescaped.csv", "./././escaped.csv"],
)  # fmt: skip
def test_a_name_in_an_archive_is_never_a_path(tmp_path, name):
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "upload").write_bytes(zipped({name: CSV}))
    info = read_file(tmp_path / "upload", "a.zip", home / "out" / "o.parquet", settings_of(home))
    assert info.rows == 1
    assert info.member.endswith("escaped.csv")
    assert not {"/", "\\", "\u202e"} & set(info.member)
    assert list(tmp_path.rglob("*escaped*")) == []
    assert not Path("/tmp/escaped.csv").exists()


def test_a_link_in_an_archive_is_only_its_text(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("a.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    (tmp_path / "upload").write_bytes(buffer.getvalue())
    with pytest.raises(DataError) as caught:
        read_file(tmp_path / "upload", "a.zip", tmp_path / "out" / "o.parquet", settings_of(tmp_path))
    assert caught.value.code == "file.no_rows"
