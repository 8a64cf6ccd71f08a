"""What a team decides about models: which one is the champion."""

from core.domain.models import ModelInfo
from core.errors import ModelError
from core.ledger.database import Ledger
from core.store.mlflow import Store


def promote(store: Store, ledger: Ledger, model: ModelInfo, *, note: str = "", person: str = "") -> int:
    """Make a stored model the champion of its experiment and write down who did it and why.

    Parameters
    ----------
    model : ModelInfo
        Any model whose files were kept.
    note : str
        Why, in the person's words.

    Returns
    -------
    int
        The registered version that is the champion now.

    Raises
    ------
    ModelError
        If the model's files were not stored, so that it could not score.
    """
    if not model.has_files:
        raise ModelError(
            "This model's files were not stored, so it cannot score.",
            hint="Promote one of the models marked as stored: the leader and the next five of each run.",
            code="model.no_files",
        )
    before = store.champion(model.experiment)
    version = store.register(model.id)
    store.set_champion(model.experiment, version)
    ledger.record(
        "promote",
        f"models:/{model.experiment}/{version}",
        person=person,
        detail={"model": model.uri, "before": before.uri if before else None, "note": note},
    )
    return version
