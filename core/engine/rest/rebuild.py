"""A model built again on other rows, with its own parameters and nothing left to decide."""

import json
from collections.abc import Mapping
from typing import Any

from core.engine.rest.client import Client, Value, job_key
from core.errors import EngineError

ALGORITHMS = ("glm", "gbm", "drf", "xgboost", "deeplearning")
# What belongs to the first training: its frames, its folds, and when it was to stop.
_LEFT_OUT = (
    "model_id", "training_frame", "validation_frame", "nfolds", "fold_column", "fold_assignment", "checkpoint",
    "keep_cross_validation_models", "keep_cross_validation_predictions", "keep_cross_validation_fold_assignment",
    "max_runtime_secs", "stopping_metric", "stopping_tolerance", "export_checkpoints_dir",
)  # fmt: skip
# How far early stopping let a model grow: with folds, H2O builds the model on all rows to the mean of theirs.
_GROWN = ("ntrees", "epochs")
# What would let rows decide once more when to stop, and which state of a neural network is the best one.
_FIXED: Mapping[str, Value] = {"stopping_rounds": 0, "overwrite_with_best_model": False}


def rebuild(client: Client, model: Mapping[str, Any], frame: str, key: str) -> str:
    """Start to build a model, given by H2O's description, again on another frame; return the key of the job.

    EngineError for an ensemble.
    """
    algorithm = str(model["algo"]).lower()
    if algorithm not in ALGORITHMS:
        raise EngineError("Only single models can be built again, no ensembles.")
    answer = client.post(
        f"/3/ModelBuilders/{algorithm}", model_id=key, training_frame=frame, nfolds=0, **parameters(model)
    )
    return job_key(answer)


def parameters(model: Mapping[str, Any]) -> dict[str, Value]:
    """Return what a model was asked to be, and what its training decided in place of what was left open.

    Trees and epochs are as many as early stopping left, the penalty of a GLM is the one that its search found.

    Parameters
    ----------
    model : mapping
        H2O's description of the model.
    """
    found: dict[str, Value] = {}
    for entry in model["parameters"]:
        name, asked = entry["name"], entry.get("input_value")
        if name in _GROWN:
            found[name] = entry["actual_value"]
        elif name in _FIXED:
            found[name] = _FIXED[name]
        elif name not in _LEFT_OUT and asked != entry["default_value"]:
            found[name] = _value(asked)
    output = model["output"]
    if found.pop("lambda_search", False) or len(_several(found.get("lambda"))) > 1:
        found |= {"alpha": [output["alpha_best"]], "lambda": [output["lambda_best"]]}
    return found


def _several(value: Value) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else ()


def _value(asked: Any) -> Value:
    """Return a parameter as a form takes it: a column by its name, pairs as JSON."""
    if isinstance(asked, Mapping):
        name = asked.get("column_name", asked.get("name"))
        return None if name is None else str(name)
    if isinstance(asked, list) and any(isinstance(one, Mapping) for one in asked):
        return json.dumps([{name: one[name] for name in ("key", "value")} for one in asked], ensure_ascii=False)
    return asked  # type: ignore[no-any-return]
