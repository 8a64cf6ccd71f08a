"""Types: what text is taken for, and how it is read."""

import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.tables.remarks import number_remarks, zone_doubts
from core.data.tables.schema import (
    MISSING_TOKENS,
    Inferred,
    ambiguous_dates,
    apply_counted,
    apply_schema,
    as_category,
    check_target,
    guess_id_column,
    guess_positive,
    guess_task,
    infer_noted,
    infer_schema,
    match_levels,
    proposed_ignores,
    retype,
    with_levels,
    zoned_dates,
)
from core.domain.columns import Column, ColumnType, Schema
from core.domain.training import Task
from core.errors import DataError, SchemaMismatchError, TargetError

quick = settings(max_examples=40, deadline=None)


at = datetime.fromisoformat


def text(**columns: list[str]) -> pa.Table:
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def inferred(values: list[str], name: str = "x") -> Column:
    return infer_schema(text(**{name: values})).columns[0]


def read(values: list[str], column: Column) -> list[Any]:
    return apply_schema(text(**{column.name: values}), Schema((column,)))[column.name].to_pylist()


def chunked(values: list[Any], kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


# --- what a column is taken for --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sign", ["-", "--", "–", "?", ".", "..", "*", ":", "n/a", "n.a.", "k.A.", "<NA>", "\\N", "#DIV/0!"]
)
@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1.5", "20", "3.25"], "numeric"),
        (["1.234,5", "20,1", "3,25"], "numeric"),
        (["$1,250.00", "$3", "$7.5"], "numeric"),
        (["2024-01-05", "2024-02-06", "2024-03-07"], "date"),
        (["a1", "b2", "c3"], "category"),
        (["007", "008", "123"], "category"),
    ],
)
def test_a_sign_for_no_value_among_numbers_or_dates_is_a_missing_value_and_told(
    sign: str, values: list[str], kind: ColumnType
) -> None:
    table = text(x=[*values * 4, sign, f" {sign} "])
    found = infer_noted(table)
    assert found.schema["x"].type == kind
    told = [remark for remark in number_remarks(table, found) if repr(sign) in remark]
    assert told == ([f"'x': 2 cells hold {sign!r} and count as missing."] if kind != "category" else [])
    assert apply_schema(table, found.schema)["x"].null_count == (0 if kind == "category" else 2)


@pytest.mark.parametrize("values", [["1", "2", "?"], ["5", "6", "7", "unknown"], ["-"] * 4, ["a", "b", "-"]])
def test_a_sign_among_few_values_and_words_that_may_mean_something_stay_words(values: list[str]) -> None:
    assert inferred(values * 5).type == "category"


@pytest.mark.parametrize(
    ("values", "kind", "integer"),
    [
        (["1", "-2", "+3"], "numeric", True),
        (["28.0", "3.0", ""], "numeric", True),
        (["1.5", ".5", "2.", "1e3", "-1E-2"], "numeric", False),
        (["0", "0.5", "-0.25"], "numeric", False),
        ([" 1 ", "\t2"], "numeric", True),
        (["1", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null", ""], "numeric", True),
        (["9007199254740991", "1"], "numeric", True),
        (["9223372036854775807", "1", "1"], "category", False),  # digits that a float would lose: a name
        (["1e20", "1"], "numeric", False),
        (["1", "2", "x"], "category", False),
        (["1,234", "2,345"], "category", False),
        (["00012", "00013"], "category", False),
        (["0422", "1200"], "category", False),
        (["-01", "5"], "category", False),
        (["1e999", "1"], "numeric", True),
        (["inf", "-Infinity", "1.5"], "numeric", False),
        (["inf", "-inf"], "category", False),
        (["0x1F", "0x2A"], "category", False),
        (["1_000", "2_000"], "category", False),
        (["92233720368547758070", "1"], "category", False),
        (["9007199254740993", "9007199254740994"], "id", False),
        (["9007199254740993", "9007199254740993"], "category", False),
        (["true", "false"], "category", False),
        (["None", "Stone"], "category", False),
        (["", "NA"], "category", False),
    ],
)
def test_numbers_and_categories(values: list[str], kind: str, integer: bool) -> None:
    assert inferred(values) == Column("x", kind, integer=integer)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "date_format"),
    [
        (["2024-02-29", "2023-12-31"], None),
        (["2024-02-29 23:59", "2024-02-29T23:59:59.123"], None),
        (["2024-02-29T23:59:59Z", "2024-02-29T23:59:59+02:00"], None),
        (["2024/2/29", "2023/12/31"], "%Y/%m/%d"),
        (["29.02.2024 7:05", "01.01.2024 17:05"], "%d.%m.%Y %H:%M"),
        (["29/02/2024", "01/02/2024"], "%d/%m/%Y"),
        (["02/29/2024", "01/02/2024"], "%m/%d/%Y"),
        (["01/02/2024", "03/04/2024"], "%d/%m/%Y"),
        (["02/08/2015 11:43:40 PM", "02/18/2015 12:00:00 AM"], "%m/%d/%Y %I:%M:%S %p"),
        (["03-Feb-2024", "04-Mar-2024"], "%d-%b-%Y"),
        (["3 Feb 2024", "04 Mar 2024"], "%d %b %Y"),
        (["February 3, 2024", "March 14, 2024"], "%B %d, %Y"),
        (["2024年02月03日", "2024年3月4日"], "%Y年%m月%d日"),
    ],
)
def test_dates(values: list[str], date_format: str | None) -> None:
    assert inferred(["", *values]) == Column("x", "date", format=date_format)


