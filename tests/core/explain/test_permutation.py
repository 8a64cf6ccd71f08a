"""Importance by shuffling, of models whose truth is known."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from core.domain.columns import Column, Schema
from core.domain.models import ModelSpec
from core.explain.computed import permutation
from core.explain.computed.permutation import permutation_importance
from core.explain.sample import Sample
from core.features.indicators import Indicators

N_ROWS = 4000
SPEC = ModelSpec(
    task="regression",
    target="y",
    target_column=Column("y", "numeric"),
    features=Schema((Column("x", "numeric"), Column("noise", "numeric"))),
)


def rows_of(**columns: np.ndarray) -> Sample:
    schema = Schema(tuple(Column(name, "category" if values.dtype.kind == "U" else "numeric")
                          for name, values in columns.items()))  # fmt: skip
    return Sample(pa.table(columns), schema)


def test_a_number_is_worth_what_its_shuffling_costs() -> None:
    random = np.random.default_rng(7)
    x = random.normal(0, 2, N_ROWS)
    rows = rows_of(x=x, noise=random.normal(0, 1, N_ROWS), y=3 * x)
    used, found = permutation_importance(lambda one: pa.table({"predict": 3 * one.numbers("x")}), SPEC, rows)
    # Of independent values the difference has twice the variance: 3 * 2 * sqrt(2).
    assert found == {"x": pytest.approx(6 * np.sqrt(2), rel=0.05), "noise": 0.0}
    assert used.n_rows == N_ROWS


def test_a_class_is_worth_the_log_loss_it_saves() -> None:
    random = np.random.default_rng(7)
    x = random.integers(0, 2, N_ROWS)
    spec = replace(SPEC, task="binary", classes=("no", "yes"), positive="yes")
    rows = rows_of(x=x, y=np.where(x == 1, "yes", "no"))

    def predict(one: Sample) -> pa.Table:
        p = np.where(one.numbers("x") == 1, 0.9, 0.1)
        return pa.table({"no": 1 - p, "yes": p})

    _, found = permutation_importance(predict, spec, rows)
    # Every other row gets the other value: half of -ln 0.1 instead of -ln 0.9.
    assert found["x"] == pytest.approx(0.5 * np.log(9), rel=0.05)


def test_what_a_recipe_encoded_is_shuffled_as_one_column() -> None:
    random = np.random.default_rng(7)
    cities = random.choice(["Bonn", "Oslo", "Rom"], N_ROWS)
    indicators = Indicators({"city": {f"city={name}": name for name in ("Bonn", "Oslo", "Rom")}})
    rows = replace(rows_of(city=cities, y=np.where(cities == "Bonn", 1.0, 0.0)), indicators=indicators)
    seen: list[float] = []

    def predict(one: Sample) -> pa.Table:
        table, _ = one.encoded()
        ones = [table[f"city={name}"].to_numpy() for name in ("Bonn", "Oslo", "Rom")]
        seen.extend(sum(ones).tolist())
        return pa.table({"predict": ones[0].astype(float)})

    _, found = permutation_importance(predict, SPEC, rows)
    assert set(seen) == {1}
    assert found["city"] == pytest.approx(np.sqrt(2 * (1 / 3) * (2 / 3)), rel=0.05)


def test_many_columns_are_shuffled_on_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permutation, "MAX_CELLS", 5000)
    monkeypatch.setattr(permutation, "MIN_ROWS", 100)
    x = np.arange(N_ROWS, dtype=float)
    rows = rows_of(x=x, noise=x, y=x)
    used, _ = permutation_importance(lambda one: pa.table({"predict": one.numbers("x")}), SPEC, rows)
    assert used.n_rows == 2500


def test_never_so_few_that_chance_decides_and_a_model_without_columns_is_no_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = np.arange(N_ROWS, dtype=float)
    monkeypatch.setattr(permutation, "MAX_CELLS", 10)
    used, _ = permutation_importance(lambda one: pa.table({"predict": one.numbers("x")}), SPEC, rows_of(x=x, y=x))
    assert used.n_rows == 1000
    monkeypatch.setattr(permutation, "MAX_CELLS", 2000)
    used, found = permutation_importance(lambda one: pa.table({"predict": one.numbers("y")}), SPEC, rows_of(y=x))
    assert (used.n_rows, found) == (2000, {})
