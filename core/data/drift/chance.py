"""How large a drift index becomes by chance alone, so that few rows do not raise an alarm."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.data.drift.records import LARGE_PSI, MODERATE_PSI, ColumnDrift, ColumnReference, Size

FloatArray = NDArray[np.float64]

N_DRAWS: Final = 200
FALSE_ALARMS: Final = 0.01  # of files like the training data, over all of their features together
LEVEL_DRAWS: Final = 2_000
_MOST_CELLS: Final = 1_000_000
_CELLS_AT_ONCE: Final = 1_000_000
_MOST_UNSEEN: Final = 0.5
_FLOOR = 1e-4
_SEED = 1


def chance_psi(reference: ColumnReference, rows_now: int) -> float:
    """Return the largest population stability index of `N_DRAWS` random samples of the reference itself.

    Parameters
    ----------
    reference : ColumnReference
        The column as it was.
    rows_now : int
        Rows of what is compared with it.

    Notes
    -----
    The samples are drawn with a fixed seed from the reference's own bins or levels (multinomial, shares of 0 counted as
    0.0001 as in `compare`): an index above it is seen by chance in about 1 of 200 files like the training data.
    """
    counts = [*(reference.counts or [rows for _, rows in reference.levels]), reference.missing]
    rest = reference.rows - sum(counts)
    was = np.array([*counts, rest] if rest > 0 else counts, dtype=np.float64)
    was = was[was > 0]
    if len(was) < 2 or rows_now < 1:
        return 0.0
    shares = was / was.sum()
    drawn = np.random.default_rng(_SEED).multinomial(rows_now, shares, size=N_DRAWS) / rows_now
    now, expected = np.maximum(drawn, _FLOOR), np.maximum(shares, _FLOOR)
    return float(((now - expected) * np.log(now / expected)).sum(axis=1).max())


def drift_size(drift: ColumnDrift, reference: ColumnReference) -> Size:
    """Return the usual reading of a column's drift, ``stable`` where chance alone explains it.

    Parameters
    ----------
    reference : ColumnReference
        What it was compared with.
    """
    if drift.psi <= MODERATE_PSI or drift.psi <= chance_psi(reference, drift.rows_now):
        return "stable"
    return "large" if drift.psi > LARGE_PSI else "moderate"


def alarm_level(reference: ColumnReference, rows_now: int, n_features: int) -> float:
    """Return the index that a file like the training data passes in at most `FALSE_ALARMS` of all cases.

    Parameters
    ----------
    reference : ColumnReference
        The column as it was.
    rows_now : int
        Rows of what is compared with it.
    n_features : int
        How many are looked at in one file; the allowance is shared among them (Bonferroni).

    Notes
    -----
    Two samples, one of each size, are drawn many times with a fixed seed from the reference's bins or levels, so that
    the chance in the training rows counts too. The level is the largest index drawn, or the far tail of a gamma
    distribution of the same mean and variance where that is larger (under no change the index is about a weighted sum
    of squared normal values: F. Satterthwaite 1946). Levels of a category that training happened not to see have, all
    together, the share that the levels seen once point to, with its upper bound (I. Good 1953, Biometrika 40).
    """
    shares = _shares(reference)
    if len(shares) < 2 or rows_now < 1:
        return 0.0
    random, is_category = np.random.default_rng(_SEED), bool(reference.levels)
    n_draws = int(np.clip(_MOST_CELLS // len(shares), N_DRAWS, LEVEL_DRAWS))
    n_at_once = max(1, _CELLS_AT_ONCE // len(shares))
    found: list[FloatArray] = []
    for first in range(0, n_draws, n_at_once):
        size = min(n_at_once, n_draws - first)
        was, now = (random.multinomial(n, shares, size) / n for n in (reference.rows, rows_now))
        if is_category:
            was[:, -1] = 0.0  # the levels that training did not see
        found.append(_indices(was, now, pool_new=is_category))
    drawn = np.concatenate(found)
    mean, variance = float(drawn.mean()), float(drawn.var())
    if not variance:
        return mean
    tail = FALSE_ALARMS / max(n_features, 1)
    from scipy import special  # takes as long to load as a thousand rows to score, and is seldom needed

    return max(float(drawn.max()), float(special.gammainccinv(mean**2 / variance, tail)) * variance / mean)


def _shares(reference: ColumnReference) -> FloatArray:
    """Return the shares of the bins that hold rows; of a category the last one is that of the levels not seen."""
    counts = [*(reference.counts or [rows for _, rows in reference.levels]), reference.missing]
    rest = reference.rows - sum(counts)
    known = np.array([*counts, rest] if rest > 0 else counts, dtype=np.float64)
    known = known[known > 0]
    if not len(known):
        return known
    shares: FloatArray = known / known.sum()
    if not reference.levels:
        return shares
    n_once = sum(rows == 1 for _, rows in reference.levels)
    unseen = min((n_once + 2 * np.sqrt(n_once + 1)) / reference.rows, _MOST_UNSEEN)
    return np.append(shares * (1 - unseen), unseen)


def _indices(was: FloatArray, now: FloatArray, *, pool_new: bool) -> FloatArray:
    """Return the index of each draw, shape (n_draws,); new levels count together, as `compare` counts them."""
    before, after = np.maximum(was, _FLOOR), np.maximum(now, _FLOOR)
    parts = (after - before) * np.log(after / before)
    if not pool_new:
        total: FloatArray = parts.sum(axis=1)
        return total
    is_new = was == 0
    new = np.maximum((now * is_new).sum(axis=1), _FLOOR)
    pooled: FloatArray = np.where(is_new, 0.0, parts).sum(axis=1) + (new - _FLOOR) * np.log(new / _FLOOR)
    return pooled