@pytest.mark.parametrize(
    "values",
    [
        ["2023-02-29", "2023-01-01"],
        ["30/02/2024", "01/02/2024"],
        ["13/01/2024", "01/13/2024"],
        ["1/2/15", "3/4/16"],
        ["2024-01-01", "unknown"],
        ["10-20-30", "11-21-31"],
    ],
)
def test_what_is_no_calendar_day_in_one_format_is_no_date(values: list[str]) -> None:
    assert inferred(values).type == "category"


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2023-01-28 07:05:09+02", "2023-01-28 05:05:09"),
        ("2023-01-28 07:05:09+05:30", "2023-01-28 01:35:09"),
        ("2023-01-28T07:05:09 -0500", "2023-01-28 12:05:09"),
        ("2023-01-28 07:05:09 UTC", "2023-01-28 07:05:09"),
        ("2023-01-28 07:05:09.250 +0000 UTC", "2023-01-28 07:05:09.250"),
        ("28/01/2023 07:05:09 GMT+01:00", "2023-01-28 06:05:09"),
        ("2023-01-28 07:05:09 CET", "2023-01-28 06:05:09"),
        ("28.07.2023 07:05 CEST", "2023-07-28 05:05"),
        ("2023-01-28T07:05:09.250 EST", "2023-01-28 12:05:09.250"),
        ("1/28/2023 7:05:09 PM PST", "2023-01-29 03:05:09"),
        ("2023-01-28 07:05:09 GMT", "2023-01-28 07:05:09"),
        ("28 Jan 2023 07:05:09 NZDT", "2023-01-27 18:05:09"),
        ("2023-01-28 07:05 ACST", "2023-01-27 21:35"),
        ("28.01.2023 07:05Z", "2023-01-28 07:05"),
        ("2023-01-28 07:05:09,123", "2023-01-28 07:05:09.123"),
        ("2023/01/28 07:05:09.5", "2023-01-28 07:05:09.500"),
        ("2023-01-28 07:05PM", "2023-01-28 19:05"),
        ("1/28/2023 7:05:09 p.m.", "2023-01-28 19:05:09"),
        ("28.01.2023 07:05AM", "2023-01-28 07:05"),
        ("2023.01.28", "2023-01-28"),
        ("2023.01.28 07:05", "2023-01-28 07:05"),
        ("2023-1-28 7:05", "2023-01-28 07:05"),
        ("20141013T000000", "2014-10-13"),
        ("20141013T070509Z", "2014-10-13 07:05:09"),
        ("20141013T0705+0200", "2014-10-13 05:05"),
    ],
)
def test_moments_as_programs_write_them_are_dates_in_utc(value: str, moment: str) -> None:
    column = inferred([value, ""])
    assert column.type == "date"
    assert read([value], column) == [at(moment)]


