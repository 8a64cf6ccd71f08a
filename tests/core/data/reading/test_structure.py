"""Files as programs write them that know no standard: what is not data is left out and told, and no cell is guessed."""

import csv
from pathlib import Path

import pytest

from core.data.reading.child.flat.plain import squeeze
from core.data.reading.reader import read_file
from core.domain.reading import ReadOptions
from core.errors import UnreadableFileError
from core.settings import Settings
from tests.core.data.reading.test_reader import read_here, workbook


@pytest.fixture(autouse=True)
def _field_limit():
    """The child sets the standard library's global limit; here it must not reach other tests."""
    before = csv.field_size_limit()
    yield
    csv.field_size_limit(before)


def read(tmp_path: Path, content: bytes) -> tuple[dict, str]:
    answer, table = read_here(tmp_path, content)
    return table.to_pydict(), " ".join(answer.warnings)


@pytest.mark.parametrize(
    "content",
    [
        b"a,y\n1,x\n,\n2,z\n,\n,\n",
        b"a,y\n1,x\n2,z\n,,,\n,,,\n , \n",
        b",\n,\n,\na,y\n1,x\n2,z\n",
        b"a;y\r\n1;x\r\n;\r\n;\r\n;\r\n2;z\r\n",
    ],
)
def test_rows_of_separators_only_are_left_out_and_told(tmp_path, content):
    rows, told = read(tmp_path, content)
    assert rows == {"a": ["1", "2"], "y": ["x", "z"]}
    assert "3 rows with nothing but separators were skipped." in told or content.startswith(b",")


def test_rows_of_separators_only_are_found_in_any_part_of_a_large_file(tmp_path):
    content = b"a,b,c\n" + (b"1,,x\n" * 50_000 + b",,\n") * 20 + b",b,\n"
    answer, table = read_here(tmp_path, content)
    assert table.num_rows == answer.rows == 1_000_001
    assert "20 rows with nothing but separators" in answer.warnings[-1]


def test_in_one_column_a_quoted_nothing_is_a_missing_value(tmp_path):
    assert read(tmp_path, b'a\n1\n""\n2\n')[0] == {"a": ["1", "", "2"]}


@pytest.mark.parametrize("separator", ["^", "~"])
def test_rare_separators_beside_decimal_commas_are_found(tmp_path, separator):
    lines = [("id", "amount", "when"), ("7", "12,50", "03.02.2024 07:05"), ("8", "1,25", "04.02.2024 08:05")]
    content = "".join(separator.join(line) + "\n" for line in lines).encode()
    assert list(read(tmp_path, content)[0]) == ["id", "amount", "when"]


@pytest.mark.parametrize(
    ("content", "separator"),
    [
        (b"a b y\n1 2 x\n3 4 z\n", " "),
        (b"  a   b  y\n  1   2  x \n  3   4  z\n", " "),
        (b"a^b^y\n1^2^x\n3^4^z\n", "^"),
        (b"a~b~y\n1~2~x\n3~4~z\n", "~"),
        (b"a:b:y\n1:2:x\n3:4:z\n", ":"),
    ],
)
def test_rare_separators_are_found_where_no_usual_one_fits_and_told(tmp_path, content, separator):
    answer, table = read_here(tmp_path, content)
    assert table.to_pydict() == {"a": ["1", "3"], "b": ["2", "4"], "y": ["x", "z"]}
    assert answer.separator == separator
    assert answer.doubts


def test_lines_of_several_words_in_one_column_are_asked_about(tmp_path):
    rows, told = read(tmp_path, b"full name\nJohn Smith\nAnn Lee\n")
    assert rows == {"full name": ["John Smith", "Ann Lee"]}
    assert "choose Space" in told
    assert not read(tmp_path, b"review\nvery good\nnot so\nbad\n")[1]
    assert not read(tmp_path, b"time\n12:30\n13:45\n")[1]
    assert not read(tmp_path, b"date time\n2024-01-01 12:00\n2024-01-02 13:00\n")[1]


def test_runs_of_spaces_inside_quotes_are_kept(tmp_path):
    assert squeeze(b'"a  b"   c \r\n  d  e') == b'"a  b" c\r\nd e'
    rows, _ = read(tmp_path, b'name       n\n"Ann  Lee"  1\n"Bo"        2\n')
    assert rows == {"name": ["Ann  Lee", "Bo"], "n": ["1", "2"]}


