"""Results out: what is written is what a reader gets back, and a failed write leaves the old file."""

import csv
import datetime as dt
import io
import json
import math
import os
import time
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.data.reading.reader import read_file
from core.errors import DataError, DiskFullError, UnsupportedFileError
from core.exports.tables import check_output, write_table
from core.settings import Settings

DATA = os.environ.get("BELLWETHER_TEST_DATA")
STAMP = dt.datetime(2024, 3, 1, 13, 5, 9)  # noqa: DTZ001 - as it stands in the file


@pytest.fixture
def table() -> pa.Table:
    return pa.table(
        {
            "text, long": ['say "hi"', "a,b", None, "x\ny", ""],
            "whole": pa.array([1, -2, None, 2**53, 0]),
            "share": [0.1, -5.0, None, float("nan"), 1e-300],
            "flag": [True, False, None, True, False],
            "when": [STAMP, None, STAMP, STAMP, STAMP],
            "day": [dt.date(1850, 1, 1), None, dt.date(2024, 1, 2), None, None],
            "level": pa.array(["a", "b", None, "a", "ü🙂"]).dictionary_encode(),
        }
    )


def write(table: pa.Table, tmp_path: Path, suffix: str, **options) -> Path:
    path = tmp_path / f"out.{suffix}"
    write_table(table, path, **options)
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o777 == 0o600
    return path


def test_csv(table, tmp_path):
    text = write(table, tmp_path, "csv").read_text(encoding="utf-8")
    assert list(csv.reader(io.StringIO(text))) == [
        ["text, long", "whole", "share", "flag", "when", "day", "level"],
        ['say "hi"', "1", "0.1", "true", "2024-03-01 13:05:09", "1850-01-01", "a"],
        ["a,b", "-2", "-5", "false", "", "", "b"],
        ["", "", "", "", "2024-03-01 13:05:09", "2024-01-02", ""],
        ["x\ny", "9007199254740992", "", "true", "2024-03-01 13:05:09", "", "a"],
        ["", "0", "1e-300", "false", "2024-03-01 13:05:09", "", "ü🙂"],
    ]
    assert text.count('"') == 12, "only cells that need quotes have them"


@pytest.mark.parametrize("values", [["x", None, "", "y"], [1, None, 2, 3]])
def test_csv_of_one_column_has_no_blank_lines(tmp_path, values):
    text = write(pa.table({"a": values}), tmp_path, "csv").read_text()
    assert "\n\n" not in text
    assert len(list(csv.reader(io.StringIO(text)))) == 5


def test_json_is_valid_and_has_numbers(table, tmp_path):
    text = write(table, tmp_path, "json").read_text(encoding="utf-8")
    records = json.loads(text, parse_constant=pytest.fail)
    assert records[0] == {
        "text, long": 'say "hi"', "whole": 1, "share": 0.1, "flag": True,
        "when": "2024-03-01 13:05:09", "day": "1850-01-01", "level": "a",
    }  # fmt: skip
    assert [record["share"] for record in records] == [0.1, -5.0, None, None, 1e-300]
    assert len(text.splitlines()) == len(records) + 2, "one record a line"


def test_json_has_no_infinity(tmp_path):
    path = write(pa.table({"a": [math.inf, -math.inf]}), tmp_path, "json")
    assert json.loads(path.read_text()) == [{"a": None}, {"a": None}]


@pytest.mark.parametrize("suffix", ["csv", "json", "xlsx", "parquet"])
def test_no_rows(table, tmp_path, suffix):
    path = write(table.slice(0, 0), tmp_path, suffix)
    if suffix == "json":
        assert json.loads(path.read_text()) == []
    elif suffix == "parquet":
        assert pq.read_table(path).num_rows == 0
    elif suffix == "csv":
        assert len(path.read_text().splitlines()) == 1
    else:
        assert openpyxl.load_workbook(path)["Predictions"].max_row == 1


def test_parquet_is_as_it_was(table, tmp_path):
    table = table.drop_columns("share")  # NaN is equal to nothing
    assert pq.read_table(write(table, tmp_path, "parquet")).equals(table)


def test_xlsx(table, tmp_path):
    path = write(table, tmp_path, "xlsx", summary={"Model": "m-1", "=Odd": "=1+1"})
    book = openpyxl.load_workbook(path)
    data, summary = book["Predictions"], book["Summary"]
    assert data.freeze_panes == "A2"
    assert data.dimensions == "A1:G6"
    rows = [[cell.value for cell in row] for row in data.iter_rows()]
    assert rows == [
        ["text, long", "whole", "share", "flag", "when", "day", "level"],
        ['say "hi"', 1, 0.1, True, STAMP, "1850-01-01", "a"],
        ["a,b", -2, -5, False, None, None, "b"],
        [None, None, None, None, STAMP, "2024-01-02", None],
        ["x\ny", 2**53, None, True, STAMP, None, "a"],
        [None, 0, 1e-300, False, STAMP, None, "ü🙂"],
    ]
    assert [[cell.value for cell in row] for row in summary.iter_rows()] == [
        ["About", "Value"],
        ["Model", "m-1"],
        ["=Odd", "=1+1"],
    ]
    assert {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row} == {"s", "n", "b", "d"}


