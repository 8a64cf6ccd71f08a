"""Each step of a recipe against pandas, scikit-learn or a table made by hand."""

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, StandardScaler

from core.data.tables.schema import apply_schema, infer_schema
from core.domain.columns import Column, Schema
from core.errors import RecipeError, SchemaMismatchError
from core.recipes.recipe import FittedRecipe, Recipe, fit, fit_rows

DAYS = [datetime(2024, 1, 31, 13, 30), datetime(2023, 12, 31), None, datetime(2024, 2, 29, 23, 59)]  # noqa: DTZ001


def recipe(*steps: dict) -> Recipe:
    return Recipe.from_dict({"recipe_version": 1, "steps": list(steps)})


def make(**columns: tuple[str, list]) -> tuple[pa.Table, Schema]:
    """Return a typed table and its schema: each column is given as type and values."""
    kinds = {"category": pa.string(), "text": pa.string(), "id": pa.string(), "date": pa.timestamp("ms")}
    arrays, described = {}, []
    for name, (kind, values) in columns.items():
        array = pa.array(values, kinds.get(kind))
        if pa.types.is_null(array.type):
            array = array.cast(pa.float64())
        arrays[name] = pa.chunked_array([array])
        described.append(Column(name, kind, integer=kind == "numeric" and pa.types.is_integer(array.type)))
    return pa.table(arrays), Schema(tuple(described))


def run(data: tuple[pa.Table, Schema], *steps: dict) -> tuple[FittedRecipe, dict]:
    """Fit on the rows and transform them."""
    fitted = fit(recipe(*steps), *data)
    return fitted, fitted.transform(data[0]).to_pydict()


def refused(data: tuple[pa.Table, Schema], *steps: dict) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        fit(recipe(*steps), *data)
    return caught.value


# --- columns ----------------------------------------------------------------------------------------------------------


def test_drop_and_rename():
    data = make(a=("numeric", [1, 2]), b=("category", ["x", "y"]), c=("numeric", [3, 4]))
    fitted, out = run(data, {"kind": "drop", "columns": ["a"]}, {"kind": "rename", "columns": {"b": "c", "c": "b"}})
    assert out == {"c": ["x", "y"], "b": [3, 4]}
    assert fitted.inputs.names == ("b", "c")
    assert fitted.origins == {"c": ("b",), "b": ("c",)}


def test_a_name_may_be_used_again_after_its_column_is_dropped():
    data = make(a=("numeric", [1.0, 2.0]), b=("numeric", [5.0, 6.0]))
    fitted, out = run(
        data,
        {"kind": "drop", "columns": ["a"]},
        {"kind": "arithmetic", "name": "a", "expression": "b * 2"},
    )
    assert out == {"b": [5.0, 6.0], "a": [10.0, 12.0]}
    assert fitted.inputs.names == ("b",)


def test_cast_reads_numbers_and_counts_what_is_none():
    data = make(a=("category", ["1", "02", "x", None]))
    fitted, out = run(data, {"kind": "cast", "column": "a", "to": "numeric", "format": None})
    assert out == {"a": [1, 2, None, None]}
    assert fitted.schema["a"].type == "numeric"
    _, remarks = fitted.transform_counted(data[0])
    assert remarks == ("a: 1 cell is not a number; it counts as missing.",)


def test_cast_to_category_names_numbers_shortly():
    _, out = run(make(a=("numeric", [28.0, 3.5, None])), {"kind": "cast", "column": "a", "to": "category"})
    assert out == {"a": ["28", "3.5", None]}


def test_cast_of_a_date_to_category_writes_its_day():
    days = [datetime(2024, 1, 31), None]  # noqa: DTZ001
    _, out = run(make(a=("date", days)), {"kind": "cast", "column": "a", "to": "category"})
    assert out == {"a": ["2024-01-31", None]}


@pytest.mark.parametrize(
    ("values", "sign", "expected"),
    [
        (["1.234,5", "2,25", None], None, [1234.5, 2.25, None]),
        (["1.234", "2.500", "?"], ",", [1234, 2500, None]),
        (["1,234.5", "17"], None, [1234.5, 17.0]),
    ],
)
def test_cast_reads_decimal_commas_and_thousands(values, sign, expected):
    data = make(a=("category", values))
    fitted, out = run(data, {"kind": "cast", "column": "a", "to": "numeric", "format": sign})
    assert out == {"a": expected}
    again = FittedRecipe.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again.transform(data[0]).equals(fitted.transform(data[0]))


