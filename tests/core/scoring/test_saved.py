"""A result on disk and back, ids as people see them, and what is kept for outcomes that come later."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.features.checking import FileCheck, Finding
from core.features.matching import ColumnCheck
from core.metrics.intervals import Intervals
from core.scoring.kept.saved import ABOUT, ACTUAL, load_scored, plain_ids, read_probabilities, save_scored, save_scores
from tests.core.exports.made import SOURCE, model, scored, spec

RESULTS = {
    "prediction": ["no", "yes", "no"],
    "probability_no": [0.75, 0.25, 0.875],
    "probability_yes": [0.25, 0.75, 0.125],
}
THREE = {"prediction": ["a", "b", "c"], "probability_a": [0.5, 0.1, 0.2], "probability_b": [0.3, 0.8, 0.2],
         "probability_c": [0.2, 0.1, 0.6]}  # fmt: skip


def full():
    """Return a result that has everything a result can have."""
    finding = Finding(verdict="amber", code="cells.unseen", text="2 cells", column="city", count=2)
    check = FileCheck(
        n_rows=3, columns=ColumnCheck((), {}, ("left",)), renamed=(("Age", "age"),), findings=(finding,), n_flagged=2
    )
    intervals = Intervals(
        borders=np.array([0.5]), low=np.array([-1.0, -2.0]), high=np.array([1.5, 2.5]), level=0.9, n_residuals=40,
        coverage=0.875, n_holdout=8,
    )  # fmt: skip
    return replace(
        scored(RESULTS, about=model(version=3)), warnings=("note", "other"), metrics={"auc": 0.75}, check=check,
        actual=pa.chunked_array([["no", None, "yes"]]), intervals=intervals, reasons_method="TreeSHAP",
        seconds={"total": 1.5}, renamed=(("Age", "age"),),
    )  # fmt: skip


def test_a_result_read_back_is_what_was_saved(tmp_path):
    one, folder = full(), tmp_path / "new" / "scored"
    save_scored(one, folder)
    back = load_scored(folder)
    assert back.results.equals(one.results)
    assert back.table(as_text=True).equals(one.table(as_text=True))
    assert back.actual.to_pylist() == ["no", None, "yes"]
    for name in ("model", "spec", "decision", "warnings", "metrics", "check", "reasons_method", "scored_at", "seconds",
                 "renamed"):  # fmt: skip
        assert getattr(back, name) == getattr(one, name), name
    for name in ("borders", "low", "high"):
        assert getattr(back.intervals, name).tolist() == getattr(one.intervals, name).tolist()
        assert getattr(back.intervals, name).dtype == np.float64
    assert (back.intervals.level, back.intervals.n_residuals) == (0.9, 40)
    assert (back.intervals.coverage, back.intervals.n_holdout) == (0.875, 8)
    assert back.summary() == one.summary()


def test_what_a_result_does_not_have_is_not_there_afterwards_either(tmp_path):
    save_scored(scored(RESULTS), tmp_path)
    assert not (tmp_path / ACTUAL).exists()
    back = load_scored(tmp_path)
    assert (back.actual, back.check, back.intervals, back.metrics) == (None, None, None, None)


def test_a_folder_without_its_last_file_is_no_result(tmp_path):
    save_scored(scored(RESULTS), tmp_path)
    (tmp_path / ABOUT).unlink()
    with pytest.raises(FileNotFoundError):
        load_scored(tmp_path)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["7", " 7", "7 ", "007", None], ["7", "7", "7", "007", None]),
        ([7, -7, None], ["7", "-7", None]),
        ([7.0, 7.5, -7.0, 0.0, None], ["7", "7.5", "-7", "0", None]),
        ([123456789012345.0, 1e300], ["123456789012345", "1e+300"]),
    ],
)
def test_ids_are_texts_as_people_see_them(values, expected):
    assert plain_ids(pa.chunked_array([pa.array(values)])).to_pylist() == expected


@pytest.mark.parametrize(
    ("result", "columns"),
    [
        (scored(RESULTS), {"id": ["7", "8", "9"], "p_yes": [0.25, 0.75, 0.125]}),
        (scored(RESULTS, positive="no"), {"id": ["7", "8", "9"], "p_no": [0.75, 0.25, 0.875]}),
        (
            scored(THREE, task="multiclass", classes=("a", "b", "c"), positive=None),
            {"id": ["7", "8", "9"], "p_a": [0.5, 0.1, 0.2], "p_b": [0.3, 0.8, 0.2], "p_c": [0.2, 0.1, 0.6]},
        ),
        (
            scored({"prediction": [1.5, 2.5, 3.5]}, task="regression", classes=(), positive=None),
            {"id": ["7", "8", "9"], "prediction": [1.5, 2.5, 3.5]},
        ),
    ],
    ids=["two classes", "the other positive", "three classes", "numbers"],
)
def test_scores_are_kept_with_their_ids(tmp_path, result, columns):
    assert save_scores(result, tmp_path / "new" / "scores.parquet") is True
    table = pq.read_table(tmp_path / "new" / "scores.parquet")
    assert table.to_pydict() == columns


def test_without_ids_there_is_nothing_to_join_later(tmp_path):
    result = scored(RESULTS, SOURCE.drop_columns("id"), id_column=None)
    assert save_scores(result, tmp_path / "scores.parquet") is False
    assert not (tmp_path / "scores.parquet").exists()


@pytest.mark.parametrize("positive", ["no", "yes"])
def test_probabilities_come_back_in_the_order_of_the_classes(tmp_path, positive):
    save_scores(scored(RESULTS, positive=positive), tmp_path / "s.parquet")
    found = read_probabilities(pq.read_table(tmp_path / "s.parquet"), spec(positive=positive))
    assert found.tolist() == [[0.75, 0.25], [0.25, 0.75], [0.875, 0.125]]


def test_probabilities_of_many_classes_come_back_as_they_were(tmp_path):
    kind = {"task": "multiclass", "classes": ("a", "b", "c"), "positive": None}
    save_scores(scored(THREE, **kind), tmp_path / "s.parquet")
    found = read_probabilities(pq.read_table(tmp_path / "s.parquet"), spec(**kind))
    assert found.tolist() == [[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]
