"""Every file people have: titles, two header rows, totals, merged cells, archives, old workbooks, and every option."""

import csv
import datetime as dt
import gzip
import io
import zipfile
from dataclasses import asdict
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.reading import reader as readers
from core.data.reading.child.guard import _answer
from core.data.reading.child.layout import Row, count_footer, find_layout, is_number, join_names
from core.data.reading.reader import list_sheets, read_file
from core.domain.reading import ENCODINGS, Reading, ReadOptions
from core.errors import DataError, EmptyDataError, UnreadableFileError
from core.plain import from_plain
from core.settings import Settings
from tests.office_files import ods, xls, zipped


@pytest.fixture(autouse=True)
def _field_limit():
    """The child sets the standard library's global limit; here it must not reach other tests."""
    before = csv.field_size_limit()
    yield
    csv.field_size_limit(before)


@pytest.fixture
def read(tmp_path):
    """Read bytes with the child's own code; return the answer and the rows with their names."""

    def read_(content: bytes | str, name: str = "a.csv", action: str = "read", limits=None, **options):
        source, out = tmp_path / "bytes", tmp_path / "out.parquet"
        source.write_bytes(content.encode() if isinstance(content, str) else content)
        settings = Settings(home=tmp_path, **(limits or {}))
        request = readers._request(action, source, name, out, settings, ReadOptions(**options))
        request = readers.replace(request, scratch=str(tmp_path / "scratch"))
        answer = readers._parse_answer(_answer(asdict(request)), out)
        table = pq.read_table(out)
        return answer, [tuple(row.values()) for row in table.to_pylist()]

    return read_


def workbook(rows: list[list], merged: tuple[str, ...] = ()) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cells in merged:
        book.active.merged_cells.add(cells)  # not merge_cells(), which makes an object for each cell
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


# --- where the table begins -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "columns", "row"),
    [
        ("Report 2024\na;b;c\n1;2;3\n4;5;6\n", ("a", "b", "c"), 2),
        ("Report 2024\n\nBy region\n\na,b\nx,1\ny,2\n", ("a", "b"), 5),
        ("Report;;\n;;\nid;name;sum\n1;x;2\n", ("id", "name", "sum"), 3),
        ("Created: 1 May, 2024, Berlin\nid,name,sum,tax,net\n1,x,2,3,4\n2,y,2,3,4\n", None, 2),
        ("sep=;\na;b\n1;2\n", ("a", "b"), 2),
        ("a,b\n1,2\n", ("a", "b"), 1),
        (",a,b\nr1,1,2\n", ("column_1", "a", "b"), 1),  # a table of pandas with its index
        ("a,,\n1,2,3\n4,5,6\n", ("a", "column_2", "column_3"), 1),  # numbers below: there is no better header
        ("name;value\nx;1,5\ny;2,5\n", ("name", "value"), 1),
        ("word\nfoo, bar\nx\ny\n", None, None),
    ],
)
def test_the_header_is_found(read, text, columns, row):
    if row is None:
        with pytest.raises(UnreadableFileError) as caught:
            read(text)
        assert caught.value.code == "file.ragged"
        return
    answer, _ = read(text)
    assert answer.header_row == row
    if columns:
        assert answer.columns == columns
    assert bool(answer.doubts) == (row > 1 and not text.startswith("sep="))


def test_titles_are_quoted_in_the_doubt(read):
    answer, rows = read("Sales report\nprinted today\na,b\n1,2\n")
    assert answer.doubts == ("2 rows above the header were left out: 'Sales report', 'printed today'.",)
    assert answer.doubts[0] in answer.warnings
    assert rows == [("1", "2")]


def test_the_header_row_is_where_a_person_says(read):
    text = "x,y\na,b\n1,2\n3,4\n"
    assert read(text, header_row=2)[0].columns == ("a", "b")
    answer, rows = read(text, header_row=0)
    assert (answer.columns, answer.warnings) == (("column_1", "column_2"), ())
    assert rows[:2] == [("x", "y"), ("a", "b")]
    with pytest.raises(EmptyDataError, match="last row is 4"):
        read(text, header_row=9)


def test_a_header_of_numbers_is_doubted(read):
    assert "header row to 0" in read("1,2\n3,4\n")[0].doubts[0]
    assert read("x,2023,2024\na,3,4\n")[0].doubts == ()


