"""The points of a SHAP summary as a table: as JSON they would be most of a model's explanations."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pyarrow as pa

from core.explanations.items import ShapFeature

_SCHEMA = pa.schema(
    [
        ("feature", pa.string()),
        ("mean_absolute", pa.float64()),
        ("value", pa.string()),
        ("shade", pa.float64()),
        ("contribution", pa.float64()),
    ]
)


def to_points(features: Sequence[ShapFeature]) -> pa.Table:
    """Return a row per point; `from_points` reads them back."""
    columns: dict[str, list[Any]] = {name: [] for name in _SCHEMA.names}
    for feature in features:
        n_points = len(feature.contribution)
        columns["feature"] += [feature.feature] * n_points
        columns["mean_absolute"] += [feature.mean_absolute] * n_points
        columns["value"] += feature.value
        columns["shade"] += feature.shade
        columns["contribution"] += feature.contribution
    return pa.table(columns, schema=_SCHEMA)


def from_points(table: pa.Table) -> tuple[ShapFeature, ...]:
    """Read what `to_points` made."""
    columns = (table[name].to_pylist() for name in _SCHEMA.names)
    rows = zip(*columns, strict=True)
    features = []
    for name, group in groupby(rows, key=lambda row: row[0]):
        _, sizes, values, shades, contributions = zip(*group, strict=True)
        features.append(ShapFeature(name, sizes[0], values, shades, contributions))
    return tuple(features)
