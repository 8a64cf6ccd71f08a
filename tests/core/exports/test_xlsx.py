"""Workbooks: what a cell can hold, sheets when one is too small, colours, and the disk's own error."""

import datetime as dt
import errno

import openpyxl
import pyarrow as pa
import pytest

from core.exports import xlsx
from core.exports.xlsx import Look, is_excel_time, write_xlsx

DAY = dt.datetime(2026, 11, 29)  # noqa: DTZ001 - as it stands in the file


def written(table, path, look=None, summary=None):
    write_xlsx(table, path, summary, look)
    return openpyxl.load_workbook(path)


@pytest.mark.parametrize(
    ("moment", "is_held"),
    [
        (dt.datetime(1900, 3, 1), True),  # noqa: DTZ001
        (dt.datetime(1900, 2, 28, 23, 59, 59), False),  # noqa: DTZ001
        (dt.datetime(9999, 12, 31), True),  # noqa: DTZ001
        (dt.datetime(9999, 12, 31, 0, 0, 1), False),  # noqa: DTZ001
        (dt.datetime(2026, 1, 1, 0, 0, 0, 1), False),  # noqa: DTZ001
    ],
)
def test_moments_from_march_1900_to_the_last_day_to_the_second_are_dates(moment, is_held):
    assert is_excel_time(pa.chunked_array([pa.array([DAY, moment, None], pa.timestamp("us"))])) is is_held


def test_no_moment_at_all_one_with_a_zone_and_texts_are_none():
    assert is_excel_time(pa.chunked_array([pa.nulls(2, pa.timestamp("us"))])) is False
    assert is_excel_time(pa.chunked_array([pa.array([DAY], pa.timestamp("us", "UTC"))])) is False
    assert is_excel_time(pa.chunked_array([["2026-11-29"]])) is False


def test_rows_that_one_sheet_cannot_hold_go_on_the_next_with_their_header(tmp_path, monkeypatch):
    monkeypatch.setattr(xlsx, "MAX_ROWS", 4)
    book = written(pa.table({"a": [1, 2, 3, 4, 5, 6, 7]}), tmp_path / "o.xlsx", summary={"Rows": "7"})
    assert book.sheetnames == ["Predictions", "Predictions 2", "Predictions 3", "Summary"]
    values = [[cell.value for cell in sheet["A"]] for sheet in book.worksheets[:3]]
    assert values == [["a", 1, 2, 3], ["a", 4, 5, 6], ["a", 7]]
    assert {sheet.freeze_panes for sheet in book.worksheets} == {"A2"}


@pytest.mark.parametrize(
    ("value", "is_text"), [(2**53, False), (2**53 + 1, True), (-(2**53), False), (-(2**53) - 1, True)]
)
def test_whole_numbers_that_excel_would_round_are_texts(tmp_path, value, is_text):
    (cell,) = written(pa.table({"a": [value]}), tmp_path / "o.xlsx")["Predictions"][2]
    assert cell.value == (str(value) if is_text else value)


def test_columns_are_as_wide_as_header_and_cells_but_never_narrow_or_endless(tmp_path):
    table = pa.table({"a": ["x"], "long header here": ["x"], "b": ["y" * 30], "c": ["z" * 90], "share": [1 / 3]})
    look = Look(formats={"share": "0.0%", "gone": "0"})
    sheet = written(table, tmp_path / "o.xlsx", look)["Predictions"]
    # Excel adds what the frame of a cell takes, less than one character.
    widths = [int(sheet.column_dimensions[letter].width) for letter in "ABCDE"]
    assert widths == [10, 20, 31, 60, 10]
    assert sheet["E2"].number_format == "0.0%"
    assert sheet.auto_filter.ref == "A1:E2"


def test_values_have_colours_and_numbers_a_scale_where_the_column_is_there(tmp_path):
    look = Look(
        colours={"label": {"yes": "#F7D9A8", "no": "#E8EEF7"}, "n": {1: "#F7D9A8"}, "gone": {"x": "#F7D9A8"}},
        scales=("p", "lost"),
    )
    sheet = written(pa.table({"label": ["yes", "no"], "n": [1, 2], "p": [0.1, 0.9]}), tmp_path / "o.xlsx", look)[
        "Predictions"
    ]
    found = {
        str(area.sqref)[0]: [(rule.type, rule.operator, rule.text) for rule in rules]
        for area, rules in sheet.conditional_formatting._cf_rules.items()
    }
    assert found == {
        "A": [("beginsWith", "beginsWith", "yes"), ("beginsWith", "beginsWith", "no")],
        "B": [("cellIs", "equal", None)],
        "C": [("colorScale", None, None)],
    }


def test_a_value_that_another_one_begins_with_has_no_colour_since_excel_looks_at_beginnings_only(tmp_path):
    look = Look(colours={"label": {"yes": "#F7D9A8", "yes, later": "#E8EEF7"}})
    sheet = written(pa.table({"label": ["yes", "yes, later"]}), tmp_path / "o.xlsx", look)["Predictions"]
    (rules,) = sheet.conditional_formatting._cf_rules.values()
    assert [rule.text for rule in rules] == ["yes, later"]


def test_further_sheets_have_a_bold_first_column_and_wrap_the_others(tmp_path):
    look = Look(sheets={"Card": (("About", "Value"), ("Model", "m\r\n1"), ("Long", "x" * 40_000))})
    sheet = written(pa.table({"a": [1]}), tmp_path / "o.xlsx", look)["Card"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["About", "Value"], ["Model", "m\n1"], ["Long", "x" * 32_767],
    ]  # fmt: skip
    assert [cell.font.bold for cell in sheet[2]] == [True, False]
    assert [bool(cell.alignment.wrap_text) for cell in sheet[2]] == [False, True]
    assert int(sheet.column_dimensions["A"].width) < int(sheet.column_dimensions["B"].width)
    assert sheet.freeze_panes == "A2"


class Broken:
    """A book whose disk fails, as the library tells it: in words, or as a panic."""

    def __init__(self, words: str) -> None:
        self.words = words

    def save(self) -> None:
        raise RuntimeError(self.words)


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("No space left on device (os error 28)", errno.ENOSPC),
        ("called `Result::unwrap()` on an `Err` value: Os { code: 30, kind: ReadOnlyFilesystem }", errno.EROFS),
    ],
)
def test_a_failure_of_the_disk_has_its_number(words, number):
    with pytest.raises(OSError, match=r"\[Errno") as caught:
        xlsx._save(Broken(words))
    assert caught.value.errno == number


def test_another_failure_stays_what_it_is():
    with pytest.raises(RuntimeError, match="a bug"):
        xlsx._save(Broken("a bug"))
