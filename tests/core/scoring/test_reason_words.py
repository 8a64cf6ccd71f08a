"""Reasons in words: contributions whose points can be worked out by hand, texts row by row."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit

from core.explain.points import to_points
from core.scoring.reason_words import reason_table


def contributions(values: np.ndarray, bias: float) -> pa.Table:
    columns = {name: values[:, place] for place, name in enumerate("abc")}
    return pa.table(columns | {"BiasTerm": np.full(len(values), bias)})


@pytest.fixture
def shap() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1.5, (500, 3))


def test_points_of_log_odds_add_up_to_the_probability(shap):
    p = expit(shap.sum(axis=1) - 2)
    points = to_points(contributions(shap, -2.0), p)
    assert points.has_unit
    assert np.allclose(points.base + points.values.sum(axis=1), p, atol=1e-9)
    assert np.allclose(points.base, expit(-2.0))
    assert np.array_equal(np.sign(points.values), np.sign(shap))
    assert np.array_equal(np.argsort(np.abs(points.values), axis=1), np.argsort(np.abs(shap), axis=1))


def test_contributions_that_cancel_out_keep_the_slope():
    points = to_points(contributions(np.array([[1.0, -1.0, 0.0]]), 0.0), np.array([0.5]))
    assert points.values[0] == pytest.approx([0.25, -0.25, 0.0], abs=1e-6)  # the logistic function's slope at 0


def test_probabilities_numbers_logarithms_and_unknown_scales(shap):
    small = np.abs(shap) / 100
    p = small.sum(axis=1) + 0.2
    plain = to_points(contributions(small, 0.2), p)
    assert np.allclose(plain.values, small)
    other = to_points(contributions(small, 0.2), 1 - p)
    assert np.allclose(other.base + other.values.sum(axis=1), 1 - p)
    assert (other.values <= 0).all()
    y = 100 + shap.sum(axis=1) * 10
    assert np.allclose(to_points(contributions(shap * 10, 100.0), y, number="y").values, shap * 10)
    logs = to_points(contributions(shap, 3.0), np.exp(3 + shap.sum(axis=1)), number="y")
    assert np.allclose(logs.base + logs.values.sum(axis=1), np.exp(3 + shap.sum(axis=1)))
    assert not to_points(contributions(shap, 7.0), np.full(500, 0.5)).has_unit


def test_sentences_name_feature_value_direction_and_points():
    shap = np.array([[0.12, -0.031, 0.004], [0.0, 0.0, -0.2], [0.01, 0.0, 0.0]])
    p = shap.sum(axis=1) + 0.4
    typed = pa.table({"a": ["Yes", "No", None], "b": [1.5, 2.0, 3.25], "c": pa.array([1, 2, 3], pa.int64())})
    points = to_points(contributions(shap, 0.4), p)
    assert reason_table(points, typed, 2, is_probability=True).to_pydict() == {
        "reason_1": [
            "a = Yes raised it by 12 points",
            "c = 2 lowered it by 20 points",
            "a = missing raised it by 1 point",
        ],
        "reason_2": ["b = 1.5 lowered it by 3 points", None, None],
    }


def test_amounts_of_a_regression_are_in_its_own_unit():
    shap = np.array([[1234.4, -56.78, 0.0]])
    points = to_points(contributions(shap, 10_000.0), shap.sum(axis=1) + 10_000, number="y")
    table = reason_table(points, pa.table({"a": [1.0], "b": [2.0], "c": [3.0]}), 5, is_probability=False)
    assert table.to_pydict() == {
        "reason_1": ["a = 1 raised it by 1,230"],
        "reason_2": ["b = 2 lowered it by 56.8"],
        "reason_3": [None],
    }


def test_every_row_gets_its_own_value_and_largest_feature(shap):
    p = expit(shap.sum(axis=1))
    typed = pa.table({name: [f"{name}{row}" for row in range(500)] for name in "abc"})
    points = to_points(contributions(shap, 0.0), p)
    first = reason_table(points, typed, 1, is_probability=True)["reason_1"].to_pylist()
    for row, text in enumerate(first):
        name = "abc"[int(np.abs(shap[row]).argmax())]
        verb = "raised" if shap[row][np.abs(shap[row]).argmax()] > 0 else "lowered"
        assert text.startswith(f"{name} = {name}{row} {verb} it by ")


def test_without_a_known_scale_only_the_direction_is_told_of_whatever_moved_at_all():
    shap = np.array([[0.3, -0.2, 0.0], [-0.0001, 0.0, 0.0]])
    points = to_points(contributions(shap, 7.0), np.array([0.5, 0.5]))
    assert not points.has_unit
    typed = pa.table({"a": [1.0, 2.0], "b": [3.0, 4.0], "c": [5.0, 6.0]})
    assert reason_table(points, typed, 3, is_probability=True).to_pydict() == {
        "reason_1": ["a = 1 raised it", "a = 2 lowered it"],
        "reason_2": ["b = 3 lowered it", None],
        "reason_3": [None, None],
    }


@pytest.mark.parametrize(
    ("amount", "words"),
    [(999.6, "1,000"), (1000.0, "1,000"), (12345.0, "12,300"), (12.34, "12.3"), (0.00123, "0.00123")],
)
def test_amounts_have_three_digits(amount, words):
    points = to_points(contributions(np.array([[amount, 0.0, 0.0]]), 1.0), np.array([amount + 1.0]), number="y")
    table = reason_table(points, pa.table({"a": [1.0]}), 1, is_probability=False)
    assert table["reason_1"].to_pylist() == [f"a = 1 raised it by {words}"]
