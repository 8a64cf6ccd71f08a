"""T07: XML in workbooks opens no file and no connection, and entities are not expanded."""

import io
import socket
import zipfile
from dataclasses import asdict
from pathlib import Path

import openpyxl
import pytest

from core.data.reading import reader as readers
from core.data.reading.child.guard import _answer
from core.data.reading.reader import read_file
from core.errors import UnreadableFileError
from core.settings import Settings

_SECRET = "do-not-read-me"
_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def doctypes(secret: Path, port: int) -> dict[str, str]:
    return {
        "xxe file": f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]>',
        "xxe http": f'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:{port}/">]>',
        "laughs": f'<!DOCTYPE a [<!ENTITY l0 "ha">{_LAUGHS}<!ENTITY x "&l9;">]>',
        "quadratic": f'<!DOCTYPE a [<!ENTITY x "{"y" * 50_000}">]>',
        "dtd": f'<!DOCTYPE a SYSTEM "http://127.0.0.1:{port}/a.dtd"><!-- x -->',
    }


def workbook(doctype: str, part: str, encoding: str) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.active.append(["PLACE"])
    plain, buffer = io.BytesIO(), io.BytesIO()
    book.save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(buffer, "w") as target:
        for member in source.namelist():
            content = source.read(member)
            if member == part:
                text = content.decode().replace("PLACE", "&x;")
                _, mark, rest = text.rpartition("?>")
                content = (f'<?xml version="1.0" encoding="{encoding}"{mark}' if mark else "").encode(encoding)
                content += (doctype + rest).encode(encoding)
            target.writestr(member, content)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def _no_child(monkeypatch):
    """Run the child's code in this process: what is refused is the same, and a process for each case takes seconds."""
    monkeypatch.setattr(
        readers,
        "_ask_child",
        lambda request, _settings: readers._parse_answer(_answer(asdict(request)), Path(request.out)),
    )


@pytest.mark.parametrize("kind", ["xxe file", "xxe http", "laughs", "quadratic", "dtd"])
@pytest.mark.parametrize(("part", "encoding"), [("xl/worksheets/sheet1.xml", "utf-8"), ("xl/workbook.xml", "utf-16")])
def test_payload(tmp_path, kind, part, encoding):
    secret = tmp_path / "secret"
    secret.write_text(_SECRET)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        (tmp_path / "in").write_bytes(workbook(doctypes(secret, server.getsockname()[1])[kind], part, encoding))
        settings = Settings(home=tmp_path, min_free_bytes=1, reader_cpu_s=10)
        with pytest.raises(UnreadableFileError) as caught:
            read_file(tmp_path / "in", "in.xlsx", tmp_path / "out" / "o.parquet", settings)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert caught.value.code == "file.xml_entities"
    assert _SECRET not in str(caught.value.to_dict())
    assert list((tmp_path / "out").iterdir()) == []
