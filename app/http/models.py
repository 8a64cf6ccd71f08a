"""The models that `POST /predict` can use, as `GET /models` lists them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.domain.models import ModelInfo
    from core.store.mlflow import Store

_PER_EXPERIMENT = 200


def list_models(store: "Store", only: str = "") -> dict[str, Any]:
    """Return every stored model, experiment by experiment, the champion first and then the newest.

    Parameters
    ----------
    only : str
        The one experiment whose models are listed; all when empty.
    """
    listed: list[dict[str, Any]] = []
    for experiment in [only] if only else store.experiments():
        stored = [model for model in store.models(experiment=experiment, limit=_PER_EXPERIMENT) if model.has_files]
        stored.sort(key=lambda model: (model.is_champion, model.created_at), reverse=True)
        listed += [_about(model) for model in stored]
    return {"models": listed}


def _about(model: "ModelInfo") -> dict[str, Any]:
    uri = f"models:/{model.experiment}/{model.version}" if model.version else model.uri
    return {
        "uri": uri,
        "experiment": model.experiment,
        "version": model.version,
        "is_champion": model.is_champion,
        "algo": model.algo,
        "task": model.task,
        "created_at": model.created_at.isoformat(),
    }
