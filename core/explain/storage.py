"""Explanations as files of their run: one JSON file, and the points of the SHAP summary as Parquet."""

import io
import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.domain.models import ModelInfo
from core.errors import ExplanationError, StoreCorruptError
from core.explanations.items import FORMAT, Explanations, ShapFeature
from core.plain import from_plain, to_json
from core.store.items import Artifact
from core.store.mlflow import Store

_DATA, _POINTS = "explanations.json", "shap.parquet"
_SHAP_SCHEMA = pa.schema(
    [
        ("feature", pa.string()),
        ("mean_absolute", pa.float64()),
        ("value", pa.string()),
        ("shade", pa.float64()),
        ("contribution", pa.float64()),
    ]
)


def load(store: Store, model: ModelInfo) -> Explanations | None:
    """Read the stored explanations of a model; None when none were stored. Needs no engine.

    Raises
    ------
    ExplanationError
        If what is stored was written by a newer version or is damaged.
    StoreError
        If the store cannot be read.
    """
    path = _path(model, _DATA)
    stored = store.artifacts(model.run_id)
    if path not in stored:
        return None
    try:
        data = json.loads(store.artifact(model.run_id, path).read_bytes())
        if data["format"] > FORMAT:
            raise ExplanationError("A newer version of Bellwether stored these explanations.", hint="Update this one.")
        found = from_plain(Explanations, data)
        points = _path(model, _POINTS)
        if points not in stored:
            return found
        return found.with_shap(_read_points(pq.read_table(store.artifact(model.run_id, points))))
    except (KeyError, TypeError, ValueError, StoreCorruptError) as error:  # pyarrow's and json's are ValueErrors
        raise ExplanationError(
            "The stored explanations of this model cannot be read.", hint="Compute them again."
        ) from error


def save(store: Store, model: ModelInfo, found: Explanations) -> None:
    """Store the explanations of a model with its run, in place of earlier ones.

    Raises
    ------
    StoreError
        If they cannot be written.
    """
    items = []
    plain = found
    if found.shap_summary.data is not None:
        features = found.shap_summary.data.features
        plain = found.with_shap(tuple(ShapFeature(f.feature, f.mean_absolute) for f in features))
        items.append(Artifact(_path(model, _POINTS), _points_parquet(features)))
    # The JSON comes last: `load` looks for it.
    items.append(Artifact(_path(model, _DATA), to_json(plain).encode()))
    store.log(model.run_id, items)


def _path(model: ModelInfo, name: str) -> str:
    return f"explanations/{model.model_key}/{name}"


def _points_parquet(features: Sequence[ShapFeature]) -> bytes:
    columns: dict[str, list[Any]] = {name: [] for name in _SHAP_SCHEMA.names}
    for feature in features:
        n_points = len(feature.contribution)
        columns["feature"] += [feature.feature] * n_points
        columns["mean_absolute"] += [feature.mean_absolute] * n_points
        columns["value"] += feature.value
        columns["shade"] += feature.shade
        columns["contribution"] += feature.contribution
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns, schema=_SHAP_SCHEMA), buffer, compression="zstd")
    return buffer.getvalue()


def _read_points(table: pa.Table) -> tuple[ShapFeature, ...]:
    columns = (table[name].to_pylist() for name in _SHAP_SCHEMA.names)
    rows = zip(*columns, strict=True)
    features = []
    for name, group in groupby(rows, key=lambda row: row[0]):
        _, sizes, values, shades, contributions = zip(*group, strict=True)
        features.append(ShapFeature(name, sizes[0], values, shades, contributions))
    return tuple(features)
