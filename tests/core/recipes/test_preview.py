"""What the Prepare page shows of each step: counts and rows before and after equal what pandas finds."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from core.data.tables.schema import apply_schema, infer_schema
from core.recipes import preview as recipe_preview
from core.recipes.preview import draw_rows, preview
from core.recipes.recipe import Recipe


@pytest.fixture
def frame() -> pd.DataFrame:
    random = np.random.default_rng(3)
    frame = pd.DataFrame({"age": random.integers(18, 80, 200).astype(float), "city": random.choice(["a", "b"], 200)})
    frame.loc[::7, "age"] = np.nan
    return frame


def tried(frame: pd.DataFrame, *steps: dict):
    text = frame.astype(object).where(frame.notna(), "").astype(str)
    source = pa.table({name: pa.array(text[name].tolist()) for name in text})
    schema = infer_schema(source)
    return preview(Recipe.from_dict({"recipe_version": 1, "steps": list(steps)}), apply_schema(source, schema), schema)


def test_filled_cells_are_counted_and_come_first(frame):
    found = tried(frame, {"kind": "impute", "columns": ["age"], "method": "median", "flag": True})
    (effect,) = found.effects
    n_missing = int(frame["age"].isna().sum())
    assert (effect.changed_cells(), effect.missing, effect.n_columns) == (n_missing, (n_missing, 0), (2, 3))
    table, marked = effect.examples(5)
    assert table.column_names == ["age · before", "age · after", "age (missing)"]
    assert table["age · before"].null_count == 5
    assert table["age · after"].to_pylist() == [frame["age"].median()] * 5
    assert marked.tolist() == [[False, True, True]] * 5


def test_clipped_cells_are_those_beyond_the_bounds(frame):
    (effect,) = tried(frame, {"kind": "clip", "column": "age", "low": 30, "high": 60}).effects
    assert effect.changed_cells() == int(((frame["age"] < 30) | (frame["age"] > 60)).sum())
    table, marked = effect.examples(200)
    assert len(table) == 200
    assert int(marked.sum()) == effect.changed_cells()


def test_a_step_that_does_not_fit_is_passed_over(frame):
    found = tried(
        frame,
        {"kind": "drop", "columns": ["gone"]},
        {"kind": "one_hot", "columns": ["city"], "on": False},
        {"kind": "min_max", "columns": ["age"]},
    )
    errors = [effect.error.code if effect.error else None for effect in found.effects]
    assert errors == ["recipe.column_missing", None, None]
    assert found.error.step == 0
    assert [effect.learned is None for effect in found.effects] == [True, True, False]
    assert found.schema.names == ("age (min-max)", "city")
    assert found.effects[2].schema.names == ("age", "city")
    # What a step that is off would do is not shown.
    assert found.effects[1].after.num_columns == 0


def test_dropped_duplicates_are_the_rows_that_pandas_drops(frame):
    (effect,) = tried(frame, {"kind": "drop_duplicates"}).effects
    duplicated = frame.duplicated()
    assert effect.n_rows == (200, 200 - int(duplicated.sum()))
    table, marked = effect.examples(200)
    expected = frame[duplicated]
    assert table["city"].to_pylist() == expected["city"].tolist()
    np.testing.assert_array_equal(table["age"].to_pandas(), expected["age"])
    assert not marked.any()


def test_cells_that_become_missing_are_told(frame):
    frame["code"] = ["x" if row % 10 == 0 else str(row) for row in range(200)]
    (effect,) = tried(frame, {"kind": "cast", "column": "code", "to": "numeric"}).effects
    assert effect.remarks == ("code: 20 cells are not numbers; they count as missing.",)
    assert effect.missing == (0, 20)
    assert effect.changed_cells() == 20


def test_many_rows_are_drawn_always_the_same(monkeypatch):
    monkeypatch.setattr(recipe_preview, "MAX_ROWS", 50)
    assert draw_rows(50) is None
    rows = draw_rows(1000)
    assert len(set(rows.tolist())) == 50
    assert rows.tolist() == sorted(rows.tolist()) == draw_rows(1000).tolist()
