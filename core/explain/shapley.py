"""Shapley contributions as people read them: features ranked, points shaded, the scale found by comparing."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from core.domain.models import ModelSpec
from core.engine.encoded import split_bias
from core.explain.sample import Sample
from core.explanations.items import ShapFeature, ShapSummary
from core.metrics.ranking import FloatArray

SHAP_FEATURES = 20
SHAP_POINTS = 400  # per feature: more only cover each other
_LEVEL = 1e-6
LOGARITHM = "logarithm of "
LOG_ODDS, PROBABILITY, OWN_SCALE = "log-odds", "probability", "the model's own scale"


def shap_summary(table: pa.Table, predicted: pa.Table, rows: Sample, spec: ModelSpec) -> ShapSummary:
    """Rank features by mean absolute contribution and keep points to draw.

    Parameters
    ----------
    table : Table of shape (n_rows, n_columns)
        Contributions, one column per feature, and ``BiasTerm``.
    predicted : Table
        The model's predictions on the same rows, to tell the scale.
    rows : Sample
        The rows explained.
    """
    found, of_all = split_bias(table)
    by_feature: dict[str, FloatArray] = {name: values.to_numpy() for name, values in found.items()}
    bias: FloatArray = of_all.to_numpy()
    size = {name: float(np.mean(np.abs(values))) for name, values in by_feature.items()}
    ranked = sorted(size, key=lambda name: -size[name])[:SHAP_FEATURES]
    points = rows.head(SHAP_POINTS)
    return ShapSummary(
        features=tuple(
            ShapFeature(
                feature=name,
                mean_absolute=size[name],
                value=tuple(points.texts(name)),
                shade=_shade(points, name),
                contribution=tuple(by_feature[name][: points.n_rows].tolist()),
            )
            for name in ranked
        ),
        scale=scale_of(bias + sum(by_feature.values()), predicted, spec),
        bias=float(np.mean(bias)),
        n_rows=rows.n_rows,
    )


def _shade(points: Sample, name: str) -> tuple[float | None, ...]:
    """Place each value between the 5 % and 95 % quantile; the two levels of a category are its ends."""
    if points.schema[name].type == "category":
        levels = sorted({text for text in points.table[name].to_pylist() if text is not None})
        if len(levels) != 2:
            return (None,) * points.n_rows
        return tuple(None if v is None else float(levels.index(v)) for v in points.table[name].to_pylist())
    values = points.numbers(name)
    known = values[np.isfinite(values)]
    if not len(known):
        return (None,) * points.n_rows
    low, high = np.quantile(known, [0.05, 0.95])
    if low == high:
        low, high = float(known.min()), float(known.max())
    placed = np.clip((values - low) / (high - low if high > low else 1.0), 0, 1)
    return tuple(None if np.isnan(value) else round(float(value), 4) for value in placed)


def scale_of(total: FloatArray, predicted: pa.Table, spec: ModelSpec) -> str:
    """Tell what contributions add up to by comparing: H2O's answer differs by algorithm.

    Parameters
    ----------
    total : ndarray of float, shape (n_rows,)
        Sum of the contributions and the bias of each row.
    predicted : Table
        The model's predictions on the same rows.

    Returns
    -------
    str
        ``"log-odds"``, ``"probability"``, the target's name, its logarithm, or that it is the model's own scale.
    """
    if spec.task == "regression":
        p: FloatArray = predicted["predict"].to_numpy()
        if np.allclose(total, p, rtol=1e-3, atol=1e-3):
            return spec.target
        is_log = (p > 0).all() and np.allclose(total, np.log(p), rtol=1e-3, atol=1e-3)
        return f"{LOGARITHM}{spec.target}" if is_log else OWN_SCALE
    p = predicted[str(spec.positive)].to_numpy()
    if np.allclose(total, p, rtol=1e-3, atol=1e-3):
        return PROBABILITY
    inside = (p > 1e-6) & (p < 1 - 1e-6)  # where the log-odds can be told from the probability as it is returned
    is_logit = np.allclose(total[inside], np.log(p[inside] / (1 - p[inside])), rtol=1e-3, atol=1e-3)
    return LOG_ODDS if is_logit else OWN_SCALE


def to_points(bias: float, contributions: FloatArray, scale: str) -> tuple[float, FloatArray]:
    """Map contributions from the model's scale to the one people read.

    Parameters
    ----------
    bias : float
        Mean prediction before any feature is known.
    contributions : ndarray of float, shape (n_features,)
        They and the bias add up to the prediction on `scale`.

    Returns
    -------
    base : float
        The bias as a probability or number.
    points : ndarray of float, shape (n_features,)
        They and the base add up to the prediction as a probability or number.

    Notes
    -----
    On the way from the bias to the prediction all contributions grow together from nothing to their full size, so each
    keeps its sign and its share (the Aumann-Shapley value of the logistic or exponential function): points are the
    contributions times the mean slope of that way.

    Examples
    --------
    >>> base, points = to_points(0.0, np.array([2.0, -1.0]), "log-odds")
    >>> base, points.round(4).tolist(), round(float(base + points.sum()), 4)
    (0.5, [0.4621, -0.2311], 0.7311)
    """
    if scale == LOG_ODDS:
        from scipy.special import expit  # loaded when it is needed: a scoring starts without

        return _along(bias, contributions, expit)
    if scale.startswith(LOGARITHM):
        return _along(bias, contributions, np.exp)
    return bias, contributions


def _along(bias: float, contributions: FloatArray, link: Callable[[float], float]) -> tuple[float, FloatArray]:
    base, step = float(link(bias)), float(contributions.sum())
    if abs(step) < _LEVEL:  # the slope there; both functions are smooth, so a small step tells it
        slope = (float(link(bias + _LEVEL)) - float(link(bias - _LEVEL))) / (2 * _LEVEL)
    else:
        slope = (float(link(bias + step)) - base) / step
    return base, contributions * slope
