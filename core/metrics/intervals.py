"""Intervals around predicted numbers, from the residuals of cross-validation (split conformal prediction).

The idea: a model that was off by at most so much in 90% of the rows it had not seen will be so again. Residuals are
taken per band of predicted values, since large numbers are usually predicted less exactly than small ones (Mondrian
conformal prediction, V. Vovk et al. 2005, Algorithmic Learning in a Random World, section 4.5).
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.metrics.ranking import FloatArray, IntArray
from core.wording import percent_text

LEVEL: Final = 0.9
MAX_BANDS: Final = 5
BAND_ROWS: Final = 200  # residuals in a band, at least; fewer make its ends uncertain
MIN_ROWS: Final = 30


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """What to add to a prediction to get the ends of its interval.

    Attributes
    ----------
    level : float
        Share of the rows that should lie inside.
    borders : ndarray of float, shape (n_bands - 1,)
        Predicted values between the bands; a band holds its right border.
    low, high : ndarray of float, shape (n_bands,)
        Added to the prediction.
    n_residuals : int
        Rows of cross-validation they come from.
    coverage : float or None
        Share of the holdout's rows inside; None without a holdout.
    n_holdout : int
        Rows that was measured on.
    """

    level: float
    borders: FloatArray
    low: FloatArray
    high: FloatArray
    n_residuals: int
    coverage: float | None = None
    n_holdout: int = 0

    def ends(self, predicted: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the lower and upper ends for predictions, shape (n_rows,) each."""
        bands: IntArray = np.searchsorted(self.borders, predicted, side="left")
        return predicted + self.low[bands], predicted + self.high[bands]

    def in_words(self) -> str:
        """Say how the intervals were made and how well they held."""
        text = f"{percent_text(self.level, 0)} intervals from {self.n_residuals:,} residuals of cross-validation"
        if self.coverage is None:
            return f"{text}; not measured, since no rows were held out"
        return f"{text}; on {self.n_holdout:,} rows held out, {percent_text(self.coverage, 1)} were inside"


def make_intervals(
    actual: FloatArray,
    predicted: FloatArray,
    *,
    level: float = LEVEL,
    holdout: tuple[FloatArray, FloatArray] | None = None,
) -> Intervals | None:
    """Make intervals of predictions that the model made without having seen the rows.

    Parameters
    ----------
    actual, predicted : ndarray of float, shape (n_rows,)
        Of cross-validation.
    level : float
        Between 0 and 1.
    holdout : tuple of (actual, predicted), optional
        To measure the coverage on.

    Returns
    -------
    Intervals or None
        None with fewer than `MIN_ROWS` rows.
    """
    known = np.isfinite(actual) & np.isfinite(predicted)
    actual, predicted = actual[known], predicted[known]
    if len(actual) < MIN_ROWS:
        return None
    n_bands = max(1, min(MAX_BANDS, len(actual) // BAND_ROWS))
    # Borders are predictions that occur, the largest left out: so no band is empty.
    borders = np.unique(np.quantile(predicted, np.linspace(0, 1, n_bands + 1)[1:-1], method="inverted_cdf"))
    borders = borders[borders < predicted.max()]
    bands = np.searchsorted(borders, predicted, side="left")
    residuals = actual - predicted
    ends = [_ends(residuals[bands == band], level) for band in range(len(borders) + 1)]
    low, high = np.array([one[0] for one in ends]), np.array([one[1] for one in ends])
    made = Intervals(level=level, borders=borders, low=low, high=high, n_residuals=len(actual))
    return made if holdout is None or not len(holdout[0]) else _measured(made, *holdout)


def _ends(residuals: FloatArray, level: float) -> tuple[float, float]:
    """Return the order statistics that the next residual lies between with at least the level's probability."""
    ordered, n = np.sort(residuals), len(residuals)
    tail = round((1 - level) / 2, 12)  # 0.05, not a little less
    below = max(math.floor((n + 1) * tail), 1) - 1
    above = min(math.ceil((n + 1) * (1 - tail)), n) - 1
    return float(ordered[below]), float(ordered[above])


def _measured(made: Intervals, actual: FloatArray, predicted: FloatArray) -> Intervals:
    low, high = made.ends(predicted)
    inside = (actual >= low) & (actual <= high)
    return Intervals(
        level=made.level, borders=made.borders, low=made.low, high=made.high, n_residuals=made.n_residuals,
        coverage=float(inside.mean()), n_holdout=len(actual),
    )  # fmt: skip
