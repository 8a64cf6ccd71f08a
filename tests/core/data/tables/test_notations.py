"""Numbers with decimal commas and separators of thousands, and dates in several formats, from text to types."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.datasets.registry import Datasets
from core.data.tables.remarks import number_doubts, number_remarks
from core.data.tables.schema import (
    ambiguous_dates,
    ambiguous_numbers,
    apply_counted,
    apply_schema,
    infer_noted,
    infer_schema,
    retype,
)
from core.data.tables.written import dates, notations
from core.domain.columns import Column, Schema
from core.plain import from_plain, to_plain
from core.settings import Settings


def table(**columns: list[str]) -> pa.Table:
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def shapes(found: Schema) -> dict[str, tuple[str, bool, str | None]]:
    return {column.name: (column.type, column.integer, column.decimal) for column in found.columns}


@pytest.mark.parametrize(
    ("values", "shape", "numbers"),
    [
        (["1,5", "2", ""], ("numeric", False, ","), [1.5, 2.0, None]),
        (["1.234,5", "12.345.678", "-0,25"], ("numeric", False, ","), [1234.5, 12345678.0, -0.25]),
        (["1 234,5", "1\u00a0000", "1\u202f000,0"], ("numeric", False, ","), [1234.5, 1000.0, 1000.0]),
        (["1'234,50", "5,00"], ("numeric", False, ","), [1234.5, 5.0]),
        (["1,234.5", "7"], ("numeric", False, "."), [1234.5, 7.0]),
        (["1,234,567", "7"], ("numeric", True, "."), [1234567, 7]),
        (["1,0", "2,0"], ("numeric", True, ","), [1, 2]),
        ([",5", "3,"], ("numeric", False, ","), [0.5, 3.0]),
        (["1,5E3", "2"], ("numeric", True, ","), [1500, 2]),
        (["850", "1,234", "999", "12,500"], ("numeric", True, "."), [850, 1234, 999, 12500]),
        (["850", "1.234", "999", "12.500"], ("numeric", True, ","), [850, 1234, 999, 12500]),
        (["850", "1.234", "12.5"], ("numeric", False, None), [850, 1.234, 12.5]),
        (["1500", "1.234", "850"], ("numeric", False, None), [1500, 1.234, 850]),
        (["0,123", "5"], ("numeric", False, ","), [0.123, 5]),
        (["0.123", "5"], ("numeric", False, None), [0.123, 5]),
        (["850", "1 234", "12 500"], ("numeric", True, "."), [850, 1234, 12500]),
        (["850", "1\u00a0234", "1\u202f234\u202f567"], ("numeric", True, "."), [850, 1234, 1234567]),
        (["850", "1'234", "12’500"], ("numeric", True, "."), [850, 1234, 12500]),
        (["1,10,100.00", "5,000"], ("numeric", True, "."), [110100, 5000]),
        (["12,34,567", "5"], ("numeric", True, "."), [1234567, 5]),
    ],
)
def test_a_column_tells_its_notation(values, shape, numbers):
    source = table(x=values)
    found = infer_schema(source)
    assert shapes(found)["x"] == shape
    assert apply_schema(source, found)["x"].to_pylist() == numbers


@pytest.mark.parametrize(
    "values",
    [
        ["1,234", "2,345"],  # decimals or thousands: nothing tells
        ["1,5", "2.5"],  # two notations in one column
        ["1.234.5", "2"],
        ["01,5", "02,5"],  # codes
        ["1,23,4", "5"],
        ["12,34,56", "1"],
        ["1,5 %", "2"],
        ["1.5 %", "2 %", "3"],  # per cent, or not
        ["€1,5", "$2,5"],  # two currencies
        ["€1,234", "€2,345"],
        ["1,,5", "2"],
        ["+", "-"],
        ["(1", "2)"],
        ["-(5)", "2"],
        ["65+", "18"],
        ["$0123", "$5"],
        ["12345678901234567", "1.0"],  # digits that a float would lose
    ],
)
def test_what_is_no_number_in_any_notation_stays_words(values):
    assert infer_schema(table(x=values))["x"].type == "category"


@pytest.mark.parametrize(
    ("values", "unit", "numbers"),
    [
        (["$1,000.00", "$950.00"], "$", [1000, 950]),
        (["USD 5", "$6", "7 USD", "8"], "$", [5, 6, 7, 8]),
        (["1.234,50 €", "€ 5", "-3,00 EUR"], "€", [1234.5, 5, -3]),
        (["£1", "-£2", "£-3", "(£4)", "£(5)"], "£", [1, -2, -3, -4, -5]),
        (["¥1,000", "¥500"], "¥", [1000, 500]),
        (["kr 1 234", "56 kr."], "kr", [1234, 56]),
        (["CHF 1’234.50", "5.00 CHF"], "CHF", [1234.5, 5]),
        (["₹1,10,100.00", "Rs. 5"], "₹", [110100, 5]),
        (["12.5 %", "3%", "-1 %"], "%", [12.5, 3, -1]),
        (["12,5 %", "3 %"], "%", [12.5, 3]),
        (["(101)", "5", "(2.50)"], None, [-101, 5, -2.5]),
        (["(1,234.50)", "5"], None, [-1234.5, 5]),
        (["101.50-", "5.25"], None, [-101.5, 5.25]),
        (["−5", "–2.5", "3"], None, [-5, -2.5, 3]),
        (["€850", "€1.234", "€12.500"], "€", [850, 1234, 12500]),
        (["$5", "inf", "$6"], "$", [5, None, 6]),
    ],
)
def test_numbers_with_signs_beside_them_are_numbers_and_that_is_said(values, unit, numbers):
    source = table(x=values)
    found = infer_noted(source)
    assert (found.schema["x"].type, found.schema["x"].unit) == ("numeric", unit)
    assert apply_schema(source, found.schema)["x"].to_pylist() == numbers
    told = (*number_doubts(source, found, said=None, is_workbook=False), *number_remarks(source, found))
    assert any("'x'" in text and " is " in text for text in told)
    column = retype(Column("x", "category"), source["x"], "numeric")
    assert (column.type, column.unit) == ("numeric", unit)
    assert apply_schema(source, Schema((column,)))["x"].to_pylist() == numbers


def doubts(source: pa.Table, said: str | None = None, *, is_workbook: bool = False) -> tuple[str, ...]:
    found = infer_noted(source, decimal=said, is_workbook=is_workbook)
    return number_doubts(source, found, said=said, is_workbook=is_workbook)


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (["4’925.386", "12’000.500", "7.250"], [4925.386, 12000.5, 7.25]),
        (["58 103,221", "4 328,028", "996,656"], [58103.221, 4328.028, 996.656]),
    ],
)
def test_a_number_has_one_mark_of_thousands_so_that_the_other_one_is_decimal(values, numbers):
    column = table(x=values)
    schema = infer_schema(column)
    assert apply_schema(column, schema)["x"].to_pylist() == numbers


def test_marks_beside_a_sign_that_may_be_either_are_asked_about():
    column = table(x=["¥323.020", "¥52.197", "¥92.666"])
    assert ambiguous_numbers(column, infer_schema(column)) == ("x",)
    assert ambiguous_numbers(column := table(x=["253.313 %", "1.250 %"]), infer_schema(column)) == ("x",)


def test_marks_that_may_be_either_are_asked_about_and_a_person_settles_it():
    alone = table(x=["1.234", "2.345"])
    assert apply_schema(alone, infer_schema(alone))["x"].to_pylist() == [1.234, 2.345]
    assert "'x' may be decimal points or thousands" in doubts(alone)[0]
    assert apply_schema(alone, infer_schema(alone, decimal=","))["x"].to_pylist() == [1234, 2345]
    assert doubts(alone, ",") == doubts(alone, ".") == ()
    assert "'x' may be decimal or separate thousands" in doubts(table(x=["1,234", "2,345"]))[0]
    guessed = table(x=["850", "1.234", "999", "12.500"])
    assert "'12.500' is 12500" in doubts(guessed)[0]
    assert apply_schema(guessed, infer_schema(guessed, decimal="."))["x"].to_pylist() == [850, 1.234, 999, 12.5]
    assert doubts(guessed, ",") == ()


def test_decimal_points_elsewhere_in_the_file_settle_it_but_not_silently():
    source = table(x=["850", "1.234", "999"], share=["0.5", "0.25", "0.1"], y=["1.234", "2.345", "3.456"])
    assert {column.decimal for column in infer_schema(source).columns} == {None}
    assert [("'x'" in text, "'y'" in text) for text in doubts(source)] == [(True, False)]


def test_numbers_of_a_workbook_have_decimal_points():
    source = table(x=["850", "1.234", "999", "12.345"])
    assert infer_schema(source, is_workbook=True)["x"] == Column("x", "numeric")
    assert doubts(source, is_workbook=True) == ()
    beside = table(v=["850", "1.234", "999"], t=["850", "1.234", "12.500"], comma=["1,5", "2,25", "3"])
    found = infer_schema(beside.select(["v", "t"]), is_workbook=True)
    assert shapes(found) == {"v": ("numeric", False, None), "t": ("numeric", True, ",")}
    found = infer_schema(beside.select(["v", "comma"]), is_workbook=True)
    assert shapes(found) == {"v": ("numeric", False, None), "comma": ("numeric", False, ",")}
    as_text = table(x=["850", "1.234", "12.500"])  # no number of a workbook ends in a needless zero
    assert infer_schema(as_text, is_workbook=True)["x"] == Column("x", "numeric", integer=True, decimal=",")


def test_infinite_cells_are_missing_and_counted_and_never_make_words():
    source = pa.table(
        {
            "a": ["1.5", "inf", "-Infinity", "1e400", "2.5"],
            "b": ["1", "∞", "3", "4", "5"],
            "c": [1.5, float("inf"), float("nan"), 2.5, None],
        }
    )
    found = infer_noted(source)
    assert [(column.type, column.integer) for column in found.schema.columns] == [
        ("numeric", False), ("numeric", True), ("numeric", False)
    ]  # fmt: skip
    assert apply_schema(source, found.schema).to_pydict() == {
        "a": [1.5, None, None, None, 2.5],
        "b": [1, None, 3, 4, 5],
        "c": [1.5, None, None, 2.5, None],
    }
    assert number_remarks(source, found) == (
        "'a': 3 cells are infinite; they count as missing.",
        "'b': 1 cell is infinite; it counts as missing.",
        "'c': 1 cell is infinite; it counts as missing.",
    )
    commas = table(d=["1,5", "2,5", "Inf", "3,5", "4"])
    assert apply_schema(commas, infer_schema(commas))["d"].to_pylist() == [1.5, 2.5, None, 3.5, 4]
    assert number_remarks(commas, infer_noted(commas)) == ("'d': 1 cell is infinite; it counts as missing.",)


def test_a_few_bad_cells_never_make_words_of_numbers_silently():
    source = table(x=[*map(str, range(50)), "?", "none", "?"], code=[*(f"{n:03}" for n in range(52)), "x"])
    found = infer_noted(source)
    assert found.schema["x"].type == "category"
    (told,) = number_remarks(source, found)
    assert told.startswith("'x' stays text because of 3 cells that are not numbers ('?' and 'none') beside 50 numbers")
    ids = table(x=["9007199254740993", "x", "9007199254740994"])
    assert number_remarks(ids, infer_noted(ids)) == ()
    source = table(x=["$5", "free", "$1,234.50", "$7"])
    assert number_remarks(source, infer_noted(source))[0].startswith("'x' stays text because of 1 cell that is not a")
    source = table(x=[*map(str, range(50)), "free"], code=["a"] * 51)
    found = infer_noted(source)
    assert number_remarks(source, found.retyped(Schema((Column("x", "numeric"), Column("code", "id"))))) == ()


def test_units_that_differ_are_said():
    assert "do not all have the same unit ($ and €)" in doubts(table(x=["$5", "$6", "€7"]))[0]
    assert "do not all have the same unit (%)" in doubts(table(x=["5 %", "6 %", "0.07"]))[0]


def test_the_unit_is_part_of_the_digest():
    assert Schema((Column("x", "numeric", unit="%"),)).digest() != Schema((Column("x", "numeric"),)).digest()


def test_one_file_has_one_notation():
    source = table(sure=["1,5", "2,25"], either=["1,234", "2,345"], points=["1.234", "12.345"], plain=["1", "2"])
    found = infer_schema(source)
    assert shapes(found) == {
        "sure": ("numeric", False, ","),
        "either": ("numeric", False, ","),
        "points": ("numeric", True, ","),
        "plain": ("numeric", True, None),
    }
    typed = apply_schema(source, found)
    assert typed["either"].to_pylist() == [1.234, 2.345]
    assert typed["points"].to_pylist() == [1234, 12345]


def test_columns_that_disagree_stay_words():
    source = table(list=["1,2", "3,4"], share=["0.5", "0.25"])
    found = infer_schema(source)
    assert (found["list"].type, found["share"].decimal) == ("category", None)
    both = infer_schema(table(a=["1,5", "2"], b=["1,234.5", "2"], c=["1,234", "2"]))
    assert {column.type for column in both.columns} == {"category"}


def test_a_person_decides():
    source = table(x=["1,234", "2,345"], y=["1.5", "2.5"])
    assert ambiguous_numbers(source, infer_schema(source)) == ("x",)
    comma, point = infer_schema(source, decimal=","), infer_schema(source, decimal=".")
    assert apply_schema(source, comma)["x"].to_pylist() == [1.234, 2.345]
    assert apply_schema(source, point)["x"].to_pylist() == [1234, 2345]
    assert apply_schema(source, comma)["y"].to_pylist() == [1.5, 2.5]
    assert ambiguous_numbers(source, comma) == ()


@given(st.lists(st.floats(-1e9, 1e9, allow_nan=False).map(lambda x: round(x, 3)), min_size=1, max_size=30))
def test_what_a_german_program_writes_comes_back(numbers):
    german = [f"{x:,.3f}".replace(",", "_").replace(".", ",").replace("_", ".") for x in numbers]
    read = notations.parse_notation(pa.array(german), ",", whole=False).to_pylist()
    assert read == [float(f"{x:.3f}") for x in numbers]


def test_numbers_agree_with_pandas(tmp_path):
    text = "a;b;c\n1.234,5;-7,25;3\n0,001;1.000.000;4\n;12;5\n"
    (tmp_path / "in.csv").write_text(text)
    datasets = Datasets(Settings(home=tmp_path / "home", min_free_bytes=1))
    dataset = datasets.add(tmp_path / "in.csv", "in.csv")
    expected = pd.read_csv(tmp_path / "in.csv", sep=";", decimal=",", thousands=".")
    pd.testing.assert_frame_equal(datasets.open(dataset.id).typed().to_pandas(), expected)
    assert dataset.reading.in_words() == "Semicolon-separated, UTF-8, header in row 1, decimal comma"
    assert datasets.open(dataset.id).source()["a"].to_pylist() == ["1.234,5", "0,001", ""]  # what the file says


# --- a later file -----------------------------------------------------------------------------------------------------

POINT = Schema((Column("x", "numeric"),))
COMMA = Schema((Column("x", "numeric", decimal=","),))

PRICE = Schema((Column("x", "numeric", decimal=".", unit="$"),))


@pytest.mark.parametrize(
    ("schema", "values", "numbers", "n_bad"),
    [
        (POINT, ["1,5", "2,25"], [1.5, 2.25], 0),  # a file with commas for a model of a file with points
        (COMMA, ["1.5", "2.25"], [1.5, 2.25], 0),  # and the other way round
        (COMMA, ["1.234"], [1234.0], 0),  # the column's own notation, where both fit
        (POINT, ["1.234"], [1.234], 0),
        (POINT, ["1,234"], [None], 1),  # nothing tells: as before, a cell that is not a number
        (POINT, ["1,5", "x", "2.5", "3.5"], [None, None, 2.5, 3.5], 2),  # most of them decide
        (COMMA, ["1,5", "x", ""], [1.5, None, None], 1),
        (POINT, ["1,234.5", "8"], [1234.5, 8.0], 0),
        (POINT, ["(101)", "5-", "−2.5"], [-101, -5, -2.5], 0),
        (POINT, ["$5", "6"], [None, 6], 1),  # another meaning than in training, unless somebody looks
        (PRICE, ["$5", "6", "€7", "USD 1,000"], [5, 6, None, 1000], 1),
    ],
)
def test_a_later_file_in_another_notation(schema, values, numbers, n_bad):
    typed, bad = apply_counted(table(x=values), schema)
    assert typed["x"].to_pylist() == numbers
    assert bad == ({"x": n_bad} if n_bad else {})


def test_words_with_a_few_bad_cells_become_numbers_with_commas():
    values = pa.chunked_array([["1,5", "n.a.", "2,5"]])
    column = retype(Column("x", "category"), values, "numeric")
    assert apply_schema(pa.table({"x": values}), Schema((column,)))["x"].to_pylist() == [1.5, None, 2.5]


def test_the_notation_is_part_of_the_digest_and_old_digests_hold():
    plain = Schema((Column("x", "numeric"),))
    assert plain.digest() != COMMA.digest()
    assert plain.digest() == "a4ec4fb0a0546382695b6f3f476a6e1273777c390f922de01308d5f6b9f8e930"  # as it was without
    assert from_plain(Schema, to_plain(COMMA)) == COMMA
    assert from_plain(Schema, {"columns": [{"name": "x", "type": "numeric"}]}) == plain


# --- dates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "date_format", "days"),
    [
        (["2024-03-01", "31.12.2023", ""], "ISO 8601 | %d.%m.%Y", ["2024-03-01", "2023-12-31", None]),
        (["01/02/2024", "2024-03-01", "13/02/2024"], "%d/%m/%Y | ISO 8601", ["2024-02-01", "2024-03-01", "2024-02-13"]),
        (["02/13/2024", "5-Mar-2024"], "%m/%d/%Y | %d-%b-%Y", ["2024-02-13", "2024-03-05"]),
        (["2024-03-01", "2024-03-02", "45352"], "ISO 8601 | Excel", ["2024-03-01", "2024-03-02", "2024-03-01"]),
        (["01.03.2024", "01.03.2024 13:05"], "%d.%m.%Y | %d.%m.%Y %H:%M", ["2024-03-01", "2024-03-01"]),
    ],
)
def test_dates_in_several_formats(values, date_format, days):
    source = table(when=values)
    found = infer_schema(source)
    assert found["when"] == Column("when", "date", format=date_format)
    read = apply_schema(source, found)["when"].to_pylist()
    assert [day.date().isoformat() if day else None for day in read] == days


@pytest.mark.parametrize(
    "values",
    [
        ["13/01/2024", "01/13/2024"],  # day first and month first
        ["2024-03-01", "soon"],
        ["45352", "45353", "2024-03-01"],  # mostly plain numbers
        ["45352", "45353"],
        ["2024-03-01", "01.03.2024", "3/1/2024 1:05 PM", "5-Mar-2024"],  # more than three ways
        ["2024-03-01", "31.02.2024"],
    ],
)
def test_what_is_no_date_in_a_few_formats(values):
    assert infer_schema(table(when=values))["when"].type != "date"


def test_dates_that_fit_both_ways_are_named_in_mixtures_too():
    source = table(a=["2024-03-01", "01/02/2024"], b=["2024-03-01", "13/02/2024"])
    assert ambiguous_dates(source, infer_schema(source)) == ("a",)


@pytest.mark.parametrize("number", ["45352", "45352.5", "36526.25"])
def test_excel_day_numbers_agree_with_pandas(number):
    read = dates.parse_dates(pa.array([number]), dates.EXCEL).to_pylist()
    assert read == [pd.Timestamp("1899-12-30") + pd.Timedelta(days=float(number))]


def test_a_person_can_make_dates_of_excel_day_numbers():
    values = pa.chunked_array([["45352", "45353"]])
    column = retype(Column("when", "numeric", integer=True), values, "date", "Excel")
    typed = apply_schema(pa.table({"when": values}), Schema((column,)))
    assert [day.date().isoformat() for day in typed["when"].to_pylist()] == ["2024-03-01", "2024-03-02"]


@pytest.mark.slow
def test_no_real_file_changes_its_types(test_data: Path, tmp_path):
    """The new rules must not find commas where there are none: types stay what the plain rules say."""
    datasets = Datasets(Settings(home=tmp_path, min_free_bytes=1))
    for name in ("titanic.csv", "house_prices.csv", "credit_g.csv", "taxis.csv.gz", "ningbo_homes.csv.gz", "cmc.csv"):
        dataset = datasets.add(test_data / name, name)
        assert {column.decimal for column in dataset.schema.columns} == {None}, name
        assert (dataset.reading.header_row, dataset.reading.footer_rows) == (1, 0), name
