"""Profiles, alerts and relations: numbers checked against pandas, scipy and tables made by hand."""

import json
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mutual_info_score

from core.data.profiling.profile import (
    QUANTILES,
    ColumnProfile,
    DataAlert,
    Profile,
    Relation,
    profile_columns,
    profile_table,
    relation_to_target,
)
from core.data.relations.relations import rank_relations as rank_loaded
from core.data.relations.relations import wilson
from core.data.tables.batches import load_from
from core.data.tables.schema import apply_schema, infer_schema
from core.domain.columns import Column, Schema
from core.errors import DataError
from core.plain import from_json, from_plain, to_json
from core.recipes.recipe import read_step

quick = settings(max_examples=40, deadline=None)


def typed(**columns: list[str]) -> tuple[pa.Table, Schema]:
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    schema = infer_schema(table)
    return apply_schema(table, schema), schema


def read(path: Path) -> tuple[pa.Table, Schema]:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return typed(**{name: frame[name].tolist() for name in frame.columns})


def rank_relations(table: pa.Table, schema: Schema, target: str) -> tuple[tuple[str, float], ...]:
    return rank_loaded(load_from(table), schema, target, len(table))


def found(profile: Profile) -> list[tuple[str, str | None, str]]:
    return [(alert.code, alert.column, alert.severity) for alert in profile.alerts]


# --- columns ---------------------------------------------------------------------------------------------------------


def test_a_small_table_by_hand() -> None:
    profile = profile_table(
        *typed(
            n=["1", "2", "2", "", "5"],
            c=["x", "y", "x", "x", ""],
            d=["2024-01-01", "2024-01-03", "", "2024-01-03", "2024-01-05"],
            id=["a", "b", "c", "d", "e"],
            empty=["", "", "", "", ""],
        )
    )
    assert profile.rows == 5
    n = profile["n"]
    assert (n.rows, n.missing, n.missing_share, n.unique, n.mean, n.integer) == (5, 1, 0.2, 3, 2.5, True)
    assert n.sd == pytest.approx(np.std([1, 2, 2, 5], ddof=1))
    assert n.histogram is not None
    assert n.histogram.edges == (0.5, 1.5, 2.5, 3.5, 4.5, 5.5)
    assert n.histogram.counts == (1, 2, 0, 0, 1)
    c = profile["c"]
    assert (c.unique, c.levels, c.other_rows, c.histogram) == (2, (("x", 3), ("y", 1)), 0, None)
    d = profile["d"]
    assert d.mean is None
    assert [str(np.datetime64(int(q), "ms").astype("datetime64[D]")) for q in (d.quantiles[0], d.quantiles[-1])] == [
        "2024-01-01", "2024-01-05",
    ]  # fmt: skip
    assert (profile["id"].unique, profile["id"].mean_chars, profile["id"].examples) == (5, 1.0, ("a", "b", "c"))
    empty = profile["empty"]
    assert (empty.missing_share, empty.unique, empty.levels) == (1.0, 0, ())
    with pytest.raises(KeyError):
        profile["absent"]


def test_rare_levels_are_counted_together() -> None:
    column = profile_table(*typed(c=[f"l{n:02}" for n in range(30) for _ in range(n + 1)]))["c"]
    assert column.levels[0] == ("l29", 30)
    assert len(column.levels) == 20
    assert column.other_rows == sum(range(1, 11))


def test_far_values_stay_outside_the_bins_and_are_counted() -> None:
    column = profile_table(*typed(x=[str(n / 10) for n in range(1000)] + ["1000000.5", "-1000000.5"]))["x"]
    histogram = column.histogram
    assert histogram is not None
    assert (histogram.below, histogram.above, sum(histogram.counts)) == (1, 1, 1000)
    assert -200 < histogram.edges[0] < histogram.edges[-1] < 300


@quick
@given(st.lists(st.integers(1 - 2**53, 2**53 - 1) | st.floats(-1e300, 1e300), min_size=1, max_size=60))
def test_every_value_is_in_the_histogram_or_counted_outside(values: list[float]) -> None:
    table, schema = typed(x=[repr(value) for value in values])
    histogram = profile_table(table, schema)["x"].histogram
    assert histogram is not None
    assert sum(histogram.counts) + histogram.below + histogram.above == len(values)
    assert list(histogram.edges) == sorted(set(histogram.edges))


