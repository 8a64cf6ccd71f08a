"""Explanations as data: Shapley contributions."""

import pyarrow as pa

from core.engine.encoded import fold_contributions
from core.engine.rest import models
from core.engine.rest.client import ClusterConnection

_NEEDS_BACKGROUND = ("GLM", "DeepLearning", "StackedEnsemble")


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
