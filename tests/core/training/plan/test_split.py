"""Holdout and folds, against a look at every row and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from core.training.plan.split import group_folds, group_share, latest_share, random_share, time_blocks

TIMES = st.lists(st.integers(0, 12), min_size=2, max_size=60).map(np.array)


def test_a_random_share_is_of_each_class_and_leaves_two_rows() -> None:
    classes = np.array([0] * 100 + [1] * 10 + [2] * 3)
    marked = random_share(classes, len(classes), 0.5, seed=1)
    assert np.bincount(classes[marked], minlength=3).tolist() == [50, 5, 1]
    assert not np.array_equal(marked, random_share(classes, len(classes), 0.5, seed=2))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_a_random_share_has_a_row_of_every_class_of_three(share: float) -> None:
    classes = np.repeat([0, 1, 2, 3], [200, 4, 3, 2])
    counts = np.bincount(classes[random_share(classes, len(classes), share, seed=1)], minlength=4)
    assert counts.tolist() == [round(200 * share), max(1, round(4 * share)), 1, 0]


@given(TIMES, st.floats(0.01, 0.5))
def test_the_latest_share_is_the_best_cut_between_two_moments(times: np.ndarray, share: float) -> None:
    marked = latest_share(times, share)
    moments = sorted(set(times.tolist()))
    if len(moments) < 2:
        assert not marked.any()
        return
    assert times[marked].min() > times[~marked].max()
    sizes = [(times >= moment).sum() for moment in moments[1:]]
    assert abs(marked.sum() - share * len(times)) == min(abs(size - share * len(times)) for size in sizes)


@given(TIMES, st.integers(2, 6))
def test_blocks_of_time_are_in_order_and_never_part_a_moment(times: np.ndarray, n_blocks: int) -> None:
    blocks = time_blocks(times, n_blocks)
    by_time = blocks[np.argsort(times, kind="stable")]
    assert (np.diff(by_time) >= 0).all()
    for moment in np.unique(times):
        assert len(np.unique(blocks[times == moment])) == 1
    assert np.unique(blocks).tolist() == list(range(blocks.max() + 1))
    assert blocks.max() < n_blocks


def test_blocks_of_time_without_ties_are_of_one_size() -> None:
    times = np.random.default_rng(1).permutation(1000)
    assert np.bincount(time_blocks(times, 5)).tolist() == [200] * 5


def test_group_folds_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(3)
    groups, classes = random.integers(0, 60, 900), random.integers(0, 3, 900)
    expected = np.empty(900, dtype=int)
    splitter = StratifiedGroupKFold(4, shuffle=True, random_state=7)
    for number, (_, rows) in enumerate(splitter.split(groups, classes, groups)):
        expected[rows] = number
    assert np.array_equal(group_folds(groups, classes, 4, seed=7), expected)


@pytest.mark.parametrize("classes", [None, np.arange(400) % 7 % 2, np.array([1] * 2 + [0] * 398)])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.25, 0.3, 0.5])
def test_a_share_of_groups_holds_whole_groups(classes: np.ndarray | None, share: float) -> None:
    groups = np.random.default_rng(5).integers(0, 80, 400)
    marked = group_share(groups, classes, share, seed=1)
    assert not set(groups[marked]) & set(groups[~marked])
    assert marked.mean() == pytest.approx(share, abs=0.06)


def test_a_stratified_share_of_groups_keeps_the_class_shares() -> None:
    random = np.random.default_rng(9)
    groups = np.repeat(np.arange(200), 5)
    classes = (random.random(200) < 0.3).astype(int)[groups]
    marked = group_share(groups, classes, 0.2, seed=1)
    assert classes[marked].mean() == pytest.approx(classes.mean(), abs=0.02)


def test_one_group_or_one_moment_can_not_be_parted() -> None:
    same = np.zeros(10, dtype=int)
    assert not group_share(same, None, 0.3, seed=1).any()
    assert not latest_share(same, 0.3).any()


def test_very_many_groups_are_parted_without_a_look_at_each() -> None:
    groups = np.arange(30_000)
    folds = group_folds(groups, groups % 2, 5, seed=1)
    assert np.bincount(folds).tolist() == [6000] * 5
