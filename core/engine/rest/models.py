"""Models: what is known of them, their files out and in, and their predictions."""

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from core.domain.aliases import plain_name
from core.domain.models import ModelDetails
from core.engine.encoded import fold
from core.engine.rest.automl import number
from core.engine.rest.client import NOT_FOUND, Client, ClusterConnection, quoted, table, unique
from core.engine.rest.frames import delete_quietly, download_predictions
from core.engine.rest.rebuild import rebuild
from core.errors import (
    EngineDiedError,
    EngineError,
    EngineUnavailableError,
    ModelIncompatibleError,
    ModelIntegrityError,
)
from core.files import atomic_path, sha256_of

# H2O's names in the JSON of its metrics -> its names on the leaderboard.
METRICS: Mapping[str, str] = {
    "AUC": "auc",
    "logloss": "logloss",
    "pr_auc": "aucpr",
    "mean_per_class_error": "mean_per_class_error",
    "RMSE": "rmse",
    "MSE": "mse",
    "mae": "mae",
    "rmsle": "rmsle",
    "r2": "r2",
    "mean_residual_deviance": "mean_residual_deviance",
}
_SUMMARY_NAMES = {"pr_auc": "aucpr"}
_FOLD_COLUMNS = ("number_of_trees", "epochs", "iteration", "iterations")  # and the metrics on the rows of the fold
_ROLES = ("weights_column", "fold_column", "metalearner_fold_column")
_ALGORITHMS = {
    "drf": "DRF",
    "glm": "GLM",
    "xgboost": "XGBoost",
    "gbm": "GBM",
    "deeplearning": "DeepLearning",
    "stackedensemble": "StackedEnsemble",
}


class H2OModels:
    """`EngineModels` on H2O."""

    def __init__(self, connection: ClusterConnection) -> None:
        self._connection = connection
        self._natives: dict[tuple[str, str], str] = {}  # cluster and sha256 -> key
        self._loading = threading.Lock()

    def details(self, model_key: str) -> ModelDetails:
        """Return what the engine knows of a model."""
        client = self._connection.client()
        model = describe(client, model_key)
        output = model["output"]
        parameters = {entry["name"]: entry["actual_value"] for entry in model["parameters"]}
        importance = table(output.get("variable_importances"))
        metalearner = _metalearner(client, output)
        history = table(output.get("scoring_history") or metalearner.get("scoring_history"))
        return ModelDetails(
            key=model_key,
            algo=algorithm(model),
            metrics=_all_metrics(output),
            domain=tuple(map(plain_name, (output.get("domains") or [None])[-1] or ())),
            cv_predictions_key=_cv_predictions(client, output),
            variable_importance=fold(
                zip(importance.get("variable", ()), importance.get("relative_importance", ()), strict=True),
                features(model),
            ),
            scoring_history={name: values for name, values in history.items() if name},
            fold_histories=_fold_histories(output),
            # A MOJO's members have no names of their own.
            base_models=tuple(base["name"] for base in parameters.get("base_models") or () if "name" in base),
            training_time_s=None if (ms := output.get("run_time")) is None else float(ms) / 1000,
            member_weights=_member_weights(metalearner),
            parameters={name: _plain(value) for name, value in parameters.items() if _is_plain(value)},
            cv_threshold=_max_f1(output.get("cross_validation_metrics")),
        )

    def holdout_metrics(self, model_key: str, frame: str) -> dict[str, float]:
        """Return a model's metrics on a frame."""
        answer = self._connection.client().post(f"/3/ModelMetrics/models/{quoted(model_key)}/frames/{quoted(frame)}")
        # H2O answers with all metrics it has of the model, those of cross-validation among them and often first.
        for found in answer["model_metrics"]:
            if (found.get("frame") or {}).get("name") == frame:
                return read_metrics(found)
        raise EngineError("The engine returned no metrics for this frame; it needs the target's column.")

    def predict(self, model_key: str, frame: str) -> pa.Table:
        """Score a frame."""
        return predict(self._connection.client(), model_key, frame)

    def rebuild(self, model_key: str, frame: str, *, key: str) -> str:
        """Start to build a model again."""
        return rebuild(self._connection.client(), describe(self._connection.client(), model_key), frame, key)

    def save_mojo(self, model_key: str, path: Path) -> None:
        """Write a model's MOJO."""
        self._save(f"/3/Models/{quoted(model_key)}/mojo", path)

    def save_native(self, model_key: str, path: Path) -> None:
        """Write a model's native binary."""
        self._save(f"/3/Models.fetch.bin/{quoted(model_key)}", path)

    def load_native(self, path: Path, sha256: str) -> str:
        """Load a native binary, once. Who loads it removes it."""
        if sha256_of(path) != sha256:
            raise ModelIntegrityError(f"The model file {path.name} was changed or damaged since it was saved.")
        client, cluster = self._connection.client(), self._connection.connect()
        with self._loading:
            self._natives = {place: key for place, key in self._natives.items() if place[0] == cluster}
            key = self._natives.get((cluster, sha256))
            if key is None or not exists(client, key):
                key = self._natives[cluster, sha256] = _load_native(client, path)
        return key

    def _save(self, source: str, path: Path) -> None:
        with atomic_path(path) as temporary:
            self._connection.client().save(source, temporary)