def test_moments_with_and_without_a_zone_stand_together_and_zones_are_named() -> None:
    table = text(
        zoned=["2023-01-28 07:05:09+02", "2023-01-28 07:05:09"], plain=["2023-01-28 07:05:09", "2023-01-28 07:05:10"]
    )
    schema = infer_schema(table)
    assert read(["2023-01-28 07:05:09+02", "2023-01-28 07:05:09"], schema["zoned"]) == [
        at("2023-01-28 05:05:09"), at("2023-01-28 07:05:09"),
    ]  # fmt: skip
    assert zoned_dates(table, schema) == ("zoned",)


@pytest.mark.parametrize("zone", ["IST", "BST", "CST", "AST", "XYZ"])
def test_moments_whose_zone_is_one_of_several_stay_words_and_are_asked_about(zone: str) -> None:
    table = text(t=[f"2023-01-28 07:05:09 {zone}", "2023-01-29 07:05:09 CET"], u=["07:05 AM", "8:00 pm"])
    found = infer_noted(table)
    assert found.schema["t"].type == "category"
    (doubt,) = zone_doubts(table, found)
    assert f"The times in 't' name a zone that is not known, or is one of several: {zone}." in doubt


def test_named_zones_are_told_and_half_days_are_no_zones() -> None:
    table = text(zoned=["2023-01-28 07:05:09 CET"] * 2, plain=["2023-01-28 07:05 AM", "2023-01-28 07:05 PM"])
    assert zoned_dates(table, infer_schema(table)) == ("zoned",)
    assert zone_doubts(table, infer_noted(table)) == ()


def test_years_of_two_digits_lie_in_the_past() -> None:
    column = retype(Column("x", "category"), chunked(["9/4/63"]), "date", "%d/%m/%y")
    now = datetime.now(UTC).year
    assert read(["9/4/63", f"31/12/{now % 100:02d}", f"1/1/{(now + 1) % 100:02d}", "9/4/99"], column) == [
        at("1963-04-09"), at(f"{now}-12-31"), at(f"{now - 99}-01-01"), at("1999-04-09"),
    ]  # fmt: skip


def test_years_are_numbers() -> None:
    assert inferred(["2014", "2015"]) == Column("x", "numeric", integer=True)


def test_dates_that_fit_day_first_and_month_first_are_named() -> None:
    table = text(a=["01/02/2024", "03/04/2024"], b=["13/02/2024", "03/04/2024"], c=["2024-01-02", "2024-03-04"])
    assert ambiguous_dates(table, infer_schema(table)) == ("a",)


@pytest.mark.parametrize(
    "name", ["id", "ID", "Id", "user_id", "userId", "PassengerID", "id card", "ID-Nr", "sku", "order key"]
)
def test_unique_columns_named_like_an_id_are_ids(name: str) -> None:
    assert inferred(["3", "17", "5"], name).type == "id"
    assert inferred(["a3", "a17", "a5"], name).type == "id"


@pytest.mark.parametrize("name", ["paid", "valid", "Humid", "idea", "liquidity", "age"])
def test_other_names_are_no_ids(name: str) -> None:
    assert inferred(["3", "17", "5"], name).type == "numeric"


def test_ids_need_every_value_once() -> None:
    assert inferred(["1", "2", "2"], "id").type == "numeric"
    assert inferred(["1", "2", ""], "id").type == "numeric"
    assert inferred(["1.5", "2.5", "3"], "id").type == "numeric"


def test_whole_numbers_called_an_id_that_nearly_always_differ_are_an_id() -> None:
    twice = [str(9_000_000 + 7 * (k % 97)) for k in range(100)]
    assert inferred(twice, "id").type == "id"
    assert inferred(twice, "amount").type == "numeric"
    assert inferred([str(k % 60) for k in range(100)], "id").type == "numeric"


def test_numbers_of_rows_and_things() -> None:
    assert inferred([str(n) for n in range(1, 31)], "No").type == "id"
    assert inferred([str(n * n * (-1) ** n) for n in range(1, 31)], "lot number").type == "numeric"
    assert inferred([f"HZ{n}" for n in range(20)], "Case Number").type == "id"
    assert inferred([f"HZ{n}" for n in range(19)], "Case Number").type == "category"


