"""Whether models differ by more than chance: against scikit-learn, against a bootstrap, and how often it is wrong."""

import numpy as np
import pytest
from sklearn import metrics as sk

from bench.ties import APART, EQUAL, binary_pair, regression_pair, share_different
from core.errors import DataError
from core.metrics.predictions import Predictions
from core.metrics.ties import METRICS, Answers, MetricEstimate, SameRows, is_beyond_chance

N_ROWS, DRAWS = 800, 200


def rounded(sample: SameRows) -> SameRows:
    """Return the same models with so few digits that many rows are tied."""
    answers = [Answers(one.task, one.truth, one.output.round(2), one.decided, one.positive) for one in sample.answers]
    return SameRows(answers)


def several_classes(random: np.random.Generator) -> SameRows:
    truth = random.choice(3, N_ROWS, p=[0.6, 0.3, 0.1])
    answers = []
    for noise in (0.8, 1.0):
        score = np.eye(3)[truth] + random.normal(0, noise, (N_ROWS, 3))
        p = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
        answers.append(Answers("multiclass", truth, p, p.argmax(axis=1)))
    return SameRows(answers)


SAMPLES = {
    "binary": lambda: rounded(binary_pair(np.random.default_rng(3), N_ROWS, (0.5, 0.9))),
    "multiclass": lambda: several_classes(np.random.default_rng(4)),
    "regression": lambda: regression_pair(np.random.default_rng(5), N_ROWS, (0.5, 0.6)),
}
CASES = [(task, metric) for task, names in METRICS.items() for metric in names]


def by_sklearn(one: Answers, metric: str) -> float:
    if one.task == "regression":
        measure = {
            "rmse": sk.root_mean_squared_error, "mae": sk.mean_absolute_error, "r2": sk.r2_score,
            "rmsle": sk.root_mean_squared_log_error,
        }[metric]  # fmt: skip
        return float(measure(one.truth, one.output))
    if metric == "logloss":
        return float(sk.log_loss(one.truth, one.output))
    if metric == "mean_per_class_error":
        return 1 - float(sk.balanced_accuracy_score(one.truth, one.decided))
    score = one.output[:, one.positive]
    measure = {"auc": sk.roc_auc_score, "average_precision": sk.average_precision_score, "brier": sk.brier_score_loss}
    return float(measure[metric](one.is_positive, score))


@pytest.mark.parametrize(("task", "metric"), CASES)
def test_metrics_are_scikit_learns(task: str, metric: str) -> None:
    sample = SAMPLES[task]()
    assert metric in sample.metrics
    for place, one in enumerate(sample.answers):
        assert sample.estimate(place, metric).value == pytest.approx(by_sklearn(one, metric), abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("task", "metric"), CASES)
def test_standard_errors_are_those_of_a_paired_bootstrap(task: str, metric: str) -> None:
    sample, random = SAMPLES[task](), np.random.default_rng(1)
    found = []
    for _ in range(DRAWS):
        rows = random.integers(N_ROWS, size=N_ROWS)
        drawn = [
            Answers(one.task, one.truth[rows], one.output[rows], one.decided[rows] if len(one.decided) else one.decided,
                    one.positive)
            for one in sample.answers
        ]  # fmt: skip
        found.append([by_sklearn(one, metric) for one in drawn])
    draws = np.array(found)
    assert sample.estimate(0, metric).error == pytest.approx(draws[:, 0].std(ddof=1), rel=0.2)
    difference = sample.difference(0, 1, metric)
    error = (difference.high - difference.low) / 2 / 1.959964
    assert error == pytest.approx((draws[:, 1] - draws[:, 0]).std(ddof=1), rel=0.2)


def test_the_auc_has_delongs_variance() -> None:
    sample = SAMPLES["binary"]()
    first, second = sample.answers
    positive = first.is_positive
    parts = []
    for one in (first, second):
        p = one.output[:, 1]
        wins = (p[positive][:, None] > p[~positive]) + 0.5 * (p[positive][:, None] == p[~positive])
        parts.append((wins.mean(axis=1), wins.mean(axis=0)))
    by_positive, by_negative = parts[1][0] - parts[0][0], parts[1][1] - parts[0][1]
    delong = by_positive.var(ddof=1) / len(by_positive) + by_negative.var(ddof=1) / len(by_negative)
    difference = sample.difference(0, 1, "auc")
    assert ((difference.high - difference.low) / 2 / 1.959964) ** 2 == pytest.approx(delong, rel=0.01)


@pytest.mark.parametrize("metric", METRICS["binary"])
def test_of_200_binary_pairs_of_equal_quality_few_are_called_different(metric: str) -> None:
    assert share_different(binary_pair, metric, 2000, EQUAL) == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize("metric", METRICS["regression"])
def test_of_200_regression_pairs_of_equal_quality_few_are_called_different(metric: str) -> None:
    assert share_different(regression_pair, metric, 2000, EQUAL) == pytest.approx(0.05, abs=0.03)


