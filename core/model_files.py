"""The files of a stored model that scoring and monitoring read."""

import json

from core.store import Store
from core.training_models import SPEC
from core.types import ModelInfo, ModelSpec


def read_spec(store: Store, model: ModelInfo) -> ModelSpec:
    """Return what must be known of a stored model to score with it.

    Raises
    ------
    ModelNotFoundError
        If the model's files were not kept.
    """
    path, _ = store.model_file(model.id, SPEC)
    return ModelSpec.from_dict(json.loads(path.read_text("utf-8")))
