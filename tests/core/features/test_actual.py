"""A file that holds the target: which rows are compared, and why the others are not."""

from dataclasses import replace

import pyarrow as pa
import pytest

from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.domain.training import Task
from core.features.actual import look_at_actual, read_actual
from core.features.checking import check
from core.features.matching import check_columns


def spec_of(column: Column, *classes: str, task: Task = "binary") -> ModelSpec:
    features = Schema((Column("x", "numeric"),))
    return ModelSpec(
        task=task, target="y", target_column=column, features=features, classes=classes,
        positive=classes[-1] if task == "binary" else None,
    )  # fmt: skip


YES_NO = spec_of(Column("y", "category", levels=("no", "yes")), "no", "yes")
TRUE_FALSE = spec_of(Column("y", "category", levels=("False", "True")), "False", "True")
ZERO_ONE = spec_of(Column("y", "numeric", integer=True), "0", "1")
WEIGHTED = replace(YES_NO, weights_column="w")
NUMBER = spec_of(Column("y", "numeric"), task="regression")


def file(*values: str | None) -> pa.Table:
    return pa.table({"x": pa.array(["1"] * len(values)), "y": pa.array(values, pa.string())})


@pytest.mark.parametrize(
    ("spec", "values", "compared", "n_empty", "unmatched"),
    [
        (YES_NO, ("yes", "no", "YES ", "2.0"), 3, 0, (("2.0", 1),)),
        (YES_NO, ("yes", "", None, "under review", "under review", "?"), 1, 2, (("under review", 2), ("?", 1))),
        (ZERO_ONE, ("0", "1", "1.0", "under review", "", "x"), 3, 1, (("under review", 1), ("x", 1))),
        (ZERO_ONE, ("0", "1", "2", "2"), 2, 0, (("2", 2),)),
        (NUMBER, ("1.5", "2", "", "n.n.", "n.n."), 2, 1, (("n.n.", 2),)),
    ],
)
def test_every_row_is_compared_or_said_why_not(
    spec: ModelSpec, values: tuple, compared: int, n_empty: int, unmatched: tuple
) -> None:
    found = look_at_actual(file(*values), spec)
    assert found is not None
    assert (found.n_compared, found.n_empty, found.unmatched) == (compared, n_empty, unmatched)
    assert found.n_compared + found.n_empty + found.n_unmatched == len(values)
    words = found.words(spec)
    assert words.startswith(f"“y”: {compared} of {len(values)} rows compared")
    assert all(f"“{value}” ({rows})" in words for value, rows in unmatched)
    assert all(f"“{name}”" in words for name in spec.classes)


def test_nothing_is_said_where_all_rows_are_compared() -> None:
    found = look_at_actual(file("yes", "no", "no"), YES_NO)
    assert found is not None
    assert found.words(YES_NO) == ""
    assert look_at_actual(pa.table({"x": ["1"]}), YES_NO) is None


def test_a_file_none_of_whose_values_can_be_compared_has_no_metrics_and_says_why() -> None:
    source = file("a", "b", "")
    assert read_actual(source, YES_NO) is None
    found = look_at_actual(source, YES_NO)
    assert found is not None
    assert "0 of 3 rows compared" in found.words(YES_NO)


def test_the_check_asks_where_values_match_no_class() -> None:
    def about(*values: str) -> object:
        return next(one for one in check(file(*values), YES_NO, None).findings if one.code == "columns.target")

    assert about("yes", "no").verdict == "green"
    assert about("yes", "").verdict == "green"
    assert about("yes", "under review").verdict == "amber"
    assert "under review" in about("yes", "under review").text


