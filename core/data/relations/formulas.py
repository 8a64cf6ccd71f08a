"""Formulas of two columns that equal the target: sums, differences, products and ratios."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

FORMULA_R2: Final = 0.999
MAX_COLUMNS: Final = 80
MAX_FORMULAS: Final = 5
_SCREEN_ROWS = 2_000
_SCREEN_R2 = 0.99
_MIN_KNOWN = 0.5
_SEED = 1


@dataclass(frozen=True)
class PairFormula:
    """The target equals `left` `sign` `right`, times a number and plus a number.

    Attributes
    ----------
    sign : str
        ``+``, ``−``, ``×`` or ``÷``.
    r2 : float
        Squared correlation with the target.
    """

    left: str
    sign: str
    right: str
    r2: float


def find_formulas(columns: Mapping[str, np.ndarray], target: np.ndarray) -> tuple[PairFormula, ...]:
    """Find two columns whose sum, difference, product or ratio goes with the target like a straight line.

    Parameters
    ----------
    columns : mapping of str to ndarray of float64, shape (n_rows,)
        Missing values are NaN; the first `MAX_COLUMNS` are looked at.
    target : ndarray of float64, shape (n_rows,)
        Without missing values.

    Returns
    -------
    tuple of PairFormula
        The at most `MAX_FORMULAS` best ones with a squared correlation over `FORMULA_R2`, of values and of ranks (so
        that one far value cannot make it), in the rows where both are known, which must be half of them.

    Notes
    -----
    All pairs are screened on 2,000 rows, what is left is checked on all. About 0.3 s for 80 columns.
    """
    names = [name for name, values in columns.items() if np.isfinite(values).mean() >= _MIN_KNOWN][:MAX_COLUMNS]
    if len(names) < 2 or not np.ptp(target):
        return ()
    rows = np.arange(len(target))
    if len(target) > _SCREEN_ROWS:
        rows = np.sort(np.random.default_rng(_SEED).choice(len(target), _SCREEN_ROWS, replace=False))
    table = np.column_stack([columns[name][rows] for name in names])
    found = []
    for first, name in enumerate(names[:-1]):
        left, rest = table[:, [first]], table[:, first + 1 :]
        for sign, values in _combined(left, rest).items():
            for place in np.flatnonzero(_squared_correlations(values, target[rows]) > _SCREEN_R2):
                other = names[first + 1 + int(place)]
                pair = (other, name) if sign == "÷ turned" else (name, other)
                found.append((pair[0], sign[0], pair[1]))
    checked = (PairFormula(*candidate, r2=_checked(candidate, columns, target)) for candidate in found)
    good = sorted((formula for formula in checked if formula.r2 > FORMULA_R2), key=lambda formula: -formula.r2)
    return tuple(good[:MAX_FORMULAS])


def _combined(left: np.ndarray, right: np.ndarray) -> dict[str, np.ndarray]:
    with np.errstate(all="ignore"):
        return {
            "+": left + right,
            "−": left - right,
            "×": left * right,
            "÷": left / right,
            "÷ turned": right / left,
        }


def _checked(candidate: tuple[str, str, str], columns: Mapping[str, np.ndarray], target: np.ndarray) -> float:
    from scipy.stats import spearmanr  # takes a second to load, and is seldom needed

    left, sign, right = candidate
    values = _combined(columns[left], columns[right])[sign]
    known = np.isfinite(values)
    if known.mean() < _MIN_KNOWN or not np.ptp(values[known]) or not np.ptp(target[known]):
        return 0.0
    squared = float(_squared_correlations(values[:, None], target)[0])
    ranks = float(spearmanr(values[known], target[known]).statistic ** 2)
    return squared if ranks > _SCREEN_R2 else 0.0


def _squared_correlations(values: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the squared correlation of each column with the target in the rows where it is finite."""
    known = np.isfinite(values)
    n_known = known.sum(axis=0)
    enough = n_known >= max(_MIN_KNOWN * len(target), 3)
    divisor = np.maximum(n_known, 1)
    with np.errstate(all="ignore"):
        x = np.where(known, values, 0.0)
        x = np.where(known, x - x.sum(axis=0) / divisor, 0.0)
        y = np.where(known, target[:, None], 0.0)
        y = np.where(known, y - y.sum(axis=0) / divisor, 0.0)
        squared = (x * y).sum(axis=0) ** 2 / ((x * x).sum(axis=0) * (y * y).sum(axis=0))
    return np.where(enough & np.isfinite(squared), squared, 0.0)