def test_a_separator_that_is_said_is_taken_without_a_question(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a  b\n1  x\n22 y\n")
    settings = Settings(home=tmp_path, min_free_bytes=1)
    info = read_file(path, "a.csv", tmp_path / "o.parquet", settings, options=ReadOptions(separator=" "))
    assert (info.columns, info.rows, info.doubts) == (("a", "b"), 2, ())


def test_a_byte_of_another_encoding_changes_one_cell_and_is_told(tmp_path):
    rows, told = read(tmp_path, b"city,y\nK\xf6ln,a\nZ\xc3\xbcrich,b\n")
    assert rows == {"city": ["Köln", "Zürich"], "y": ["a", "b"]}
    assert "'Köln' in data row 1 of 'city'" in told
    late = b"city,y\n" + b"Z\xc3\xbcrich,b\n" * 30_000 + b"K\xf6ln,a\n"
    answer, table = read_here(tmp_path, late)
    assert (answer.encoding, table["city"][0].as_py(), table["city"][-1].as_py()) == ("utf-8", "Zürich", "Köln")
    assert "data row 30,001" in answer.warnings[0]
    assert "'Größe'" in read(tmp_path, b"Gr\xf6\xdfe,y\nK\xc3\xb6ln \xc3\xbc,1\nZ\xc3\xbcrich,2\n")[1]


def test_a_byte_order_mark_decides_the_encoding_whatever_a_byte_says(tmp_path):
    answer, table = read_here(tmp_path, b"\xef\xbb\xbfcity,y\nK\xf6ln,a\n")
    assert (answer.encoding, table.to_pydict()) == ("utf-8", {"city": ["Köln"], "y": ["a"]})


def test_bytes_that_are_in_the_majority_decide_the_encoding(tmp_path):
    answer, table = read_here(tmp_path, "a\nÄ\nÖ\nÜ\n".encode("cp1252") + "ß\n".encode())
    assert (answer.encoding, table["a"][0].as_py()) == ("cp1252", "Ä")


def test_a_second_byte_order_mark_is_dropped(tmp_path):
    bom = b"\xef\xbb\xbf"
    assert read(tmp_path, bom + bom + b'"a",b\n1,2\n')[0] == {"a": ["1"], "b": ["2"]}
    assert read(tmp_path, b'"' + bom + b'a",b\n1,2\n')[0] == {"a": ["1"], "b": ["2"]}


@pytest.mark.parametrize("end", [b"\n\x1a", b"\x1a", b"\r\n\x1a\r\n", b"\n\x1a\x1a"])
def test_the_mark_of_the_end_of_file_is_no_row(tmp_path, end):
    assert read(tmp_path, b"a,b\n1,2\n3,4" + end)[0] == {"a": ["1", "3"], "b": ["2", "4"]}
    large = b"a,b\n" + b"1,2\n" * 40_000 + b"3,4" + end
    assert read_here(tmp_path, large)[1].num_rows == 40_001


def test_that_mark_inside_of_a_file_is_kept(tmp_path):
    assert read(tmp_path, b"a,b\n1\x1a,2\n3,4\n")[0]["a"] == ["1\x1a", "3"]


@pytest.mark.parametrize(
    "content",
    [b'"x","y"\n"1",3,"a"\n"2",4,"b"\n', b'"x" "y"\n"1" 3 "a"\n"2" 4 "b"\n', b"x\ty\n1\t3\ta\n2\t4\tb\n"],
)
def test_a_header_one_name_short_is_that_of_row_names_and_told(tmp_path, content):
    rows, told = read(tmp_path, content)
    assert rows == {"row_names": ["1", "2"], "x": ["3", "4"], "y": ["a", "b"]}
    assert "row_names" in told


def test_a_separator_too_many_at_each_end_moves_no_name(tmp_path):
    rows, told = read(tmp_path, b"a,b\n1,x,\n2,y,\n")
    assert rows == {"a": ["1", "2"], "b": ["x", "y"], "column_3": ["", ""]}
    assert "column_3" in told


def test_rows_that_only_look_as_if_they_had_names_are_refused(tmp_path):
    with pytest.raises(UnreadableFileError, match="3 cells"):
        read(tmp_path, b"price,qty\n1,234,5\n1,500,7\n")


def test_quotes_escaped_by_a_backslash_are_quotes(tmp_path):
    rows, told = read(tmp_path, b'a,b\n"he said \\"v\\"",2\n"x, \\"y\\", C:\\new",3\n')
    assert rows == {"a": ['he said "v"', 'x, "y", C:\\new'], "b": ["2", "3"]}
    assert "backslash" in told
    assert read(tmp_path, b'a,b\n"C:\\dir\\",2\n') == ({"a": ["C:\\dir\\"], "b": ["2"]}, "")


ITEMS = "item,n,x\na,1,2.5\nb,2,3\nc,6,0.5\n"


@pytest.mark.parametrize(
    "row",
    ["Average,3,2", "Mean,3,2.0", "AVG,3,2", "Ttl,9,6", "Total sales,9,6.0", "Grand total 2024,9,6", "Items total:,9,",
     "Durchschnitt,3,2", ",9,6.0"],
)  # fmt: skip
def test_sums_and_means_at_the_end_are_left_out_and_told(tmp_path, row):
    answer, table = read_here(tmp_path, f"{ITEMS}{row}\n".encode())
    assert (answer.rows, answer.footer_rows, table["item"].to_pylist()) == (3, 1, ["a", "b", "c"])
    assert "The last row was left out" in answer.doubts[-1]


@pytest.mark.parametrize("row", ["Total recall,7,7", ",9,5", ",8,", "Mean Green,4,1", "d,9,6"])
def test_what_only_looks_like_a_sum_is_kept(tmp_path, row):
    answer, _ = read_here(tmp_path, f"{ITEMS}{row}\n".encode())
    assert (answer.rows, answer.footer_rows) == (4, 0)
    assert bool(answer.doubts) == row.startswith(("Total", "Mean"))


@pytest.mark.parametrize(
    "rows",
    ["Mean,3,2\nStd,2,1", "Min,1,0.5\nMax,6,3", "Grand total,9,6\nGenerated 2024-01-05 by SAP,,", "End of report,,",
     "---,---,---\nTotal,9,6", "\n\nSource: the office\n* preliminary,,", "=====,,\n3 rows", "3 records,,"],
)  # fmt: skip
def test_what_a_report_ends_with_is_left_out_and_told(tmp_path, rows):
    answer, table = read_here(tmp_path, f"{ITEMS}{rows}\n".encode())
    assert table["item"].to_pylist() == ["a", "b", "c"]
    assert f"{rows.split()[-1].split(',')[0]}" in answer.doubts[-1]


@pytest.mark.parametrize("row", ["Max,4,1", "Count,4,", "3 rows of seats,4,1", "End of the pier,2,1"])
def test_a_name_like_a_statistic_or_a_note_is_kept(tmp_path, row):
    answer, _ = read_here(tmp_path, f"{ITEMS}{row}\n".encode())
    assert (answer.rows, answer.footer_rows, answer.doubts) == (4, 0, ())


def test_subtotals_of_whole_numbers_with_points_between_thousands_are_found(tmp_path):
    content = b"region;visits\nnorth;1.234\nsouth;850\nSubtotal;2.084\nnorth;2.000\nsouth;40\nSubtotal;2.040\n"
    rows, told = read(tmp_path, content)
    assert rows["visits"] == ["1.234", "850", "2.000", "40"]
    assert "Subtotal" in told


@pytest.mark.parametrize(
    "content",
    [
        "place,item,x\nN,a,1\nN,b,2\nSubtotal,,3\nS,c,4\nS,d,5\nSubtotal,,9\nTotal,,12\n",
        "place,item,x\nN,a,1\nN,b,2\nN Total,,3\nS,c,4\nS,d,5\nS Total,,9\nGrand Total,,12\n",
        "place,item,x\nN,a,1\nN,b,2\n,Sum,3\nS,c,4\nS,d,5\n,Sum,9\n",
    ],
)
def test_subtotals_inside_of_a_table_are_left_out_and_told(tmp_path, content):
    answer, table = read_here(tmp_path, content.encode())
    assert table.to_pydict() == {"place": ["N", "N", "S", "S"], "item": ["a", "b", "c", "d"], "x": ["1", "2", "4", "5"]}
    assert "1 row that sums up others was left out" in answer.doubts[0]


def test_levels_of_the_data_that_are_called_total_are_kept(tmp_path):
    content = b"sex,x\nm,1\nf,2\ntotal,9\nm,4\nf,5\ntotal,9\n"
    assert read_here(tmp_path, content)[0].rows == 6


def test_subtotals_are_found_in_workbooks_too_and_kept_where_that_is_said(tmp_path):
    rows = [
        ["place", "x"],
        ["a", 1],
        ["b", 2.5],
        ["Subtotal", 3.5],
        ["c", 4],
        ["d", 5],
        ["Subtotal", 9],
        ["Total", 12.5],
    ]
    content = workbook(tmp_path, s=rows)
    answer, table = read_here(tmp_path, content, "a.xlsx")
    assert table["place"].to_pylist() == ["a", "b", "c", "d"]
    assert answer.footer_rows == 2
    (tmp_path / "a.xlsx").write_bytes(content)
    settings, options = Settings(home=tmp_path, min_free_bytes=1), ReadOptions(skip_footer=0)
    assert read_file(tmp_path / "a.xlsx", "a.xlsx", tmp_path / "o.parquet", settings, options=options).rows == 7
