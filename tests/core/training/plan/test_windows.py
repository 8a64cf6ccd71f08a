"""Windows of a backtest: no row that learns is as late as one that is judged."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.training.plan.split import time_blocks
from core.training.plan.windows import forward_windows

TIMES = st.lists(st.integers(0, 30), min_size=2, max_size=120)


@given(TIMES, st.integers(2, 8))
def test_every_row_that_learns_is_earlier_than_every_row_that_is_judged(times: list[int], n_blocks: int) -> None:
    known = np.array(times)
    for window in forward_windows(time_blocks(known, n_blocks)):
        assert known[window.learned].max() < known[window.judged].min()


@given(TIMES, st.integers(2, 8))
def test_windows_grow_by_the_block_before_and_judge_each_later_row_once(times: list[int], n_blocks: int) -> None:
    blocks = time_blocks(np.array(times), n_blocks)
    windows = forward_windows(blocks)
    assert len(windows) == len(np.unique(blocks)) - 1
    for earlier, later in pairwise(windows):
        assert set(later.learned) == {*earlier.learned, *earlier.judged}
    judged = [row for window in windows for row in window.judged]
    assert sorted(judged) == np.flatnonzero(blocks > 0).tolist()


def test_rows_of_one_time_stay_on_one_side() -> None:
    times = np.array([1, 2, 2, 2, 2, 3, 4, 4])
    for window in forward_windows(time_blocks(times, 3)):
        assert not set(times[window.learned]) & set(times[window.judged])


def test_rows_of_a_single_time_have_no_window() -> None:
    assert forward_windows(time_blocks(np.full(9, 5), 3)) == ()