def test_a_format_that_does_not_belong_to_the_type_is_refused():
    for to, sign in (("numeric", "%d"), ("category", ",")):
        with pytest.raises(RecipeError) as caught:
            recipe({"kind": "cast", "column": "a", "to": to, "format": sign})
        assert caught.value.code == "recipe.field"


def test_cast_where_nothing_fits_is_refused():
    error = refused(make(a=("category", ["x", "y"])), {"kind": "cast", "column": "a", "to": "numeric"})
    assert error.code == "schema.type_unfit"
    assert "Step 1 (cast)" in error.message
    assert error.step == 0


def test_parse_date_by_format_also_from_numbers():
    data = make(a=("category", ["31.12.2024", "1.2.2024", "?", None]), b=("numeric", [20240131, 20240229, 1, None]))
    fitted, out = run(
        data,
        {"kind": "parse_date", "column": "a", "format": "%d.%m.%Y"},
        {"kind": "parse_date", "column": "b", "format": "%Y%m%d"},
    )
    expected = pd.to_datetime(pd.Series(["31.12.2024", "1.2.2024", None, None]), format="%d.%m.%Y")
    assert out["a"] == [None if pd.isna(day) else day.to_pydatetime() for day in expected]
    assert out["b"] == [datetime(2024, 1, 31), datetime(2024, 2, 29), None, None]  # noqa: DTZ001
    assert fitted.transform_counted(data[0])[1] == (
        "a: 1 cell is not a date; it counts as missing.",
        "b: 1 cell is not a date; it counts as missing.",
    )


def test_parse_date_with_a_wrong_format_is_refused():
    error = refused(make(a=("category", ["31.12.2024"])), {"kind": "parse_date", "column": "a", "format": "%m/%d/%Y"})
    assert error.code == "recipe.no_date"
    assert "31.12.2024" in error.message
    error = refused(make(a=("category", ["31.12.2024"])), {"kind": "parse_date", "column": "a", "format": "%Q"})
    assert error.code == "schema.date_format"


def test_date_parts_equal_those_of_pandas():
    parts = ["year", "quarter", "month", "day", "weekday", "hour", "days"]
    _, out = run(
        make(d=("date", DAYS)),
        {"kind": "date_parts", "column": "d", "parts": parts, "reference": "2024-01-01", "keep": False},
    )
    series = pd.Series(pd.to_datetime(pd.array(DAYS, dtype="datetime64[ms]")))
    expected = {
        "d (year)": series.dt.year,
        "d (quarter)": series.dt.quarter,
        "d (month)": series.dt.month,
        "d (day)": series.dt.day,
        "d (weekday)": series.dt.day_of_week + 1,
        "d (hour)": series.dt.hour,
        "d (days since 2024-01-01)": (series - pd.Timestamp("2024-01-01")).dt.days,
    }
    assert out == {name: [None if pd.isna(v) else int(v) for v in values] for name, values in expected.items()}


def test_days_count_from_the_first_day_of_the_training_rows():
    data = make(d=("date", DAYS))
    fitted, out = run(data, {"kind": "date_parts", "column": "d", "parts": ["days"]})
    assert out["d (days since 2023-12-31)"] == [31, 0, None, 60]
    assert out["d"] == DAYS
    later = pa.table({"d": pa.array([datetime(2023, 12, 30, 12)], pa.timestamp("ms"))})  # noqa: DTZ001
    assert fitted.transform(later)["d (days since 2023-12-31)"].to_pylist() == [-1]


def test_duplicates_are_those_of_pandas_and_none_is_dropped_at_scoring():
    random = np.random.default_rng(5)
    words = random.choice(["x", "y", None], 200).tolist()
    frame = pd.DataFrame({"a": random.integers(0, 3, 200), "b": words})
    data = make(a=("numeric", frame["a"].tolist()), b=("category", words))
    found = fit_rows(recipe({"kind": "drop_duplicates"}), *data)
    assert found.rows.tolist() == np.flatnonzero(~frame.duplicated()).tolist()
    assert found.table.num_rows == len(found.rows)
    assert found.recipe.transform(data[0]).num_rows == 200
    by_a = fit_rows(recipe({"kind": "drop_duplicates", "columns": ["a"]}), *data)
    assert by_a.rows.tolist() == np.flatnonzero(~frame.duplicated(["a"])).tolist()