def test_text_is_varied_and_either_long_or_of_many_values() -> None:
    assert inferred([f"word {n}" for n in range(1_001)]).type == "text"
    assert inferred([f"word {n}" for n in range(1_000)]).type == "category"
    assert inferred([f"word {n % 800}" for n in range(2_000)]).type == "category"
    assert inferred(["lorem ipsum " * 5 + str(n) for n in range(20)]).type == "text"
    assert inferred(["lorem ipsum " * 5 + str(n % 2) for n in range(20)]).type == "category"
    assert inferred([f"word {n % 10_001}" for n in range(30_003)]).type == "text"


def test_100_000_distinct_strings_are_text() -> None:
    assert inferred([f"s{n}" for n in range(100_000)]).type == "text"


def test_native_types() -> None:
    table = pa.table(
        {
            "i": pa.array([1, None], pa.int32()),
            "whole": [1.0, float("nan")],
            "f": [1.5, float("inf")],
            "d": pa.array([at("2024-01-01"), None], pa.timestamp("ns")),
            "day": pa.array([at("2024-01-01"), None], pa.date32()),
            "z": pa.array([at("2024-01-01"), None], pa.timestamp("us", "Europe/Berlin")),
            "b": [True, None],
            "s": ["007", " x "],
            "u": pa.array([2**64 - 1, 1], pa.uint64()),
        }
    )
    schema = infer_schema(table)
    assert [column.type for column in schema.columns] == [
        "numeric", "numeric", "numeric", "date", "date", "date", "category", "category", "category",
    ]  # fmt: skip
    typed, bad = apply_counted(table, schema)
    assert typed.to_pydict() == {
        "i": [1, None],
        "whole": [1, None],
        "f": [1.5, None],
        "d": [at("2024-01-01"), None],
        "day": [at("2024-01-01"), None],
        "z": [at("2024-01-01"), None],
        "b": ["true", None],
        "s": ["007", "x"],
        "u": [str(2**64 - 1), "1"],
    }
    assert typed.schema.field("z").type == pa.timestamp("ms")
    assert bad == {"f": 1}


@pytest.mark.parametrize(
    "values",
    [
        [str(9007199254740993 + n) for n in range(200)],
        pa.array([9007199254740993 + n for n in range(200)], pa.int64()),
        pa.array([2**64 - 1 - n for n in range(200)], pa.uint64()),
        [f"{12345678901234567890 + n}" for n in range(200)],
    ],
)
def test_ids_with_more_digits_than_a_float_holds_keep_them(values: Any) -> None:
    table = pa.table({"cust": values})
    schema = infer_schema(table)
    assert schema["cust"] == Column("cust", "id")
    assert apply_schema(table, schema)["cust"].to_pylist() == [str(value) for value in table["cust"].to_pylist()]
    twice = pa.concat_tables([table, table])
    assert infer_schema(twice)["cust"].type == "category"  # names, which come more than once


def test_empty_table() -> None:
    table = pa.table({"a": pa.chunked_array([], pa.string()), "b": pa.chunked_array([], pa.float64())})
    schema = infer_schema(table)
    assert [column.type for column in schema.columns] == ["category", "numeric"]
    assert apply_schema(table, schema).num_rows == 0


# --- how cells are read ----------------------------------------------------------------------------------------------


def test_missing_tokens_are_missing_in_every_type() -> None:
    tokens = [*MISSING_TOKENS, *(f" {token} " for token in MISSING_TOKENS)]
    for kind in ("numeric", "category", "date", "text", "id"):
        assert read(tokens, Column("x", kind)) == [None] * len(tokens)  # type: ignore[arg-type]


def test_words_are_stripped_and_breaks_become_one_space() -> None:
    values = ["  a  b ", "a\r\n\tb", "a \n b", "\x00", "a\u2028b", "None", "na"]
    assert read(values, Column("x", "category")) == ["a  b", "a b", "a b", None, "a b", "None", "na"]


