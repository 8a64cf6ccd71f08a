"""How large a drift index becomes by chance alone, so that few rows do not raise an alarm."""

from typing import Final

import numpy as np

from core._drift_records import LARGE_PSI, MODERATE_PSI, ColumnDrift, ColumnReference, Size

N_DRAWS: Final = 200
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
    0.0001 as in `core.drift`): an index above it is seen by chance in about 1 of 200 files like the training data.
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
    drift : ColumnDrift
        From `core.drift.compare_column`.
    reference : ColumnReference
        What it was compared with.
    """
    if drift.psi <= MODERATE_PSI or drift.psi <= chance_psi(reference, drift.rows_now):
        return "stable"
    return "large" if drift.psi > LARGE_PSI else "moderate"
