"""Columns whose cleaned names are alike are told by the names that stand in the file."""

from itertools import permutations

import pyarrow as pa
import pytest

from core.data.reading.child.request import clean_header, renames
from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.features.checking import rename_columns
from core.features.own_names import own_names, unsure_names

ALIKE = (
    ("Price", "Price "),
    ("Price ", "Price"),
    ('disk 5"', "disk 5'"),
    ('disk 5"', "disk 5'", "a\\b", "a/b"),
    ("x", " x", "  x", "x_2"),
    ('"', "'", "y"),
)


def clean(raw: tuple[str, ...]) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    names = clean_header(raw, 100)[0]
    return names, renames(raw, names)


def spec_of(raw: tuple[str, ...]) -> ModelSpec:
    names, renamed = clean(raw)
    features = Schema(tuple(Column(name, "numeric") for name in names))
    return ModelSpec(
        task="regression", target="target", target_column=Column("target", "numeric"), features=features,
        renamed=renamed,
    )  # fmt: skip


def as_model(raw: tuple[str, ...], spec: ModelSpec) -> tuple[dict[str, str], list[str]]:
    """Return which name in the file each column of the model gets its values from, and what is said."""
    names, renamed = clean(raw)
    table = pa.table([pa.array([name]) for name in raw], names=names)
    found, used = rename_columns(table, own_names(names, renamed, spec))
    said = unsure_names(found.column_names, [(old, dict(used).get(new, new)) for old, new in renamed], spec)
    assert len(set(found.column_names)) == len(raw)
    return {name: found[name][0].as_py() for name in found.column_names}, said


@pytest.mark.parametrize("raw", ALIKE)
def test_a_file_with_its_columns_in_any_order_has_the_same_values(raw: tuple[str, ...]) -> None:
    spec = spec_of(raw)
    known = dict(zip(spec.features.names, raw, strict=True))
    for order in permutations(raw):
        found, said = as_model(order, spec)
        assert found == known
        assert said == []


def test_a_file_with_the_models_own_names_keeps_them() -> None:
    spec = spec_of(('disk 5"', "disk 5'"))
    found, said = as_model(("disk 5'", "disk 5'_2"), spec)
    assert found == {"disk 5'": "disk 5'", "disk 5'_2": "disk 5'_2"}
    assert said == []


def test_of_two_columns_only_one_of_which_was_learned_from_it_is_the_right_one() -> None:
    found, _ = as_model(("Price ", "Price"), spec_of(("Price", "size")))
    assert found == {"Price": "Price", "Price_2": "Price "}


def test_names_that_nothing_tells_apart_are_taken_by_their_place_and_that_is_said() -> None:
    found, said = as_model((" Price", "Price  "), spec_of(("Price", "Price ")))
    assert found == {"Price": " Price", "Price_2": "Price  "}
    assert len(said) == 1
    assert "'Price  '" in said[0]
    assert "taken by its place" in said[0]


def test_the_one_name_that_is_known_leaves_the_other_for_the_other() -> None:
    found, _ = as_model(("Price  ", "Price"), spec_of(("Price", "Price ")))
    assert found == {"Price": "Price", "Price_2": "Price  "}


def test_the_same_name_twice_stays_by_its_place() -> None:
    found, said = as_model(("a", "b", "a"), spec_of(("a", "a", "b")))
    assert list(found) == ["a", "b", "a_2"]
    assert said == []


def test_a_model_of_before_names_were_kept_takes_columns_as_before() -> None:
    spec = ModelSpec(
        task="regression", target="y", target_column=Column("y", "numeric"),
        features=Schema((Column("Price", "numeric"), Column("Price_2", "numeric"))),
    )  # fmt: skip
    assert own_names(["Price", "Price_2"], [("Price ", "Price"), ("Price", "Price_2")], spec) == {}


def test_columns_can_be_exchanged_by_names() -> None:
    table = pa.table({"a": [1], "b": [2], "c": [3]})
    assert rename_columns(table, {"a": "b", "b": "a"})[0].column_names == ["b", "a", "c"]
    assert rename_columns(table, {"a": "b"}) == (table, ())
    assert rename_columns(table, {"a": "b", "b": "c"}) == (table, ())
