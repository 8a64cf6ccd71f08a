"""T08: content that is not what the name says, and odd names: refused with a code, or read as docs/files.md says."""

import csv
import gzip
import io
import os
import random
import zipfile
from dataclasses import asdict
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.data.reading import reader as readers
from core.data.reading.child.guard import _answer
from core.data.reading.reader import check_upload_name, read_file
from core.errors import DataError
from core.settings import Settings

_CSV = b"a,b\n1,2\n"


def xlsx() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.active.append([1])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def parquet() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": [1] * 1000}), buffer)
    return buffer.getvalue()


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", 8) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_macro() -> bytes:
    buffer = io.BytesIO(xlsx())
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"macro")
    return buffer.getvalue()


def with_a_broken_part() -> bytes:
    """Return a workbook whose first packed part does not unpack."""
    content = bytearray(xlsx())
    start = 30 + content[26] + content[28]
    content[start : start + 40] = b"\xff" * 40
    return bytes(content)


def with_a_broken_directory() -> bytes:
    """Return a workbook whose directory points before the start of the file."""
    content = xlsx()
    end = content.rindex(b"PK\x05\x06")
    return content[: end + 12] + (2**31).to_bytes(4, "little") + content[end + 16 :]


_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)
_GARBAGE = random.Random(8).randbytes(5000)

# name as uploaded -> (content, code, or the number of rows when it is read)
CASES = {
    "program.csv": (b"MZ\x90\x00" + bytes(200), "file.binary"),
    "elf.csv": (b"\x7fELF" + bytes(200), "file.content_mismatch"),
    "text.xlsx": (_CSV, "file.content_mismatch"),
    "page.xlsx": (b"<html><table></table></html>", "file.content_mismatch"),
    "page.csv": (b" <!DOCTYPE html><html></html>", "file.content_mismatch"),
    "book.csv": (xlsx(), "file.content_mismatch"),
    "old.xlsx": (_OLE2, "file.content_mismatch"),
    "locked.xlsx": (_OLE2 + "EncryptedPackage".encode("utf-16-le"), "file.encrypted"),
    "macro.xlsx": (with_macro(), "file.macros"),
    "macro.xlsm": (with_macro(), "file.macros"),
    "many.xlsx": (zipped(one=b"1", two=b"2"), "file.content_mismatch"),
    "many.csv": (zipped(one=b"1", two=b"2"), "file.content_mismatch"),
    "cut.xlsx": (xlsx()[:2000], "file.unreadable"),
    "broken_part.xlsx": (with_a_broken_part(), "file.unreadable"),
    "broken_directory.xlsx": (with_a_broken_directory(), "file.unreadable"),
    "garbage.xlsx": (_GARBAGE, "file.content_mismatch"),
    "garbage.csv": (_GARBAGE, "file.binary"),
    "garbage.txt": (_GARBAGE.replace(b"\0", b"\1"), "file.binary"),
    "garbage.parquet": (_GARBAGE, "file.content_mismatch"),
    "garbage.csv.gz": (_GARBAGE, "file.content_mismatch"),
    "nul.csv": (b"a,b\n1,\x002\n", "file.binary"),
    "nul_late.csv": (b"a,b\n" + b"1,2\n" * 100_000 + b"1,\x00\n", "file.binary"),
    "cut.csv.gz": (gzip.compress(os.urandom(99).hex().encode() * 9)[:-9], "file.broken_gzip"),
    "crc.csv.gz": (gzip.compress(_CSV)[:-8] + bytes(8), "file.broken_gzip"),
    "plain.csv.gz": (_CSV, "file.content_mismatch"),
    "zipped.csv": (gzip.compress(_CSV), "file.content_mismatch"),
    "book.csv.gz": (gzip.compress(xlsx()), "file.content_mismatch"),
    "text.parquet": (_CSV, "file.content_mismatch"),
    "cut.parquet": (parquet()[:-20], "file.unreadable"),
    "holed.parquet": (parquet()[:4] + bytes(40) + parquet()[44:], "file.unreadable"),
    "records.csv": (b'[{"a": 1}]', "file.content_mismatch"),
    "empty.tsv": (b"", "file.empty"),
    "virus.exe": (_CSV, "file.unsupported"),
    "../../../etc/cron.d/x.csv": (_CSV, 1),
    "x" * 300 + ".csv": (_CSV, 1),
    "xslx.\u202evsc.csv": (_CSV, 1),
    "utf16.txt": ("a\tb\n1\t2\n".encode("utf-16"), 1),
    "UPPER.CSV": (_CSV, 1),
}


@pytest.fixture(autouse=True)
def _no_child(monkeypatch):
    """Run the child's code in this process: what is refused is the same, and a process for each case takes seconds."""
    monkeypatch.setattr(
        readers,
        "_ask_child",
        lambda request, _settings: readers._parse_answer(_answer(asdict(request)), Path(request.out)),
    )
    # The child sets this global limit; it must not reach other tests.
    before = csv.field_size_limit()
    yield
    csv.field_size_limit(before)


@pytest.mark.parametrize("name", CASES)
def test_case(tmp_path, name):
    content, expected = CASES[name]
    stored = tmp_path / "stored-under-a-name-of-ours"
    stored.write_bytes(content)
    settings = Settings(home=tmp_path, min_free_bytes=1, reader_cpu_s=10)
    out: Path = tmp_path / "out" / "o.parquet"

    def upload() -> int:
        return read_file(stored, check_upload_name(name), out, settings).rows

    if isinstance(expected, int):
        assert upload() == expected
        assert [path.name for path in out.parent.iterdir()] == ["o.parquet"]
        return
    with pytest.raises(DataError) as caught:
        upload()
    assert caught.value.code == expected
    assert caught.value.hint
    assert not out.parent.exists() or list(out.parent.iterdir()) == []
