"""Files in: formats, dialects, the header rule, limits.

Rules are tested in this process, which is fast; the guarded process where it matters.
"""

import csv
import datetime as dt
import decimal
import gzip
import io
import json
import os
import select
import signal
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.data.reading import reader as readers
from core.data.reading.child.guard import _answer
from core.data.reading.child.request import clean_header
from core.data.reading.client import ReaderProcess
from core.data.reading.reader import check_upload_name, list_sheets, read_file
from core.domain.reading import ReadOptions
from core.errors import DataError, DiskFullError, EmptyDataError, FileTooLargeError, UnreadableFileError
from core.settings import ROOT, Settings

DATA = os.environ.get("BELLWETHER_TEST_DATA")
real_data = pytest.mark.skipif(not DATA, reason="BELLWETHER_TEST_DATA names no folder with the real files")


@pytest.fixture(autouse=True)
def _field_limit():
    """The child sets the standard library's global limit; here it must not reach other tests."""
    before = csv.field_size_limit()
    yield
    csv.field_size_limit(before)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def read_here(tmp_path: Path, content: bytes, name: str = "a.csv", sheet: str | None = None, **limits):
    """Read bytes with the child's own code, without the child; return what `read_file` would and the table."""
    source, out = tmp_path / "bytes", tmp_path / "out.parquet"
    source.write_bytes(content)
    settings = Settings(home=tmp_path, **limits)
    request = readers._request("read", source, name, out, settings, ReadOptions(sheet=sheet))
    answer = readers._parse_answer(_answer(asdict(request)), out)
    return answer, pq.read_table(out)


def rows_of(tmp_path: Path, content: bytes, name: str = "a.csv", **limits) -> list[list]:
    return [list(row.values()) for row in read_here(tmp_path, content, name, **limits)[1].to_pylist()]


def workbook(tmp_path: Path, **sheets: list[list]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "made.xlsx")
    return (tmp_path / "made.xlsx").read_bytes()


# --- text -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(tmp_path, separator, line_end):
    lines = [["a", "b"], ["1,5;x", "é"], ["", " pad "]]
    text = line_end.join(separator.join(f'"{cell}"' for cell in line) for line in lines)
    answer, table = read_here(tmp_path, text.encode())
    assert answer.separator == separator
    assert table.to_pylist() == [{"a": "1,5;x", "b": "é"}, {"a": "", "b": " pad "}]


def test_cells_are_the_exact_source_text(tmp_path):
    text = 'a,b,c\n007,NA, x\n1.50,null,"say ""hi"""\n,-,\n'
    assert rows_of(tmp_path, text.encode()) == [["007", "NA", " x"], ["1.50", "null", 'say "hi"'], ["", "-", ""]]
    assert {field.type for field in pq.read_schema(tmp_path / "out.parquet")} == {pa.string()}


@pytest.mark.parametrize(
    ("encoding", "named"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("cp1252", "cp1252"), ("utf-16", "utf-16")]
)
def test_encodings(tmp_path, encoding, named):
    answer, table = read_here(tmp_path, "naïve,€\n1,ß\n".encode(encoding))
    assert answer.encoding == named
    assert table.to_pylist() == [{"naïve": "1", "€": "ß"}]
    assert ("Windows-1252" in " ".join(answer.warnings)) == (named == "cp1252")


def test_latin_1_that_shows_late_is_read_again(tmp_path):
    content = b"a,b\n" + b"1,plain\n" * 40_000 + b"2,caf\xe9\n"
    answer, table = read_here(tmp_path, content)
    assert answer.encoding == "cp1252"
    assert (answer.rows, table["b"][-1].as_py()) == (40_001, "café")


def test_bytes_in_no_known_encoding_are_refused(tmp_path):
    with pytest.raises(UnreadableFileError) as caught:
        rows_of(tmp_path, b"a,b\n\x81\x8d,\xff\n")
    assert caught.value.code == "file.encoding"


