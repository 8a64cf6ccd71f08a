"""Errors of predicted numbers: by the size of the prediction, and by the value of a feature."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from core.data.relations.binning import Group, group_rows
from core.domain.columns import Column
from core.metrics.ranking import FloatArray, finite_pair

N_BINS = 10
MAX_LEVELS = 20
SHOWN_QUANTILES: tuple[float, ...] = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class ErrorBin:
    """Rows with about the same prediction.

    Attributes
    ----------
    low, high : float
        The smallest and largest prediction.
    rmse, mae : float
    """

    low: float
    high: float
    n_rows: int
    predicted: float
    actual: float
    rmse: float
    mae: float

    @property
    def bias(self) -> float:
        """Mean predicted minus mean actual value: above 0 the model says too much."""
        return self.predicted - self.actual


@dataclass(frozen=True)
class ResidualGroup:
    """Residuals (actual minus predicted) of the rows of one level or bin.

    Attributes
    ----------
    quantiles : tuple of float
        At `SHOWN_QUANTILES`.
    """

    name: str
    n_rows: int
    mean: float
    quantiles: tuple[float, ...]


def error_by_prediction(actual: ArrayLike, predicted: ArrayLike, *, n_bins: int = N_BINS) -> tuple[ErrorBin, ...]:
    """Measure the error in bins of the prediction with about equal counts, smallest predictions first.

    DataError if lengths differ, there are no rows or a value is missing.
    """
    y, p = finite_pair(actual, predicted)
    borders = np.unique(np.quantile(p, np.linspace(0, 1, n_bins + 1)[1:-1], method="inverted_cdf"))
    codes = np.searchsorted(borders, p, side="left")
    return tuple(_bin(y[codes == place], p[codes == place]) for place in np.unique(codes))


def residuals_by(
    values: pa.ChunkedArray, column: Column, actual: FloatArray, predicted: FloatArray
) -> tuple[ResidualGroup, ...]:
    """Describe the residuals in each level, or bin of about equal counts, of a column."""
    codes, groups = group_rows(values, column, max_levels=MAX_LEVELS, max_bins=N_BINS)
    residual = actual - predicted
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(groups)))
    parts = np.split(residual[order], ends[:-1])
    return tuple(_group(group, part) for group, part in zip(groups, parts, strict=True) if len(part))


def _bin(y: FloatArray, p: FloatArray) -> ErrorBin:
    return ErrorBin(
        low=float(p.min()),
        high=float(p.max()),
        n_rows=len(y),
        predicted=float(p.mean()),
        actual=float(y.mean()),
        rmse=float(np.sqrt(np.mean((y - p) ** 2))),
        mae=float(np.mean(np.abs(y - p))),
    )


def _group(group: Group, residual: FloatArray) -> ResidualGroup:
    quantiles = np.quantile(residual, SHOWN_QUANTILES)
    return ResidualGroup(group.label, len(residual), float(residual.mean()), tuple(quantiles.tolist()))