def test_lines_are_counted_as_an_editor_does(read):
    answer, _ = read('"a title\nof two lines"\n\na,b\n"x\ny",1\n')
    assert answer.header_row == 4
    assert read('"a title\nof two lines"\n\na,b\n"x\ny",1\n', header_row=4)[0].columns == ("a", "b")


@pytest.mark.parametrize(
    ("text", "columns", "row", "n_rows"),
    [
        (
            ",2023,,2024,\nRegion,Q1,Q2,Q1,Q2\nN,1,2,3,4\n",
            ("Region", "2023 / Q1", "2023 / Q2", "2024 / Q1", "2024 / Q2"),
            1,
            2,
        ),
        ("Region,2023,2023\n,Q1,Q2\nN,1,2\n", ("Region", "2023 / Q1", "2023 / Q2"), 1, 2),
        ("Title,,\nRegion,2023,2023\n,Q1,Q2\nN,1,2\n", ("Region", "2023 / Q1", "2023 / Q2"), 2, 2),
        ("a,a,b\nx,y,1\nu,v,2\n", ("a", "a_2", "b"), 1, 1),  # repeated names over words: one row
        ("a,b,b\nx,NA,NA\ny,1,2\n", ("a", "b", "b_2"), 1, 1),  # missing values are no names
        (
            "k,Sales,,Cost,\n,2023,2024,2023,2024\nN,1,2,3,4\n",
            ("k", "Sales / 2023", "Sales / 2024", "Cost / 2023", "Cost / 2024"),
            1,
            2,
        ),
        ("k,Sales,Sales\nx,2019,2020\ny,2021,2022\n", ("k", "Sales", "Sales_2"), 1, 1),
        ("k,1990,1990\nx,1,2\n", ("k", "1990", "1990_2"), 1, 1),
    ],
)
def test_two_header_rows_are_joined_where_that_is_clear(read, text, columns, row, n_rows):
    answer, _ = read(text)
    assert (answer.columns, answer.header_row, answer.n_header_rows) == (columns, row, n_rows)
    assert any("made from 2 rows" in doubt for doubt in answer.doubts) == (n_rows == 2)


def test_the_number_of_header_rows_is_what_a_person_says(read):
    text = "Region,2023,2023\n,Q1,Q2\nN,1,2\n"
    answer, rows = read(text, n_header_rows=1)
    assert answer.columns == ("Region", "2023", "2023_2")
    assert rows[0] == ("", "Q1", "Q2")
    answer, rows = read("a,b\nc,d\ne,f\nx,y\n", n_header_rows=3)
    assert answer.columns == ("a / c / e", "b / d / f")
    assert rows == [("x", "y")]


@given(st.lists(st.lists(st.sampled_from(["", "x", "1", "total", "é, ü"]), min_size=3, max_size=3), min_size=1))
def test_any_rows_give_a_layout_with_a_name_for_each_column(cells):
    rows = [Row(number, row) for number, row in enumerate(cells, 1)]
    layout = find_layout(rows, ReadOptions())
    assert len(layout.names) == 3
    assert 0 < layout.first <= len(rows)
    assert layout.header_row == rows[layout.first - layout.n_header_rows].number


@pytest.mark.parametrize(
    ("block", "names"),
    [
        ([["a", "b"]], ["a", "b"]),
        ([["A", "", "B"], ["x", "y", "x"]], ["A / x", "A / y", "B / x"]),
        ([["A", ""], ["A", ""]], ["A", ""]),
        ([["A", "", ""], ["b", "", "c"], ["1", "2", "3"]], ["A / b / 1", "A / b / 2", "A / c / 3"]),
    ],
)
def test_names_of_several_rows(block, names):
    assert join_names(block) == names


@pytest.mark.parametrize("cell", ["1", "-2.5", "1.234,5", "1e9", "12 345", "7%", "1'000"])
def test_numbers_of_all_countries(cell):
    assert is_number(cell)


@pytest.mark.parametrize("cell", ["", "Q1", "2024-01-01x", "-", "a1", "..", "NA"])
def test_no_numbers(cell):
    assert not is_number(cell)