def test_whole_numbers_stay_whole_while_all_are() -> None:
    column = Column("x", "numeric", integer=True)
    table = text(x=["1", "2.0", ""])
    assert apply_schema(table, Schema((column,)))["x"].type == pa.int64()
    assert read(["1", "9007199254740993"], column) == [1, 9007199254740993]
    assert read(["1", "2.5"], column) == [1.0, 2.5]
    assert apply_schema(text(x=["1"]), Schema((Column("x", "numeric"),)))["x"].type == pa.float64()


def test_unreadable_cells_are_missing_and_counted_by_row() -> None:
    schema = Schema((Column("n", "numeric"), Column("d", "date", format="%d.%m.%Y"), Column("c", "category")))
    table = text(
        n=["1", "x", "x", "", "0x1F", "1e999"], d=["1.2.2024", "30.2.2024", "", "1/2/2024", "NA", "1.2.24"], c=["x"] * 6
    )
    typed, bad = apply_counted(table, schema)
    assert typed["n"].to_pylist() == [1.0, None, None, None, None, None]
    assert bad == {"n": 4, "d": 3}


def test_iso_dates_of_all_forms() -> None:
    values = [
        "2024-01-02",
        "2024-01-02T03:04",
        "2024-01-02 03:04:05.678999",
        "2024-01-02T03:04:05+02:00",
        "2023-02-29",
        "0001-01-01",
    ]
    assert read(values, Column("x", "date")) == [
        at("2024-01-02"),
        at("2024-01-02 03:04"),
        at("2024-01-02 03:04:05.678000"),
        at("2024-01-02 01:04:05"),
        None,
        at("0001-01-01"),
    ]


def test_columns_are_matched_by_name_and_put_in_order() -> None:
    schema = Schema((Column("b", "numeric"), Column("a", "category")))
    assert apply_schema(text(a=["x"], c=["y"], b=["1"]), schema).column_names == ["b", "a"]
    with pytest.raises(SchemaMismatchError) as caught:
        apply_schema(text(a=["x"]), schema)
    assert caught.value.missing == ("b",)


def test_a_native_column_is_read_as_what_training_knew() -> None:
    table = pa.table({"code": [1.0, 2.0, None], "when": [1, 2, 3], "n": pa.array([at("2024-01-01")] * 3)})
    schema = Schema((Column("code", "category"), Column("when", "date"), Column("n", "numeric")))
    typed, bad = apply_counted(table, schema)
    assert typed["code"].to_pylist() == ["1", "2", None]
    assert bad == {"when": 3, "n": 3}


@quick
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.integers(1, 3))
def test_every_float_comes_back_exactly(numbers: list[float], times: int) -> None:
    assert read([repr(number) for number in numbers] * times, Column("x", "numeric")) == numbers * times


@quick
@given(st.lists(st.text(max_size=8), min_size=1, max_size=30), st.sampled_from(["numeric", "category", "date"]))
def test_a_cell_is_read_alike_alone_and_among_others(values: list[str], kind: ColumnType) -> None:
    column = Column("x", kind)
    one_by_one = [read([value], column)[0] for value in values]
    assert read(values, column) == one_by_one
    assert read(values * 3, column) == one_by_one * 3  # values that repeat take another way


@quick
@given(st.text())
def test_clean_words_stay_as_they_are(value: str) -> None:
    (once,) = read([value], Column("x", "category"))
    if once is not None:
        assert read([once], Column("x", "category")) == [once]
        assert not re.search(r"[\x00-\x1f]", once)


# --- types that a person chooses -------------------------------------------------------------------------------------


def test_retype() -> None:
    column = Column("x", "category")
    assert retype(column, chunked(["00012", "7", "x"]), "numeric") == Column("x", "numeric", integer=True)
    assert retype(column, chunked(["1.5", "x"]), "numeric") == Column("x", "numeric")
    assert retype(column, chunked(["1.2.2024", "13.2.2024", "?"]), "date") == Column("x", "date", format="%d.%m.%Y")
    assert retype(column, chunked(["1/2/2024"]), "date", "%m/%d/%Y").format == "%m/%d/%Y"
    assert retype(column, chunked(["a"]), "text") == Column("x", "text")