def test_quoted_line_breaks(tmp_path):
    answer, table = read_here(tmp_path, b'"a\nb",c\n"x\ny",1\n"z",2\n')
    assert table.to_pylist() == [{"a b": "x\ny", "c": "1"}, {"a b": "z", "c": "2"}]
    assert answer.warnings == ("Column 1, 'a\\nb', is called 'a b'.",)


def test_blank_lines_are_skipped_and_said(tmp_path):
    answer, table = read_here(tmp_path, b"\n\na,b\n1,2\n\n3,4\n\n")
    assert table.num_rows == 2
    assert answer.warnings == ("2 blank lines were skipped.",)


@pytest.mark.parametrize(
    ("content", "line", "cells", "width"),
    [
        (b"a,b\n1,2\n3\n", 3, 1, 2),
        (b"a,b\n1,2,3\n", 2, 3, 2),
        (b"a,b\n1\n2\n", 2, 1, 2),
        (b'a,b\n"x\ny",2\n\n1,2,3\n', 5, 3, 2),
        (b"a,b\n" + b"1,2\n" * 50_000 + b"1\n", 50_002, 1, 2),
    ],
)
def test_a_ragged_row_is_named(tmp_path, content, line, cells, width):
    with pytest.raises(UnreadableFileError) as caught:
        rows_of(tmp_path, content)
    assert caught.value.code == "file.ragged"
    assert caught.value.message == f"Line {line:,} has {cells} cells; the header has {width}."


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'a,b\n1,"x\n2,y\n3,z\n', 2),  # never closed: the fast parser alone would return one row
        (b'a,b\n1,"abc\n2,y\n3,"def"\n4,k\n', 2),  # closed by the next quote: two rows swallowed
    ],
)
def test_quotes_that_swallow_rows_are_refused(tmp_path, content, line):
    with pytest.raises(UnreadableFileError) as caught:
        rows_of(tmp_path, content, max_cell_bytes=2000)
    assert caught.value.code == "file.quotes"
    assert f"Line {line} " in caught.value.message


def test_a_header_that_never_ends_is_refused(tmp_path):
    with pytest.raises(UnreadableFileError) as caught:
        rows_of(tmp_path, b'"a,b\n' + b"1,2\n" * 10)
    assert caught.value.code in {"file.quotes", "file.ragged"}


def test_quotes_inside_a_cell_are_text(tmp_path):
    assert rows_of(tmp_path, b'a,b\n5" disk,x\n') == [['5" disk', "x"]]


def test_one_column(tmp_path):
    answer, table = read_here(tmp_path, b"text\nhello\nworld\n")
    assert (answer.separator, table.to_pydict()) == (",", {"text": ["hello", "world"]})


def test_gzip(tmp_path):
    content = gzip.compress(b"a;b\n1;2\n") + gzip.compress(b"3;4\n")
    assert rows_of(tmp_path, content, "a.csv.gz") == [["1", "2"], ["3", "4"]]


def test_gzip_bomb_stops_at_the_limit(tmp_path):
    with pytest.raises(FileTooLargeError) as caught:
        rows_of(tmp_path, gzip.compress(b"a,b\n" + b"1,2\n" * 500_000), "a.csv.gz", max_file_bytes=1_000_000)
    assert "BELLWETHER_MAX_FILE" in caught.value.hint


@pytest.mark.parametrize("odd", ["1e999", "1,234.50", "--", "٣", "🙂"])
def test_odd_numbers_stay_text(tmp_path, odd):
    assert rows_of(tmp_path, f'a,b\n"{odd}",1\n'.encode()) == [[odd, "1"]]