# --- where it ends ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["Total", "SUM:", "Summe", "Gesamt", "合计", "grand total"])
def test_totals_at_the_end_are_left_out_and_told(read, word):
    answer, rows = read(f"region,a,b\nN,1,2\nS,3,4\n{word},4,6\n")
    assert rows == [("N", "1", "2"), ("S", "3", "4")]
    assert (answer.rows, answer.footer_rows) == (2, 1)
    assert answer.doubts == (f"The last row was left out because it looks like a total or a note: '{word} 4 6'.",)


@pytest.mark.parametrize(
    ("text", "n_rows"),
    [
        ("region,a\nN,1\nTotal,3\nS,2\nTotal,3\n", 4),  # a level of the data, not only at the end
        ("brand,a,city\nShell,1,Oslo\nTotal,2,Paris\n", 2),  # other text in that row
        ("brand,a\nShell,1\nTotal,\n", 2),  # no number in that row
        ("brand,a\nTotal,1\n", 1),  # nothing else is there
        ("x,y,Total\n1,2,3\n", 1),
        ("a,b,c\n1,2,3\n4,,\n", 2),  # one filled cell that is not a remark
    ],
)
def test_what_is_no_total_is_kept(read, text, n_rows):
    answer, rows = read(text)
    assert len(rows) == n_rows
    assert answer.footer_rows == 0


def test_remarks_below_the_table_are_left_out(read):
    answer, rows = read("a,b,c\n1,2,3\nTotal,2,3\nSource: the office,,\n")
    assert rows == [("1", "2", "3")]
    assert answer.footer_rows == 2


@pytest.mark.parametrize(
    ("end", "left_out"),
    [("Total;3\n", 1), ("\nprinted by Ann\n", 1), ("Source: the office\n", 1), ("\nTotal;;3\nSource: x\n", 2)],
)
def test_lines_of_another_width_at_the_end(read, end, left_out):
    answer, rows = read("a;b;c\n1;2;3\n4;5;6\n" + end)
    assert rows == [("1", "2", "3"), ("4", "5", "6")]
    assert answer.footer_rows == left_out
    assert answer.doubts


@pytest.mark.parametrize("end", ["7;8\n", "\n7\n", "\nSource: x\n1;2;3\n", "Total;3\n7;8;9\n", "x\n" * 30])
def test_a_torn_row_is_still_refused(read, end):
    with pytest.raises(UnreadableFileError) as caught:
        read("a;b;c\n1;2;3\n4;5;6\n" + end)
    assert caught.value.code == "file.ragged"


@pytest.mark.parametrize(("skip", "last"), [(0, "Total"), (1, "S"), (2, "N")])
def test_a_person_says_how_many_rows_to_leave_out(read, skip, last):
    answer, rows = read("region,a\nN,1\nS,3\nTotal,4\n", skip_footer=skip)
    assert rows[-1][0] == last
    assert answer.footer_rows == skip


def test_said_rows_may_be_of_any_width(read):
    text = "a,b\n1,2\n3,4\nchecked\nsum,6\n"
    answer, rows = read(text, skip_footer=2)
    assert (rows, answer.footer_rows) == ([("1", "2"), ("3", "4")], 2)
    for skip in (0, 1):
        with pytest.raises(UnreadableFileError):
            read(text, skip_footer=skip)


@pytest.mark.slow
def test_the_end_is_found_across_batches(read):
    body = "".join(f"r{n},{n}\n" for n in range(200_000))
    answer, rows = read(f"k,n\n{body}Total,19999900000\n", limits={"max_cell_bytes": 1000})
    assert (len(rows), rows[-1], answer.footer_rows) == (200_000, ("r199999", "199999"), 1)
    answer, rows = read(f"k,n\n{body}", skip_footer=1000, limits={"max_cell_bytes": 1000})
    assert (len(rows), rows[-1]) == (199_000, ("r198999", "198999"))


def test_a_word_for_a_total_in_the_middle_of_a_long_file_is_seen():
    tail = [["x", "1"], ["Total", "2"]]
    assert count_footer(tail, [1]) == 1
    assert count_footer(tail, [2]) == 0


