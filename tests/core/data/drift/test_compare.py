"""Drift: the index against a table made by hand, the statistic against scipy, references through JSON."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from core.data.drift.compare import Drift, Reference, compare, compare_column, make_reference, reference_column
from core.data.tables.batches import load_from
from core.data.tables.schema import apply_schema, infer_schema
from core.domain.columns import Column, Schema
from core.plain import from_json, to_json

NUMBER, WORD, DATE = Column("x", "numeric"), Column("c", "category"), Column("d", "date")


def numbers(*values: float | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.float64())])


def words(*values: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


def index(was: list[float], now: list[float]) -> float:
    pairs = [(max(w, 1e-4), max(n, 1e-4)) for w, n in zip(was, now, strict=True)]
    return sum((n - w) * np.log(n / w) for w, n in pairs)


def test_the_index_of_levels_by_hand() -> None:
    reference = reference_column(words(*"aaaaabbbbc"), WORD)
    drift = compare_column(reference, words(*"aabbbbbdd", None))
    assert [(one.label, one.kind, one.was, one.now) for one in drift.bins] == [
        ("a", "value", 5, 2),
        ("b", "value", 4, 5),
        ("c", "value", 1, 0),
        ("new (1 level)", "unseen", 0, 2),
        ("missing", "missing", 0, 1),
    ]
    assert drift.psi == pytest.approx(index([0.5, 0.4, 0.1, 0, 0], [0.2, 0.5, 0, 0.2, 0.1]))
    assert (drift.new_levels, drift.lost_levels, drift.ks) == ((("d", 2),), (("c", 1),), None)
    assert drift.size == "large"


def test_the_index_of_numbers_by_hand() -> None:
    reference = reference_column(numbers(1, 1, 2, 3, None), NUMBER)
    assert (reference.borders, reference.counts) == ((1.0, 2.0), (2, 1, 1))
    drift = compare_column(reference, numbers(0, 2, 2.5, 9))
    assert [(one.label, one.was, one.now) for one in drift.bins] == [
        ("1", 2, 1),
        ("2", 1, 1),
        ("3", 1, 2),
        ("missing", 1, 0),
    ]
    assert drift.psi == pytest.approx(index([0.4, 0.2, 0.2, 0.2], [0.25, 0.25, 0.5, 0]))
    assert drift.ks == stats.ks_2samp([1, 1, 2, 3], [0, 2, 2.5, 9]).statistic


def test_ten_quantile_bins_hold_a_tenth_each() -> None:
    reference = reference_column(numbers(*np.random.default_rng(0).normal(size=5000)), NUMBER)
    assert len(reference.counts) == 10
    assert all(abs(count - 500) <= 1 for count in reference.counts)
    assert reference.labels[0].startswith("up to ")
    assert reference.labels[-1].startswith("over ")


def test_the_same_values_have_no_drift() -> None:
    values = numbers(*np.random.default_rng(0).exponential(size=3000), None)
    drift = compare_column(reference_column(values, NUMBER), values, values)
    assert (drift.psi, drift.ks, drift.size) == (0, 0, "stable")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=1500), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200)
)
def test_the_statistic_is_that_of_scipy_and_the_sketch_is_near(was: list[float], now: list[float]) -> None:
    reference = reference_column(numbers(*was), NUMBER)
    with np.errstate(divide="ignore"):
        expected = stats.ks_2samp(was, now, method="asymp").statistic
    assert compare_column(reference, numbers(*now), numbers(*was)).ks == pytest.approx(expected, abs=1e-12)
    assert compare_column(reference, numbers(*now)).ks == pytest.approx(expected, abs=1e-3 + 1e-12)
    assert sum(one.now for one in compare_column(reference, numbers(*now)).bins) == len(now)


@pytest.mark.parametrize(
    ("was", "now"), [((None, None), (1.0, 2.0)), ((1.0, 2.0), (None,)), ((None,), (None,)), ((5.0,), (5.0, 6.0))]
)
def test_columns_without_values_and_of_one(was: tuple[float | None, ...], now: tuple[float | None, ...]) -> None:
    drift = compare_column(reference_column(numbers(*was), NUMBER), numbers(*now))
    assert sum(one.was for one in drift.bins) == len(was)
    assert sum(one.now for one in drift.bins) == len(now)
    assert np.isfinite(drift.psi)


def test_many_levels_are_shown_together_but_counted_each() -> None:
    was = words(*(f"l{k:02}" for k in range(30) for _ in range(30 - k)))
    now = words(*(f"l{k:02}" for k in range(30) for _ in range(k + 1)))
    drift = compare_column(reference_column(was, WORD), now)
    assert [one.kind for one in drift.bins] == ["value"] * 20 + ["other"]
    shares = np.arange(30, 0, -1) / 465
    assert drift.psi == pytest.approx(index(list(shares), list(shares[::-1])))


def test_levels_never_seen_are_said_by_their_share_of_the_rows() -> None:
    reference = reference_column(words(*"ab" * 50), Column("channel", "category"))
    unseen = compare_column(reference, words(*"abab" * 15, *"c" * 20)).in_words()
    assert unseen.startswith("25% of rows have a channel the model has never seen (PSI ")
    moved = compare_column(reference, words(*"a" * 60, *"b" * 20)).in_words()
    assert moved.startswith("channel is distributed differently than in training (PSI ")


def test_tables_with_other_columns_and_types() -> None:
    def table(**columns: list[str]) -> tuple[pa.Table, Schema]:
        source = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
        schema = infer_schema(source)
        return apply_schema(source, schema), schema

    was, was_schema = table(a=["1", "2"], b=["x", "y"], gone=["1", "2"], d=["2024-01-01", "2024-02-01"])
    now, now_schema = table(a=["1", "9", "9"], b=["1", "2", "3"], added=["1", "2", "3"], d=["2025-01-01"] * 3)
    reference = make_reference(load_from(was), was_schema, 2)
    reference = from_json(Reference, to_json(reference))
    drift = compare(reference, load_from(now), now_schema, 3)
    assert (drift.only_was, drift.only_now, drift.retyped) == (("gone",), ("added",), (("b", "category", "numeric"),))
    assert {column.name for column in drift.columns} == {"a", "d"}
    assert drift["d"].ks == 1
    assert from_json(Drift, to_json(drift)) == drift
    with pytest.raises(KeyError):
        drift["b"]


def test_real_halves_are_stable_and_a_shift_is_found(test_data: Path) -> None:
    frame = pd.read_csv(test_data / "adult.csv.gz", dtype=str, keep_default_na=False)
    frame["age"] = frame["age"].astype(int)
    order = np.random.default_rng(1).permutation(len(frame))
    first, second = frame.iloc[order[:20000]], frame.iloc[order[20000:40000]]

    def of(part: pd.DataFrame) -> tuple[pa.Table, Schema]:
        table = pa.Table.from_pandas(part, preserve_index=False)
        schema = infer_schema(table)
        return apply_schema(table, schema), schema

    was, schema = of(first)
    reference = make_reference(load_from(was), schema, 20000)
    same, _ = of(second)
    drift = compare(reference, load_from(same), schema, 20000, was=load_from(was))
    assert all(column.size == "stable" for column in drift.columns)
    assert drift["age"].ks == stats.ks_2samp(first.age, second.age).statistic
    older, _ = of(second[second.age > 40])
    shifted = compare(reference, load_from(older), schema, len(older))
    assert (shifted.columns[0].name, shifted.columns[0].size) == ("age", "large")
