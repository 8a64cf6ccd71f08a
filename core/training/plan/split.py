"""Which rows are held out and which fold a row is in: at random, by time or by group.

Nothing here knows of datasets: arrays go in, a mask or fold numbers come out.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np

_MOST_PARTS: Final = 20
# scikit-learn's stratified splitter looks at each group by itself; with so many of them chance balances as well.
_MOST_STRATIFIED_GROUPS: Final = 20_000


def random_share(classes: np.ndarray | None, n_rows: int, share: float, seed: int) -> np.ndarray:
    """Mark a random share of the rows, of each class where there are classes; two rows of each stay unmarked.

    Of a class with three rows or more one is marked at least: on rows without it nobody could judge the class.

    Parameters
    ----------
    classes : ndarray of shape (n_rows,) or None
        Class numbers from 0; None for a regression.
    """
    marked = np.zeros(n_rows, dtype=bool)
    random = np.random.default_rng(seed)
    groups: Sequence[np.ndarray] = [np.arange(n_rows)]
    if classes is not None:
        groups = [np.flatnonzero(classes == code) for code in range(int(classes.max()) + 1)]
    for rows in groups:
        size = max(round(len(rows) * share), 0 if classes is None else 1)
        marked[random.permutation(rows)[: max(0, min(size, len(rows) - 2))]] = True
    return marked


def latest_share(times: np.ndarray, share: float) -> np.ndarray:
    """Mark the latest rows, as near to the share as rows of one time, which stay together, allow.

    Examples
    --------
    >>> latest_share(np.array([3, 1, 2, 3]), 0.25)
    array([ True, False, False,  True])
    """
    moments, counts = np.unique(times, return_counts=True)
    if len(moments) < 2:
        return np.zeros(len(times), dtype=bool)
    # Rows from the k-th moment on, for every k but the first.
    later = np.cumsum(counts[::-1])[::-1][1:]
    wanted = len(times) * share
    first = len(later) - 1 - int(np.argmin(np.abs(later - wanted)[::-1]))
    mask: np.ndarray = times >= moments[first + 1]
    return mask


def group_share(groups: np.ndarray, classes: np.ndarray | None, share: float, seed: int) -> np.ndarray:
    """Mark whole groups that together hold about a share of the rows, of each class where there are classes."""
    n_groups = len(np.unique(groups))
    if n_groups < 2:
        return np.zeros(len(groups), dtype=bool)
    part = Fraction(share).limit_denominator(min(_MOST_PARTS, n_groups))
    wanted = max(part.numerator, 1)
    parts = part.denominator if part.numerator else min(_MOST_PARTS, n_groups)
    marked: np.ndarray = group_folds(groups, classes, parts, seed) < wanted
    return marked


def time_blocks(times: np.ndarray, n_blocks: int) -> np.ndarray:
    """Return the number of each row's block of time; blocks have about as many rows, those of one time stay together.

    Examples
    --------
    >>> time_blocks(np.array([1, 2, 3, 4, 4, 6]), 3)
    array([0, 0, 1, 2, 2, 2])
    """
    _, moment, counts = np.unique(times, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    block = np.minimum((middle * n_blocks / len(times)).astype(np.int64), n_blocks - 1)
    return _without_gaps(block)[moment]


def group_folds(groups: np.ndarray, classes: np.ndarray | None, n_folds: int, seed: int) -> np.ndarray:
    """Return the number of each row's fold; groups stay whole, and each class is about as frequent in every fold.

    Parameters
    ----------
    groups : ndarray of shape (n_rows,)
        Group numbers.
    classes : ndarray of shape (n_rows,) or None
        Class numbers from 0; None for a regression.
    n_folds : int
        Not more than there are groups.

    Notes
    -----
    scikit-learn's StratifiedGroupKFold; GroupKFold for a regression, a class of fewer rows than folds or more than
    20,000 groups.
    """
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    fold = np.empty(len(groups), dtype=np.int64)
    is_stratified = (
        classes is not None
        and np.bincount(classes).min() >= n_folds
        and len(np.unique(groups)) <= _MOST_STRATIFIED_GROUPS
    )
    splitter = (StratifiedGroupKFold if is_stratified else GroupKFold)(n_folds, shuffle=True, random_state=seed)
    for number, (_, rows) in enumerate(splitter.split(groups, classes, groups)):
        fold[rows] = number
    # Few groups that differ much in size can leave a fold without rows.
    return _without_gaps(fold)


def _without_gaps(numbers: np.ndarray) -> np.ndarray:
    dense: np.ndarray = np.unique(numbers, return_inverse=True)[1].astype(np.int64)
    return dense
