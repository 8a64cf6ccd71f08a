"""What a threshold leads to, against scikit-learn and by hand; and the labels that it makes."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics

from core.domain.models import ModelSpec
from core.metrics.labels import has_numbers, label_rows, result_columns
from core.metrics.ranking import rank
from core.metrics.threshold import Outcomes, outcomes_at, trade_off
from tests.core.scoring.test_scorer import spec

RATES = ("precision", "recall", "specificity", "f1", "accuracy", "mcc", "selected_share")


def test_the_rates_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    truth, p = rng.random(300) < 0.3, np.round(rng.random(300), 2)
    for cut in (0.1, 0.5, 0.9):
        chosen, found = p >= cut, outcomes_at(rank(truth, p), cut)
        tn, fp, fn, tp = metrics.confusion_matrix(truth, chosen).ravel()
        assert (found.true_positive, found.false_positive, found.false_negative, found.true_negative) == (
            tp,
            fp,
            fn,
            tn,
        )
        assert (found.n_rows, found.selected) == (300, chosen.sum())
        assert found.precision == pytest.approx(metrics.precision_score(truth, chosen))
        assert found.recall == pytest.approx(metrics.recall_score(truth, chosen))
        assert found.specificity == pytest.approx(metrics.recall_score(~truth, ~chosen))
        assert found.f1 == pytest.approx(metrics.f1_score(truth, chosen))
        assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, chosen))
        assert found.mcc == pytest.approx(metrics.matthews_corrcoef(truth, chosen))
        assert found.selected_share == pytest.approx(chosen.mean())


@pytest.mark.parametrize("n_rows", [3, 5000])
def test_a_trade_off_is_what_each_of_its_thresholds_leads_to(n_rows: int) -> None:
    rng = np.random.default_rng(5)
    truth = rng.random(n_rows) < 0.3
    truth[0] = True
    ranking = rank(truth, np.round(rng.random(n_rows), 3))
    found = trade_off(ranking)
    assert len(found.threshold) <= 200
    assert list(found.threshold) == sorted(found.threshold, reverse=True)
    assert (found.recall[-1], found.selected_share[-1]) == (1, 1)
    for threshold, *rates in zip(found.threshold, found.precision, found.recall, found.selected_share, strict=True):
        there = outcomes_at(ranking, threshold)
        assert rates == pytest.approx([there.precision, there.recall, there.selected_share])


def test_a_rate_of_no_rows_is_zero_and_one_row_is_a_row() -> None:
    assert [getattr(Outcomes(0, 0, 0, 0), name) for name in RATES] == [0.0] * len(RATES)
    one = Outcomes(true_positive=1, false_positive=0, false_negative=0, true_negative=0)
    assert (one.precision, one.recall, one.f1, one.accuracy, one.specificity, one.mcc) == (1, 1, 1, 1, 0, 0)


def test_a_row_on_the_threshold_is_selected_and_beyond_either_end_all_or_none() -> None:
    ranking = rank([True, False, True, False], [0.9, 0.9, 0.4, 0.2])
    selected = {cut: outcomes_at(ranking, cut).selected for cut in (0.0, 0.2, 0.21, 0.4, 0.41, 0.9, 0.91, 2.0)}
    assert selected == {0.0: 4, 0.2: 4, 0.21: 3, 0.4: 3, 0.41: 2, 0.9: 2, 0.91: 0, 2.0: 0}
    assert outcomes_at(ranking, 0.9) == Outcomes(1, 1, 1, 1)
    assert outcomes_at(ranking, 2.0) == Outcomes(0, 0, 2, 2)


@pytest.mark.parametrize(("positive", "expected"), [("1", [0, 1, 1]), ("0", [0, 0, 1])])
def test_a_label_is_the_positive_class_from_the_threshold_on(positive: str, expected: list[int]) -> None:
    share = pa.array([0.29, 0.3, 0.8] if positive == "1" else [0.8, 0.3, 0.29])
    raw = pa.table({"0": share, "1": share})
    assert label_rows(raw, spec(positive=positive), 0.3).to_pylist() == expected


def test_without_a_threshold_half_decides() -> None:
    raw = pa.table({"0": [0.51, 0.5, 0.4], "1": [0.49, 0.5, 0.6]})
    assert label_rows(raw, spec(positive="1"), None).to_pylist() == [0, 1, 1]
    assert label_rows(raw, spec(positive="1"), 0.0).to_pylist() == [1, 1, 1]


def test_of_several_classes_the_likeliest_is_the_label_and_each_has_its_column() -> None:
    several: ModelSpec = spec(task="multiclass", classes=("a", "b", "c"), positive=None, threshold=None)
    raw = pa.table({"predict": ["a", "a"], "c": [0.5, 0.1], "a": [0.3, 0.2], "b": [0.2, 0.7]})
    found = result_columns(raw, several, None)
    assert found.to_pydict() == {
        "prediction": ["c", "b"], "probability_a": [0.3, 0.2], "probability_b": [0.2, 0.7], "probability_c": [0.5, 0.1],
    }  # fmt: skip


def test_a_predicted_number_is_the_only_column() -> None:
    number: ModelSpec = spec(task="regression", classes=(), positive=None, threshold=None)
    assert result_columns(pa.table({"predict": [1.5]}), number, None).to_pydict() == {"prediction": [1.5]}


@pytest.mark.parametrize(
    ("classes", "whole"),
    [
        (("0", "1"), True),
        (("-1", "1"), True),
        (("123456789012345", "0"), True),
        (("1234567890123456", "0"), False),
        (("01", "1"), False),
        (("1.0", "2"), False),
        (("1", "yes"), False),
        (("1 ", "2"), False),
    ],
)
def test_labels_are_numbers_when_every_class_is_a_whole_number(classes: tuple[str, ...], whole: bool) -> None:
    assert has_numbers(classes) is whole