# --- text options -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", ["|", "^", " ", "\t", ":"])
def test_any_separator_can_be_said(read, separator):
    answer, rows = read(f"a{separator}b\n1{separator}2,5\n", separator=separator)
    assert (answer.separator, rows) == (separator, [("1", "2,5")])


def test_quotes(read):
    assert read("a,b\n'x,y',2\n", quote="'")[1] == [("x,y", "2")]
    assert read('a,b\n"x,2\n', quote="")[1] == [('"x', "2")]
    assert read('a,b\n"x,y",2\n')[1] == [("x,y", "2")]


@pytest.mark.parametrize("encoding", [name for name in ENCODINGS if name not in ("utf-8", "utf-16")])
def test_each_encoding_can_be_said(read, encoding):
    letters = {
        "cp1251": "Привет",
        "cp1253": "αβγ",
        "gb18030": "总价",
        "big5": "總價",
        "shift_jis": "ひらがな",
        "euc_kr": "가나다",
    }
    word = letters.get(encoding, "été")
    answer, rows = read(f"{word},b\n1,{word}\n".encode(encoding), encoding=encoding)
    assert (answer.encoding, answer.columns[0], rows) == (encoding, word, [("1", word)])
    assert answer.warnings == ()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("said", [None, "utf-16"])
def test_utf_16_with_and_without_a_mark(read, encoding, said):
    answer, rows = read("a\tb\n1\tü\n2\t名\n".encode(encoding), encoding=said)
    assert answer.columns == ("a", "b")
    assert rows == [("1", "ü"), ("2", "名")]
    assert answer.encoding.startswith("utf-16")


@pytest.mark.parametrize(("content", "encoding"), [(b"a,b\n1,\xff\n", "utf-8"), (b"a,b\n1,\x81\n", "shift_jis")])
def test_what_does_not_fit_the_encoding_said_is_refused(read, content, encoding):
    with pytest.raises(UnreadableFileError) as caught:
        read(content, encoding=encoding)
    assert caught.value.code == "file.encoding"


@pytest.mark.parametrize(
    "options",
    [
        {"separator": ";;"},
        {"separator": "\n"},
        {"separator": '"'},
        {"quote": "x"},
        {"decimal": ";"},
        {"encoding": "rot13"},
        {"encoding": "nope"},
        {"header_row": -1},
        {"header_row": 10**9},
        {"n_header_rows": 0},
        {"n_header_rows": 4},
        {"skip_footer": -1},
        {"skip_footer": 10**9},
        {"separator": "'", "quote": "'"},
    ],
)
def test_options_that_cannot_be_meant_are_refused(options):
    with pytest.raises(DataError) as caught:
        ReadOptions(**options).check()
    assert caught.value.code == "file.options"
    assert caught.value.hint


def test_options_survive_json():
    options = ReadOptions(separator=";", header_row=0, skip_footer=2, types=(("a", "date:%d.%m.%Y"),))
    assert from_plain(ReadOptions, options.said()) == options
    assert ReadOptions().said() == {}
    assert ReadOptions(sheet="x", types=(("a", "text"),)).deciding() == {}


@given(
    st.lists(st.lists(st.text(alphabet="ab1 ,;|\té\"'\n", max_size=6), min_size=2, max_size=2), min_size=1, max_size=8),
    st.sampled_from([",", ";", "|", "\t"]),
)
def test_what_the_standard_library_writes_comes_back(tmp_path_factory, rows, separator):
    rows = [*rows, ["a", "1"]]  # rows of separators only are left out
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([["name", "value"], *rows])
    folder = tmp_path_factory.mktemp("round")
    (folder / "in").write_text(buffer.getvalue(), newline="")
    options = ReadOptions(separator=separator, header_row=1, n_header_rows=1, skip_footer=0)
    request = readers._request("read", folder / "in", "a.csv", folder / "out", Settings(home=folder), options)
    readers._parse_answer(_answer(asdict(request)), folder / "out")
    filled = [row for row in rows if any(cell.strip(" ") for cell in row)]
    assert [list(row.values()) for row in pq.read_table(folder / "out").to_pylist()] == filled


# --- workbooks --------------------------------------------------------------------------------------------------------

ROWS = [["id", "when", "ok", "x"], [1, dt.date(2024, 3, 1), True, 2.5], [2, dt.datetime(2024, 3, 1, 13, 5), False, "é"]]  # noqa: DTZ001
TEXT = [("1", "2024-03-01", "true", "2.5"), ("2", "2024-03-01 13:05:00", "false", "é")]


