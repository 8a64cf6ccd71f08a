"""Codes: equal values have equal codes, rows and columns that repeat are counted as pandas counts them."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.tables.codes import RowCodes, value_codes
from core.data.tables.distinct import count_codes, count_distinct, has_repeats

CELL = st.one_of(st.none(), st.sampled_from(["", "a", "b", "\u00e9", "a" * 300]))
NUMBER = st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.0, 1.5, -1e300, 2.0**53]))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (pa.array([1, 2, None]), pa.array([1.0, 2.0, None])),
        (pa.array([0.0]), pa.array([-0.0])),
        (pa.array(["a", "b"] * 20_000), pa.array([*["a", "b"] * 20_000])),
        (pa.array([f"u{k}" for k in range(30_000)]), pa.chunked_array([[f"u{k}"] for k in range(30_000)])),
    ],
    ids=["whole numbers", "minus zero", "levels", "ids in chunks"],
)
def test_equal_values_have_equal_codes(first: pa.Array, second: pa.Array) -> None:
    assert np.array_equal(value_codes(pa.chunked_array(first))[0], value_codes(pa.chunked_array(second))[0])


def test_whole_numbers_past_the_floats_stay_apart() -> None:
    codes, _ = value_codes(pa.chunked_array([[2**60, 2**60 + 1, None]]))
    assert count_codes(codes) == 3


def test_levels_are_counted_most_frequent_first() -> None:
    _, levels = value_codes(pa.chunked_array([["b", "a", None], ["a", "a", "b"], ["a", "b", "c"] * 20]))
    assert levels is not None
    assert (levels.names.to_pylist(), levels.rows.tolist()) == (["a", "b", "c"], [23, 22, 20])


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(CELL, NUMBER, CELL), max_size=40))
def test_repeated_rows_and_equal_columns_are_those_of_pandas(
    rows: list[tuple[str | None, float | None, str | None]],
) -> None:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    types = (pa.string(), pa.float64(), pa.string())
    arrays = [pa.chunked_array([pa.array(values, kind)]) for values, kind in zip(columns, types, strict=True)]
    codes = RowCodes(len(rows))
    for name, array in zip("abc", arrays, strict=True):
        codes.add(name, value_codes(array)[0])
    frame = pd.DataFrame(
        {name: pd.Series(list(values), dtype=object) for name, values in zip("abc", columns, strict=True)}
    )
    assert codes.repeated_rows() == frame.duplicated().sum()
    if rows and any(value is not None for value in columns[0]):
        assert (("c", "a") in codes.equal_columns) == (columns[0] == columns[2])


@pytest.mark.parametrize("repeat", [False, True])
def test_long_columns_are_counted_by_hashes(monkeypatch: pytest.MonkeyPatch, repeat: bool) -> None:
    monkeypatch.setattr("core.data.tables.distinct.LONG_ROWS", 1000)
    monkeypatch.setattr("core.data.tables.distinct._SAMPLE_ROWS", 10)
    texts = [*(f"u{k}" for k in range(5000)), None, "u17" if repeat else "u5000"]
    for values in (pa.array(texts), pa.chunked_array([texts[:700], texts[700:]])):
        assert count_distinct(values) == 5000 + (not repeat)
        assert has_repeats(values) == repeat
    assert has_repeats(pa.array(["a", "a"])) is True
    assert has_repeats(pa.array([1, 2, None, None])) is False
    assert count_codes(np.zeros(0, dtype=np.uint64)) == 0


@pytest.mark.parametrize("values", [[3, 1, 3, None, 2**60, 2**60 + 1], [-1, 0, None, None]], ids=["large", "missing"])
def test_many_whole_numbers_are_counted_as_few_are(values: list, monkeypatch: pytest.MonkeyPatch) -> None:
    column = pa.chunked_array([values, values])
    few = count_distinct(column)
    monkeypatch.setattr("core.data.tables.distinct.LONG_ROWS", 1)
    assert count_distinct(column) == few == len({value for value in values if value is not None})
