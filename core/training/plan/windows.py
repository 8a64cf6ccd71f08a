"""The windows of a backtest: all rows before a block of time learn, the block is judged."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Window:
    """One step forward in time.

    Attributes
    ----------
    learned, judged : ndarray of int64
        Places of the rows among those that the blocks were made of; every learned row is earlier than every judged one.
    """

    learned: np.ndarray
    judged: np.ndarray


def forward_windows(blocks: np.ndarray) -> tuple[Window, ...]:
    """Return the windows of blocks of time, oldest first: one fewer than there are blocks.

    Parameters
    ----------
    blocks : ndarray of shape (n_rows,), int64
        Each row's block, numbered in time from 0, as `core.training.plan.split.time_blocks` makes them: rows of one
        time are in one block.

    Examples
    --------
    >>> [(w.learned.tolist(), w.judged.tolist()) for w in forward_windows(np.array([2, 0, 1, 0]))]
    [([1, 3], [2]), ([1, 2, 3], [0])]
    """
    return tuple(
        Window(np.flatnonzero(blocks < number), np.flatnonzero(blocks == number)) for number in np.unique(blocks)[1:]
    )
