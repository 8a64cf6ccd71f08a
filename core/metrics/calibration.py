"""Calibration: probabilities of a binary model moved so that they can be taken at their word.

Fitted with scikit-learn on stored predictions; what is kept is a handful of numbers that numpy alone can apply.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.errors import DataError
from core.metrics.ranking import BoolArray, FloatArray

Method = Literal["isotonic", "platt"]
METHODS: Mapping[Method, str] = {
    "isotonic": "isotonic regression",
    "platt": "Platt scaling (a logistic curve)",
}
N_FOLDS = 5
MIN_PER_CLASS = 50
SEED = 1
_EDGE = 1e-12  # the log-odds of 0 and 1 are not finite


@dataclass(frozen=True)
class Calibration:
    """A rising function from the model's probability to the calibrated one.

    Attributes
    ----------
    x, y : tuple of float
        Isotonic: corners of the function, straight in between.
    slope, intercept : float
        Platt: of the log-odds.
    fitted_on : str
        The rows in words.
    """

    method: Method
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    slope: float = 1.0
    intercept: float = 0.0
    fitted_on: str = ""

    def apply(self, probability: FloatArray) -> FloatArray:
        """Return calibrated probabilities."""
        if self.method == "isotonic":
            calibrated: FloatArray = np.interp(probability, self.x, self.y)
        else:
            calibrated = 1 / (1 + np.exp(-(self.slope * _log_odds(probability) + self.intercept)))
        return calibrated

    @property
    def words(self) -> str:
        """The method and the rows it was fitted on, in words."""
        return f"{METHODS[self.method]}, fitted on {self.fitted_on}" if self.fitted_on else METHODS[self.method]


def fit_calibration(truth: BoolArray, probability: FloatArray, method: Method, *, fitted_on: str = "") -> Calibration:
    """Fit a calibration.

    Parameters
    ----------
    truth : ndarray of bool, shape (n_rows,)
    probability : ndarray of float, shape (n_rows,)
        From rows that the model had not seen.

    Raises
    ------
    DataError
        If a class has too few rows (``calibration.too_few``).
    """
    fewest = min(int(truth.sum()), int((~truth).sum()))
    if fewest < MIN_PER_CLASS:
        raise DataError(
            f"One class has only {fewest} rows; {MIN_PER_CLASS} of each are needed to calibrate.",
            hint="Use the probabilities as they are.",
            code="calibration.too_few",
        )
    return _fit(truth, probability, method, fitted_on)


def cross_fitted(truth: BoolArray, probability: FloatArray, method: Method) -> FloatArray:
    """Return calibrated probabilities in which no row helped to fit its own: for judging on the rows of the fit.

    Notes
    -----
    Five folds that hold as many positives each, drawn with a fixed seed.

    Raises
    ------
    DataError
        If a class has too few rows (``calibration.too_few``).
    """
    from sklearn.model_selection import StratifiedKFold

    fit_calibration(truth, probability, method)
    calibrated: FloatArray = np.empty(len(probability))
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=SEED)
    for fitted, judged in folds.split(probability, truth):
        calibrated[judged] = _fit(truth[fitted], probability[fitted], method, "").apply(probability[judged])
    return calibrated


def _fit(truth: BoolArray, probability: FloatArray, method: Method, fitted_on: str) -> Calibration:
    if method == "isotonic":
        from sklearn.isotonic import IsotonicRegression

        rising = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(probability, truth)
        x, y = rising.X_thresholds_.tolist(), rising.y_thresholds_.tolist()
        return Calibration("isotonic", x=tuple(x), y=tuple(y), fitted_on=fitted_on)
    from sklearn.linear_model import LogisticRegression

    # No penalty: two parameters on thousands of rows need none.
    line = LogisticRegression(C=np.inf, tol=1e-8, solver="newton-cholesky").fit(_log_odds(probability)[:, None], truth)
    slope, intercept = float(line.coef_[0, 0]), float(line.intercept_[0])
    return Calibration("platt", slope=slope, intercept=intercept, fitted_on=fitted_on)


def _log_odds(probability: FloatArray) -> FloatArray:
    p = np.clip(probability, _EDGE, 1 - _EDGE)
    odds: FloatArray = np.log(p / (1 - p))
    return odds