def test_numbers_too_large_to_add_up_leave_figures_out() -> None:
    profile = profile_table(*typed(x=["1e308", "1.7e308", "-1.7e308", "0.5"]))
    assert (profile["x"].sd, profile["x"].histogram, profile["x"].unique) == (None, None, 4)
    to_json(profile)


def test_profile_survives_json() -> None:
    profile = profile_table(
        *typed(n=["1", "2.5", ""], c=["x", "y", "x"], id=["a", "b", "c"], d=["2024-01-01", "", ""]), target="c"
    )
    plain = json.loads(to_json(profile))
    assert from_plain(Profile, plain) == profile
    assert {"name", "type", "missing", "unique"} <= plain["columns"][0].keys()
    assert all(alert.keys() >= {"code", "column", "severity", "message"} for alert in plain["alerts"])


def test_a_table_without_rows() -> None:
    empty = pa.table({"a": pa.array([], pa.string()), "b": pa.array([], pa.float64())})
    schema = infer_schema(empty)
    profile = profile_table(apply_schema(empty, schema), schema)
    assert (profile.rows, profile["a"].missing_share, profile["b"].quantiles, profile.alerts) == (0, 0.0, (), ())


REAL = (
    *("adult.csv.gz", "amazon_reviews_20k.csv.gz", "bank_marketing.csv.gz", "caravan.csv.gz"),
    *("chicago_crimes_10k.csv.gz", "credit_g.csv", "diamonds.csv.gz", "house_prices.csv"),
    *("insurance_cross_sell.csv.gz", "ningbo_homes.csv.gz", "product_backorders.csv.gz", "taxis.csv.gz"),
    *("titanic.csv", "wine_quality.csv"),
)


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_real_numbers_are_those_of_pandas_and_scipy(test_data: Path, name: str) -> None:
    table, schema = read(test_data / name)
    profile = profile_table(table, schema)
    frame = table.to_pandas()
    for column in schema.columns:
        ours, theirs = profile[column.name], frame[column.name]
        assert (ours.rows, ours.missing, ours.unique) == (len(theirs), theirs.isna().sum(), theirs.nunique())
        if column.type == "numeric":
            check_number(ours, theirs.dropna().astype(float))
        elif column.type == "date":
            moments = pd.Series(theirs.dropna().astype("datetime64[ms]").astype("int64"), dtype=float)
            assert ours.quantiles == pytest.approx(moments.quantile(QUANTILES).tolist(), rel=1e-12)
        elif column.type == "category":
            check_levels(ours, theirs.value_counts())
        else:
            assert ours.mean_chars == pytest.approx(theirs.dropna().str.len().mean(), rel=1e-12)
    if profile.repeated_rows is not None:
        assert profile.repeated_rows == frame.duplicated().sum()


def check_number(ours: ColumnProfile, theirs: "pd.Series[float]") -> None:
    assert ours.mean == pytest.approx(theirs.mean(), rel=1e-9)
    assert ours.sd == pytest.approx(theirs.std(), rel=1e-9)
    if theirs.nunique() > 1:
        assert ours.skewness == pytest.approx(stats.skew(theirs), rel=1e-9)
    assert ours.quantiles == pytest.approx(theirs.quantile(QUANTILES).tolist(), rel=1e-12)
    first, third = theirs.quantile([0.25, 0.75])
    reach = 3 * (third - first)
    below, above = (theirs < first - reach).sum(), (theirs > third + reach).sum()
    if reach and theirs.nunique() > 20:
        found = (ours.outliers.below, ours.outliers.above) if ours.outliers else (0, 0)
        assert found == (below, above)


def check_levels(ours: ColumnProfile, counts: "pd.Series[int]") -> None:
    assert [rows for _, rows in ours.levels] == counts.head(20).tolist()
    assert all(counts[level] == rows for level, rows in ours.levels)
    if ours.rare is not None:
        is_rare = counts < 0.01 * counts.sum()
        assert (ours.rare.count, ours.rare.rows) == (is_rare.sum(), counts[is_rare].sum())
        assert ours.rare.rarest_rows == counts.min()


