"""T10: no downloaded cell is a formula, numbers stay numbers, and reading back gives the source."""

import csv
import io
import re
import tempfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.exports.tables import _neutralise_column, _write_csv
from core.exports.xlsx import write_xlsx

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_TRIGGERS = "=+-@\t\r\0"
_texts = st.one_of(
    st.text(max_size=20),
    st.builds(
        str.__add__, st.sampled_from(list(_TRIGGERS)), st.text(alphabet="=+-@1.5eE0 \n\"',;A|!()\t\r", max_size=8)
    ),
    st.from_regex(_NUMBER, fullmatch=True),
)
_xml_texts = _texts.filter(lambda text: not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", text))


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3+cmd", "'-2+3+cmd"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\0=1", "'\0=1"),
        ("-", "'-"),
        ("-5", "-5"),
        ("+3.5", "+3.5"),
        ("-1e5", "-1e5"),
        ("-.5", "-.5"),
        ("-5\n", "'-5\n"),
        ("-٣", "'-٣"),
        ("+49 30 1234", "'+49 30 1234"),
        ("plain", "plain"),
        ("a=b", "a=b"),
        ("", ""),
        ("'x", "'x"),
    ],
)
def test_neutralise(text, safe):
    assert _neutralise_column(pa.array([text, None])).to_pylist() == [safe, None]


@settings(max_examples=400, deadline=None)
@given(st.lists(_texts, min_size=1, max_size=5))
def test_csv_cells_are_no_formulas_and_come_back(texts):
    names = [f"{text}\N{ZERO WIDTH SPACE}{number}" for number, text in enumerate(texts)]
    file = io.BytesIO()
    _write_csv(pa.table([pa.array([text, "x"]) for text in texts], names=names), file)
    header, first, second = csv.reader(io.StringIO(file.getvalue().decode(), newline=""))
    for source, cell in [*zip(texts, first, strict=True), *zip(names, header, strict=True)]:
        assert cell[:1] not in list(_TRIGGERS) or _NUMBER.fullmatch(cell)
        assert cell in (source, "'" + source)
    assert second == ["x"] * len(texts)


@settings(max_examples=100, deadline=None)
@given(st.lists(_xml_texts, min_size=1, max_size=5), st.floats(allow_nan=False, allow_infinity=False))
def test_xlsx_cells_are_text_and_come_back(texts, number):
    names = [f"{text}\N{ZERO WIDTH SPACE}{position}" for position, text in enumerate(texts)]
    columns = [pa.array([text]) for text in texts]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.xlsx"
        write_xlsx(pa.table([*columns, pa.array([number])], names=[*names, "n"]), path, {texts[0]: texts[-1]})
        book = openpyxl.load_workbook(path)
    data = list(book["Predictions"].iter_rows())
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells if cell.value is not None} <= {"s", "n"}
    assert all(cell.data_type == "s" for cell in cells if isinstance(cell.value, str))
    assert [cell.value or "" for cell in data[1][:-1]] == [re.sub("\r\n?", "\n", text) for text in texts]
    assert float(data[1][-1].value) == number