# --- header and limits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        (["a", "a", "a"], ["a", "a_2", "a_3"]),
        (["a", "a", "a_2"], ["a", "a_3", "a_2"]),
        (["", " ", "column_1"], ["column_1", "column_2", "column_1_2"]),
        ([" x\ty\r\nz "], ["x y z"]),
        (['say "hi"', "c:\\d"], ["say 'hi'", "c:/d"]),
        (["总价(万元)", "🙂", "a[1], b", "A", "a"], ["总价(万元)", "🙂", "a[1], b", "A", "a"]),
        (["x" * 301, "x" * 302], ["x" * 300, "x" * 300 + "_2"]),
        (["a\x07b\x7f"], ["ab"]),
    ],
)
def test_header_rule(raw, names):
    cleaned, warnings = clean_header(raw, 10)
    assert cleaned == names
    assert len(warnings) == sum(old != new for old, new in zip(raw, names, strict=True))


@pytest.mark.parametrize(
    ("content", "limits", "code"),
    [
        (b"a,b,c\n1,2,3\n", {"max_columns": 2}, "file.too_many_columns"),
        (b"a,b\n1," + b"x" * 101 + b"\n", {"max_cell_bytes": 100}, "file.cell_too_large"),
        (b"a,b\n1,2\n", {"max_file_bytes": 7}, "file.too_large"),
    ],
)
def test_limits_name_themselves(tmp_path, content, limits, code):
    with pytest.raises(FileTooLargeError) as caught:
        rows_of(tmp_path, content, **limits)
    assert caught.value.code == code
    assert "BELLWETHER_MAX_" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file.empty"),
        (b"\n \n", "file.empty"),
        (b"\xef\xbb\xbf", "file.empty"),
        (b"a,b", "file.no_rows"),
        (b"a,b\n\n\n", "file.no_rows"),
    ],
)
def test_no_data(tmp_path, content, code):
    with pytest.raises(EmptyDataError) as caught:
        rows_of(tmp_path, content)
    assert caught.value.code == code


# --- Excel and Parquet ----------------------------------------------------------------------------------------------


def test_xlsx_cells_become_canonical_text(tmp_path):
    row = [
        "007",
        12.0,
        0.1,
        True,
        dt.date(2024, 3, 1),
        dt.datetime(2024, 3, 1, 13, 5, 9),  # noqa: DTZ001 - Excel knows no zones
        dt.time(7, 30),
        None,
        " x ",
        -3,
    ]
    content = workbook(tmp_path, s=[list("abcdefghij"), row])
    assert rows_of(tmp_path, content, "a.xlsx") == [
        ["007", "12", "0.1", "true", "2024-03-01", "2024-03-01 13:05:09", "07:30:00", "", " x ", "-3"]
    ]


def test_xlsx_takes_the_first_sheet_with_rows_or_the_one_named(tmp_path):
    content = workbook(tmp_path, empty=[], header=[["a"]], good=[["a"], [1]], other=[["b"], [2]])
    answer, table = read_here(tmp_path, content, "a.xlsx")
    assert (answer.sheet, answer.sheets) == ("good", ("empty", "header", "good", "other"))
    assert table.to_pydict() == {"a": ["1"]}
    assert read_here(tmp_path, content, "a.xlsx", sheet="other")[1].to_pydict() == {"b": ["2"]}
    with pytest.raises(EmptyDataError) as caught:
        read_here(tmp_path, content, "a.xlsx", sheet="header")
    assert caught.value.code == "file.no_rows"
    with pytest.raises(UnreadableFileError) as missing:
        read_here(tmp_path, content, "a.xlsx", sheet="nope")
    assert missing.value.code == "file.no_such_sheet"
    assert "good" in missing.value.hint


def test_xlsx_table_that_starts_lower_and_has_blank_rows(tmp_path):
    content = workbook(tmp_path, s=[[], [None, "a", "b"], [None, 1, 2], [], [None, 3, None]])
    answer, table = read_here(tmp_path, content, "a.xlsx")
    assert table.to_pydict() == {"a": ["1", "3"], "b": ["2", ""]}
    assert answer.warnings == ("1 blank row was skipped.",)