@pytest.mark.parametrize(("make", "name"), [(xls, "a.xls"), (ods, "a.ods"), (workbook, "a.XLSX")])
def test_the_same_table_from_each_kind_of_workbook(read, make, name):
    answer, rows = read(make(ROWS), name)
    assert (answer.columns, rows) == (tuple(ROWS[0]), TEXT)
    assert answer.format == name[2:].lower()
    assert (answer.header_row, answer.doubts, answer.warnings) == (1, (), ())


@pytest.mark.parametrize(("make", "name"), [(xls, "a.xls"), (ods, "a.ods")])
def test_sheets_of_old_and_open_workbooks(read, tmp_path, make, name):
    content = make(("One", [["a"], [1]]), ("Two", [["b"], [2], [3]]))
    (tmp_path / "book").write_bytes(content)
    assert list_sheets(tmp_path / "book", name, Settings(home=tmp_path, min_free_bytes=1)) == ("One", "Two")
    answer, rows = read(content, name, sheet="Two")
    assert (answer.sheet, answer.columns, rows) == ("Two", ("b",), [("2",), ("3",)])


def test_hidden_sheets_are_not_offered(read):
    answer, _ = read(xls(("One", [["a"], [1]]), ("Two", [["b"], [2]]), hidden=[0]), "a.xls")
    assert answer.sheets == ("Two",)


def test_a_title_a_wide_header_and_totals_in_a_workbook(read):
    rows = [
        ["Sales by region", None, None, None, None],
        [None] * 5,
        [None, "2023", None, "2024", None],
        ["Region", "Q1", "Q2", "Q1", "Q2"],
        ["North", 1, 2, 3, 4],
        ["South", 5, 6, 7, 8],
        ["Total", 6, 8, 10, 12],
    ]
    answer, found = read(workbook(rows, ("A1:E1", "B3:C3", "D3:E3")), "a.xlsx")
    assert answer.columns == ("Region", "2023 / Q1", "2023 / Q2", "2024 / Q1", "2024 / Q2")
    assert found == [("North", "1", "2", "3", "4"), ("South", "5", "6", "7", "8")]
    assert (answer.header_row, answer.n_header_rows, answer.footer_rows) == (3, 2, 1)
    assert len(answer.doubts) == 3
    assert not any("blank" in text for text in answer.warnings)


@pytest.mark.parametrize("make", ["xlsx", "xls"])
def test_merged_cells(read, make):
    rows = [["a", "b", None], ["x", 1, 2], [None, 3, 4], [None, 5, None], ["y", 6, 7]]
    merged = ((0, 0, 1, 2), (1, 3, 0, 0), (3, 3, 1, 2))  # a wide name; x over three rows; 5 over two columns
    if make == "xlsx":
        letters = "ABC"
        content = workbook(rows, tuple(f"{letters[c]}{a + 1}:{letters[d]}{b + 1}" for a, b, c, d in merged))
    else:
        content = xls(rows, merged=merged)
    answer, found = read(content, f"a.{make}")
    assert answer.columns == ("a", "b", "b_2")
    assert found == [("x", "1", "2"), ("x", "3", "4"), ("x", "5", ""), ("y", "6", "7")]
    assert "Merged cells: 2 cells below the first got its value." in answer.warnings


def test_a_merged_range_far_outside_the_table_does_no_harm(read):
    answer, rows = read(workbook([["a", "b"], [1, 2]], ("D9:XFD1048576",)), "a.xlsx")
    assert rows == [("1", "2")]
    assert answer.columns == ("a", "b")


def test_a_table_that_does_not_begin_in_the_corner(read):
    rows = [[], [], [None, None, "a", "b"], [None, None, "x", 1], [None, None, None, 2]]
    answer, found = read(workbook(rows, ("C4:C5",)), "a.xlsx")
    assert (answer.columns, found, answer.header_row) == (("a", "b"), [("x", "1"), ("x", "2")], 3)


