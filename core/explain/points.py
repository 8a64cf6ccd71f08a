"""Shapley contributions in the unit people read: one function for Explain, Predict, the command line and HTTP."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.engine.encoded import split_bias
from core.explanations.scales import LOG_ODDS, LOGARITHM, OWN_SCALE, PROBABILITY
from core.features.indicators import NO_INDICATORS, Indicators
from core.metrics.ranking import FloatArray, IntArray

_CLOSE = 2e-3
_FLAT = 1e-6


@dataclass(frozen=True)
class Points:
    """How far each feature moved each prediction.

    Attributes
    ----------
    features : tuple of str
        The features, in the model's order.
    scale : str
        What `bias` and `contributions` add up to: ``"log-odds"``, ``"probability"``, the target's name, its logarithm,
        or the model's own scale.
    bias : ndarray of float, shape (n_rows,)
        The prediction before any feature is known, on `scale`.
    contributions : ndarray of float, shape (n_rows, n_features)
        On `scale`; above 0 they raise what is predicted: the probability of the positive class, or the number.
    base : ndarray of float, shape (n_rows,)
        The bias in the unit people read.
    values : ndarray of float, shape (n_rows, n_features)
        They and the base add up to the prediction: a probability for two classes, else the target's own unit.
    """

    features: tuple[str, ...]
    scale: str
    bias: FloatArray
    contributions: FloatArray
    base: FloatArray
    values: FloatArray

    @property
    def has_unit(self) -> bool:
        """False when the model's own scale is not understood: only order and direction mean something then."""
        return self.scale != OWN_SCALE

    def order(self) -> IntArray:
        """Return for each row the places of the features, the one that moved it furthest first."""
        places: IntArray = np.argsort(-np.abs(self.values), axis=1, kind="stable")
        return places


def to_points(
    contributions: pa.Table,
    predicted: FloatArray,
    *,
    number: str | None = None,
    indicators: Indicators = NO_INDICATORS,
) -> Points:
    """Turn Shapley contributions on the model's own scale into probability points or the target's unit.

    Parameters
    ----------
    contributions : Table of shape (n_rows, n_features + 1)
        One column per feature, and ``BiasTerm``.
    predicted : ndarray of float, shape (n_rows,)
        What the model predicts for the same rows: the positive class's probability, or the number.
    number : str, optional
        The target, where a number is predicted.
    indicators : Indicators
        Features whose contributions are summed, for they stand for one column.

    Notes
    -----
    H2O's answer differs by algorithm, and random forests may count for the other class, so the scale is told by
    comparing with what was predicted. From the base to the prediction all contributions grow together from nothing to
    their full size; a feature's points are its contribution times the mean slope of that way (the Aumann-Shapley value
    of the logistic or exponential function). Sign and share of each contribution stay as they are.

    Examples
    --------
    >>> one = pa.table({"age": [2.0], "city": [-1.0], "BiasTerm": [0.0]})
    >>> found = to_points(one, np.array([0.731]))
    >>> found.scale, found.base.tolist(), found.values.round(4).tolist()
    ('log-odds', [0.5], [[0.4621, -0.2311]])
    """
    from scipy.special import expit  # loaded when it is needed: a scoring starts without

    encoded, of_all = split_bias(contributions)
    found: dict[str, pa.ChunkedArray] = {}
    for feature, moved in encoded.items():
        name = indicators.column_of(feature)
        found[name] = pc.add(found[name], moved) if name in found else moved
    features, bias = tuple(found), of_all.to_numpy().astype(np.float64)
    values = np.column_stack([one.to_numpy() for one in found.values()]).astype(np.float64)
    total = bias + values.sum(axis=1)
    if _is_close(total, predicted):
        return Points(features, number or PROBABILITY, bias, values, bias, values)
    if number is None and _is_close(1 - total, predicted):  # those of the other class
        return Points(features, PROBABILITY, 1 - bias, -values, 1 - bias, -values)
    if number is None and _is_close(expit(total), predicted):
        return Points(features, LOG_ODDS, bias, values, *_along(bias, values, expit))
    if number is not None and (predicted > 0).all() and _is_close(total, np.log(predicted)):
        return Points(features, f"{LOGARITHM}{number}", bias, values, *_along(bias, values, np.exp))
    return Points(features, OWN_SCALE, bias, values, bias, values)


def _along(
    bias: FloatArray, values: FloatArray, link: Callable[[FloatArray], FloatArray]
) -> tuple[FloatArray, FloatArray]:
    base, step = link(bias), values.sum(axis=1)
    is_flat = np.abs(step) < _FLAT
    slope_there = (link(bias + _FLAT) - link(bias - _FLAT)) / (2 * _FLAT)
    slope = np.where(is_flat, slope_there, (link(bias + step) - base) / np.where(is_flat, 1.0, step))
    return base, values * slope[:, None]


def _is_close(found: FloatArray, wanted: FloatArray) -> bool:
    return bool(np.allclose(found, wanted, rtol=_CLOSE, atol=_CLOSE))
