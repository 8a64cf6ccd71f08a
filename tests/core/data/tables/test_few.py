"""Few cells read in Python are what Arrow makes of the same cells in a long column."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.drift.compare import reference_column
from core.data.tables import few
from core.data.tables.levels import match_levels
from core.data.tables.schema import apply_counted
from core.domain.columns import Column, Schema
from core.features.own_numbers import fit_numbers

_ODD = ["", "NA", " NA ", "-0", "0", "00", "1.0", "1.", ".5", "1e3", "+4", "1,5", "1.234", "1 234", "€5", "inf", "nan",
        "9007199254740993", "-12.50", "a\tb", "\x85x", "x\u00a0", "\u200bx", "é", "٣", " x", "x ", "false"]  # fmt: skip
cell = st.one_of(st.none(), st.sampled_from(_ODD), st.text(max_size=5), st.floats().map(str), st.integers().map(str))
cells = st.lists(cell, min_size=1, max_size=5)
TIMES = few.MOST + 1  # repeated so often, they are no longer few


@given(cells, st.sampled_from(["numeric", "category", "text", "id"]), st.booleans(), st.sampled_from([None, "."]))
def test_few_cells_are_read_as_many_are(cells: list[str | None], kind: str, integer: bool, decimal: str | None) -> None:
    column = Column("x", kind, integer=integer and kind == "numeric", decimal=decimal if kind == "numeric" else None)  # type: ignore[arg-type]
    long, n_bad = apply_counted(pa.table({"x": pa.array(cells * TIMES, pa.string())}), Schema((column,)))
    short, n_bad_short = apply_counted(pa.table({"x": pa.array(cells, pa.string())}), Schema((column,)))
    assert short["x"].type == long["x"].type
    assert short["x"].to_pylist() == long["x"].slice(0, len(cells)).to_pylist()
    assert n_bad_short.get("x", 0) * TIMES == n_bad.get("x", 0)


@given(cells, st.booleans(), st.sampled_from([None, ".", ","]), st.booleans())
def test_few_numbers_are_told_as_many_are(
    cells: list[str | None], integer: bool, decimal: str | None, is_workbook: bool
) -> None:
    column = Column("x", "numeric", integer=integer, decimal=decimal)
    reference = reference_column(pa.chunked_array([[1.0, 2.5, 900.0]]), column)
    short, long = (pa.table({"x": pa.array(cells * times, pa.string())}) for times in (1, TIMES))
    assert fit_numbers(short, column, reference, is_workbook=is_workbook) == fit_numbers(
        long, column, reference, is_workbook=is_workbook
    )


@given(st.lists(st.sampled_from(["a", "A", "b", "1.0", "1", "c", None]), min_size=1, max_size=5))
def test_few_levels_are_matched_as_many_are(values: list[str | None]) -> None:
    short, told = match_levels(pa.chunked_array([pa.array(values, pa.string())]), ("1", "a", "b"))
    long, told_long = match_levels(pa.chunked_array([pa.array(values * TIMES, pa.string())]), ("1", "a", "b"))
    assert short.to_pylist() == long.slice(0, len(values)).to_pylist()
    assert {(value, n * TIMES) for value, n in told.unseen} == set(told_long.unseen)
    assert {(value, level, n * TIMES) for value, level, n in told.renamed} == set(told_long.renamed)


@pytest.mark.parametrize(
    ("value", "column"),
    [
        ("2024-01-02", Column("x", "date")),
        ("5 €", Column("x", "numeric", unit="€")),
        ("1.5", Column("x", "numeric", decimal=",")),
        ("1,5", Column("x", "numeric")),
        ("a\u00a0", Column("x", "category")),
    ],
)
def test_what_is_not_plain_is_left_to_arrow(value: str, column: Column) -> None:
    assert few.read_few(pa.chunked_array([[value]]), column) is None


def test_plain_cells_are_read_here() -> None:
    found = few.read_few(pa.chunked_array([["1.0", "", "-3"]]), Column("x", "numeric", integer=True))
    assert found is not None
    assert (found.type, found.to_pylist()) == (pa.int64(), [1, None, -3])