def exists(client: Client, model_key: str) -> bool:
    """Return whether the engine has a model of this key."""
    try:
        client.get(f"/3/Models/{quoted(model_key)}", _exclude_fields="models/output")
    except EngineError as error:
        if error.code == NOT_FOUND:
            return False
        raise
    return True


def describe(client: Client, model_key: str) -> dict[str, Any]:
    """Return H2O's description of a model."""
    found: dict[str, Any] = client.get(f"/3/Models/{quoted(model_key)}")["models"][0]
    return found


def algorithm(model: Mapping[str, Any]) -> str:
    """Return the algorithm in the words of `core.domain.training.ALGORITHMS`; that of the original model for a MOJO."""
    name = str(model["output"].get("original_model_identifier") or model["algo"]).lower()
    return _ALGORITHMS.get(name, name)


def features(model: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the features of a model with their levels (none for a number), without target, weights and folds."""
    names, domains = model["output"]["names"], model["output"]["domains"]
    roles = {
        (entry["actual_value"] or {}).get("column_name") for entry in model["parameters"] if entry["name"] in _ROLES
    }
    pairs = list(zip(names, domains, strict=True))[:-1]
    return {name: tuple(levels or ()) for name, levels in pairs if name not in roles}


def read_metrics(found: Mapping[str, Any] | None) -> dict[str, float]:
    """Return the finite metrics of H2O's JSON under their leaderboard names."""
    pairs = ((ours, number((found or {}).get(theirs))) for theirs, ours in METRICS.items())
    return {name: value for name, value in pairs if value is not None}


def predict(client: Client, model_key: str, frame: str, **options: str | bool) -> pa.Table:
    """Score a frame, or have its contributions computed."""
    key = unique("prediction")
    try:
        answer = client.post(
            f"/4/Predictions/models/{quoted(model_key)}/frames/{quoted(frame)}", predictions_frame=key, **options
        )
        client.wait(answer)
        return download_predictions(client, key)
    finally:
        delete_quietly(client, [key])


def _load_native(client: Client, path: Path) -> str:
    """Load a native binary and return its key, which is the name the model had when it was trained."""
    source = unique("native_file")
    try:
        client.send_file("/3/PostFile.bin", path, destination_frame=source)
        answer = client.post("/99/Models.upload.bin/", dir=source)
    except (EngineDiedError, EngineUnavailableError):
        raise
    except EngineError as error:
        raise ModelIncompatibleError(f"H2O cannot open the model file {path.name}: {error.message}") from error
    finally:
        delete_quietly(client, [source])
    return str(answer["models"][0]["model_id"]["name"])


def _all_metrics(output: Mapping[str, Any]) -> dict[str, float]:
    found = {f"cv_{name}": value for name, value in read_metrics(output.get("cross_validation_metrics")).items()}
    found |= {f"train_{name}": value for name, value in read_metrics(output.get("training_metrics")).items()}
    summary = table(output.get("cross_validation_metrics_summary"))
    names = [f"cv_{_SUMMARY_NAMES.get(label, label)}" for label in summary.get("", ())]
    for column in ("mean", "sd"):
        for name, value in zip(names, map(number, summary.get(column, ())), strict=True):
            if name in found and value is not None:
                found[f"{name}_{column}"] = value
    return found


def _fold_histories(output: Mapping[str, Any]) -> tuple[dict[str, list[Any]], ...]:
    """Return what the models of the folds noted, without their metrics on the rows that they were trained on."""
    known = [table(history) for history in output.get("cv_scoring_history") or ()]
    return tuple(
        {
            name: values
            for name, values in history.items()
            if name in _FOLD_COLUMNS or name.startswith("validation_") or name.endswith("_test")
        }
        for history in known
    )


def _max_f1(metrics: Mapping[str, Any] | None) -> float | None:
    found = table((metrics or {}).get("max_criteria_and_metric_scores"))
    rows = zip(found.get("metric", ()), found.get("threshold", ()), strict=True)
    return next((number(threshold) for name, threshold in rows if name == "max f1"), None)


def _cv_predictions(client: Client, output: Mapping[str, Any]) -> str | None:
    own = output.get("cross_validation_holdout_predictions_frame_id")
    if own:
        return str(own["name"])
    metalearner = output.get("metalearner")
    if not metalearner:
        return None
    return _cv_predictions(client, describe(client, metalearner["name"])["output"])


def _metalearner(client: Client, output: Mapping[str, Any]) -> dict[str, Any]:
    """Return the output of an ensemble's metalearner, which weighs the members; empty for other models and MOJOs."""
    found = output.get("metalearner")
    return describe(client, found["name"])["output"] if found else {}


def _member_weights(metalearner: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    """Return the shares of an ensemble's members: the size of the metalearner's standardised coefficients."""
    found = table(metalearner.get("variable_importances"))
    sizes: dict[str, float] = {}
    for name, size in zip(found.get("variable", ()), found.get("relative_importance", ()), strict=True):
        member = str(name).partition("/")[0]  # for several classes ``member/class``
        sizes[member] = sizes.get(member, 0.0) + float(size)
    whole = sum(sizes.values())
    if not whole:
        return ()
    return tuple(sorted(((name, size / whole) for name, size in sizes.items()), key=lambda pair: -pair[1]))


def _is_plain(value: Any) -> bool:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return all(isinstance(item, str | int | float) for item in value)
    return isinstance(value, str | int | float)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
