"""Explanations as data: contributions, permutation importance."""

import pyarrow as pa

from core.engine.encoded import fold, fold_contributions
from core.engine.rest import frames, models
from core.engine.rest.client import ClusterConnection, unique

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
