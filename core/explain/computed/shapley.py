"""Shapley contributions as people read them: features ranked, points shaded, the scale found by comparing."""

import numpy as np
import pyarrow as pa

from core.domain.models import ModelSpec
from core.explain.points import to_points
from core.explain.sample import Sample
from core.explanations.items import ShapFeature, ShapSummary

SHAP_FEATURES = 20
SHAP_POINTS = 400  # per feature: more only cover each other


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
    known = predicted["predict" if spec.task == "regression" else str(spec.positive)].to_numpy()
    found = to_points(
        table, known, number=spec.target if spec.task == "regression" else None, indicators=rows.indicators
    )
    by_feature = dict(zip(found.features, found.contributions.T, strict=True))
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
        scale=found.scale,
        bias=float(np.mean(found.bias)),
        n_rows=rows.n_rows,
    )


def _shade(points: Sample, name: str) -> tuple[float | None, ...]:
    """Place each value between the 5% and 95% quantile; the two levels of a category are its ends."""
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
