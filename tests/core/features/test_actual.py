"""A file that holds the target: which rows are compared, and why the others are not."""

import pyarrow as pa
import pytest

from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.domain.training import Task
from core.features.actual import look_at_actual, read_actual, weights_words
from core.features.checking import check


def spec_of(column: Column, *classes: str, task: Task = "binary") -> ModelSpec:
    features = Schema((Column("x", "numeric"),))
    return ModelSpec(
        task=task, target="y", target_column=column, features=features, classes=classes,
        positive=classes[-1] if task == "binary" else None, weights_column="w",
    )  # fmt: skip


YES_NO = spec_of(Column("y", "category", levels=("no", "yes")), "no", "yes")
TRUE_FALSE = spec_of(Column("y", "category", levels=("False", "True")), "False", "True")
ZERO_ONE = spec_of(Column("y", "numeric", integer=True), "0", "1")
NUMBER = spec_of(Column("y", "numeric"), task="regression")


def file(*values: str | None) -> pa.Table:
    return pa.table({"x": pa.array(["1"] * len(values)), "y": pa.array(values, pa.string())})


@pytest.mark.parametrize(
    ("spec", "values", "compared", "n_empty", "unmatched"),
    [
        (YES_NO, ("yes", "no", "YES ", "1.0"), 3, 0, (("1.0", 1),)),
        (YES_NO, ("yes", "", None, "under review", "under review", "?"), 1, 2, (("under review", 2), ("?", 1))),
        (TRUE_FALSE, ("0", "1", "1", "true"), 1, 0, (("1", 2), ("0", 1))),
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


def test_weights_that_are_not_used_are_said() -> None:
    source = file("yes", "no").append_column("w", pa.array(["1", "2"]))
    assert "“w” are not used" in weights_words(source, YES_NO)
    assert weights_words(file("yes"), YES_NO) == ""


def test_many_values_that_are_no_numbers_are_counted_whole() -> None:
    values = [f"word {place % 300}" for place in range(3000)] + ["1.5"] * 10 + [""] * 5
    found = look_at_actual(file(*values), NUMBER)
    assert found is not None
    assert (found.n_compared, found.n_unmatched, found.n_empty) == (10, 3000, 5)
