"""Gains, KS, calibration and threshold tables against scikit-learn, scipy and counts made by hand."""

import numpy as np
import pytest
from scipy import stats
from sklearn import calibration as sk_calibration
from sklearn import isotonic
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from core.errors import DataError
from core.metrics import performance
from core.metrics.calibration import cross_fitted, fit_calibration
from core.metrics.ranking import rank
from core.metrics.threshold import outcomes_at


def _binary(n: int = 4000, seed: int = 0, decimals: int = 9) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.2
    return truth, np.clip(0.2 + 0.2 * truth + rng.normal(0, 0.12, n), 0, 1).round(decimals)


@pytest.mark.parametrize("decimals", [9, 2, 1])
def test_gains_count_the_positives_among_the_rows_that_look_most_like_it(decimals: int) -> None:
    truth, p = _binary(decimals=decimals)
    curve = performance.gains(rank(truth, p), max_points=100_000)
    for share, gain, cut in zip(curve.share[1:], curve.gain[1:], curve.threshold[1:], strict=True):
        assert share == pytest.approx((p >= cut).mean(), abs=1e-12)
        assert gain == pytest.approx((truth & (p >= cut)).sum() / truth.sum(), abs=1e-12)
    assert (curve.share[0], curve.gain[0], curve.share[-1], curve.gain[-1]) == (0, 0, 1, 1)
    first = curve.threshold[1]
    assert curve.lift()[0] == pytest.approx(truth[p >= first].mean() / truth.mean(), abs=1e-9)


@pytest.mark.parametrize("decimals", [9, 2, 1])
def test_ks_equals_scipy(decimals: int) -> None:
    truth, p = _binary(decimals=decimals)
    found = performance.separation(rank(truth, p))
    assert found.ks == pytest.approx(stats.ks_2samp(p[truth], p[~truth]).statistic, abs=1e-9)
    above = (p >= found.at)[truth].mean() - (p >= found.at)[~truth].mean()
    assert abs(above) == pytest.approx(found.ks, abs=1e-9)
    assert found.at in found.threshold
    assert len(found.threshold) <= performance.MAX_POINTS


@pytest.mark.parametrize("n_bins", [5, 15])
@pytest.mark.parametrize("decimals", [9, 2, 1])
def test_reliability_equals_scikit_learn(decimals: int, n_bins: int) -> None:
    truth, p = _binary(decimals=decimals)
    found = performance.reliability(truth, p, n_bins=n_bins)
    observed, predicted = sk_calibration.calibration_curve(truth, p, n_bins=n_bins, strategy="quantile")
    assert [one.observed for one in found.bins] == pytest.approx(observed.tolist(), abs=1e-9)
    assert [one.predicted for one in found.bins] == pytest.approx(predicted.tolist(), abs=1e-9)
    assert found.brier == pytest.approx(sk.brier_score_loss(truth, p), abs=1e-9)
    weights = np.array([one.n_rows for one in found.bins]) / len(p)
    assert found.ece == pytest.approx(float(np.sum(weights * np.abs(observed - predicted))), abs=1e-9)
    assert sum(one.n_rows for one in found.bins) == len(p)
    first = found.bins[0]
    interval = stats.binomtest(round(first.observed * first.n_rows), first.n_rows).proportion_ci(method="wilson")
    assert (first.low, first.high) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_a_constant_probability_has_one_bin_and_is_judged_by_it() -> None:
    found = performance.reliability([True, False, False, False], [0.5] * 4)
    assert [one.n_rows for one in found.bins] == [4]
    assert found.ece == pytest.approx(0.25)


@pytest.mark.parametrize("cut", [0.0, 0.2, 0.31, 0.5, 1.0, 1.5])
def test_outcomes_and_rates_equal_scikit_learn(cut: float) -> None:
    truth, p = _binary(decimals=2)
    found, label = outcomes_at(rank(truth, p), cut), p >= cut
    matrix = sk.confusion_matrix(truth, label, labels=[False, True])
    assert [[found.true_negative, found.false_positive], [found.false_negative, found.true_positive]] == matrix.tolist()
    assert found.precision == pytest.approx(sk.precision_score(truth, label, zero_division=0), abs=1e-12)
    assert found.recall == pytest.approx(sk.recall_score(truth, label), abs=1e-12)
    assert found.specificity == pytest.approx(sk.recall_score(~truth, ~label), abs=1e-12)
    assert found.f1 == pytest.approx(sk.f1_score(truth, label, zero_division=0), abs=1e-12)
    assert found.accuracy == pytest.approx(sk.accuracy_score(truth, label), abs=1e-12)
    assert found.mcc == pytest.approx(sk.matthews_corrcoef(truth, label), abs=1e-9)
    assert found.selected_share == pytest.approx(label.mean(), abs=1e-12)


