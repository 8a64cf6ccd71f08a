"""A fitted recipe after a round trip through JSON does exactly what it did before, on generated frames and recipes."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from core.domain.columns import Column, Schema
from core.errors import RecipeError
from core.recipes.recipe import KINDS, FittedRecipe, Recipe, fit

pytestmark = pytest.mark.slow

N_FRAMES = 500
Random = np.random.Generator
NAMES = ["age", "Annual Premium", "größe (m²)", "数据", "a=b", "`tick`", "<b>bold</b>", "x y  z"]
LEVELS = ["Bonn", "Oslo", "a,b", 'say "hi"', "< 1 Year", "> 2 Years", "数据", "0", "1.0", "yes"]
FORMATS = ["%d.%m.%Y", "%Y/%m/%d"]


def numbers(random: Random, n_rows: int) -> pa.Array:
    if random.random() < 0.5:
        values = random.integers(-(10 ** random.integers(1, 12)), 10 ** random.integers(1, 12), n_rows)
    else:
        values = random.normal(0, 10.0 ** random.integers(-3, 9), n_rows)
    return pa.array(values, mask=missing(random, n_rows))


def words(random: Random, n_rows: int) -> pa.Array:
    known = random.choice(LEVELS, random.integers(1, len(LEVELS) + 1), replace=False)
    return pa.array(random.choice(known, n_rows).tolist(), pa.string(), mask=missing(random, n_rows))


def days(random: Random, n_rows: int) -> pa.Array:
    offsets = random.integers(0, 10**11, n_rows) * 10
    moments = [datetime(2000, 1, 1) + timedelta(milliseconds=int(ms)) for ms in offsets]  # noqa: DTZ001
    return pa.array(moments, pa.timestamp("ms"), mask=missing(random, n_rows))


def missing(random: Random, n_rows: int) -> np.ndarray:
    return random.random(n_rows) < random.choice([0.0, 0.2, 0.9])


def frame(random: Random, n_rows: int) -> tuple[pa.Table, Schema]:
    """Return a typed table of a few columns of all types."""
    columns, arrays = [], []
    for name in random.permutation(NAMES)[: random.integers(2, len(NAMES) + 1)].tolist():
        kind = str(random.choice(["numeric", "numeric", "category", "date", "text"]))
        values = {"numeric": numbers, "date": days}.get(kind, words)(random, n_rows)
        columns.append(Column(name, kind, integer=pa.types.is_integer(values.type)))
        arrays.append(values)
    return pa.table(arrays, names=[column.name for column in columns]), Schema(tuple(columns))


def other_rows(random: Random, schema: Schema, n_rows: int) -> pa.Table:
    """Return other rows of the same columns; whole numbers may come with fractions now."""
    makers = {"numeric": numbers, "date": days}
    arrays = [makers.get(column.type, words)(random, n_rows) for column in schema.columns]
    return pa.table(arrays, names=list(schema.names))


def steps_for(random: Random, schema: Schema) -> dict:
    """Return one step of any kind on columns drawn from the schema; not each one fits."""
    kind = str(random.choice(list(KINDS)))
    name = str(random.choice(schema.names))
    some = random.permutation(schema.names)[: random.integers(1, 3)].tolist()
    low, high = sorted(random.normal(0, 100, 2).round(3).tolist())
    fields: dict[str, Callable[[], dict]] = {
        "drop": lambda: {"columns": [name]},
        "rename": lambda: {"columns": {one: f"{one} renamed" for one in some}},
        "cast": lambda: {"column": name, "to": str(random.choice(["numeric", "category", "date", "text"]))},
        "parse_date": lambda: {"column": name, "format": str(random.choice(FORMATS))},
        "date_parts": lambda: {
            "column": name, "parts": ["year", "weekday", "days"], "keep": bool(random.random() < 0.5)
        },
        "impute": lambda: {
            "columns": some, "method": str(random.choice(["median", "mode"])), "flag": bool(random.random() < 0.5)
        },
        "clip": lambda: {"column": name, **({"low": low, "high": high} if low > -50 else {"low_quantile": 0.1})},
        "bin": lambda: {"column": name, "method": str(random.choice(["quantiles", "equal_width"])), "bins": 4},
        "min_max": lambda: {"columns": some},
        "standardize": lambda: {"columns": some},
        "group_rare": lambda: {"column": name, "min_share": 0.2},
        "map_levels": lambda: {"column": name, "levels": {"Oslo": "Bonn", "0": None}},
        "one_hot": lambda: {"columns": some},
        "label_encode": lambda: {"column": name},
        "arithmetic": lambda: {
            "name": f"made {random.integers(1000)}",
            "expression": " / ".join(f"`{one}`" for one in some if "`" not in one) + " + max(1e-3, 2)" or "1",
        },
        "drop_duplicates": dict,
    }  # fmt: skip
    return {"kind": kind, **fields[kind]()}


def fitting_recipe(random: Random, table: pa.Table, schema: Schema) -> Recipe:
    """Return a recipe of up to six steps that fit, and count which kinds did."""
    recipe, now = Recipe(), schema
    for _ in range(20):
        try:
            step = Recipe.from_dict({"recipe_version": 1, "steps": [steps_for(random, now)]}).steps[0]
            longer = recipe.with_steps((*recipe.steps, step))
            now = fit(longer, table, schema).schema
        except RecipeError:
            continue
        recipe = longer
        if len(recipe.steps) == 6 or not now.columns:
            break
    return recipe


@pytest.mark.filterwarnings("error")
def test_500_generated_frames():
    kinds: set[str] = set()
    for seed in range(N_FRAMES):
        random = np.random.default_rng(seed)
        table, schema = frame(random, int(random.integers(2, 60)))
        recipe = fitting_recipe(random, table, schema)
        kinds |= {step.kind for step in recipe.steps}
        assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
        before = fit(recipe, table, schema)
        after = FittedRecipe.from_dict(json.loads(json.dumps(before.to_dict(), allow_nan=False)))
        # Rows it was fitted on, others with values it never saw, and none.
        for rows in (table, other_rows(random, schema, 30), table.slice(0, 0)):
            first, remarks = before.transform_counted(rows)
            second, remarks_after = after.transform_counted(rows)
            assert second.schema == first.schema, f"seed {seed}"
            assert second.equals(first), f"seed {seed}"
            assert remarks_after == remarks
            assert first.num_rows == rows.num_rows or not first.column_names
            assert first.column_names == list(before.schema.names)
    assert kinds == set(KINDS)


def test_a_fitted_recipe_fits_its_own_description():
    """The types that come out are those of the schema: text for categories, dates as dates, whole numbers as such."""
    for seed in range(100):
        random = np.random.default_rng(seed)
        table, schema = frame(random, 30)
        fitted = fit(fitting_recipe(random, table, schema), table, schema)
        out = fitted.transform(table)
        for column in fitted.schema.columns:
            kind = out[column.name].type
            if column.type == "numeric":
                assert pa.types.is_integer(kind) or pa.types.is_floating(kind)
                assert not column.integer or pa.types.is_integer(kind), f"seed {seed}: {column}"
            elif column.type == "date":
                assert kind == pa.timestamp("ms")
            else:
                assert kind == pa.string()
            if column.type == "category":
                assert column.levels == tuple(sorted(set(out[column.name].drop_null().to_pylist())))
