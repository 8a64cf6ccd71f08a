"""Intervals of predicted numbers: their coverage on rows they were not made of."""

import numpy as np
import pytest

from core.metrics.intervals import make_intervals
from core.scoring.columns import rank_rows


def draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return actual and predicted values whose errors grow with the prediction."""
    rng = np.random.default_rng(seed)
    predicted = rng.gamma(2.0, 50.0, n)
    return predicted + rng.normal(0, 1 + predicted / 5), predicted


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_as_many_new_rows_are_inside_as_was_promised(level):
    made = make_intervals(*draw(4000, 1), level=level)
    actual, predicted = draw(20_000, 2)
    low, high = made.ends(predicted)
    assert np.mean((actual >= low) & (actual <= high)) == pytest.approx(level, abs=0.02)


def test_the_coverage_on_the_holdout_is_what_one_counts():
    holdout = draw(1000, 3)
    made = make_intervals(*draw(4000, 1), holdout=holdout)
    low, high = made.ends(holdout[1])
    assert made.n_holdout == 1000
    assert made.coverage == np.mean((holdout[0] >= low) & (holdout[0] <= high))
    assert f"{100 * made.coverage:.1f}% were inside" in made.in_words()


def test_large_predictions_get_wider_intervals():
    made = make_intervals(*draw(4000, 1))
    low, high = made.ends(np.array([20.0, 300.0]))
    assert (high - low)[1] > 2 * (high - low)[0]


def test_ends_are_order_statistics_of_the_residuals():
    actual = np.arange(1.0, 100.0)  # 99 residuals of 1 to 99: with the next one, 100 equally likely places
    made = make_intervals(actual, np.zeros(99), level=0.9)
    assert (made.low[0], made.high[0]) == (5.0, 95.0)


def test_equal_predictions_and_few_rows():
    assert make_intervals(np.arange(29.0), np.zeros(29)) is None
    made = make_intervals(np.random.default_rng(1).normal(size=5000), np.repeat([1.0, 2.0], [4999, 1]))
    assert np.isfinite(np.concatenate(made.ends(np.array([0.0, 1.0, 2.0, 3.0])))).all()


def test_ranks_are_scipys_and_deciles_are_tenths():
    from scipy.stats import rankdata

    scores = np.random.default_rng(1).integers(0, 300, 1000) / 300
    table = rank_rows(scores)
    assert np.array_equal(table["rank"].to_numpy(), rankdata(-scores, method="min"))
    distinct = rank_rows(np.random.default_rng(2).permutation(1000) / 1000)
    assert np.bincount(distinct["decile"].to_numpy()).tolist() == [0] + [100] * 10