def test_parquet_types(tmp_path):
    stamp = dt.datetime(2024, 1, 2, 3, 4, 5)  # noqa: DTZ001 - as it comes back
    table = pa.table(
        {
            "i": pa.array([1, None], pa.int32()),
            "f": [1.5, None],
            "b": [True, None],
            "s": ["x", None],
            "l": pa.array(["x", None], pa.large_string()),
            "d": pa.array(["x", None]).dictionary_encode(),
            "db": pa.array([True, None]).dictionary_encode(),
            "n": pa.array([decimal.Decimal("1.25"), None]),
            "t": pa.array([stamp, None], pa.timestamp("us")),
            "day": [dt.date(2024, 1, 2), None],
            "time": pa.array([dt.time(1, 2, 3), None], pa.time32("s")),
            "none": pa.nulls(2),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    _, read = read_here(tmp_path, (tmp_path / "in.parquet").read_bytes(), "a.parquet")
    assert read.to_pylist()[0] == {
        "i": 1, "f": 1.5, "b": "true", "s": "x", "l": "x", "d": "x", "db": "true", "n": 1.25, "t": stamp,
        "day": dt.date(2024, 1, 2), "time": "01:02:03", "none": None,
    }  # fmt: skip
    assert set(read.to_pylist()[1].values()) == {None}
    assert read.schema.field("n").type == pa.float64()
    assert read.schema.field("i").type == pa.int32()


def test_long_whole_numbers_of_a_workbook_keep_their_digits(tmp_path):
    ids = [1234567890123456789, 1234567890123456790, -9007199254740993, 12345678901234567890123]
    rows = [[None, 4_000 + place, 1.5] for place in range(4)]  # the libraries for tests round as well
    content = workbook(tmp_path, s=[[], [None, "id", "n"], *rows, [], [None, 5, 2]])
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(out, "w") as made:
        for name in archive.namelist():
            xml = archive.read(name)
            for place, number in enumerate(ids):
                xml = xml.replace(f"<v>{4_000 + place}</v>".encode(), f"<v>{number}</v>".encode())
            made.writestr(name, xml)
    answer, table = read_here(tmp_path, out.getvalue(), "a.xlsx")
    assert table.to_pydict() == {"id": [*map(str, ids), "5"], "n": ["1.5", "1.5", "1.5", "1.5", "2"]}
    assert not any("rounded" in text for text in answer.warnings)


def test_long_whole_numbers_that_a_workbook_has_rounded_are_told(tmp_path):
    answer, _ = read_here(tmp_path, workbook(tmp_path, s=[["id", "n"], [1.234567890123457e18, 1], [5, 1]]), "a.xlsx")
    assert "may be rounded: 'id'." in answer.warnings[0]


@pytest.mark.parametrize("frequency", ["Y", "Q", "M", "D", "h", "min", "s"])
def test_periods_of_pandas_are_the_dates_they_begin_at(tmp_path, frequency):
    periods = pd.Series([*pd.period_range("1969-11-30", periods=4, freq=frequency), pd.NaT])
    pd.DataFrame({"p": periods, "y": 1}).to_parquet(tmp_path / "in.parquet")
    answer, read = read_here(tmp_path, (tmp_path / "in.parquet").read_bytes(), "a.parquet")
    assert read["p"].to_pylist() == [*(one.start_time.to_pydatetime() for one in periods[:4]), None]
    assert answer.warnings == ()


def test_periods_whose_begin_is_not_known_are_told(tmp_path):
    pd.DataFrame({"p": pd.period_range("2024-01-01", periods=2, freq="W")}).to_parquet(tmp_path / "in.parquet")
    answer, _ = read_here(tmp_path, (tmp_path / "in.parquet").read_bytes(), "a.parquet")
    assert "'p' holds periods (W-SUN) that are read as their numbers" in answer.warnings[0]


LONG = ["1234567890123456789", "1234567890123456790", "-9007199254740993"]


@pytest.mark.parametrize(
    ("kind", "texts", "read_as"),
    [
        (pa.decimal128(18, 0), ["123456789012345678", "123456789012345679"], pa.int64()),
        (pa.decimal128(38, 0), ["1", "2"], pa.int64()),
        (pa.decimal128(38, 0), LONG, pa.int64()),
        (pa.decimal128(38, 0), ["12345678901234567890123", "2"], pa.string()),
        (pa.decimal256(50, 0), ["12345678901234567890123", "-2"], pa.string()),
        (pa.decimal128(38, 10), LONG, pa.string()),
        (pa.decimal128(38, 10), ["1.5", "100"], pa.float64()),
        (pa.decimal128(38, 2), ["12345678901234567.5", "100", "0.01"], pa.string()),
    ],
)
def test_parquet_decimals_keep_their_digits(tmp_path, kind, texts, read_as):
    values = pa.array([*map(decimal.Decimal, texts), None], kind)
    pq.write_table(pa.table({"n": values, "d": values.dictionary_encode()}), tmp_path / "in.parquet")
    _, read = read_here(tmp_path, (tmp_path / "in.parquet").read_bytes(), "a.parquet")
    for column in read.columns:
        assert column.type == read_as
        assert [str(value).removesuffix(".0") for value in column.to_pylist()] == [*texts, "None"]


def test_parquet_timestamps_of_spark_do_not_wrap(tmp_path):
    stamps = [dt.datetime(9999, 12, 31), dt.datetime(1600, 1, 1), None]  # noqa: DTZ001 - as it comes back
    table = pa.table({"t": pa.array(stamps, pa.timestamp("us"))})
    pq.write_table(table, tmp_path / "in.parquet", use_deprecated_int96_timestamps=True)
    _, read = read_here(tmp_path, (tmp_path / "in.parquet").read_bytes(), "a.parquet")
    assert read["t"].to_pylist() == stamps


@pytest.mark.parametrize(
    "column", [pa.array([[1]]), pa.array([{"x": 1}]), pa.array([b"x"]), pa.array([dt.timedelta(1)])]
)
def test_parquet_types_that_are_no_cells_are_refused(tmp_path, column):
    pq.write_table(pa.table({"odd": column}), tmp_path / "in.parquet")
    with pytest.raises(DataError) as caught:
        rows_of(tmp_path, (tmp_path / "in.parquet").read_bytes(), "a.parquet")
    assert caught.value.code == "file.column_type"
    assert "'odd'" in caught.value.message


def test_parquet_bomb_stops_at_the_limit(tmp_path):
    pq.write_table(pa.table({"a": pa.array(["x" * 1000] * 100_000)}), tmp_path / "in.parquet")
    content = (tmp_path / "in.parquet").read_bytes()
    assert len(content) < 1_000_000
    with pytest.raises(FileTooLargeError):
        rows_of(tmp_path, content, "a.parquet", max_file_bytes=1_000_000)


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a.csv", "a.csv"),
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\Users\\me\\Sales 2024.XLSX", "Sales 2024.XLSX"),
        ("evil\u202efdp.csv", "evilfdp.csv"),
        ("a\x00b\n.csv", "ab.csv"),
        ("x" * 300 + ".csv.gz", "x" * 113 + ".csv.gz"),
        (".csv", "file.csv"),
        ("数据🙂.parquet", "数据🙂.parquet"),
    ],
)
def test_upload_names(name, shown):
    assert check_upload_name(name) == shown