def test_pairs_that_are_apart_by_a_fiftieth_of_auc_are_called_different() -> None:
    apart = binary_pair(np.random.default_rng(1), 400_000, APART).difference(0, 1, "auc")
    assert apart.value == pytest.approx(-0.02, abs=0.001)
    assert share_different(binary_pair, "auc", 20_000, APART, pairs=50) >= 0.9


def test_a_model_is_tied_with_itself_and_the_order_turns_the_sign() -> None:
    sample = SAMPLES["binary"]()
    for metric in sample.metrics:
        same = sample.difference(0, 0, metric)
        assert (same.value, same.low, same.high, same.is_tied) == (0, 0, 0, True)
    there, back = sample.difference(0, 1, "auc"), sample.difference(1, 0, "auc")
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


def test_what_cannot_be_measured_is_left_out() -> None:
    one_class = Answers("binary", np.ones(4, np.int64), np.full((4, 2), 0.5), np.ones(4, np.int64), 1)
    assert SameRows([one_class]).metrics == ("logloss", "average_precision", "mean_per_class_error", "brier")
    below = Answers("regression", np.array([-3.0, 1.0]), np.array([0.0, 1.0]), np.zeros(0, np.int64))
    assert SameRows([below]).metrics == ("rmse", "mae", "r2")
    constant = Answers("regression", np.ones(3), np.ones(3), np.zeros(0, np.int64))
    assert SameRows([constant]).metrics == ("rmse", "mae", "rmsle")
    assert SameRows([constant]).estimate(0, "rmse") == MetricEstimate(0, 0, 0, 0)


def test_models_asked_about_other_rows_are_refused() -> None:
    def model(*truth: float) -> Answers:
        return Answers("regression", np.array(truth), np.array(truth), np.zeros(0, np.int64))

    with pytest.raises(DataError, match="the same rows"):
        SameRows([model(1, 2), model(2, 1)])
    with pytest.raises(DataError, match="no rows"):
        SameRows([model()])


@pytest.mark.parametrize(("second", "differs"), [(0.76, False), (0.79, True), (0.70, True)])
def test_two_samples_differ_beyond_chance_by_both_their_errors(second: float, *, differs: bool) -> None:
    first, other = MetricEstimate(0.75, 0, 1, 0.012), MetricEstimate(second, 0, 1, 0.015)
    assert is_beyond_chance(first, other) is differs


def predictions(**changes: object) -> Predictions:
    """Return two rows of each kind: classes or numbers."""
    empty = np.zeros(0)
    values: dict[str, object] = {
        "task": "binary", "origin": "holdout", "classes": ("no", "yes"), "positive": "yes", "rows": np.arange(2),
        "codes": np.array([0, 1]), "probabilities": np.array([[0.6, 0.4], [0.8, 0.2]]), "actual": empty,
        "predicted": empty,
    }  # fmt: skip
    return Predictions(**(values | changes))  # type: ignore[arg-type]


def test_stored_predictions_are_taken_as_their_task_has_them() -> None:
    two = Answers.of(predictions(), 0.3)
    assert (two.task, two.positive, two.truth.tolist(), two.decided.tolist()) == ("binary", 1, [0, 1], [1, 0])
    assert two.output.tolist() == [[0.6, 0.4], [0.8, 0.2]]
    assert Answers.of(predictions(positive="no"), 0.7).positive == 0
    many = Answers.of(predictions(task="multiclass", positive=None), None)
    assert (many.positive, many.decided.tolist()) == (None, [0, 0])
    numbers = Answers.of(
        predictions(
            task="regression", classes=(), positive=None, actual=np.array([1.0, 2.0]), predicted=np.array([1.5, 2.5])
        ),
        None,
    )
    assert (numbers.truth.tolist(), numbers.output.tolist(), len(numbers.decided)) == ([1.0, 2.0], [1.5, 2.5], 0)
    assert (numbers.task, numbers.positive) == ("regression", None)


def test_models_that_are_the_same_are_never_beyond_chance() -> None:
    same = MetricEstimate(0.5, 0.5, 0.5, 0.0)
    assert not is_beyond_chance(same, same)
    assert is_beyond_chance(same, MetricEstimate(0.51, 0.51, 0.51, 0.0))
    assert is_beyond_chance(MetricEstimate(0.51, 0.51, 0.51, 0.0), same)


def test_a_class_of_a_single_row_counts_like_the_others() -> None:
    truth, decided = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0])
    one = Answers("multiclass", truth, np.full((4, 3), 1 / 3), decided)
    assert SameRows([one]).estimate(0, "mean_per_class_error").value == pytest.approx((1 / 2 + 0 + 1) / 3)


@pytest.mark.parametrize(("least", "is_measured"), [(-0.5, True), (-1.0, False), (-1.5, False)])
def test_logarithms_are_taken_of_numbers_above_minus_one_only(least: float, is_measured: bool) -> None:
    numbers, none = np.array([least, 2.0, 5.0]), np.zeros(0, np.int64)
    for truth, output in ((numbers, np.array([0.5, 2.5, 4.0])), (np.array([0.5, 2.5, 4.0]), numbers)):
        assert ("rmsle" in SameRows([Answers("regression", truth, output, none)]).metrics) is is_measured