@pytest.mark.parametrize(
    ("spec", "values", "classes", "taken"),
    [
        (TRUE_FALSE, ("0", "1", "1", "true"), ("False", "True", "True", "True"), {"1": "True", "0": "False"}),
        (TRUE_FALSE, ("0.0", "1.0"), ("False", "True"), {"0.0": "False", "1.0": "True"}),
        (TRUE_FALSE, ("no", "YES", "?"), ("False", "True", None), {"no": "False", "YES": "True"}),
        (TRUE_FALSE, ("F", "T"), ("False", "True"), {"F": "False", "T": "True"}),
        (ZERO_ONE, ("True", "FALSE", ""), ("1", "0", None), {"True": "1", "FALSE": "0"}),
        (ZERO_ONE, ("y", "n", "1"), ("1", "0", "1"), {"y": "1", "n": "0"}),
        (YES_NO, ("1", "0", "under review"), ("yes", "no", None), {"1": "yes", "0": "no"}),
        (YES_NO, ("Y", "n"), ("yes", "no"), {"Y": "yes", "n": "no"}),
    ],
)
def test_no_and_yes_by_other_words_are_taken_for_the_classes_and_said(
    spec: ModelSpec, values: tuple, classes: tuple, taken: dict
) -> None:
    found = look_at_actual(file(*values), spec)
    assert found is not None
    assert found.values.to_pylist() == list(classes)
    assert {value: name for value, name, _ in found.taken} == taken
    for value, name in taken.items():
        assert f"“{value}” was taken as “{name}” ({values.count(value)})" in found.words(spec)


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        (YES_NO, ("0", "1", "2")),  # counts
        (ZERO_ONE, ("F", "M")),  # women and men
        (TRUE_FALSE, ("y", "t", "n")),
        (spec_of(Column("y", "category"), "lost", "won"), ("0", "1")),
        (spec_of(Column("y", "category"), "1", "yes"), ("0", "true")),
        (spec_of(Column("y", "category"), "no", "yes", "maybe", task="multiclass"), ("0", "1")),
    ],
)
def test_what_may_mean_something_else_is_taken_for_no_class(spec: ModelSpec, values: tuple) -> None:
    found = look_at_actual(file(*values), spec)
    assert found is not None
    assert (found.n_compared, found.taken, found.n_unmatched) == (0, (), len(values))


def test_classes_of_a_file_with_types_of_its_own_are_taken_by_their_meaning() -> None:
    for values in (pa.array([True, False]), pa.array([1, 0]), pa.array([1.0, 0.0])):
        found = look_at_actual(pa.table({"y": values}), YES_NO)
        assert found is not None
        assert found.values.to_pylist() == ["yes", "no"]


def weighted_file(*rows: tuple[str, str | None]) -> pa.Table:
    return file(*(value for value, _ in rows)).append_column("w", pa.array([w for _, w in rows], pa.string()))


def test_rows_without_a_weight_above_0_are_not_compared_and_said() -> None:
    rows = (("yes", "0.5"), ("no", "0"), ("no", "-1"), ("yes", ""), ("", ""), ("no", "heavy"), ("no", "2"), ("?", "1"))
    found = look_at_actual(weighted_file(*rows), WEIGHTED)
    assert found is not None
    assert found.values.to_pylist() == ["yes", None, None, None, None, None, "no", None]
    assert found.weights is not None
    assert found.weights[[0, 6]].tolist() == [0.5, 2]
    assert dict(found.weightless) == {"0": 1, "negative": 1, "missing or no number": 2}
    assert "4 rows have no weight above 0 in “w”: 0 (1), negative (1), missing or no number (2)" in found.words(
        WEIGHTED
    )
    assert "weighted by “w”" in found.weights_words(WEIGHTED)


def test_weights_with_decimal_commas_count_as_they_are_meant() -> None:
    found = look_at_actual(weighted_file(("yes", "0,5"), ("no", "1,25"), ("no", "1")), WEIGHTED)
    assert found is not None
    assert found.weights is not None
    assert found.weights.tolist() == [0.5, 1.25, 1]


@pytest.mark.parametrize("source", [weighted_file(("yes", ""), ("no", "0")), file("yes", "no")])
def test_a_file_without_weights_counts_each_row_once_and_says_so(source: pa.Table) -> None:
    found = look_at_actual(source, WEIGHTED)
    assert found is not None
    assert (found.n_compared, found.weights, found.words(WEIGHTED)) == (2, None, "")
    assert "count each row once" in found.weights_words(WEIGHTED)
    assert found.weights_words(YES_NO) == ""


def test_weights_are_no_column_that_is_ignored() -> None:
    source = weighted_file(("yes", "1"), ("no", "2"))
    assert check_columns(source.column_names, WEIGHTED).extra == ()
    assert check_columns(source.drop_columns(["y"]).column_names, WEIGHTED).extra == ("w",)  # nothing to weight


def test_many_values_that_are_no_numbers_are_counted_whole() -> None:
    values = [f"word {place % 300}" for place in range(3000)] + ["1.5"] * 10 + [""] * 5
    found = look_at_actual(file(*values), NUMBER)
    assert found is not None
    assert (found.n_compared, found.n_unmatched, found.n_empty) == (10, 3000, 5)
