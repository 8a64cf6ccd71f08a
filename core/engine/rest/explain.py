"""Explanations as data: contributions, permutation importance, partial dependence."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from core.engine.protocol import PartialDependence
from core.engine.rest import frames, models
from core.engine.rest.automl import number
from core.engine.rest.client import Client, ClusterConnection, quoted, table, unique
from core.engine.rest.importance import fold, fold_contributions
from core.errors import EngineError

_NEEDS_BACKGROUND = ("GLM", "DeepLearning", "StackedEnsemble")
_ALL_ROWS = -1
_ONCE = 1


class H2OExplanations:
    """`EngineExplanations` on H2O."""

    def __init__(self, connection: ClusterConnection) -> None:
        self._connection = connection

    def contributions(self, model_key: str, frame: str, *, background: str | None = None) -> pa.Table:
        """Return Shapley contributions per feature."""
        client = self._connection.client()
        model = models.describe(client, model_key)
        options: dict[str, str | bool] = {
            "predict_contributions": True,
            # One number per feature, not per level; ensembles know no other form.
            "predict_contributions_output_format": "Compact",
        }
        if models.algorithm(model) in _NEEDS_BACKGROUND and background is not None:
            options["background_frame"] = background
        found = models.predict(client, model_key, frame, **options)
        return fold_contributions(found, models.features(model))

    def permutation_importance(self, model_key: str, frame: str, *, seed: int) -> tuple[tuple[str, float], ...]:
        """Return the permutation importance of each feature."""
        client = self._connection.client()
        features = models.features(models.describe(client, model_key))
        key = unique("importance")
        try:
            # Not `tmp=`: a session must remove its temporary frames itself, or its next expression fails.
            client.rapids(
                f'(assign {key} (PermutationVarImp {model_key} {frame} "AUTO" {_ALL_ROWS} {_ONCE} [] {seed}))'
            )
            found = frames.download(client, key)
        finally:
            frames.delete_quietly(client, [key])
        names, values = found["Variable"].to_pylist(), found["Relative Importance"].to_pylist()
        return fold(((name, value or 0.0) for name, value in zip(names, values, strict=True)), features)

    def partial_dependence(
        self, model_key: str, frame: str, columns: Sequence[str], *, n_bins: int, targets: Sequence[str] = ()
    ) -> tuple[PartialDependence, ...]:
        """Return the partial dependence of columns."""
        client = self._connection.client()
        about = {column["label"]: column for column in frames.describe(client, frame)["columns"]}
        found: list[PartialDependence] = []
        for column in columns:
            if column not in about:
                raise EngineError(f"The engine's frame has no column {column!r}.")
            found += _of_column(client, model_key, frame, about[column], n_bins, targets)
        return tuple(found)


def _of_column(
    client: Client, model_key: str, frame: str, column: Mapping[str, Any], n_bins: int, targets: Sequence[str]
) -> Iterator[PartialDependence]:
    name = column["label"]
    levels = column.get("domain") if column["type"] == "enum" else None
    options: dict[str, Any] = {"nbins": n_bins}
    if levels is not None:
        options["nbins"] = max(n_bins, len(levels) + 1)
        if len(levels) > n_bins:
            chosen = _frequent(client, frame, name, n_bins)
            options |= {"user_cols": [name], "user_splits": chosen, "num_user_splits": [float(len(chosen))]}
    key = unique("dependence")
    try:
        answer = client.post(
            "/3/PartialDependence/",
            model_id=model_key,
            frame_id=frame,
            cols=[name],
            targets=list(targets) or None,
            destination_key=key,
            **options,
        )
        client.wait(answer)
        tables = client.get(f"/3/PartialDependence/{key}")["partial_dependence_data"]
    finally:
        frames.delete_quietly(client, [key])
    for target, data in zip(targets or (None,), tables, strict=True):
        yield _read(name, target, table(data), levels)


def _frequent(client: Client, frame: str, column: str, count: int) -> list[float]:
    """Return the places of the most frequent levels among the column's levels, rising."""
    path = f"/3/Frames/{quoted(frame)}/columns/{quoted(column)}/summary"
    counts = client.get(path)["frames"][0]["columns"][0]["histogram_bins"]
    return sorted(float(place) for place in sorted(range(len(counts)), key=lambda place: -counts[place])[:count])


def _read(
    column: str, target: str | None, data: Mapping[str, list[Any]], levels: Sequence[str] | None
) -> PartialDependence:
    values, *rest = (cells for name, cells in data.items() if name)
    mean, sd, se = (tuple(number(cell) or 0.0 for cell in cells) for cells in rest[:3])
    if levels is None:
        return PartialDependence(column, target, tuple(float(value) for value in values), mean, sd, se)
    return PartialDependence(column, target, tuple(str(value) for value in values), mean, sd, se)