def test_a_person_says_where_the_table_of_a_workbook_is(read):
    rows = [["u", "v"], ["a", "b"], [1, 2], [3, 4], [5, 6]]
    answer, found = read(workbook(rows), "a.xlsx", header_row=2, skip_footer=1)
    assert (answer.columns, found) == (("a", "b"), [("1", "2"), ("3", "4")])
    assert read(ods(rows), "a.ods", header_row=0)[0].columns == ("column_1", "column_2")


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (xls(ROWS), "a.xlsx", "file.content_mismatch"),
        (workbook(ROWS), "a.xls", "file.content_mismatch"),
        (workbook(ROWS), "a.ods", "file.content_mismatch"),
        (ods(ROWS), "a.xlsx", "file.content_mismatch"),
        (b"<html><table></table></html>", "a.xls", "file.content_mismatch"),
        (xls(ROWS)[:700], "a.xls", "file."),
        (xls(ROWS, streams=["_VBA_PROJECT_CUR"]), "a.xls", "file.macros"),
        (xls(ROWS, streams=["EncryptedPackage"]), "a.xls", "file.encrypted"),
        (xls(ROWS, extra=b"\x2f\x00\x36\x00" + b"\x01" * 54), "a.xls", "file.encrypted"),
        (ods(ROWS, **{"Basic/Standard/Module1.xml": "<a/>"}), "a.ods", "file.macros"),
        (ods(ROWS, **{"content.xml": "<a"}), "a.ods", "file."),
        (ods(ROWS, mimetype="application/vnd.oasis.opendocument.text"), "a.ods", "file.content_mismatch"),
        (ods(ROWS, **{"content.xml": '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'}), "a.ods", "file.xml_entities"),
    ],
)
def test_workbooks_that_are_refused(read, content, name, code):
    with pytest.raises(DataError) as caught:
        read(content, name)
    assert caught.value.code.startswith(code)
    assert caught.value.hint


# --- archives ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data/Sales 2024.csv", b"a;b\n1;2\n"),
        ("x.xlsx", workbook([["a", "b"], [1, 2]])),
        ("y.ods", ods([["a", "b"], [1, 2]])),
    ],
)
def test_an_archive_of_one_file_is_read_as_that_file(read, name, content):
    answer, rows = read(zipped({"data/": b"", name: content, "__MACOSX/._x": b"0", ".DS_Store": b"1"}), "a.zip")
    assert (answer.columns, rows) == (("a", "b"), [("1", "2")])
    assert answer.member == Path(name).name


def test_an_archive_goes_through_the_guarded_child_and_leaves_nothing(tmp_path):
    settings = Settings(home=tmp_path, min_free_bytes=1)
    (tmp_path / "in").write_bytes(zipped({"x.csv": b"a,b\n1,2\n"}))
    info = read_file(tmp_path / "in", "in.zip", tmp_path / "out" / "o.parquet", settings)
    assert (info.rows, info.member, info.format) == (1, "x.csv", "csv")
    assert list(settings.work_dir.iterdir()) == []
    (tmp_path / "book").write_bytes(zipped({"x.xls": xls(("One", [["a"], [1]]), ("Two", [["a"], [1]]))}))
    assert list_sheets(tmp_path / "book", "in.zip", settings) == ("One", "Two")


@pytest.mark.parametrize(
    ("content", "code", "word"),
    [
        (zipped({}), "file.zip_members", "no file"),
        (zipped({"a.csv": b"a\n1\n", "b.csv": b"a\n1\n"}), "file.zip_members", "2 files"),
        (zipped({"a.zip": zipped({"b.csv": b"a\n1\n"})}), "file.zip_members", "'a.zip'"),
        (zipped({"a.csv.gz": gzip.compress(b"a\n1\n")}), "file.zip_members", "'a.csv.gz'"),
        (zipped({"run.exe": b"MZ"}), "file.unsupported", "exe"),
        (zipped({"a.csv": b"PK\x03\x04"}), "file.content_mismatch", "zip"),
        (b"a,b\n1,2\n", "file.content_mismatch", "zip"),
        (zipped({"x.csv": b"a,b\n1,2\n"})[:-9], "file.unreadable", "damaged"),
        (zipped({"a.csv": b""}), "file.empty", "empty"),
    ],
)
def test_archives_that_are_refused(read, content, code, word):
    with pytest.raises(DataError) as caught:
        read(content, "a.zip")
    assert caught.value.code == code
    assert word in caught.value.message