def test_retype_refuses_what_reads_nothing() -> None:
    with pytest.raises(DataError) as caught:
        retype(Column("x", "category"), chunked(["a", "b", ""]), "numeric")
    assert caught.value.code == "schema.type_unfit"
    for date_format in ("%Q %d", "no directive", "%j"):
        with pytest.raises(DataError) as caught:
            retype(Column("x", "category"), chunked(["1.2.2024"]), "date", date_format)
        assert caught.value.code == "schema.date_format"


# --- levels ----------------------------------------------------------------------------------------------------------


def test_levels_are_sorted_and_only_of_categories() -> None:
    table = text(c=["b", "a", "", "b"], n=["1", "2", "3", "4"])
    schema = infer_schema(table)
    assert with_levels(schema, apply_schema(table, schema)).columns == (
        Column("c", "category", levels=("a", "b")),
        Column("n", "numeric", integer=True),
    )


def test_match_levels() -> None:
    values = chunked(["yes", "YES", "1.0", "1", None, "new", "new", "x", "Ab"])
    matched, report = match_levels(values, ("yes", "No", "1", "AB", "aB"))
    assert matched.to_pylist() == ["yes", "yes", "1", "1", None, None, None, None, None]
    assert report.renamed == (("1.0", "1", 1), ("YES", "yes", 1))
    assert report.unseen == (("new", 2), ("Ab", 1), ("x", 1))
    assert (report.n_renamed, report.n_unseen) == (2, 4)


def test_match_levels_knows_forms_of_numbers_but_no_exponents() -> None:
    matched, _ = match_levels(chunked(["12", "12.50", "1e3", "+7"]), ("00012", "12.5", "1000", "7"))
    assert matched.to_pylist() == ["00012", "12.5", None, "7"]


@quick
@given(st.lists(st.text(max_size=4) | st.none(), max_size=20), st.lists(st.text(max_size=4), max_size=5, unique=True))
def test_only_known_levels_remain_and_every_row_is_told(values: list[str | None], levels: list[str]) -> None:
    matched, report = match_levels(chunked(values, pa.string()), tuple(levels))
    pairs = list(zip(values, matched.to_pylist(), strict=True))
    assert all(new is None or new in levels for _, new in pairs)
    assert all(new == old for old, new in pairs if old in levels)
    assert report.n_renamed == sum(new is not None and new != old for old, new in pairs)
    assert report.n_unseen == sum(new is None and old is not None for old, new in pairs)


# --- target, id, what to ignore --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "task", "is_question"),
    [
        (["yes", "no", "no"], "binary", False),
        (["true", "false", ""], "binary", False),
        (["0", "1", "1"], "binary", False),
        (["-1", "1", "1"], "binary", False),
        (["0.00E+00", "1.00E+00"], "binary", False),
        (["a", "b", "c"], "multiclass", False),
        (["1", "2", "3"], "multiclass", True),
        (["3", "4", "5", "6", "7", "8", "9"], "regression", True),
        ([str(n) for n in range(21)], "regression", False),
        (["1.5", "2.5", "3.5"], "regression", False),
    ],
)
def test_guess_task(values: list[str], task: Task, is_question: bool) -> None:
    table = text(x=values)
    schema = infer_schema(table)
    guess = guess_task(schema["x"], apply_schema(table, schema)["x"])
    assert (guess.task, guess.is_question) == (task, is_question)
    assert guess.reason.endswith(".")


@pytest.mark.parametrize(
    ("counts", "positive"),
    [
        ({"0": 5, "1": 9}, "1"),
        ({"no": 5, "yes": 9}, "yes"),
        ({"No": 5, "Yes": 9}, "Yes"),
        ({"False": 1, "True": 9}, "True"),
        ({"-1": 5, "1": 9}, "1"),
        ({"good": 700, "bad": 300}, "bad"),
        ({"b": 5, "a": 5}, "a"),
    ],
)
def test_guess_positive(counts: dict[str, int], positive: str) -> None:
    assert guess_positive(tuple(counts), counts) == positive