def test_dates_are_dates_in_a_workbook_and_every_column_is_wide_enough(tmp_path):
    day = dt.datetime(2026, 11, 29)  # noqa: DTZ001 - as it stands in the file
    note = "annual_premium = 1,250 raised it by 12 points"
    table = pa.table({"since": [day, None], "seen": [STAMP, day], "reason_1": [note, None]})
    sheet = openpyxl.load_workbook(write(table, tmp_path, "xlsx"))["Predictions"]
    since, seen, _ = (cell for cell in sheet[2])
    assert (since.value, since.number_format) == (day, "yyyy-mm-dd")
    assert (seen.value, seen.number_format) == (STAMP, "yyyy-mm-dd hh:mm:ss")
    widths = [sheet.column_dimensions[letter].width for letter in "ABC"]
    assert widths[0] >= len("2026-11-29")
    assert widths[1] >= len("2026-11-29 00:00:00")
    assert widths[2] >= len(note)


@pytest.mark.parametrize(
    "when",
    [
        pytest.param(dt.datetime(1899, 1, 1), id="before Excel's first day"),  # noqa: DTZ001
        pytest.param(dt.datetime(2024, 3, 1, 13, 5, 9, 500_000), id="parts of a second"),  # noqa: DTZ001
        pytest.param(dt.datetime(2024, 3, 1, tzinfo=dt.UTC), id="with a time zone"),
    ],
)
def test_what_excel_would_change_stays_text(tmp_path, when):
    path = write(pa.table({"when": [when]}), tmp_path, "xlsx")
    assert str(when.year) in openpyxl.load_workbook(path)["Predictions"]["A2"].value


def test_xlsx_texts_survive(tmp_path):
    texts = [
        " pad ",
        "a & b <c> ]]>",
        "tab\tend",
        "ctrl\x01\x08gone",
        "cr\r\nlf",
        "\ufffe",
        "007",
        "#N/A",
        "TRUE",
        "1e5",
    ]
    path = write(pa.table({"a": texts}), tmp_path, "xlsx")
    cells = [row[0] for row in openpyxl.load_workbook(path)["Predictions"].iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == [
        " pad ", "a & b <c> ]]>", "tab\tend", "ctrlgone", "cr\nlf", None, "007", "#N/A", "TRUE", "1e5",
    ]  # fmt: skip
    assert {cell.data_type for cell in cells if cell.value is not None} == {"s"}


def test_xlsx_does_not_round_long_numbers(tmp_path):
    path = write(pa.table({"id": [2**53 + 1, 1]}), tmp_path, "xlsx")
    assert [row[0].value for row in openpyxl.load_workbook(path)["Predictions"].iter_rows(min_row=2)] == [
        str(2**53 + 1),
        "1",
    ]


def test_xlsx_is_read_back_by_the_reader(table, tmp_path):
    path = write(table, tmp_path, "xlsx", summary={"a": "b"})
    info = read_file(path, "o.xlsx", tmp_path / "back.parquet", Settings(home=tmp_path, min_free_bytes=1))
    assert (info.rows, info.sheet, info.sheets) == (5, "Predictions", ("Predictions", "Summary"))
    assert pq.read_table(tmp_path / "back.parquet")["share"].to_pylist() == ["0.1", "-5", "", "", "1e-300"]


def test_xlsx_takes_chunks_as_they_come(tmp_path):
    path = write(pa.table({"a": pa.chunked_array([[1, 2], [3, 4, 5, 6, 7]])}), tmp_path, "xlsx")
    rows = [[cell.value for cell in row] for row in openpyxl.load_workbook(path)["Predictions"].iter_rows()]
    assert rows == [["a"], [1], [2], [3], [4], [5], [6], [7]]


@pytest.mark.parametrize(
    ("table", "code"),
    [
        (pa.table({"a": pa.nulls(5 * 1_048_575 + 1, pa.int8())}), "export.too_many_rows"),
        (
            pa.table([pa.array([1])] * 16_385, names=[str(number) for number in range(16_385)]),
            "export.too_many_columns",
        ),
        (pa.table({"a": ["x" * 32_768]}), "export.cell_too_long"),
    ],
    ids=["rows", "columns", "cell"],
)
def test_what_excel_cannot_hold(tmp_path, table, code):
    with pytest.raises(DataError) as caught:
        write_table(table, tmp_path / "o.xlsx")
    assert caught.value.code == code
    assert "CSV" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["csv", "json", "xlsx", "parquet"])
def test_a_full_disk_keeps_the_old_file(table, tmp_path, suffix, monkeypatch):
    path = tmp_path / f"o.{suffix}"
    path.write_text("old")

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DiskFullError):
        write_table(table, path)
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["a.txt", "a", "a.csv.gz", "a.xls"])
def test_unknown_suffix(tmp_path, name, table):
    with pytest.raises(UnsupportedFileError):
        check_output(tmp_path / name)
    with pytest.raises(UnsupportedFileError):
        write_table(table, tmp_path / name)


def test_a_folder_is_no_output(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(UnsupportedFileError):
        check_output(tmp_path / "a.csv")
    check_output(tmp_path / "b.CSV")


@pytest.mark.skipif(not DATA, reason="BELLWETHER_TEST_DATA names no folder with the real files")
def test_a_real_scoring_file_is_written_fast(tmp_path):
    name = "insurance_cross_sell_unlabelled.csv.gz"
    read_file(Path(str(DATA)) / name, name, tmp_path / "in.parquet", Settings(home=tmp_path, min_free_bytes=1))
    table = pq.read_table(tmp_path / "in.parquet")
    for number in range(3):
        table = table.append_column(f"p{number}", pa.array([number / 7] * len(table)))
    begun = time.process_time()
    write_table(table, tmp_path / "o.csv")
    assert time.process_time() - begun < 1, "measured 0.2 s"
    with (tmp_path / "o.csv").open(newline="") as file:
        assert sum(1 for _ in csv.reader(file)) == 127_038