def test_rows_that_differ_in_what_lies_beside_are_no_duplicates():
    table, schema = make(a=("numeric", [1, 1, 1]), y=("category", ["yes", "no", "yes"]))
    found = fit_rows(recipe({"kind": "drop_duplicates"}), table, schema.select(["a"]), beside=schema.select(["y"]))
    assert found.rows.tolist() == [0, 1]


def test_what_follows_dropped_duplicates_learns_from_the_rows_kept():
    data = make(a=("numeric", [1.0, 1.0, 1.0, 5.0]))
    fitted, _ = run(data, {"kind": "drop_duplicates"}, {"kind": "standardize", "columns": ["a"]})
    assert fitted.steps[1][1] == {"a": [3.0, 2.0]}


# --- missing values ---------------------------------------------------------------------------------------------------


def test_impute_median_and_flag_equal_pandas():
    values = [1, None, 4, 10, None]
    fitted, out = run(
        make(a=("numeric", values)), {"kind": "impute", "columns": ["a"], "method": "median", "flag": True}
    )
    series = pd.Series(values, dtype="float64")
    assert out == {"a": series.fillna(series.median()).tolist(), "a (missing)": [0, 1, 0, 0, 1]}
    assert fitted.schema["a"].integer
    assert fitted.origins["a (missing)"] == ("a",)


def test_a_median_with_a_fraction_is_kept():
    fitted, out = run(make(a=("numeric", [1, 2, None])), {"kind": "impute", "columns": ["a"], "method": "median"})
    assert out == {"a": [1.0, 2.0, 1.5]}
    assert not fitted.schema["a"].integer


def test_the_mode_is_the_smallest_of_the_most_frequent():
    words, days = ["b", "a", None, "a", "b", "c"], [DAYS[1], DAYS[0], None, DAYS[0], DAYS[1], DAYS[3]]
    data = make(a=("category", words), d=("date", days))
    _, out = run(data, {"kind": "impute", "columns": ["a", "d"], "method": "mode"})
    assert out["a"][2] == "a"
    assert out["d"][2] == DAYS[1]


@pytest.mark.parametrize(
    ("kind", "values", "value", "expected"),
    [
        ("numeric", [1, None], -1, [1, -1]),
        ("numeric", [1, None], 0.5, [1.0, 0.5]),
        ("category", ["a", None], "none", ["a", "none"]),
        ("date", [DAYS[1], None], "2024-01-31", [DAYS[1], datetime(2024, 1, 31)]),  # noqa: DTZ001
    ],
)
def test_impute_a_constant(kind, values, value, expected):
    _, out = run(make(a=(kind, values)), {"kind": "impute", "columns": ["a"], "method": "constant", "value": value})
    assert out == {"a": expected}


@pytest.mark.parametrize(("kind", "value"), [("numeric", "many"), ("date", "soon"), ("category", "")])
def test_a_constant_that_does_not_fit_is_refused(kind, value):
    values = {"numeric": [1, None], "date": [DAYS[0], None], "category": ["a", None]}[kind]
    step = {"kind": "impute", "columns": ["a"], "method": "constant", "value": value}
    assert refused(make(a=(kind, values)), step).code == "recipe.constant"


@pytest.mark.parametrize(
    "step",
    [
        {"kind": "impute", "columns": ["a"], "method": "median"},
        {"kind": "impute", "columns": ["a"], "method": "mode"},
        {"kind": "min_max", "columns": ["a"]},
        {"kind": "standardize", "columns": ["a"]},
        {"kind": "clip", "column": "a", "low_quantile": 0.1},
        {"kind": "bin", "column": "a", "method": "quantiles", "bins": 3},
    ],
)
def test_a_column_that_is_all_missing_has_nothing_to_learn_from(step):
    error = refused(make(a=("numeric", [None, None])), step)
    assert error.code == "recipe.all_missing"
    assert "'a'" in error.message


# --- numbers ----------------------------------------------------------------------------------------------------------

