"""Associations: each measure against pandas, scipy and a table made by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import contingency

from core.data.relations.associations import (
    METHODS,
    Associations,
    Method,
    correlation_ratio,
    cramers_v,
    find_associations,
)
from core.data.tables.batches import load_from
from core.data.tables.schema import apply_schema, infer_schema
from core.domain.columns import Schema
from core.plain import from_json, to_json


def typed(frame: pd.DataFrame) -> tuple[pa.Table, Schema]:
    source = pa.Table.from_pandas(frame, preserve_index=False)
    schema = infer_schema(source)
    return apply_schema(source, schema), schema


@pytest.mark.parametrize("method", METHODS)
def test_numbers_correlate_as_in_scipy(test_data: Path, method: Method) -> None:
    frame = pd.read_csv(test_data / "wine_quality.csv")
    frame.iloc[::7, 1] = np.nan
    table, schema = typed(frame)
    found = find_associations(load_from(table), schema, len(table), method=method)
    theirs = stats.pearsonr if method == "pearson" else stats.spearmanr
    for row, name in enumerate(found.columns[:6]):
        for place, other in enumerate(found.columns[:row]):
            pair = frame[[name, other]].dropna()
            assert found.values[row][place] == pytest.approx(theirs(pair[name], pair[other]).statistic, abs=1e-9)
            assert found.measure(row, place) == f"{method.title()} correlation"


def test_the_corrected_v_by_hand() -> None:
    table = np.array([[20, 10], [10, 20]])
    squared = contingency.association(table, method="cramer", correction=False) ** 2
    assert cramers_v(table) == pytest.approx(np.sqrt((squared - 1 / 59) / (1 - 1 / 59)))
    assert cramers_v(np.array([[25, 25], [25, 25]])) == 0
    assert np.isnan(cramers_v(np.array([[5, 5], [0, 0]])))
    assert np.isnan(cramers_v(np.array([[1]])))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=2, max_size=5))
def test_v_lies_between_0_and_the_uncorrected_one(rows: list[list[int]]) -> None:
    table = np.array(rows)
    full = table[table.any(axis=1)][:, table.any(axis=0)]
    value = cramers_v(table)
    if np.isnan(value):
        assert min(full.shape) < 2 or full.sum() <= max(full.shape)
        return
    assert 0 <= value <= 1
    if full.sum() > 40:
        assert value <= contingency.association(full, method="cramer", correction=False) + 0.1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 3), st.floats(-100, 100)), min_size=3, max_size=60))
def test_the_correlation_ratio_is_that_of_the_analysis_of_variance(rows: list[tuple[int, float]]) -> None:
    codes, numbers = np.array([code for code, _ in rows]), np.array([value for _, value in rows])
    frame = pd.DataFrame({"g": codes, "x": numbers})[codes >= 0]
    value = correlation_ratio(codes, numbers)
    n_groups = frame.g.nunique()
    if np.isnan(value):
        assert n_groups < 2 or n_groups == len(frame) or np.ptp(frame.x) < 1e-150
        return
    within = (frame.x - frame.groupby("g").x.transform("mean")).pow(2).sum() / (len(frame) - n_groups)
    assert value**2 == pytest.approx(max(1 - within / frame.x.var(), 0.0), abs=1e-6)


def test_many_levels_get_nothing_by_chance_and_levels_of_single_rows_are_left_out() -> None:
    rng = np.random.default_rng(0)
    codes, numbers = rng.integers(0, 40, 400), rng.normal(size=400)
    raw = np.sqrt(pd.Series(numbers).groupby(codes).transform("mean").var(ddof=0) / numbers.var())
    assert raw > 0.2
    assert correlation_ratio(codes, numbers) < raw / 2
    frame = pd.DataFrame(
        {"x": numbers, "ticket": [f"t{k // 1.5}" for k in range(400)], "city": rng.choice(["a", "b"], 400)}
    )
    table, schema = typed(frame)
    found = find_associations(load_from(table), schema, 400)
    assert found.columns == ("x", "city")
    assert found.own_levels == ("ticket",)
    assert found.left_out == 0


def test_codes_are_categories_and_zeros_and_ones_go_with_categories_as_such() -> None:
    rng = np.random.default_rng(0)
    code, flag = rng.integers(1, 30, 2000), rng.integers(0, 2, 2000)
    frame = pd.DataFrame({"region_code": code, "flag": flag, "other_flag": 1 - flag, "amount": (code % 5) * 1.0,
                          "answer": np.array(["no", "yes"])[flag]})  # fmt: skip
    table, schema = typed(frame)
    found = find_associations(load_from(table), schema, len(frame))
    at = {name: place for place, name in enumerate(found.columns)}
    assert [found.kinds[at[name]] for name in at] == ["category", "two", "two", "number", "category"]
    assert found.values[at["region_code"]][at["amount"]] == pytest.approx(1)  # which no straight line would tell
    assert found.measure(at["region_code"], at["amount"]) == "Correlation ratio"
    assert found.values[at["flag"]][at["answer"]] == pytest.approx(1, abs=1e-3)
    assert found.measure(at["flag"], at["answer"]) == "Cramér's V"
    assert found.values[at["flag"]][at["other_flag"]] == pytest.approx(-1)  # two numbers keep their direction
    assert found.measure(at["flag"], at["other_flag"]) == "Pearson correlation"


def test_a_table_of_both_kinds() -> None:
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, 600)
    frame = pd.DataFrame(
        {
            "id": [f"u{k}" for k in range(600)],
            "number": group * 2.0 + rng.normal(size=600),
            "group": np.array(["a", "b", "c"])[group],
            "twin": np.array(["x", "y", "z"])[group],
            "noise": rng.normal(size=600),
            "constant": ["k"] * 600,
        }
    )
    table, schema = typed(frame)
    found = find_associations(load_from(table), schema, 600, order=["twin", "id"])
    assert found.columns == ("twin", "number", "group", "noise", "constant")
    at = {name: place for place, name in enumerate(found.columns)}
    assert found.values[at["twin"]][at["group"]] == pytest.approx(1, abs=1e-9)
    assert found.measure(at["twin"], at["group"]) == "Cramér's V"
    assert found.measure(at["number"], at["group"]) == "Correlation ratio"
    assert 0.8 < (found.values[at["number"]][at["group"]] or 0) < 0.95
    assert abs(found.values[at["number"]][at["noise"]] or 0) < 0.1
    assert found.values[at["constant"]] == (None,) * 5
    square = np.array(found.values, dtype=float)
    assert np.array_equal(square, square.T, equal_nan=True)
    assert from_json(Associations, to_json(found)) == found
    assert found.strongest(2) == ((at["twin"], at["group"]), (at["twin"], at["number"]))
    assert len(found.strongest(50)) == 6, "a pair that cannot be measured is left out"


def test_the_cap_is_said_and_takes_the_first_of_the_order() -> None:
    frame = pd.DataFrame({f"x{k}": np.arange(30) * (k + 1.5) % 7 for k in range(60)})
    table, schema = typed(frame)
    found = find_associations(load_from(table), schema, 30, order=["x59"])
    assert (len(found.columns), found.columns[:2], found.left_out) == (40, ("x59", "x0"), 20)
