"""Baselines in the engine: a plain GLM, and XGBoost by random search, in the folds that AutoML uses."""

import json
from collections.abc import Sequence
from typing import Any

from core.domain.aliases import plain_name
from core.domain.baselines import GLM, SEARCH_SPACE, SEARCH_STOPPING_ROUNDS, SEARCH_TREES, XGBOOST
from core.domain.training import TrainingSettings
from core.engine.protocol import BaselineState
from core.engine.rest.automl import STATUS, cancel_job, training_job
from core.engine.rest.client import NOT_FOUND, Client, ClusterConnection, Value, job_key, plain_reason, quoted
from core.engine.rest.frames import in_frame
from core.engine.rest.models import exists
from core.engine.rest.spec import glm_search
from core.errors import EngineError

_RIDGE = 1e-4
_SCORE_EACH = 5  # trees, as AutoML does
# Distributions that the two know besides H2O's own choice; with another one they fit as for squared errors.
_GLM_FAMILIES = ("poisson", "gamma", "tweedie")
_XGBOOST_DISTRIBUTIONS = ("bernoulli", "multinomial", "gaussian", "poisson", "gamma", "tweedie")


class H2OBaselines:
    """`EngineBaselines` on H2O."""

    def __init__(self, connection: ClusterConnection) -> None:
        self._connection = connection

    def start(
        self,
        name: str,
        frame: str,
        settings: TrainingSettings,
        *,
        features: Sequence[str],
        key: str,
        fold_column: str | None = None,
        target_sd: float | None = None,
    ) -> str:
        """Start a baseline."""
        client = self._connection.client()
        known = {*features, settings.target, settings.weights_column, fold_column}
        settings, labels = in_frame(client, frame, settings)
        same: dict[str, Value] = {
            "training_frame": frame,
            "response_column": settings.target,
            "ignored_columns": [label for label in labels if plain_name(label) not in known],
            "weights_column": settings.weights_column,
            "keep_cross_validation_predictions": True,
            "keep_cross_validation_models": False,
            "seed": settings.seed,
        }
        # AutoML deals the rows out by Modulo; the same words give the same folds.
        same |= (
            {"fold_column": fold_column} if fold_column else {"nfolds": settings.nfolds, "fold_assignment": "Modulo"}
        )
        if name == GLM:
            return job_key(client.post("/3/ModelBuilders/glm", model_id=key, **same, **_glm(settings, target_sd)))
        if name == XGBOOST:
            return job_key(client.post("/99/Grid/xgboost", grid_id=key, **same, **_xgboost(settings)))
        raise EngineError(f"The engine has no baseline {name!r}.")

    def poll(self, job_key: str, key: str) -> BaselineState:
        """Return how far a baseline is."""
        client = self._connection.client()
        state = training_job(client, job_key)
        status = STATUS.get(state["status"], "running")
        reason = plain_reason(state.get("exception") or "") if status == "failed" else ""
        models, failures = _search(client, key) if "Grid" in str(state["dest"]["type"]) else (_model(client, key), [])
        if not reason and status == "done" and not models:
            reason = next((plain_reason(text) for text in failures), "")
        progress = float(state.get("progress") or 0.0)
        return BaselineState(status, models, reason, progress)  # type: ignore[arg-type]

    def cancel(self, job_key: str) -> None:
        """Ask a baseline to stop."""
        cancel_job(self._connection.client(), job_key)


def _glm(settings: TrainingSettings, target_sd: float | None) -> dict[str, Value]:
    if search := glm_search(settings, target_sd):
        # A slight ridge, whose strength does not depend on the scale.
        return {"alpha": [0.0], "lambda": [_RIDGE], "beta_epsilon": search["beta_epsilon"]}
    family = settings.distribution.lower()
    if settings.task != "regression" or family not in _GLM_FAMILIES:
        return {}
    if family == "tweedie":
        # The logarithm as link, as the two others.
        return {"family": family, "tweedie_variance_power": settings.tweedie_power, "tweedie_link_power": 0.0}
    return {"family": family, "link": "log"}


def _xgboost(settings: TrainingSettings) -> dict[str, Value]:
    options: dict[str, Value] = {
        "ntrees": SEARCH_TREES,
        "stopping_rounds": SEARCH_STOPPING_ROUNDS,
        "score_tree_interval": _SCORE_EACH,
        "hyper_parameters": json.dumps({name: list(values) for name, values in SEARCH_SPACE.items()}),
        "search_criteria": json.dumps(_search_criteria(settings)),
    }
    if settings.max_runtime_secs_per_model:
        options["max_runtime_secs"] = settings.max_runtime_secs_per_model
    distribution = settings.distribution.lower()
    if distribution in _XGBOOST_DISTRIBUTIONS:
        options["distribution"] = distribution
        if distribution == "tweedie":
            options["tweedie_power"] = settings.tweedie_power
    if settings.monotone_constraints:
        pairs = [{"key": name, "value": sign} for name, sign in settings.monotone_constraints.items()]
        options["monotone_constraints"] = json.dumps(pairs, ensure_ascii=False)
    return options


def _search_criteria(settings: TrainingSettings) -> dict[str, Any]:
    criteria: dict[str, Any] = {"strategy": "RandomDiscrete", "seed": settings.seed}
    if settings.max_models:
        criteria["max_models"] = settings.max_models
    if settings.max_runtime_secs:
        criteria["max_runtime_secs"] = settings.max_runtime_secs
    return criteria


def _model(client: Client, key: str) -> tuple[str, ...]:
    return (key,) if exists(client, key) else ()


def _search(client: Client, key: str) -> tuple[tuple[str, ...], list[str]]:
    """Return the models that a search has built, and what went wrong with others."""
    try:
        grid = client.get(f"/99/Grids/{quoted(key)}")
    except EngineError as error:
        if error.code == NOT_FOUND:
            return (), []
        raise
    return tuple(model["name"] for model in grid["model_ids"]), list(grid.get("failure_details") or ())