NUMBERS = np.random.default_rng(1).normal(50, 20, 500)


def test_min_max_and_standardize_equal_scikit_learn_also_on_new_rows():
    data = make(a=("numeric", NUMBERS.tolist()), b=("numeric", (NUMBERS**2).tolist()))
    new = pa.table({"a": [-100.0, 7.0, None], "b": [1e6, None, 3.0]})
    for kind, scaler, suffix in (
        ("min_max", MinMaxScaler(), "min-max"),
        ("standardize", StandardScaler(), "standardized"),
    ):
        fitted, _ = run(data, {"kind": kind, "columns": ["a", "b"]})
        scaler.fit(data[0].to_pandas())
        found = fitted.transform(new).to_pandas()
        assert list(found.columns) == [f"a ({suffix})", f"b ({suffix})"]
        np.testing.assert_allclose(found, scaler.transform(new.to_pandas()), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["min_max", "standardize"])
def test_a_column_of_one_value_becomes_zero(kind):
    _, out = run(make(a=("numeric", [0.1] * 7)), {"kind": kind, "columns": ["a"]})
    assert set(next(iter(out.values()))) == {0.0}


def test_clip_by_numbers_and_by_quantiles_equals_pandas():
    series = pd.Series([*NUMBERS[:50], None])
    data = make(a=("numeric", series.astype(object).where(series.notna(), None).tolist()))
    fitted, out = run(data, {"kind": "clip", "column": "a", "low": 30, "high": 61.5})
    assert pd.Series(out["a"], dtype="float64").equals(series.clip(30, 61.5))
    assert fitted.schema["a"] == Column("a", "numeric")
    _, out = run(data, {"kind": "clip", "column": "a", "low_quantile": 0.05, "high_quantile": 0.9})
    expected = series.clip(series.quantile(0.05), series.quantile(0.9))
    np.testing.assert_allclose(pd.Series(out["a"], dtype="float64"), expected, rtol=1e-12)


def test_whole_numbers_stay_whole_between_whole_bounds():
    fitted, out = run(make(a=("numeric", [1, None, 99])), {"kind": "clip", "column": "a", "high": 50})
    assert out == {"a": [1, None, 50]}
    assert fitted.transform(pa.table({"a": [7, 60]}))["a"].type == pa.int64()


def test_bins_at_edges_equal_pandas():
    values = [1.0, 18.0, 17.99, 40.0, 90.0, None]
    _, out = run(make(a=("numeric", values)), {"kind": "bin", "column": "a", "method": "edges", "edges": [18, 40]})
    expected = pd.cut(
        pd.Series(values), [-np.inf, 18, 40, np.inf], right=False, labels=["under 18", "18 to under 40", "40 and over"]
    )
    assert out["a (range)"] == [None if pd.isna(label) else label for label in expected]


@pytest.mark.parametrize(("method", "strategy"), [("quantiles", "quantile"), ("equal_width", "uniform")])
def test_bins_equal_those_of_scikit_learn(method, strategy):
    data = make(a=("numeric", NUMBERS.tolist()))
    fitted, out = run(data, {"kind": "bin", "column": "a", "method": method, "bins": 5})
    more = {"quantile_method": "linear"} if strategy == "quantile" else {}
    binned = KBinsDiscretizer(5, encode="ordinal", strategy=strategy, **more).fit_transform(NUMBERS[:, None])[:, 0]
    order = sorted(set(out["a (range)"]), key=lambda name: min(NUMBERS[np.array(out["a (range)"]) == name]))
    assert [order.index(name) for name in out["a (range)"]] == binned.astype(int).tolist()
    extremes = fitted.transform(pa.table({"a": [-1e9, 1e9]}))["a (range)"].to_pylist()
    assert extremes == [order[0], order[-1]]


def test_ranges_of_hardly_different_numbers_keep_their_names_apart():
    edges = [1000000.1, 1000000.2, 1000000.3]
    _, out = run(
        make(a=("numeric", [1000000.15, 1000000.25])), {"kind": "bin", "column": "a", "method": "edges", "edges": edges}
    )
    assert len(set(out["a (range)"])) == 2


def test_too_few_values_to_make_ranges_of():
    error = refused(make(a=("numeric", [3, 3, 3])), {"kind": "bin", "column": "a", "method": "quantiles", "bins": 4})
    assert error.code == "recipe.no_ranges"


