"""Scoring without an engine: columns compared, cells prepared, results shaped."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from core.domain.columns import Column, Schema
from core.domain.models import ModelInfo, ModelSpec
from core.errors import DataError, SchemaMismatchError
from core.exports.answers import answer
from core.features.actual import read_actual
from core.features.features import fit_target
from core.features.matching import check_columns, prepare
from core.metrics.labels import label_rows
from core.models.decisions import Decision
from core.recipes.recipe import MapLevels, Recipe
from core.scoring.result import Scored

MODEL = ModelInfo(
    id="m-" + "0" * 32,
    model_key="GBM_1",
    algo="GBM",
    run_id="0" * 32,
    experiment="test",
    task="binary",
    metrics={},
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def spec(**changes: object) -> ModelSpec:
    values: dict[str, object] = {
        "task": "binary",
        "target": "Response",
        "target_column": Column("Response", "category", levels=("0", "1")),
        "features": Schema(
            (Column("Age", "numeric", integer=True), Column("Vehicle_Age", "category", levels=("1", "2", "A")))
        ),
        "classes": ("0", "1"),
        "positive": "1",
        "threshold": 0.3,
        "id_column": "id",
    }
    return ModelSpec(**(values | changes))  # type: ignore[arg-type]


def scored(source: pa.Table, results: pa.Table, **changes: object) -> Scored:
    made = spec(**changes)
    decision = Decision(0.3, made.threshold_origin)
    return Scored(model=MODEL, spec=made, decision=decision, source=source, results=results, warnings=(), metrics=None)


def test_missing_columns_are_named_and_near_names_offered() -> None:
    check = check_columns(["AGE ", "vehicle age", "other", "Response", "id"], spec())
    assert check.missing == ("Age", "Vehicle_Age")
    assert check.near == {"Age": "AGE ", "Vehicle_Age": "vehicle age"}
    assert "Response" not in check.extra
    assert "id" not in check.extra


def test_a_file_without_a_needed_column_is_refused_with_the_likely_name() -> None:
    with pytest.raises(SchemaMismatchError, match="Vehicle_Age") as caught:
        prepare(pa.table({"Age": ["3"], "vehicle age": ["1"]}), spec())
    assert caught.value.missing == ("Vehicle_Age",)
    assert "'vehicle age' may be 'Vehicle_Age'" in caught.value.hint


def test_order_and_extra_columns_do_not_matter_but_are_said() -> None:
    typed, warnings = prepare(pa.table({"x": ["q"], "Vehicle_Age": ["A"], "Age": ["44"]}), spec())
    assert typed.to_pylist() == [{"Age": 44, "Vehicle_Age": "A"}]
    assert warnings == ("Ignored, because the model does not use them: x.",)


def test_codes_that_look_like_numbers_stay_levels() -> None:
    typed, warnings = prepare(pa.table({"Age": ["1", "2"], "Vehicle_Age": ["1.0", "2"]}), spec())
    assert typed["Vehicle_Age"].to_pylist() == ["1", "2"]
    assert warnings == ()


def test_unknown_levels_and_bad_numbers_are_emptied_and_counted() -> None:
    typed, warnings = prepare(pa.table({"Age": ["old", "", "7"], "Vehicle_Age": ["Z", "Z", "1"]}), spec())
    assert typed["Age"].to_pylist() == [None, None, 7]
    assert typed["Vehicle_Age"].to_pylist() == [None, None, "1"]
    assert warnings == (
        "Age: 1 cell is not a number; it counts as missing.",
        "Vehicle_Age: 2 cells have a level that training never saw: Z (counted as missing).",
    )


def test_the_label_follows_the_threshold_and_whole_number_classes_become_numbers() -> None:
    raw = pa.table({"predict": ["0", "0"], "0": [0.71, 0.7], "1": [0.29, 0.3]})
    assert label_rows(raw, spec(), 0.3).to_pylist() == [0, 1]
    named = spec(classes=("no", "yes"), positive="yes")
    assert label_rows(raw.rename_columns(["predict", "no", "yes"]), named, 0.3).to_pylist() == ["no", "yes"]


def test_three_classes_take_the_most_probable() -> None:
    raw = pa.table({"predict": ["a"], "a": [0.2], "b": [0.5], "c": [0.3]})
    assert label_rows(raw, spec(task="multiclass", classes=("a", "b", "c")), None).to_pylist() == ["b"]


def test_an_input_column_named_like_a_result_comes_back_under_another_name() -> None:
    source = pa.table({"prediction": ["x"], "prediction_input": ["y"], "Age": ["4"]})
    result = scored(source, pa.table({"prediction": [1], "probability_1": [0.5]})).table(as_text=True)
    assert len(set(result.column_names)) == len(result.column_names) == 5
    assert result["prediction"].to_pylist() == [1]
    assert result.column_names[1:3] == ["prediction_input", "Age"]
    assert "x" in result[result.column_names[0]].to_pylist()


def test_the_answer_is_id_to_label_a_list_or_records() -> None:
    results = pa.table({"prediction": [0, 1], "probability_1": [0.1, 0.9]})
    with_ids = scored(pa.table({"id": ["7", "008"], "Age": ["1", "2"]}), results)
    assert answer(with_ids) == {"7": 0, "008": 1}
    assert answer(with_ids, "records") == [
        {"id": 7, "prediction": 0, "probability_1": 0.1},
        {"id": "008", "prediction": 1, "probability_1": 0.9},
    ]
    assert answer(scored(pa.table({"Age": ["1", "2"]}), results)) == [0, 1]


def test_repeated_ids_are_refused_as_an_object_but_not_as_records() -> None:
    repeated = scored(pa.table({"id": ["7", "7"]}), pa.table({"prediction": [0, 1]}))
    with pytest.raises(DataError, match="repeat") as caught:
        answer(repeated)
    assert caught.value.code == "predict.ids_repeat"
    assert "records" in caught.value.hint
    assert len(answer(repeated, "records")) == 2  # type: ignore[arg-type]


def test_an_unknown_shape_is_refused() -> None:
    with pytest.raises(DataError, match="tree"):
        answer(scored(pa.table({"id": ["7"]}), pa.table({"prediction": [0]})), "tree")


def test_the_summary_says_the_model_the_threshold_and_every_warning() -> None:
    result = scored(pa.table({"id": ["7"]}), pa.table({"prediction": [0]}), threshold_origin="max F1")
    text = " ".join(f"{key}: {value}" for key, value in result.summary().items())
    assert "at least 0.3 (max F1)" in text
    assert MODEL.id in text
    assert np.isclose(result.n_rows, 1)


def test_joined_levels_of_the_target_are_joined_in_a_file_that_holds_it():
    target = Column("won", "category")
    joined = fit_target(
        pa.chunked_array([["won", "lost", "victory"]]),
        target,
        Recipe(steps=(MapLevels(column="won", levels={"victory": "won"}),)),
    )
    spec = ModelSpec(
        task="binary", target="won", target_column=target, features=Schema(()), classes=("lost", "won"),
        positive="won", target_recipe=joined.to_dict(),
    )  # fmt: skip
    actual = read_actual(pa.table({"won": ["victory", "lost", "Won", "draw"]}), spec)
    assert actual.to_pylist() == ["won", "lost", "won", None]