@pytest.mark.parametrize(
    "name", ["a.xlsm", "a.xlsb", "a", "a.csv.exe", "a.zip.gz", "a.7z", "a.xlsx.gz", "model.pkl", "a.gz", "", "a.csv/"]
)
def test_names_that_are_refused(name):
    with pytest.raises(DataError) as caught:
        check_upload_name(name)
    assert caught.value.code == ("file.macros" if name.endswith("xlsm") else "file.unsupported")


# --- the guarded child ----------------------------------------------------------------------------------------------


def read_guarded(tmp_path: Path, content: bytes, name: str = "a.csv", **limits):
    source = tmp_path / "bytes"
    source.write_bytes(content)
    return read_file(source, name, tmp_path / "out" / "o.parquet", Settings(home=tmp_path, min_free_bytes=1, **limits))


def test_read_file_end_to_end(tmp_path):
    info = read_guarded(tmp_path, b"a;a\n1;2\n")
    assert info == readers.FileInfo(
        rows=1,
        columns=("a", "a_2"),
        format="csv",
        encoding="utf-8",
        separator=";",
        sheet=None,
        sheets=(),
        warnings=("Column 2, 'a', is called 'a_2'.",),
        quote='"',
        renamed=(("a", "a_2"),),
    )
    assert names_in(tmp_path / "out") == ["o.parquet"]
    assert (tmp_path / "out" / "o.parquet").stat().st_mode & 0o777 == 0o600