@pytest.mark.parametrize("kind", ["min_max", "standardize"])
def test_numbers_too_far_apart_to_be_scaled(kind):
    error = refused(make(a=("numeric", [-1.7e308, 1.7e308, 0.0])), {"kind": kind, "columns": ["a"]})
    assert error.code == "recipe.bounds"


# --- levels -----------------------------------------------------------------------------------------------------------

CITIES = ["Bonn"] * 6 + ["Oslo"] * 3 + ["Rome"] + [None] * 5


def test_rare_levels_are_those_under_the_share_of_known_rows():
    data = make(a=("category", CITIES))
    fitted, out = run(data, {"kind": "group_rare", "column": "a", "min_share": 0.3, "other": "elsewhere"})
    shares = pd.Series(CITIES).value_counts(normalize=True)
    assert out["a"] == [None if city is None else city if shares[city] >= 0.3 else "elsewhere" for city in CITIES]
    assert fitted.transform(pa.table({"a": ["Nice", "Oslo"]}))["a"].to_pylist() == ["elsewhere", "Oslo"]
    assert fitted.schema["a"].levels == ("Bonn", "Oslo", "elsewhere")


def test_levels_are_replaced_or_made_missing():
    step = {"kind": "map_levels", "column": "a", "levels": {"?": None, "NYC": "New York"}}
    _, out = run(make(a=("category", ["?", "NYC", "Rome", None])), step)
    assert out == {"a": [None, "New York", "Rome", None]}


def test_one_hot_equals_pandas_and_counts_new_levels():
    data = make(a=("category", CITIES), n=("numeric", list(range(15))))
    fitted, out = run(data, {"kind": "one_hot", "columns": ["a"]})
    expected = pd.get_dummies(pd.Series(CITIES), prefix="a", prefix_sep="=", dtype="int64")
    assert {name: values for name, values in out.items() if name != "n"} == expected.to_dict("list")
    assert fitted.schema.names == ("a=Bonn", "a=Oslo", "a=Rome", "n")
    table, remarks = fitted.transform_counted(pa.table({"a": ["Nice", "Bonn", None], "n": [1, 2, 3]}))
    assert table.to_pydict() == {"a=Bonn": [0, 1, 0], "a=Oslo": [0, 0, 0], "a=Rome": [0, 0, 0], "n": [1, 2, 3]}
    assert remarks == ("a: 1 cell has a level that the recipe does not know: Nice (0 in every column made of it).",)


def test_one_hot_of_too_many_levels_is_refused():
    error = refused(make(a=("category", [f"x{n}" for n in range(101)])), {"kind": "one_hot", "columns": ["a"]})
    assert error.code == "recipe.too_many_levels"


def test_a_cell_of_a_megabyte_does_not_become_the_name_of_a_column_or_a_sentence():
    data = make(a=("category", ["x" * 2**20, "y"]))
    error = refused(data, {"kind": "one_hot", "columns": ["a"]})
    assert error.code == "recipe.level_too_long"
    assert len(error.message) < 300
    fitted, _ = run(data, {"kind": "label_encode", "column": "a"})
    assert len(fitted.words()[0]) < 200
    (remark,) = fitted.transform_counted(pa.table({"a": ["z" * 2**20]}))[1]
    assert len(remark) < 200


def test_labels_by_given_numbers_or_in_order():
    data = make(a=("category", ["Male", "Female", None, "Male"]))
    given, out = run(data, {"kind": "label_encode", "column": "a", "levels": {"Male": 1, "Female": 0}})
    assert out == {"a (code)": [1, 0, None, 1]}
    _, out = run(data, {"kind": "label_encode", "column": "a"})
    assert out == {"a (code)": [1, 0, None, 1]}
    table, remarks = given.transform_counted(pa.table({"a": ["Other", "Female", "Other"]}))
    assert table["a (code)"].to_pylist() == [None, 0, None]
    assert remarks == ("a: 2 cells have a level that the recipe does not know: Other (counted as missing).",)


# --- the whole --------------------------------------------------------------------------------------------------------