@pytest.mark.parametrize(
    ("kind", "values", "task", "code"),
    [
        ("id", ["a", "b"], "binary", "target.is_id"),
        ("text", ["a", "b"], "multiclass", "target.is_text"),
        ("date", [at("2024-01-01")], "regression", "target.is_date"),
        ("category", pa.array([None, None], pa.string()), "binary", "target.all_missing"),
        ("category", ["a", "a", None], "binary", "target.constant"),
        ("numeric", [1.0, 1.0], "regression", "target.constant"),
        ("category", ["a", "b", "b"], "regression", "target.not_numeric"),
        ("category", ["a", "b", "c"] * 2, "binary", "target.not_binary"),
        ("category", ["a", "b"] * 2, "multiclass", "target.not_multiclass"),
        ("numeric", [*range(201)] * 2, "multiclass", "target.too_many_classes"),
        ("category", ["a", "b", "b"], "binary", "target.rare_class"),
        ("category", ["a", "b", "b", "c", "c"], "multiclass", "target.rare_class"),
    ],
)
def test_check_target_refuses(kind: ColumnType, values: Any, task: Task, code: str) -> None:
    with pytest.raises(TargetError) as caught:
        check_target(
            Column("y", kind), chunked(values) if isinstance(values, list) else pa.chunked_array([values]), task
        )
    assert caught.value.code == code
    assert caught.value.hint
    assert "'y'" in caught.value.message


def test_check_target_names_the_rare_class_and_counts_missing_rows() -> None:
    with pytest.raises(TargetError, match="'odd'"):
        check_target(Column("y", "category"), chunked(["a", "a", "odd"]), "binary")
    assert check_target(Column("y", "category"), chunked(["a", "a", "b", "b", None]), "binary") == 1
    assert check_target(Column("y", "numeric"), chunked([1.0, 2.0, None, None]), "regression") == 2


def test_as_category() -> None:
    assert as_category(chunked([0, 1, None])).to_pylist() == ["0", "1", None]
    assert as_category(chunked([0.0, 1.0, -1.0, None])).to_pylist() == ["0", "1", "-1", None]
    assert as_category(chunked([1.0, 2.5])).to_pylist() == ["1", "2.5"]
    assert as_category(chunked([0.1], pa.float32())).to_pylist() == ["0.1"]
    assert as_category(chunked(["1.0"])).to_pylist() == ["1.0"]


def test_the_id_column_is_the_one_called_id_without_repeats() -> None:
    table = text(sku=["1", "2"], user_id=["3", "4"], ID=["5", "6"])
    schema = infer_schema(table)
    assert guess_id_column(schema, apply_schema(table, schema)) == "ID"
    repeated = text(sku=["1", "2"], user_id=["3", "4"], ID=["5", "5"])
    assert guess_id_column(schema, apply_schema(repeated, schema)) == "user_id"
    assert guess_id_column(Schema(()), apply_schema(table, schema)) is None


def test_proposed_ignores() -> None:
    n = 40
    table = text(
        id=[f"i{k}" for k in range(n)],
        constant=["x"] * n,
        empty=[""] * n,
        name=[f"name {k}" for k in range(n)],
        row=[str(k) for k in range(n)],
        scattered=[str((k * 7919) % 100_003) for k in range(n)],
        amount=[str(k + 0.5) for k in range(n)],
        group=[str(k % 3) for k in range(n)],
        half=["x", ""] * (n // 2),
    )
    schema = infer_schema(table)
    assert [name for name, _ in proposed_ignores(schema, apply_schema(table, schema))] == [
        "id", "constant", "empty", "name", "row",
    ]  # fmt: skip


# --- real files ------------------------------------------------------------------------------------------------------


def real(test_data: Path, name: str) -> pa.Table:
    frame = pd.read_csv(test_data / name, dtype=str, keep_default_na=False)
    return pa.Table.from_pandas(frame, preserve_index=False).cast(pa.schema([(c, pa.string()) for c in frame.columns]))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "insurance_cross_sell_sample.csv",
            {"id": "id", "Gender": "category", "Age": "numeric", "Region_Code": "numeric"},
        ),
        ("titanic.csv", {"PassengerId": "id", "Survived": "numeric", "Name": "category", "Fare": "numeric"}),
        ("taxis.csv.gz", {"pickup": "date", "color": "category", "passengers": "numeric"}),
        ("product_backorders.csv.gz", {"sku": "id", "potential_issue": "category"}),
        ("ningbo_homes.csv.gz", {"总价(万元)": "numeric", "挂牌时间": "date", "小区名称": "category"}),
        (
            "chicago_crimes_10k.csv.gz",
            {
                "ID": "id",
                "Case Number": "id",
                "Date": "date",
                "Beat": "category",
                "IUCR": "category",
                "Arrest": "category",
            },
        ),
    ],
)
def test_real_columns(test_data: Path, name: str, expected: dict[str, str]) -> None:
    schema = infer_schema(real(test_data, name))
    assert {column: schema[column].type for column in expected} == expected


