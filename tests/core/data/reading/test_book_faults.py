"""Workbooks whose cells hold no value: formulas nobody calculated, errors, durations; and odd names of their parts."""

import datetime as dt
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from tests.core.data.reading.test_reader import read_here, workbook
from tests.office_files import ods, xls


def changed(content: bytes, change: Callable[[str, bytes], tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(*change(name, old.read(name)))
    return out.getvalue()


def read(tmp_path: Path, content: bytes, name: str = "a.xlsx", **options) -> tuple[dict, str]:
    answer, table = read_here(tmp_path, content, name, **options)
    return table.to_pydict(), " ".join(answer.warnings)


def test_formulas_that_were_never_calculated_are_counted_and_told(tmp_path):
    content = workbook(tmp_path, other=[["x"], [1]], s=[["u", "rev"], [1, "=A2*2"], [2, "=A3*2"], [3, 4]])
    rows, told = read(tmp_path, content, sheet="s")
    assert rows == {"u": ["1", "2", "3"], "rev": ["", "", "4"]}
    assert "2 formulas were never calculated, the first in cell B2" in told
    assert "formula" not in read(tmp_path, content, sheet="other")[1]


def test_formulas_with_a_value_and_those_that_give_no_text_are_calculated(tmp_path):
    content = workbook(tmp_path, s=[["u", "rev", "t", "gap"], [1, "=A2*2", "=IF(A2=1,,1)", None]])
    values = {b"<f>A2*2</f><v />": b"<f>A2*2</f><v>2</v>", b'<c r="C2"': b'<c r="C2" t="str"'}

    def calculate(name: str, data: bytes) -> tuple[str, bytes]:
        for old, new in values.items():
            data = data.replace(old, new) if "sheet1" in name else data
        return name, data

    rows, told = read(tmp_path, changed(content, calculate))
    assert rows == {"u": ["1"], "rev": ["2"], "t": [""], "gap": [""]}
    assert "formula" not in told


def _as_xlsxwriter(name: str, data: bytes) -> tuple[str, bytes]:
    """Give each formula without a value that of 0, as that library does."""
    return name, data.replace(b"<v />", b"<v>0</v>").replace(b"<v></v>", b"<v>0</v>")


def test_formulas_that_a_library_gave_the_value_0_are_counted_and_told(tmp_path):
    rows = [["u", "rev", "n", "half"], [0, "=A2*2", 0, "=A2+1"], [2, "=A3*2", 1, 7], [0, "=A4", 3, "=A4+1"]]
    content = changed(workbook(tmp_path, s=rows), _as_xlsxwriter)
    found, told = read(tmp_path, content)
    assert found["rev"] == ["0", "0", "0"]
    assert "5 formulas have the value 0, the first in cell B2, as libraries write it that do not calculate" in told


def test_formulas_of_a_library_that_calculates_may_be_0(tmp_path):
    def partly(name: str, data: bytes) -> tuple[str, bytes]:
        return _as_xlsxwriter(name, data.replace(b"<f>A3*2</f><v />", b"<f>A3*2</f><v>4</v>"))

    def by_excel(name: str, data: bytes) -> tuple[str, bytes]:
        return _as_xlsxwriter(name, data.replace(b' fullCalcOnLoad="1"', b""))

    content = workbook(tmp_path, s=[["u", "rev"], [0, "=A2*2"], [2, "=A3*2"]])
    assert "formula" not in read(tmp_path, changed(content, partly))[1]
    assert "formula" not in read(tmp_path, changed(content, by_excel))[1]
    assert "2 formulas have the value 0" in read(tmp_path, changed(content, _as_xlsxwriter))[1]


def test_cells_with_errors_are_counted_and_told(tmp_path):
    content = workbook(tmp_path, s=[["a", "b"], [1, "#DIV/0!"], [2, "#N/A"], [3, 4]])
    rows, told = read(tmp_path, content)
    assert rows == {"a": ["1", "2", "3"], "b": ["", "", "4"]}
    assert "2 cells hold an error (#DIV/0! and #N/A), the first in cell B2" in told


@pytest.mark.parametrize("error", ["#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#PYTHON!"])
def test_errors_of_newer_programs_do_not_damage_a_workbook(tmp_path, error):
    content = workbook(tmp_path, s=[["a", "b"], [1, "#DIV/0!"], [2, "#N/A"], [3, 4]])
    content = changed(content, lambda name, data: (name, data.replace(b"#N/A", error.encode())))
    rows, told = read(tmp_path, content)
    assert rows == {"a": ["1", "2", "3"], "b": ["", "", "4"]}
    assert error in told


def test_parts_with_backslashes_in_their_names_are_found(tmp_path):
    content = workbook(tmp_path, s=[["a", "b"], [1, "=A2"]])
    content = changed(content, lambda name, data: (name.replace("/", "\\"), data))
    rows, told = read(tmp_path, content)
    assert rows == {"a": ["1"], "b": [""]}
    assert "1 formula was never calculated, the first in cell B2" in told


def test_durations_are_seconds_and_told(tmp_path):
    book = openpyxl.Workbook()
    rows = [["a", "d", "time"], [1, dt.timedelta(hours=36), dt.time(7, 30)], [2, dt.timedelta(seconds=90), dt.time(8)]]
    for row in rows:
        book.active.append(row)
    for cell in ("B2", "B3"):
        book.active[cell].number_format = "[h]:mm:ss"
    book.save(tmp_path / "d.xlsx")
    found, told = read(tmp_path, (tmp_path / "d.xlsx").read_bytes())
    assert found == {"a": ["1", "2"], "d": ["129600", "90"], "time": ["07:30:00", "08:00:00"]}
    assert "Durations are read as seconds: 'd'." in told


def _ods_cell(attributes: str, text: str = "") -> str:
    return f"<table:table-cell {attributes}>{f'<text:p>{text}</text:p>' if text else ''}</table:table-cell>"


def test_the_same_in_opendocument_files(tmp_path):
    word = 'office:value-type="string"'
    error = 'office:value-type="string" table:formula="of:=1/0" calcext:value-type="error"'
    time = 'office:value-type="time" office:time-value="PT{}M00S"'
    rows = [
        [_ods_cell(word, name) for name in ("a", "d", "e", "f")],
        [_ods_cell(word, "x"), _ods_cell(time.format("36H00")), _ods_cell(error, "#DIV/0!"),
         _ods_cell('table:formula="of:=1+1"')],
        [_ods_cell(word, "y"), _ods_cell(time.format("00H30")), _ods_cell('office:value-type="float" office:value="2"'),
         _ods_cell('table:formula="of:=1+1" office:value-type="float" office:value="2"', "2")],
    ]  # fmt: skip
    body = "".join(f"<table:table-row>{''.join(row)}</table:table-row>" for row in rows)
    table, told = read(tmp_path, ods(body=f'<table:table table:name="S">{body}</table:table>'), "a.ods")
    assert table == {"a": ["x", "y"], "d": ["129600", "1800"], "e": ["", "2"], "f": ["", "2"]}
    assert "1 formula was never calculated, the first in cell D2" in told
    assert "1 cell holds an error (#DIV/0!), the first in cell C2" in told
    assert "Durations are read as seconds: 'd'." in told


def test_errors_in_old_workbooks_are_told(tmp_path):
    content = xls(("one", [["x"], [True]]), ("two", [["a", "b"], [1, True], [2, True], [3, 4]]))
    for row, error in ((1, 7), (2, 42)):
        cell = struct.pack("<HHH", row, 1, 0)
        assert cell + b"\1\0" in content
        content = content.replace(cell + b"\1\0", cell + bytes([error, 1]))
    rows, told = read(tmp_path, content, "a.xls", sheet="two")
    assert rows == {"a": ["1", "2", "3"], "b": ["", "", "4"]}
    assert "2 cells hold an error (#DIV/0! and #N/A), the first in cell B2" in told


def test_long_whole_numbers_of_an_opendocument_file_keep_their_digits(tmp_path):
    def number(value: str, text: str, more: str = "") -> str:
        return _ods_cell(f'office:value-type="float" office:value="{value}"{more}', text)

    word = 'office:value-type="string"'
    rows = [
        [_ods_cell(word, name) for name in ("id", "card", "n", "m")],
        [number("1.23456789012346E+018", "1234567890123456789"), number("1.23456789012346E+15", "1234567890123456"),
         number("1.5", "2"), number("1E+16", "10,000,000,000,000,000")],
        [number("1234567890123456790", "1.23E+18"), number("5", "5"), number("2", "1234567890123456"),
         number("9007199254740993", "9007199254740993", ' table:number-columns-repeated="1"')],
    ]  # fmt: skip
    empty = "<table:table-row><table:table-cell/></table:table-row>"
    body = empty + "".join(f"<table:table-row><table:table-cell/>{''.join(row)}</table:table-row>" for row in rows)
    repeated = (
        f'<table:table-row table:number-rows-repeated="2"><table:table-cell/>{"".join(rows[1])}</table:table-row>'
    )
    table, told = read(tmp_path, ods(body=f'<table:table table:name="S">{body}{repeated}</table:table>'), "a.ods")
    first, big = ["1234567890123456789", "1234567890123456"], "1e+16"
    assert table == {
        "id": [first[0], "1234567890123456790", first[0], first[0]],
        "card": [first[1], "5", first[1], first[1]],
        "n": ["1.5", "2", "1.5", "1.5"],
        "m": [big, "9007199254740993", big, big],
    }
    assert "may be rounded: 'm'" in told