def test_a_step_that_is_off_does_nothing_and_is_kept():
    read = recipe({"kind": "drop", "columns": ["a"], "on": False})
    data = make(a=("numeric", [1]))
    assert fit(read, *data).transform(data[0]).to_pydict() == {"a": [1]}
    assert read.to_dict()["steps"] == [{"kind": "drop", "columns": ["a"], "on": False}]


def test_only_what_a_column_is_made_of_is_needed():
    data = make(a=("numeric", [1.0, 2.0]), b=("numeric", [3.0, 4.0]), c=("category", ["x", "y"]), d=("numeric", [0, 1]))
    fitted, _ = run(
        data,
        {"kind": "impute", "columns": ["a", "b", "d"], "method": "median", "flag": True},
        {"kind": "arithmetic", "name": "sum", "expression": "a + b"},
        {"kind": "min_max", "columns": ["sum", "a"]},
        {"kind": "one_hot", "columns": ["c"]},
    )
    assert fitted.origins["sum (min-max)"] == ("a", "b")
    one = fitted.narrowed(["sum (min-max)"])
    assert one.inputs.names == ("a", "b")
    assert one.transform(data[0].select(["a", "b"])).to_pydict() == {"sum (min-max)": [0.0, 1.0]}
    flags = fitted.narrowed(["d (missing)", "c=y"])
    assert flags.inputs.names == ("c", "d")
    assert flags.transform(data[0]).to_pydict() == {"d (missing)": [0, 0], "c=y": [0, 1]}
    with pytest.raises(SchemaMismatchError, match="'d'"):
        flags.transform(data[0].select(["c"]))


def test_no_row_at_all():
    data = make(a=("numeric", [1, 2]), c=("category", ["x", "y"]), d=("date", [DAYS[0], DAYS[1]]))
    fitted, _ = run(
        data,
        {"kind": "impute", "columns": ["a", "c", "d"], "method": "mode", "flag": True},
        {"kind": "date_parts", "column": "d", "parts": ["month", "days"], "keep": False},
        {"kind": "bin", "column": "a", "method": "edges", "edges": [1]},
        {"kind": "label_encode", "column": "c"},
    )
    full, empty = fitted.transform(data[0]), fitted.transform(data[0].slice(0, 0))
    assert (empty.num_rows, empty.schema) == (0, full.schema)


@pytest.mark.parametrize(
    ("step", "code", "words"),
    [
        ({"kind": "drop", "columns": ["agee"]}, "recipe.column_missing", "'agee'"),
        ({"kind": "min_max", "columns": ["city"]}, "recipe.column_type", "category"),
        ({"kind": "arithmetic", "name": "age", "expression": "age"}, "recipe.name_taken", "'age'"),
        ({"kind": "rename", "columns": {"city": "age"}}, "recipe.name_taken", "'age'"),
        ({"kind": "date_parts", "column": "age", "parts": ["year"]}, "recipe.column_type", "numeric"),
    ],
)
def test_a_step_that_does_not_fit_is_named(step, code, words):
    data = make(age=("numeric", [1, 2]), city=("category", ["x", "y"]))
    error = refused(data, {"kind": "drop_duplicates"}, step)
    assert (error.code, error.step) == (code, 1)
    assert words in error.message
    assert error.message.startswith("Step 2 (")