def test_the_threshold_table_selects_the_shares_it_promises() -> None:
    truth, p = _binary()
    table = performance.threshold_table(rank(truth, p), also=[0.5])
    shares = [one.outcomes.selected_share for one in table]
    assert shares == sorted(shares)
    assert 0.5 in [one.threshold for one in table]
    for wanted in performance.TABLE_SHARES:
        assert min(abs(share - wanted) for share in shares) <= 1 / len(p)


def test_scores_are_counted_once_each() -> None:
    truth, p = _binary()
    spread = performance.score_spread(truth, p, ("yes", "no"))
    assert [sum(line) for line in spread.counts] == [truth.sum(), (~truth).sum()]
    assert spread.counts[0][4] == int((truth & (p >= spread.edges[4]) & (p < spread.edges[5])).sum())


def test_isotonic_calibration_applies_as_scikit_learn_does() -> None:
    truth, p = _binary(decimals=3)
    mine = fit_calibration(truth, p, "isotonic")
    theirs = isotonic.IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p, truth)
    new = np.linspace(-0.1, 1.1, 500)
    assert mine.apply(new) == pytest.approx(theirs.predict(new), abs=1e-9)


def test_platt_calibration_applies_as_scikit_learn_does() -> None:
    truth, p = _binary()
    p = np.clip(p, 0.001, 0.999)
    mine = fit_calibration(truth, p, "platt")
    odds = np.log(p / (1 - p))[:, None]
    theirs = LogisticRegression(C=np.inf, tol=1e-10, solver="newton-cg").fit(odds, truth)
    assert mine.apply(p) == pytest.approx(theirs.predict_proba(odds)[:, 1], abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_calibration_mends_probabilities_that_are_off_on_rows_that_did_not_fit_it(method) -> None:
    rng = np.random.default_rng(5)
    right = rng.beta(1.2, 6, 40_000)
    truth = rng.random(len(right)) < right
    odds = np.log(right / (1 - right))
    off = 1 / (1 + np.exp(-(2.2 * odds + 1)))
    assert performance.reliability(truth, off).ece > 0.05
    assert performance.reliability(truth, cross_fitted(truth, off, method)).ece < 0.01


def test_calibrating_on_a_handful_of_rows_is_refused() -> None:
    truth = np.arange(200) < 20
    with pytest.raises(DataError) as caught:
        fit_calibration(truth, np.linspace(0, 1, 200), "isotonic")
    assert caught.value.code == "calibration.too_few"


def test_the_verdict_on_probabilities_rests_on_the_intervals_of_the_bins() -> None:
    rng = np.random.default_rng(5)
    p = rng.beta(1, 6, 3000)
    by_chance = [performance.reliability(rng.random(len(p)) < p, p) for _ in range(200)]
    assert max(one.ece for one in by_chance) > 0.0168  # which was called "off" though it hugs the diagonal
    share = np.mean([one.is_by_chance for one in by_chance])
    assert share >= 0.93  # 5% false alarms at most, Wilson's intervals being a little wide
    off = performance.reliability(rng.random(len(p)) < p, np.minimum(1.6 * p, 1))
    assert not off.is_by_chance
    assert "too high" in performance.calibration_words(off)
    assert "Decision" not in performance.calibration_words(off, can_calibrate=False)


def test_two_of_fifteen_bins_may_be_off() -> None:
    held = performance.ReliabilityBin(100, 0.2, 0.2, 0.1, 0.3)
    missed = performance.ReliabilityBin(100, 0.2, 0.5, 0.4, 0.6)
    found = [performance.Reliability((missed,) * k + (held,) * (15 - k), 0.0, 0.0, 1500) for k in range(4)]
    assert [one.is_by_chance for one in found] == [stats.binom.sf(k - 1, 15, 0.05) >= 0.05 for k in range(4)]
    assert [one.is_by_chance for one in found] == [True, True, True, False]
