"""Slices: masks against pandas, words, JSON, filters that do not fit."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from core.data.profiling.profile import profile_table
from core.data.profiling.slices import Filter, count_inside, filter_mask, filter_text
from core.data.tables.batches import filtered, load_from
from core.data.tables.schema import apply_schema, infer_schema
from core.domain.columns import Column
from core.errors import DataError
from core.plain import from_json, to_json

ROWS = {
    "n": ["1", "2", "", "4", "5", "2"],
    "c": ["x", "y", "x", "", "z", "y"],
    "d": ["2024-01-01", "2024-01-05", "2024-02-01", "", "2024-03-01", "2024-01-05"],
}
SOURCE = pa.table({name: pa.array(values, pa.string()) for name, values in ROWS.items()})
SCHEMA = infer_schema(SOURCE)
TABLE = apply_schema(SOURCE, SCHEMA)
FRAME = TABLE.to_pandas()
LOAD = load_from(TABLE)
FIFTH = pd.Timestamp("2024-01-05").value / 1e6


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([], [True] * 6),
        ([Filter(column="n", low=2, high=4)], FRAME.n.between(2, 4)),
        ([Filter(column="n", low=3)], FRAME.n >= 3),
        ([Filter(column="n", high=2, missing=True)], (FRAME.n <= 2) | FRAME.n.isna()),
        ([Filter(column="n", missing=True)], FRAME.n.isna()),
        ([Filter(column="c", levels=("x", "z"))], FRAME.c.isin(["x", "z"])),
        ([Filter(column="c", levels=("x",), missing=True)], FRAME.c.isin(["x"]) | FRAME.c.isna()),
        ([Filter(column="c", levels=("absent",))], [False] * 6),
        ([Filter(column="d", low=FIFTH, high=FIFTH)], FRAME.d == "2024-01-05"),
        ([Filter(column="c", levels=("y",)), Filter(column="n", high=2)], [False, True, False, False, False, True]),
    ],
)  # fmt: skip
def test_the_mask_is_that_of_pandas(filters: list[Filter], expected: "pd.Series[bool] | list[bool]") -> None:
    assert filter_mask(LOAD, SCHEMA, filters, 6).tolist() == list(expected)


def test_a_filtered_loader_gives_the_rows() -> None:
    mask = filter_mask(LOAD, SCHEMA, [Filter(column="c", levels=("y",))], 6)
    assert filtered(LOAD, mask)(["n", "c"]).to_pydict() == {"n": [2, 2], "c": ["y", "y"]}
    assert np.count_nonzero(mask) == 2


def test_a_filter_survives_json() -> None:
    one = Filter(column="c", levels=("x", "<b>"), missing=True)
    assert from_json(Filter, to_json(one)) == one


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (Filter(column="gone", low=1), "slice.no_column"),
        (Filter(column="c", low=1), "slice.unfit"),
        (Filter(column="n", levels=("1",)), "slice.unfit"),
    ],
)
def test_a_filter_that_does_not_fit_is_told(one: Filter, code: str) -> None:
    with pytest.raises(DataError) as caught:
        filter_mask(LOAD, SCHEMA, [one], 6)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("one", "column", "text"),
    [
        (Filter(column="n", low=2.5), Column("n", "numeric"), "n: from 2.5"),
        (Filter(column="n", high=20000), Column("n", "numeric", integer=True), "n: up to 20,000"),
        (Filter(column="n", low=3, high=3), Column("n", "numeric", integer=True), "n: 3"),
        (Filter(column="c", levels=("a", "b", "c", "d", "e")), Column("c", "category"), "c: a, b, 3 more"),
        (Filter(column="c", missing=True), Column("c", "category"), "c: missing"),
        (
            Filter(column="d", low=FIFTH, high=FIFTH + 30 * 86_400_000),
            Column("d", "date"),
            "d: 2024-01-05 to 2024-02-04",
        ),
    ],
)
def test_a_filter_in_words(one: Filter, column: Column, text: str) -> None:
    assert filter_text(one, column) == text


def test_a_slice_is_counted_in_the_bins_of_the_whole() -> None:
    profile = profile_table(TABLE, SCHEMA)
    mask = filter_mask(LOAD, SCHEMA, [Filter(column="n", low=2)], 6)
    part = filtered(LOAD, mask)(["n", "c"])
    inside = count_inside(profile["n"], part["n"])
    assert inside == (0, 2, 0, 1, 1)
    assert profile["n"].histogram is not None
    assert profile["n"].histogram.counts == (1, 2, 0, 1, 1)
    assert dict(profile["c"].levels) == {"x": 2, "y": 2, "z": 1}
    assert dict(zip(dict(profile["c"].levels), count_inside(profile["c"], part["c"]), strict=True)) == {
        "x": 0, "y": 2, "z": 1,
    }  # fmt: skip