def test_a_near_name_is_offered():
    error = refused(make(Annual_Premium=("numeric", [1])), {"kind": "min_max", "columns": ["Annual Premium"]})
    assert "'Annual_Premium'" in error.hint


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ([], "recipe.version"),
        ({"steps": []}, "recipe.version"),
        ({"recipe_version": "1", "steps": []}, "recipe.version"),
        ({"recipe_version": 2, "steps": [{"kind": "from the future"}]}, "recipe.version"),
        ({"recipe_version": 1}, "recipe.field"),
        ({"recipe_version": 1, "steps": {}}, "recipe.field"),
        ({"recipe_version": 1, "steps": [], "step": []}, "recipe.field"),
        ({"recipe_version": 1, "steps": [], "version": "3"}, "recipe.field"),
    ],
)
def test_what_is_no_recipe_is_refused(data, code):
    with pytest.raises(RecipeError) as caught:
        Recipe.from_dict(data)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("drop", "recipe.kind"),
        ({"kind": "explode"}, "recipe.kind"),
        ({"kind": "drop"}, "recipe.field"),
        ({"kind": "drop", "columns": "a"}, "recipe.field"),
        ({"kind": "drop", "columns": []}, "recipe.field"),
        ({"kind": "drop", "columns": ["a", "a"]}, "recipe.field"),
        ({"kind": "drop", "columns": ["a"], "cols": []}, "recipe.field"),
        ({"kind": "drop", "columns": ["a"], "on": 1}, "recipe.field"),
        ({"kind": "impute", "columns": ["a"], "method": "mean"}, "recipe.field"),
        ({"kind": "impute", "columns": ["a"], "method": "constant"}, "recipe.field"),
        ({"kind": "clip", "column": "a"}, "recipe.bounds"),
        ({"kind": "clip", "column": "a", "low": 2, "high": 1}, "recipe.bounds"),
        ({"kind": "clip", "column": "a", "low": float("nan")}, "recipe.field"),
        ({"kind": "bin", "column": "a", "method": "edges"}, "recipe.field"),
        ({"kind": "bin", "column": "a", "method": "edges", "edges": [2, 1]}, "recipe.field"),
        ({"kind": "rename", "columns": {"a": " b"}}, "recipe.column_name"),
        ({"kind": "date_parts", "column": "a", "parts": ["year"], "reference": "x"}, "recipe.reference"),
    ],
)  # fmt: skip
def test_what_is_no_step_is_refused(step, code):
    with pytest.raises(RecipeError) as caught:
        recipe(step)
    assert (caught.value.code, caught.value.step) == (code, 0)


def test_an_unreadable_step_is_named():
    with pytest.raises(RecipeError, match=r"Step 2 \(clip\): there is no field 'lo'") as caught:
        recipe({"kind": "drop", "columns": ["a"]}, {"kind": "clip", "column": "a", "lo": 1})
    assert caught.value.step == 1


def test_a_recipe_is_readable_json_that_comes_back():
    steps = [
        {"kind": "drop", "columns": ["id"]},
        {"kind": "cast", "column": "c", "to": "numeric", "format": None},
        {"kind": "parse_date", "column": "c", "format": "%d.%m.%Y"},
        {"kind": "impute", "columns": ["a"], "method": "median", "value": None, "flag": True},
        {"kind": "clip", "column": "c", "low": 1, "high": 2.5, "low_quantile": None, "high_quantile": None},
        {"kind": "group_rare", "column": "c", "min_share": 0.01, "other": "other"},
        {"kind": "drop_duplicates", "columns": None},
    ]
    data = {"recipe_version": 1, "name": "mine", "version": 3, "dataset": "sales", "steps": steps}
    assert json.loads(json.dumps(Recipe.from_dict(data).to_dict())) == data
    assert Recipe.from_dict(data).label == "mine, version 3"


def test_the_words_tell_what_was_learned_and_pass_names_through():
    data = make(age=("numeric", [30, None, 36, 50]))
    fitted, _ = run(data, {"kind": "impute", "columns": ["age"], "method": "median", "flag": True})
    assert fitted.words(lambda name: f"<{name}>") == ("Fill missing <age> with the median (<36>), and mark where",)


ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize(
    ("name", "file"),
    [("article.json", "insurance_cross_sell_sample.csv"), ("article_sample.json", "insurance_customers.csv")],
)
def test_the_shipped_recipes_fit_their_data(name, file, request):
    folder = ROOT / "data" / "samples"
    path = folder / file
    if not path.is_file():
        path = request.getfixturevalue("test_data") / file
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    source = pa.Table.from_pandas(frame, preserve_index=False).cast(pa.schema([(n, pa.string()) for n in frame]))
    schema = infer_schema(source)
    typed = apply_schema(source, schema)
    read = Recipe.from_dict(json.loads((folder / "recipes" / name).read_text()))
    out = fit(read, typed, schema).transform(typed).to_pandas()
    gender = next(n for n in frame if n.lower() == "gender")
    assert (out[f"{gender} (code)"] == (frame[gender].str.lower() == "male")).all()
    age = next(n for n in frame if n.lower() == "age")
    expected = MinMaxScaler().fit_transform(pd.to_numeric(frame[age], errors="coerce").to_frame())
    np.testing.assert_allclose(out[[f"{age} (min-max)"]], expected, rtol=1e-12)