def test_equal_columns_and_rows_are_found_whatever_their_type() -> None:
    n = [str(k % 40) for k in range(80)]
    table, schema = typed(a=n, b=n, c=[f"w{v}" for v in n], d=[f"w{v}" for v in n], e=[f"v{v}" for v in n])
    profile = profile_table(table, schema, target="e")
    assert profile.equal_columns == (("b", "a"), ("d", "c"))
    assert profile.repeated_rows == 40
    assert [(a.column, a.fix) for a in profile.alerts if a.code == "duplicate_columns"] == [
        ("b", {"kind": "drop", "columns": ["b"]}),
        ("d", {"kind": "drop", "columns": ["d"]}),
    ]
    other = profile_table(*typed(a=["1", "2", "", "0"], b=["1", "2", "0", ""]))
    assert (other.equal_columns, other.repeated_rows) == ((), 0)


def test_a_table_read_in_parts_gives_the_same_profile(test_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, schema = read(test_data / "titanic.csv")
    whole = profile_table(table, schema, target="Survived")
    monkeypatch.setattr("core.data.tables.batches.CELLS_A_BATCH", 1)
    asked: list[Sequence[str]] = []

    def load(names: Sequence[str]) -> pa.Table:
        asked.append(names)
        return table.select(list(names))

    assert profile_columns(load, schema, len(table), target="Survived") == whole
    assert [len(names) for names in asked[: len(schema.columns)]] == [1] * len(schema.columns)


def test_a_sampled_table_still_has_exact_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=250_000)
    frame = pd.DataFrame({"x": x, "y": np.where(x + rng.normal(size=250_000) > 0, "a", "b"), "copy": ""})
    frame["copy"] = frame["y"].str.upper()
    source = pa.Table.from_pandas(frame)
    schema = infer_schema(source)
    profile = profile_table(apply_schema(source, schema), schema, target="y")
    assert (profile["x"].unique, profile["x"].mean) == (250_000, pytest.approx(x.mean(), rel=1e-12))
    assert [a.column for a in profile.alerts if a.code == "leakage"] == ["copy"]


# --- alerts ----------------------------------------------------------------------------------------------------------


