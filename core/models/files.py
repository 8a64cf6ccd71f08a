"""The files of a stored model that scoring and monitoring read."""

from core.domain.models import ModelInfo, ModelSpec
from core.plain import from_json
from core.store.mlflow import Store
from core.training.keeper import SPEC


def read_spec(store: Store, model: ModelInfo) -> ModelSpec:
    """Return what must be known of a stored model to score with it.

    Raises
    ------
    ModelNotFoundError
        If the model's files were not kept.
    """
    path, _ = store.model_file(model.id, SPEC)
    return from_json(ModelSpec, path.read_bytes())
