"""Columns that a recipe encoded, put back together."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pytest

from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.features.indicators import NO_INDICATORS, Indicators
from core.recipes.recipe import Recipe, fit

RAW = pa.table({"city": ["Bonn", "Oslo", None, "Rom"], "age": [1, 2, 3, 4], "size": ["S", "L", "S", None]})
SCHEMA = Schema((Column("city", "category"), Column("age", "numeric"), Column("size", "category")))
ONE_HOT = {"kind": "one_hot", "columns": ["city"]}
CITIES = {"city=Bonn": "Bonn", "city=Oslo": "Oslo", "city=Rom": "Rom"}


def made(*steps: Mapping[str, object], features: Sequence[str] = ()) -> tuple[ModelSpec, pa.Table]:
    """Return the spec of a model with a recipe, and the rows as it gets them."""
    fitted = fit(Recipe.from_dict({"recipe_version": 1, "steps": list(steps)}), RAW, SCHEMA)
    schema = fitted.schema.select(features) if features else fitted.schema
    spec = ModelSpec(
        task="regression", target="y", target_column=Column("y", "numeric"), features=schema, recipe=fitted.to_dict()
    )
    return spec, fitted.transform(RAW).select(list(schema.names))


def test_levels_are_seen_as_the_column_they_were() -> None:
    spec, typed = made(ONE_HOT)
    found = Indicators.of(spec)
    assert found.levels == {"city": CITIES}
    seen = found.seen(typed)
    assert seen.column_names == list(found.seen_schema(spec.features).names) == ["city", "age", "size"]
    assert seen["city"].to_pylist() == ["Bonn", "Oslo", None, "Rom"]
    assert found.seen_schema(spec.features)["city"] == Column("city", "category", levels=("Bonn", "Oslo", "Rom"))
    assert [found.column_of(name) for name in ("city=Rom", "age", "city=Paris")] == ["city", "age", "city=Paris"]


def test_what_the_model_gets_is_made_of_it_again() -> None:
    spec, typed = made(ONE_HOT, {"kind": "one_hot", "columns": ["size"]})
    found = Indicators.of(spec)
    again = found.encoded(found.seen(typed))
    assert again.select(typed.column_names).to_pydict() == typed.to_pydict()
    columns = found.encoded_schema(found.seen_schema(spec.features))
    assert {one.name: one.type for one in columns.columns} == {one.name: one.type for one in spec.features.columns}


def test_a_level_left_out_of_the_features_counts_as_missing() -> None:
    spec, typed = made(ONE_HOT, features=["age", "city=Oslo"])
    found = Indicators.of(spec)
    assert found.seen(typed).to_pydict() == {"age": [1, 2, 3, 4], "city": [None, "Oslo", None, None]}
    assert found.encoded(found.seen(typed)).to_pydict() == typed.to_pydict()


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        ([{"kind": "min_max", "columns": ["city=Bonn"]}], {"city=Oslo", "city=Rom"}),
        ([{"kind": "drop", "columns": ["city=Bonn"]}], {"city=Oslo", "city=Rom"}),
        ([{"kind": "rename", "columns": {"city=Bonn": "Bonn"}}], {"Bonn", "city=Oslo", "city=Rom"}),
        ([{"kind": "rename", "columns": {"age": "city"}}], set()),
    ],
    ids=lambda one: one[0]["kind"] if isinstance(one, list) else "",
)
def test_columns_that_a_later_step_changed_are_columns_of_their_own(steps: list, left: set[str]) -> None:
    spec, _ = made(ONE_HOT, *steps)
    assert {name for levels in Indicators.of(spec).levels.values() for name in levels} == left


def test_a_model_without_a_recipe_has_none() -> None:
    spec = ModelSpec(task="regression", target="y", target_column=Column("y", "numeric"), features=SCHEMA)
    assert Indicators.of(spec) == NO_INDICATORS
    assert NO_INDICATORS.seen(RAW) is NO_INDICATORS.encoded(RAW) is RAW