def test_list_sheets(tmp_path):
    (tmp_path / "b").write_bytes(workbook(tmp_path, one=[["a"], [1]], 二=[]))
    assert list_sheets(tmp_path / "b", "b.xlsx", Settings(home=tmp_path)) == ("one", "二")
    assert list_sheets(tmp_path / "b", "b.csv", Settings(home=tmp_path)) == ()


def test_an_error_keeps_the_old_output_and_no_temporary_file(tmp_path):
    read_guarded(tmp_path, b"a,b\n1,2\n")
    with pytest.raises(UnreadableFileError):
        read_guarded(tmp_path, b"a,b\n1\n")
    assert names_in(tmp_path / "out") == ["o.parquet"]
    assert pq.read_table(tmp_path / "out" / "o.parquet").num_rows == 1


def _reader_that(tmp_path: Path, monkeypatch, body: str) -> ReaderProcess:
    """Have readers do something else than read."""
    script = tmp_path / "server.py"
    script.write_text(
        f"import os, sys, threading, time\nsys.path.append({str(ROOT)!r})\n"
        "from core.data.reading.child import guard, server\n"
        f"def answer(fields):\n    {body}\nguard.answer = answer\nserver.main()\n"
    )
    process = ReaderProcess(script)
    monkeypatch.setattr(readers, "_process", process)
    return process


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (f"os.kill(os.getpid(), {signal.SIGKILL})", "file.reader_died"),
        ("os.abort()", "file.reader_died"),
        ("raise SystemExit(1)", "file.reader_died"),
        ("os._exit(0)", "file.reader_died"),
        (f"os.kill(os.getppid(), {signal.SIGKILL})", "file.reader_died"),
        (f"os.kill(os.getpid(), {signal.SIGXCPU})", "file.too_slow"),
        ("threading.Event().wait()", "file.too_slow"),
    ],
)
def test_a_dead_reader_is_an_unreadable_file(tmp_path, monkeypatch, body, code):
    process = _reader_that(tmp_path, monkeypatch, body)
    with pytest.raises(UnreadableFileError) as caught:
        read_guarded(tmp_path, b"a,b\n1,2\n", reader_wall_s=2 if code == "file.too_slow" else 30)
    assert caught.value.code == code
    assert names_in(tmp_path / "out") == []
    process.close()


def test_a_full_disk_in_the_reader(tmp_path, monkeypatch):
    process = _reader_that(tmp_path, monkeypatch, "return {'errno': 28}")
    with pytest.raises(DiskFullError):
        read_guarded(tmp_path, b"a,b\n1,2\n")
    assert names_in(tmp_path / "out") == []
    process.close()


@pytest.mark.slow
def test_a_reader_out_of_time_has_ended_when_that_is_said(tmp_path, monkeypatch):
    alive = tmp_path / "alive"
    process = _reader_that(tmp_path, monkeypatch, f"open({str(alive)!r}, 'w').write(str(os.getpid())); time.sleep(99)")
    with pytest.raises(UnreadableFileError):
        read_guarded(tmp_path, b"a,b\n1,2\n", reader_wall_s=2)
    with pytest.raises(ProcessLookupError):
        os.kill(int(alive.read_text()), 0)
    process.close()


