"""Outcomes set against predictions: who is joined, and what is measured of it, by hand and by scikit-learn."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from core.ledger.outcome_records import HEADLINES, MeasuredOutcomes, Realised
from core.metrics.profits import Money
from core.scoring.outcomes import (
    Rules,
    auc_interval,
    count_outcomes,
    join_outcomes,
    measure_classes,
    measure_numbers,
    realise,
    realise_file,
)
from tests.core.exports.made import scored, spec

Z = 1.959963984540054
SCORES = pa.table({"id": ["1", "2", "3", "3", "4", None], "p_yes": [0.1, 0.9, 0.5, 0.6, 0.7, 0.2]})


def outcomes(ids, actual):
    return pa.table({"id": pa.array(ids, pa.string()), "actual": pa.array(actual, pa.string())})


def test_rows_are_joined_by_id_and_repeated_unknown_and_unusable_ones_are_counted():
    joined = join_outcomes(SCORES, outcomes(["4", "2", "3", "1", "9"], ["yes", "no", "yes", "maybe", "no"]), spec())
    assert joined.scores["id"].to_pylist() == ["2", "4"]
    assert joined.actual.to_pylist() == ["no", "yes"]
    assert (joined.n_scored, joined.n_repeated, joined.n_unusable) == (6, 2, 1)


def test_where_nobody_matches_there_is_nothing_joined():
    joined = join_outcomes(SCORES, outcomes(["9"], ["yes"]), spec())
    assert (joined.scores.num_rows, len(joined.actual), joined.note) == (0, 0, "")
    assert (joined.n_scored, joined.n_repeated, joined.n_unusable) == (6, 2, 0)


def test_what_came_true_is_measured_and_told_with_its_counts():
    joined = join_outcomes(SCORES, outcomes(["1", "2", "4"], ["no", "yes", "no"]), spec(weights_column="w"))
    found = realise("s-1", joined, spec(weights_column="w"), Rules(threshold=0.5))
    assert (found.scoring_id, found.task, found.n_scored, found.n_repeated, found.n_unusable) == (
        "s-1",
        "binary",
        6,
        2,
        0,
    )
    assert found.positive == "yes"
    assert found.found.n_rows == 3
    assert found.found.metrics["auc"] == roc_auc_score([0, 1, 0], [0.1, 0.9, 0.7])
    assert any("weights “w”" in note for note in found.notes)
    plain = realise("s-1", replace(joined, note=""), spec(), Rules(threshold=0.5))
    assert plain.notes == ()


def test_a_file_with_its_target_is_measured_where_the_target_is_known():
    results = {"prediction": ["no", "yes", "no"], "probability_no": [0.9, 0.2, 0.6], "probability_yes": [0.1, 0.8, 0.4]}
    result = replace(scored(results), actual=pa.chunked_array([["no", None, "yes"]]), scoring_id="s-2")
    found = realise_file(result, Rules(threshold=0.3))
    assert (found.scoring_id, found.n_scored, found.n_unusable, found.found.n_rows) == ("s-2", 3, 1, 2)
    assert found.found.metrics["auc"] == 1.0
    assert (found.found.actual, found.found.predicted) == (0.5, 0.25)
    assert realise_file(scored(results), Rules()) is None
    numbers = replace(
        scored({"prediction": [1.0, 5.0, 4.0]}, task="regression", classes=(), positive=None),
        actual=pa.chunked_array([[2.0, None, 7.0]]),
    )
    assert realise_file(numbers, Rules()).found.metrics["rmse"] == pytest.approx(np.sqrt((1 + 9) / 2))


def test_numbers_are_measured_with_the_interval_of_their_squared_errors():
    actual, said = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.5, 2.0, 2.0, 6.0])
    found = measure_numbers(actual, said)
    squares = (actual - said) ** 2
    error = Z * squares.std(ddof=1) / np.sqrt(4)
    assert found.metrics["rmse"] == pytest.approx(np.sqrt(squares.mean()))
    assert (found.low, found.high) == (0.0, pytest.approx(np.sqrt(squares.mean() + error)))
    assert (found.n_rows, found.actual, found.predicted) == (4, 2.5, 2.875)
    steady = measure_numbers(np.zeros(200), np.tile([1.0, 1.2], 100))
    squares = np.tile([1.0, 1.44], 100)
    error = Z * squares.std(ddof=1) / np.sqrt(200)
    assert steady.low == pytest.approx(np.sqrt(squares.mean() - error))
    alone = measure_numbers(np.array([1.0]), np.array([3.0]))
    assert (alone.low, alone.high) == (2.0, 2.0)


def test_three_classes_are_measured_by_log_loss_with_its_interval():
    kind = spec(task="multiclass", classes=("a", "b", "c"), positive=None)
    truth = np.array(["b", "a", "c", "b"], dtype=object)
    p = np.array([[0.2, 0.7, 0.1], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.6, 0.4, 0.0]])
    found = measure_classes(truth, p, kind, Rules())
    losses = -np.log([0.7, 0.5, 0.8, 0.4])
    error = Z * losses.std(ddof=1) / 2
    assert found.metrics["logloss"] == pytest.approx(log_loss(truth, p, labels=["a", "b", "c"]))
    assert (found.low, found.high) == (pytest.approx(losses.mean() - error), pytest.approx(losses.mean() + error))
    assert found.n_rows == 4
    assert Realised(scoring_id="s", task="multiclass", n_scored=4, found=found).value == found.metrics["logloss"]


@pytest.mark.parametrize(("positive", "brought"), [("no", 3800.0), ("yes", 1800.0)])
def test_two_classes_have_the_auc_with_its_interval_the_shares_and_what_the_decisions_brought(positive, brought):
    truth = np.array(["yes", "no", "yes", "no", "no"], dtype=object)
    yes = np.array([0.9, 0.6, 0.4, 0.2, 0.1])
    money = Money(true_positive=10.0, false_positive=-1.0)
    found = measure_classes(truth, np.column_stack([1 - yes, yes]), spec(positive=positive), Rules(0.5, money))
    is_positive = truth == positive
    probability = yes if positive == "yes" else 1 - yes
    auc = roc_auc_score(is_positive, probability)
    assert found.metrics["auc"] == pytest.approx(auc)
    assert (found.low, found.high) == auc_interval(auc, int(is_positive.sum()), int((~is_positive).sum()))
    assert found.actual == pytest.approx(is_positive.mean())
    assert found.predicted == pytest.approx(probability.mean())
    assert found.profit.total == pytest.approx(brought)
    without = measure_classes(truth, np.column_stack([1 - yes, yes]), spec(positive=positive), Rules(None, money))
    assert without.profit is None


@pytest.mark.parametrize(
    ("task", "value", "promise", "verdict"),
    [
        ("binary", 0.70, 0.74, "kept"), ("binary", 0.70, 0.66, "kept"), ("binary", 0.70, 0.80, "worse"),
        ("binary", 0.70, 0.60, "better"), ("regression", 0.70, 0.60, "worse"), ("regression", 0.70, 0.80, "better"),
        ("multiclass", 0.70, 0.60, "worse"), ("binary", 0.70, None, None),
    ],
)  # fmt: skip
def test_a_promise_is_kept_where_it_lies_in_the_interval_of_what_came(task, value, promise, verdict):
    name = HEADLINES[task]
    found = MeasuredOutcomes(n_rows=500, metrics={name: value}, low=0.65, high=0.75)
    promised = None if promise is None else MeasuredOutcomes(n_rows=100, metrics={name: promise})
    assert Realised(scoring_id="s", task=task, n_scored=500, found=found, promised=promised).verdict == verdict
    unknown = replace(found, low=None, high=None)
    assert Realised(scoring_id="s", task=task, n_scored=500, found=unknown, promised=promised).verdict is None


def test_rows_of_one_class_have_no_auc():
    found = measure_classes(
        np.array(["no", "no"], dtype=object), np.array([[0.9, 0.1], [0.4, 0.6]]), spec(), Rules(0.5)
    )
    assert Realised(scoring_id="s", task="binary", n_scored=2, found=found).value is None
    assert (found.low, found.high, found.actual) == (None, None, 0.0)


def test_the_four_outcomes_of_a_decision():
    truth = np.array([True, True, True, False, False, False, False])
    chosen = np.array([True, True, False, True, False, False, False])
    found = count_outcomes(truth, chosen)
    assert (found.true_positive, found.false_positive, found.false_negative, found.true_negative) == (2, 1, 1, 3)


def test_the_interval_of_an_auc_is_that_of_hanley_and_mcneil():
    a, m, n = 0.8, 30, 70
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    error = np.sqrt((a * (1 - a) + (m - 1) * (q1 - a * a) + (n - 1) * (q2 - a * a)) / (m * n))
    assert auc_interval(a, m, n) == (pytest.approx(a - Z * error), pytest.approx(a + Z * error))
    assert auc_interval(1.0, 2, 2) == (1.0, 1.0)
    assert auc_interval(0.95, 2, 2)[1] == 1.0
    assert auc_interval(0.05, 2, 2)[0] == 0.0
    assert auc_interval(0.5, 0, 9) is None
    assert auc_interval(0.5, 9, 0) is None