def test_real_values_are_those_that_pandas_reads(test_data: Path) -> None:
    table = real(test_data, "house_prices.csv")
    schema = infer_schema(table)
    typed, bad = apply_counted(table, schema)
    tokens = sorted(MISSING_TOKENS)
    expected = pd.read_csv(test_data / "house_prices.csv", keep_default_na=False, na_values=tokens)
    assert bad == {}
    for column in schema.columns:
        pairs = zip(typed[column.name].to_pylist(), expected[column.name], strict=True)
        if column.type == "numeric":
            assert all(math.isnan(theirs) if ours is None else ours == theirs for ours, theirs in pairs)
        else:
            assert all(pd.isna(theirs) if ours is None else ours == str(theirs) for ours, theirs in pairs)


def test_real_date_times_are_those_that_pandas_reads(test_data: Path) -> None:
    table = real(test_data, "chicago_crimes_10k.csv.gz").select(["Date"])
    schema = infer_schema(table)
    assert schema["Date"].format == "%m/%d/%Y %I:%M:%S %p"
    expected = pd.to_datetime(table["Date"].to_pandas(), format=schema["Date"].format)
    assert apply_schema(table, schema)["Date"].to_pylist() == expected.dt.to_pydatetime().tolist()


def test_what_is_said_of_numbers_goes_when_a_person_says_that_they_are_none():
    columns = (Column("a", "numeric"), Column("b", "numeric"), Column("c", "category", levels=("x",)))
    found = Inferred(
        Schema(columns),
        infinite=("a", "b"),
        examples=(("a", "1.5", True), ("b", "2.5", False)),
        placeholders=(("a", ("-",)), ("b", ("n/a",))),
    )
    retyped = found.retyped(Schema((columns[0], Column("b", "text"), columns[2])))
    assert retyped.schema["b"].type == "text"
    assert retyped.infinite == ("a",)
    assert retyped.examples == (("a", "1.5", True),)
    assert retyped.placeholders == (("a", ("-",)),)


def test_only_columns_of_numbers_are_said_to_hold_infinite_ones():
    table = pa.table({
        "odd": ["1.5", "inf", "2", "3"], "plain": ["1", "2", "3", "4"], "word": ["inf", "red", "blue", "red"],
    })  # fmt: skip
    found = infer_noted(table)
    assert [column.type for column in found.schema.columns] == ["numeric", "numeric", "category"]
    assert found.infinite == ("odd",)


@pytest.mark.parametrize(("values", "whole"), [([1.0, 2.0, None], True), ([1.0, 2.5], False), ([1, 2], True)])
def test_numbers_that_are_kept_as_floats_are_whole_where_every_one_is(values: list, whole: bool):
    assert infer_schema(pa.table({"n": pa.array(values)}))["n"].integer is whole


def test_infinite_numbers_that_are_kept_as_floats_are_counted_and_no_others():
    table = pa.table({"odd": pa.array([1.5, math.inf, -math.inf, None]), "plain": pa.array([1.0, 2.0, None, 4.0])})
    found = infer_noted(table)
    assert found.infinite == ("odd",)
    typed, bad = apply_counted(table, found.schema)
    assert bad == {"odd": 2}
    assert typed.to_pydict() == {"odd": [1.5, None, None, None], "plain": [1, 2, None, 4]}