def test_the_server_of_readers_may_end_between_files(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "_process", process := ReaderProcess())
    read_guarded(tmp_path, b"a,b\n1,2\n")
    first = process.pid
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert read_guarded(tmp_path, b"a,b\n1,2\n").rows == 1
    assert process.pid != first
    process.close()


def test_many_files_at_once_are_not_mixed_up(tmp_path):
    def read(number: int) -> tuple[int, tuple[str, ...]]:
        folder = tmp_path / str(number)
        folder.mkdir()
        info = read_guarded(folder, b"c%d\n" % number + b"1\n" * number)
        return info.rows, info.columns

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, range(1, 25))) == [(number, (f"c{number}",)) for number in range(1, 25)]


def test_the_server_of_readers_has_one_thread_and_ends_with_its_owner(tmp_path):
    code = (
        "import os, signal, sys; sys.path.append(sys.argv[1]); from core.data.reading.client import ReaderProcess; "
        "process = ReaderProcess(); process.ask(b'{}', 30); print(process.pid, flush=True); sys.stdin.readline(); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", code, str(ROOT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        pid = int(owner.stdout.readline())
        assert len(list(Path(f"/proc/{pid}/task").iterdir())) == 1  # a fork of more than one thread may lock up
        ended = os.pidfd_open(pid)
        owner.stdin.write("\n")
        owner.stdin.close()
        assert select.select([ended], [], [], 10)[0]
        os.close(ended)


def test_too_little_space_is_refused_before_reading(tmp_path):
    (tmp_path / "a").write_bytes(b"a\n1\n")
    with pytest.raises(DiskFullError):
        read_file(tmp_path / "a", "a.csv", tmp_path / "o.parquet", Settings(home=tmp_path, min_free_bytes=2**60))


def test_memory_limit(tmp_path):
    with pytest.raises(DataError) as caught:
        read_guarded(tmp_path, b"a,b\n" + b"1,2\n" * 3_000_000, reader_memory_bytes=200 * 1024**2)
    assert caught.value.code in {"file.memory", "file.reader_died"}
    assert names_in(tmp_path / "out") == []


# --- real files -----------------------------------------------------------------------------------------------------


@real_data
@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("insurance_cross_sell_unlabelled.csv.gz", 127_037, 11),
        ("insurance_score_sample.xlsx", 1_000, 11),
        ("real_estate_valuation.xlsx", 414, 8),
        ("amazon_reviews_20k.csv.gz", 20_000, 2),
        ("ningbo_homes.csv.gz", 3_000, 27),
        ("titanic.csv", 891, 12),
    ],
)
def test_real_files(tmp_path, name, rows, columns):
    out = tmp_path / "o.parquet"
    info = read_file(Path(str(DATA)) / name, name, out, Settings(home=tmp_path, min_free_bytes=1))
    assert (info.rows, len(info.columns), info.warnings) == (rows, columns, ())
    assert pq.read_schema(out).names == list(info.columns)


@real_data
def test_a_real_file_against_the_standard_library(tmp_path):
    content = (Path(str(DATA)) / "titanic.csv").read_bytes()
    header, *expected = list(csv.reader(content.decode().splitlines(keepends=True)))
    answer, table = read_here(tmp_path, content)
    assert list(answer.columns) == header
    assert [list(row.values()) for row in table.to_pylist()] == expected


def test_a_reader_does_without_pandas(tmp_path):
    """Importing it would take longer than reading most files."""
    source = tmp_path / "in.csv"
    source.write_bytes(b"a,b\n1,x\nTotal,2\n")
    request = readers._request("read", source, "a.csv", tmp_path / "o", Settings(home=tmp_path), ReadOptions())
    code = (
        "import json, sys; sys.path.append(sys.argv[1]); from core.data.reading.child.guard import _answer; "
        "assert 'ok' in _answer(json.loads(sys.argv[2])); print('pandas' in sys.modules)"
    )
    root = Path(readers.__file__).resolve().parents[3]
    command = [sys.executable, "-I", "-c", code, str(root), json.dumps(asdict(request))]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