def test_alerts_of_each_kind() -> None:
    n = 2000
    profile = profile_table(
        *typed(
            y=["yes" if k % 15 == 0 else "no" for k in range(n)],
            constant=["x"] * n,
            half=["x", ""] * (n // 2),
            empty=[""] * n,
            some=[str(k % 9) if k % 4 else "" for k in range(n)],
            few=[str(k % 9) if k % 13 else "" for k in range(n)],
            user_id=[f"u{k}" for k in range(n)],
            row=[str(k) for k in range(n)],
            zip=[f"z{k % 151}" for k in range(n)],
            rare=["1" if k % 50 == 0 else "0" for k in range(n)],
        ),
        target="y",
    )
    assert found(profile) == [
        ("missing", "empty", "high"),
        ("imbalance", "y", "medium"),
        ("constant", "constant", "medium"),
        ("missing", "half", "medium"),
        ("missing", "some", "medium"),
        ("id_like", "row", "medium"),
        ("constant", "half", "low"),
        ("missing", "few", "low"),
        ("id_like", "user_id", "low"),
        ("high_cardinality", "zip", "low"),
        ("imbalance", "rare", "low"),
    ]
    assert profile.alerts[1] == DataAlert(
        "imbalance",
        "y",
        "medium",
        "Only 6.7% of the rows (134) are 'yes'.",
        "Accuracy says little here: look at AUC, log loss and the precision-recall curve.",
    )


@pytest.mark.parametrize(
    ("spellings", "stays"),
    [
        (["Yes"] * 5 + ["yes", "YES "], "Yes"),
        (["new york"] * 4 + ["New  York", "new\u00a0york"], "new york"),
        (["caf\u00e9"] * 4 + ["cafe\u0301"], "caf\u00e9"),
        (["a\u200bb"] + ["ab"] * 3, "ab"),
    ],
)
def test_levels_equal_but_for_case_spaces_or_unicode_are_said_and_joined(spellings: list[str], stays: str) -> None:
    values = (spellings + ["other"] * 6) * 10
    table, schema = typed(c=values, y=["1", "0"] * (len(values) // 2) + ["1"] * (len(values) % 2))
    (alert,) = [a for a in profile_table(table, schema).alerts if a.code == "alike_levels"]
    assert (alert.column, alert.severity) == ("c", "medium")
    step = read_step(alert.fix)
    columns = {"c": table["c"]}
    step.apply(columns, step.learn(columns, schema))
    assert set(columns["c"].to_pylist()) == {stays, "other"}
    (alert,) = [a for a in profile_table(table, schema, target="c").alerts if a.code == "alike_levels"]
    assert alert.severity == "high"


def test_days_written_as_numbers_are_offered_to_be_read_as_dates() -> None:
    days = [f"2024{1 + k % 12:02d}{1 + k % 28:02d}" for k in range(90)]
    (alert,) = [a for a in profile_table(*typed(when=days)).alerts if a.code.startswith("date_")]
    assert (alert.code, alert.fix["kind"], alert.fix["format"]) == ("date_as_number", "parse_date", "%Y%m%d")
    no_days = typed(when=[*days, "20241341"])
    assert "date_as_number" not in [alert.code for alert in profile_table(*no_days).alerts]


def test_levels_of_other_meaning_are_not_joined() -> None:
    table, schema = typed(c=["a b", "ab", "a-b", "1", "01", "é", "e"] * 5)
    assert not [a for a in profile_table(table, schema).alerts if a.code == "alike_levels"]


def test_a_target_is_judged_as_a_target() -> None:
    table, schema = typed(y=["a"] * 30, z=["1", "2", ""] * 10, u=[str(k) for k in range(30)])
    assert ("constant", "y", "high") in found(profile_table(table, schema, target="y"))
    missing = next(a for a in profile_table(table, schema, target="z").alerts if a.code == "missing")
    assert missing.why == "Training leaves these rows out."
    assert not [a for a in profile_table(table, schema, target="u").alerts if a.column == "u"]


@pytest.mark.parametrize(("rare", "severity"), [(1, "high"), (15, "medium"), (39, "low"), (40, None)])
def test_imbalance_of_two_classes(rare: int, severity: str | None) -> None:
    profile = profile_table(*typed(y=["b"] * rare + ["a"] * (200 - rare), g=["x", "y"] * 100), target="y")
    assert [a.severity for a in profile.alerts if a.code == "imbalance"] == ([severity] if severity else [])


def test_three_even_classes_are_not_imbalanced() -> None:
    profile = profile_table(*typed(y=["a", "b", "c"] * 30), target="y")
    assert not [a for a in profile.alerts if a.code == "imbalance"]


def test_duplicate_rows_are_counted_where_no_id_tells_them_apart() -> None:
    twice = {"a": ["1", "2", "3"] * 2, "b": ["x", "y", ""] * 2}
    (alert,) = profile_table(*typed(**twice)).alerts[:1]
    assert (alert.code, alert.column) == ("missing", "b")
    (duplicates,) = [a for a in profile_table(*typed(**twice)).alerts if a.code == "duplicate_rows"]
    assert (duplicates.column, duplicates.severity) == (None, "medium")
    assert duplicates.message.startswith("3 rows (50%)")
    with_id = typed(**twice, id=list("abcdef"))
    assert not [a for a in profile_table(*with_id).alerts if a.code == "duplicate_rows"]


@pytest.mark.slow
def test_alerts_of_real_tables(test_data: Path) -> None:
    insurance = profile_table(*read(test_data / "insurance_cross_sell_sample.csv"), target="Response")
    assert {("id_like", "id", "low"), ("imbalance", "Response", "low")} <= set(found(insurance))
    houses = profile_table(*read(test_data / "house_prices.csv"), target="SalePrice")
    assert found(houses)[:4] == [("missing", name, "high") for name in ("Alley", "PoolQC", "Fence", "MiscFeature")]
    crimes = profile_table(*read(test_data / "chicago_crimes_10k.csv.gz"), target="Arrest")
    assert ("constant", "Year", "medium") in found(crimes)


@pytest.mark.parametrize(
    ("values", "code", "fix"),
    [
        (["1,5", "2,25", "3,1"] * 20 + ["x"], "number_as_text", {"kind": "cast", "to": "numeric", "format": ","}),
        (["1,234", "12,000", "70,125"] * 20, "number_as_text", {"kind": "cast", "to": "numeric", "format": "."}),
        (["$1,234.50", "$5", "(7)", "many"] * 20, "mixed_types", {"kind": "cast", "to": "numeric", "format": "."}),
        (["1'234.5", "12'000", "many"] * 20, "mixed_types", {"kind": "cast", "to": "numeric", "format": "."}),
        (["7", "8", "unknown", "9"] * 20, "mixed_types", {"kind": "cast", "to": "numeric", "format": "."}),
        (["31.12.24", "01.02.25"] * 20, "date_as_text", {"kind": "parse_date", "format": "%d.%m.%y"}),
        (["Jan 5 2024", "Feb 6 2024"] * 20, "date_as_text", {"kind": "parse_date", "format": "%b %d %Y"}),
        (["2024-01", "2024-12"] * 30, "date_as_text", {"kind": "parse_date", "format": "%Y-%m"}),
        (["05/2024", "12/2024"] * 30, "date_as_text", {"kind": "parse_date", "format": "%m/%Y"}),
        (["May 2024", "June 2024"] * 30, "date_as_text", {"kind": "parse_date", "format": "%B %Y"}),
        (["7 May 24", "12 Jun 24"] * 30, "date_as_text", {"kind": "parse_date", "format": "%d %b %y"}),
        (
            ["Monday, 6 May 2024", "Tuesday, 7 May 2024"] * 30,
            "date_as_text",
            {"kind": "parse_date", "format": "%A, %d %B %Y"},
        ),
        (
            ["Mon May 06 07:05:09 2024", "Tue May 07 07:05:09 2024"] * 30,
            "date_as_text",
            {"kind": "parse_date", "format": "%a %b %d %H:%M:%S %Y"},
        ),
        (
            ["Mon, 06 May 2024 07:05:09 GMT", "Tue, 07 May 2024 07:05:09 GMT"] * 30,
            "date_as_text",
            {"format": "%a, %d %b %Y %H:%M:%S"},
        ),
        (["2024-01-05", "2024-02-06", "never"] * 20, "mixed_types", {"kind": "parse_date", "format": None}),
    ],
)
def test_numbers_and_dates_in_words_are_seen(values: list[str], code: str, fix: dict[str, Any]) -> None:
    (alert,) = [alert for alert in profile_table(*typed(c=values)).alerts if alert.code != "duplicate_rows"]
    assert (alert.code, alert.column) == (code, "c")
    assert alert.fix is not None
    assert {**alert.fix, **fix, "column": "c"} == dict(alert.fix)


@pytest.mark.parametrize(
    "values", [["007", "008", "123"] * 20, ["a1", "b2"] * 30, ["S", "M", "L"] * 20, ["1990s", "2000s"] * 30, ["-"] * 60]
)
def test_codes_and_words_are_left_alone(values: list[str]) -> None:
    codes = {alert.code for alert in profile_table(*typed(c=values)).alerts}
    assert not codes & {"number_as_text", "date_as_text", "mixed_types"}


def test_a_number_that_somebody_made_a_category_is_left_alone() -> None:
    _table, schema = typed(c=["1", "2", "3"] * 20)
    words = schema.with_column(Column("c", "category"))
    assert profile_table(apply_schema(pa.table({"c": ["1", "2", "3"] * 20}), words), words).alerts[:1] == (
        DataAlert(
            "duplicate_rows",
            None,
            "medium",
            "57 rows (95%) are duplicates.",
            "The same row may be used both to train and to test, which flatters the metrics.",
            {"kind": "drop_duplicates"},
            "Drop duplicates",
        ),
    )


def test_far_values_rare_levels_and_text() -> None:
    rng = np.random.default_rng(0)
    n = 2000
    far = [f"{v:.4f}" for v in rng.normal(size=n - 1)] + ["99.5"]
    skewed = [f"{v:.4f}" for v in rng.lognormal(0, 1.5, n)]
    rare = ["a"] * 1000 + ["b"] * 980 + ["c"] * 12 + ["d"] * 8
    text = [f"{k} things are told here, in words" for k in range(n)]
    profile = profile_table(*typed(far=far, skewed=skewed, rare=rare, text=text))
    by_code = {alert.code: alert for alert in profile.alerts}
    assert {a.code: a.column for a in profile.alerts} == {
        "outliers": "far", "skewed": "skewed", "rare_levels": "rare", "nearly_unique": "text",
    }  # fmt: skip
    assert by_code["outliers"].message.startswith("1 value lies above ")
    assert set(by_code["outliers"].fix) == {"kind", "column", "high"}, "nothing lies below the low fence"
    assert by_code["rare_levels"].message.startswith("2 of its 4 levels have less than 1.0% of the rows each, 1.0%")
    assert by_code["rare_levels"].fix == {
        "kind": "group_rare", "column": "rare", "min_share": 0.01, "other": "other",
    }  # fmt: skip


def test_a_column_named_like_a_target_is_not_offered_to_be_changed_while_none_is_chosen() -> None:
    rng = np.random.default_rng(0)
    n = 500

    def far() -> list[str]:
        return [f"{v:.4f}" for v in rng.normal(size=n - 1)] + ["99.5"]

    def skewed() -> list[str]:
        return [f"{v:.4f}" for v in rng.lognormal(0, 1.5, n)]

    def rare() -> list[str]:
        return rng.permutation(["yes"] * 20 + ["no"] * (n - 20)).tolist()

    profile = profile_table(
        *typed(SalePrice=far(), target=skewed(), is_churn=rare(), unit_price=far(), response_time=skewed(), x=rare(),
               charges=far())
    )  # fmt: skip
    assert {(a.column, a.code) for a in profile.alerts} == {
        ("unit_price", "outliers"), ("response_time", "skewed"), ("x", "imbalance"),
    }  # fmt: skip
    as_features = {a.column for a in profile.with_target("x").alerts if a.fix}
    assert {"SalePrice", "target", "is_churn", "charges"} <= as_features


@pytest.mark.slow
def test_every_mend_is_a_step_with_a_label(test_data: Path) -> None:
    kinds = set()
    for name, target in (("house_prices.csv", "SalePrice"), ("titanic.csv", "Survived"), ("taxis.csv.gz", "total")):
        for alert in profile_table(*read(test_data / name), target=target).alerts:
            assert (alert.fix is None) == (alert.fix_label == "")
            assert alert.why
            if alert.fix:
                assert target not in alert.fix.get("columns", ())
                assert alert.fix.get("column") != target
                kinds.add(alert.fix["kind"])
                assert set(alert.fix) - {"kind"} <= {spec.name for spec in fields(read_step(alert.fix))}
    assert kinds == {"drop", "impute", "group_rare", "clip", "cast"}


# --- bad input -------------------------------------------------------------------------------------------------------


def test_one_row_infinities_a_large_cell_and_markup() -> None:
    one = profile_table(*typed(a=["1"], b=["x"]), target="a")
    assert (one["a"].sd, one["a"].skewness, one["a"].unique) == (None, None, 1)
    source = pa.table({"x": [1.0, float("inf"), float("-inf"), float("nan"), None, 2.0]})
    schema = infer_schema(source)
    infinite = profile_table(apply_schema(source, schema), schema)["x"]
    assert (infinite.missing, infinite.unique, infinite.mean) == (4, 2, 1.5)
    large = profile_table(*typed(t=["x" * 1_000_000, "y"], c=["<b>bold</b>", "[a](b)"]))
    assert len(large["t"].examples[0] if large["t"].examples else large["t"].levels[0][0]) in (200, 1_000_000)
    assert large["c"].levels[0][0] in ("<b>bold</b>", "[a](b)")


@pytest.mark.slow
def test_five_thousand_columns_in_seconds() -> None:
    rng = np.random.default_rng(0)
    numbers = {f"n{k}": rng.normal(size=100) for k in range(2500)}
    source = pa.table({**numbers, **{f"c{k}": rng.choice(["a", "b", "c"], 100) for k in range(2500)}})
    schema = infer_schema(source)
    begun = time.process_time()  # not the clock on the wall: other tests run beside
    profile = profile_table(apply_schema(source, schema), schema, target="c0")
    assert time.process_time() - begun < 20
    assert len(profile.columns) == 5000
    assert profile["c2499"].unique == 3


# --- relations -------------------------------------------------------------------------------------------------------


def bins_of(relation: Relation) -> list[tuple[str, str, int, tuple[float, ...]]]:
    return [(one.label, one.kind, one.rows, one.values) for one in relation.bins]


def test_share_of_the_positive_class_by_level() -> None:
    table, schema = typed(c=["a", "a", "b", "", "a", "b"], y=["yes", "no", "no", "yes", "yes", ""])
    relation = relation_to_target(table, schema, "c", "y")
    assert (relation.measure, relation.series, relation.overall) == ("rate", ("yes",), (0.6,))
    assert bins_of(relation) == [
        ("a", "value", 3, (2 / 3,)),
        ("b", "value", 1, (0.0,)),
        ("missing", "missing", 1, (1.0,)),
    ]
    assert relation_to_target(table, schema, "c", "y", positive="no").overall == (0.4,)


def test_mean_of_a_number_by_bin_with_its_interval() -> None:
    x = [str(k / 2) for k in range(100)]
    y = [str((k * 37) % 101 + 0.5) for k in range(100)]
    relation = relation_to_target(*typed(x=x, y=y), "x", "y")
    assert (relation.measure, len(relation.bins)) == ("mean", 10)
    first = np.array([float(value) for value in y[:10]])
    assert (relation.bins[0].label, relation.bins[0].low, relation.bins[0].high) == ("0 to 4.5", 0.0, 4.5)
    assert relation.bins[0].values[0] == pytest.approx(first.mean())
    interval = stats.t.interval(0.95, 9, loc=first.mean(), scale=stats.sem(first))
    assert (relation.bins[0].ci_low[0], relation.bins[0].ci_high[0]) == pytest.approx(interval)


def test_few_numbers_are_a_bin_each_and_one_row_has_no_interval() -> None:
    relation = relation_to_target(*typed(x=["2006", "2007", "2007"], y=["1.5", "2.5", "3.5"]), "x", "y")
    assert bins_of(relation) == [("2006", "value", 1, (1.5,)), ("2007", "value", 2, (3.0,))]
    assert (relation.bins[0].ci_low, relation.bins[0].ci_high) == ((None,), (None,))


def test_rare_levels_fall_together_and_many_classes_are_the_most_frequent() -> None:
    levels = [f"l{n:02}" for n in range(17)]
    table, schema = typed(c=levels * 8, y=[f"k{n % 7}" for n in range(17 * 8)])
    relation = relation_to_target(table, schema, "c", "y")
    assert len(relation.bins) == 16
    assert (relation.bins[-1].label, relation.bins[-1].kind, relation.bins[-1].rows) == (
        "other (2 levels)",
        "other",
        16,
    )
    assert len(relation.series) == 5
    sixteen = relation_to_target(*typed(c=levels[:16] * 8, y=["a", "b"] * 64), "c", "y")
    assert [one.kind for one in sixteen.bins] == ["value"] * 16


def test_dates_are_bins_in_time() -> None:
    days = [f"2024-{1 + k // 28:02}-{1 + k % 28:02}" for k in range(280)]
    relation = relation_to_target(*typed(d=days, y=["a", "b"] * 140), "d", "y")
    assert relation.bins[0].label == "2024-01-01 to 2024-01-28"
    hours = [f"2024-01-01 {k:02}:30" for k in range(12)]
    assert relation_to_target(*typed(d=hours, y=["a", "b"] * 6), "d", "y").bins[-1].label == "2024-01-01 11:30"


@pytest.mark.parametrize(
    ("column", "target", "code"),
    [
        ("y", "y", "relation.same_column"),
        ("id", "y", "relation.unsupported"),
        ("c", "id", "relation.target_unsupported"),
    ],
)
def test_relations_that_cannot_be(column: str, target: str, code: str) -> None:
    table, schema = typed(c=["a", "b"], y=["x", "z"], id=["1", "2"])
    with pytest.raises(DataError) as caught:
        relation_to_target(table, schema, column, target)
    assert caught.value.code == code


def test_relation_survives_json() -> None:
    relation = relation_to_target(*typed(x=["1", "2", ""], y=["1.5", "2.5", "3.5"]), "x", "y")
    assert from_json(Relation, to_json(relation)) == relation


@quick
@given(st.integers(0, 200), st.integers(1, 200))
def test_wilson_is_that_of_scipy(successes: int, trials: int) -> None:
    successes = min(successes, trials)
    low, high = wilson(np.array([successes]), np.array([trials]))
    theirs = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    assert (low[0], high[0]) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@quick
@given(st.lists(st.tuples(st.sampled_from(["", *"abcdefg"]), st.sampled_from("xyz")), min_size=1, max_size=80))
def test_rates_are_those_of_pandas(rows: list[tuple[str, str]]) -> None:
    table, schema = typed(c=[c for c, _ in rows], y=[y for _, y in rows])
    relation = relation_to_target(table, schema, "c", "y")
    frame = pd.DataFrame(rows, columns=["c", "y"])
    assert sum(one.rows for one in relation.bins) == len(rows)
    for one in relation.bins:
        group = frame[frame.c == ("" if one.kind == "missing" else one.label)]
        assert one.values == pytest.approx([(group.y == name).mean() for name in relation.series])
        pairs = zip(one.ci_low, one.values, one.ci_high, strict=True)
        assert all(low <= value <= high for low, value, high in pairs if low is not None and high is not None)


# --- ranking ---------------------------------------------------------------------------------------------------------


def test_ranking_measures_the_uncertainty_removed() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 4000)
    columns: dict[str, Any] = {
        "y": np.where(y, "yes", "no"),
        "same": np.where(y, "1", "0"),
        "number": y * 3 + rng.normal(size=4000),
        "gaps": np.where(y, "", "here"),
        "noise": rng.normal(size=4000),
        "many": rng.integers(0, 40, 4000),
        "constant": np.ones(4000),
        "id": np.arange(4000),
    }
    ranked = dict(rank_relations(*typed(**{name: [str(v) for v in values] for name, values in columns.items()}), "y"))
    assert ranked["same"] == pytest.approx(1, abs=0.001)
    assert ranked["gaps"] == pytest.approx(1, abs=0.001)
    assert 0.4 < ranked["number"] < 0.8
    assert max(ranked["noise"], ranked["many"]) < 0.005
    assert ranked["constant"] == 0
    assert ranked.keys() == columns.keys() - {"y", "id"}
    assert list(ranked.values()) == sorted(ranked.values(), reverse=True)


def test_ranking_is_mutual_information_less_what_chance_gives() -> None:
    c, y = ["a", "a", "b", "b", "c", "c"] * 50, ["p", "q", "p", "p", "q", "q"] * 50
    ((_, value),) = rank_relations(*typed(c=c, y=y), "y")
    assert value == pytest.approx((mutual_info_score(c, y) - 2 * 1 / 600) / np.log(2))


def test_ranking_of_real_tables(test_data: Path) -> None:
    insurance = rank_relations(*read(test_data / "insurance_cross_sell_sample.csv"), "Response")
    assert {name for name, _ in insurance[:2]} == {"Previously_Insured", "Vehicle_Damage"}
    assert rank_relations(*read(test_data / "house_prices.csv"), "SalePrice")[0][0] == "OverallQual"


def test_whole_numbers_under_a_name_of_codes_are_noted_unless_hardly_any_repeats() -> None:
    random = np.random.default_rng(0)
    columns = {
        "region_code": random.integers(1, 40, 400), "distance_to_branch": random.integers(1, 40, 400),
        "SalesChannel": random.integers(1, 9, 400), "zip": random.permutation(400) // 1.5,
        "flag_code": random.integers(0, 2, 400),
    }  # fmt: skip
    table, schema = typed(**{name: [str(int(value)) for value in values] for name, values in columns.items()})
    alerts = profile_table(table, schema).alerts
    codes = {alert.column: alert for alert in alerts if alert.code == "codes"}
    assert set(codes) == {"region_code", "SalesChannel"}
    assert codes["region_code"].fix == {"kind": "cast", "column": "region_code", "to": "category", "format": None}