# --- a look -----------------------------------------------------------------------------------------------------------


def test_a_look_shows_the_first_rows_as_they_stand(read):
    answer, rows = read("Report\n\na,b\n1,2\n", action="look")
    assert answer.head == ((1, ["Report"]), (3, ["a", "b"]), (4, ["1", "2"]))
    assert (answer.estimated_rows, rows) == (None, [("1", "2")])
    assert read("a,b\n1,2\n")[0].head == ()


def test_of_a_large_file_only_the_head_is_read(read):
    line = "some text,12345678,more text\n"
    n_rows = 9 * 1024**2 // len(line)
    answer, rows = read("a,b,c\n" + line * n_rows, action="look")
    assert len(rows) == 50
    assert answer.estimated_rows == pytest.approx(n_rows, rel=0.1)


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (Reading(format="csv", encoding="utf-8", separator=","), "Comma-separated, UTF-8, header in row 1"),
        (
            Reading(format="csv", encoding="cp1252", separator="^", header_row=0),
            "Caret-separated, Windows-1252, no header",
        ),
        (
            Reading(format="xlsx", sheet="Q1", header_row=3, n_header_rows=2, footer_rows=2),
            "Excel sheet 'Q1', header in rows 3 to 4, the last 2 rows left out",
        ),
        (Reading(format="parquet", member="x.parquet"), "Parquet, from 'x.parquet' in the archive"),
    ],
)
def test_a_reading_in_words(reading, words):
    assert reading.in_words() == words
    assert from_plain(Reading, asdict(reading)) == reading


# --- bad input --------------------------------------------------------------------------------------------------------


def test_one_row_is_a_table_in_each_format(read):
    for content, name in (
        (b"a,b,c\n1,2,x\n", "a.csv"),
        (workbook([["a", "b", "c"], [1, 2, "x"]]), "a.xlsx"),
        (xls([["a", "b", "c"], [1, 2, "x"]]), "a.xls"),
        (ods([["a", "b", "c"], [1, 2, "x"]]), "a.ods"),
    ):
        answer, rows = read(content, name)
        assert (answer.rows, rows, answer.doubts) == (1, [("1", "2", "x")], ())


@pytest.mark.parametrize("name", ["a.csv", "a.zip", "a.ods"])
def test_a_cell_of_a_mebibyte_is_read_and_a_larger_one_refused(read, name):
    for size, is_fine in ((1024**2, True), (1024**2 + 1, False)):
        cell = "x" * size
        text = f"a,b\n1,{cell}\n".encode()
        made = {
            "a.csv": text,
            "a.zip": zipped({"a.csv": text}, method=0),
            "a.ods": _stored(ods([["a", "b"], [1, cell]])),
        }
        content = made[name]
        if is_fine:
            assert len(read(content, name)[1][0][1]) == size
            continue
        with pytest.raises(DataError) as caught:
            read(content, name)
        assert caught.value.code == "file.cell_too_large"


def _stored(content: bytes) -> bytes:
    """Return an archive without compression: one letter repeated is packed too well to be opened."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return zipped({name: archive.read(name) for name in archive.namelist()}, method=zipfile.ZIP_STORED)


@pytest.mark.slow
@pytest.mark.parametrize("action", ["read", "look"])
def test_5000_columns_are_read_and_5001_refused(read, action):
    def rows(width: int) -> str:
        return ",".join(f"c{n}" for n in range(width)) + "\n" + ",".join("1" * width) + "\n"

    answer, found = read(rows(5000), action=action)
    assert (len(answer.columns), len(found[0])) == (5000, 5000)
    with pytest.raises(DataError) as caught:
        read(rows(5001), action=action)
    assert caught.value.code == "file.too_many_columns"


def test_a_column_without_any_value_is_kept(read):
    assert read("a,b,c\n1,,x\n2,,y\n")[1] == [("1", "", "x"), ("2", "", "y")]
    answer, rows = read(workbook([["a", "b", "c"], [1, None, "x"], [2, None, "y"]]), "a.xlsx")
    assert (answer.columns, rows) == (("a", "b", "c"), [("1", "", "x"), ("2", "", "y")])
