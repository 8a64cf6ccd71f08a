"""A model on a leaderboard, and what is stored with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from core.domain.aliases import NO_ALIASES, Aliases
from core.domain.columns import Column, Schema
from core.domain.training import Task

Origin = Literal["cv", "holdout", "train", "backtest"]
ORIGIN_NAMES: Mapping[Origin, str] = {
    "cv": "cross-validation",
    "holdout": "holdout",
    "train": "training",
    "backtest": "backtest",
}
METRIC_NAMES: Mapping[str, str] = {
    "auc": "AUC",
    "aucpr": "PR AUC",
    "average_precision": "average precision",
    "logloss": "log loss",
    "mean_per_class_error": "mean per-class error",
    "rmse": "RMSE",
    "mse": "MSE",
    "mae": "MAE",
    "rmsle": "RMSLE",
    "r2": "R²",
    "brier": "Brier score",
    "mean_residual_deviance": "mean residual deviance",
}
ALGORITHM_NAMES: Mapping[str, str] = {
    "GLM": "GLM",
    "DRF": "Random forest",
    "XRT": "Extra trees",
    "GBM": "GBM",
    "XGBoost": "XGBoost",
    "DeepLearning": "Deep learning",
    "StackedEnsemble": "Stacked ensemble",
}
_PLAIN: Mapping[str, str] = {
    "StackedEnsemble_BestOfFamily": "Best-of-family ensemble",
    "StackedEnsemble_AllModels": "All-models ensemble",
    **{name: words for name, words in ALGORITHM_NAMES.items() if name in ("DeepLearning", "DRF", "XRT")},
}
_OF_RUN = re.compile(r"(?P<name>.+?)(?P<grid>_grid_\d+)?_AutoML_\d+_\d+(?:_\d+)?(?:_model_(?P<number>\d+))?")


def algorithm_name(algo: str) -> str:
    """Return an algorithm as H2O calls it in plain words."""
    return ALGORITHM_NAMES.get(algo, algo)


def metric_in_words(name: str) -> str:
    """Return what a metric is called inside a sentence.

    Examples
    --------
    >>> metric_in_words("logloss"), metric_in_words("auc"), metric_in_words("lift_top_group")
    ('log loss', 'AUC', 'lift top group')
    """
    return METRIC_NAMES.get(name, name.replace("_", " "))


def model_name(model_key: str) -> str:
    """Return a model's key in plain words, without what all models of a run share.

    Examples
    --------
    >>> model_name("GBM_2_AutoML_1_20260101_1200"), model_name("StackedEnsemble_BestOfFamily_1_AutoML_1_2026")
    ('GBM 2', 'Best-of-family ensemble 1')
    >>> model_name("DRF_1_AutoML_1_20260101_1200"), model_name("GBM_grid_1_AutoML_1_20260101_1200_model_3")
    ('Random forest 1', 'GBM grid 3')
    >>> model_name("GLM_baseline_01234567")
    'GLM baseline'
    """
    found = _OF_RUN.fullmatch(model_key)
    name = model_key.partition("_AutoML_")[0] if found is None else found["name"]
    if found is not None and found["grid"]:
        name += f"_grid_{found['number']}" if found["number"] else found["grid"]
    name = re.sub(r"_baseline_[0-9a-f]{8}$", "_baseline", name)
    long = next((one for one in _PLAIN if name.startswith(one)), None)
    return (name if long is None else name.replace(long, _PLAIN[long], 1)).replace("_", " ")


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """What scoring must know of a stored model; `spec.json` beside its MOJO.

    Attributes
    ----------
    features : Schema
        The columns the engine gets, in training order, category columns with their levels.
    inputs : Schema or None
        The raw columns that the recipe makes them of; None without a recipe.
    recipe, target_recipe : dict or None
        The fitted recipe (`core.recipes.FittedRecipe`) of the features and of the target, where there is one.
    classes : tuple of str
        The classes in the order of the engine's probability columns; empty for regression.
    threshold : float or None
        Binary only: the label is `positive` when its probability is at least this.
    threshold_origin : str
        Where the threshold comes from, such as ``"max F1 on cross-validation predictions"``.
    id_column : str or None
        The column that names a row in `POST /predict`.
    target_column : Column
        The target as the training data had it, for files to score that hold it too.
    aliases : Aliases
        What the engine calls differently.
    weights_column : str or None
        The column that said how much a training row counts.
    renamed : tuple of (str, str) or None
        Names as they stood in the training data, where they had to be changed, and what these columns are called; None
        for models of before this was kept.
    """

    task: Task
    target: str
    target_column: Column
    features: Schema
    classes: tuple[str, ...] = ()
    positive: str | None = None
    threshold: float | None = None
    threshold_origin: str = ""
    id_column: str | None = None
    experiment: str = ""
    run_id: str = ""
    model_key: str = ""
    algo: str = ""
    dataset_id: str = ""
    dataset_name: str = ""
    h2o_version: str = ""
    inputs: Schema | None = None
    recipe: dict[str, Any] | None = field(default=None, hash=False)
    target_recipe: dict[str, Any] | None = field(default=None, hash=False)
    aliases: Aliases = NO_ALIASES
    renamed: tuple[tuple[str, str], ...] | None = None
    weights_column: str | None = None

    @property
    def needed(self) -> Schema:
        """The raw columns that a file to score must have."""
        return self.features if self.inputs is None else self.inputs

    def with_threshold(self, threshold: float, origin: str) -> "ModelSpec":
        """Return a copy with another threshold."""
        return replace(self, threshold=threshold, threshold_origin=origin)


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """A model on a leaderboard, as stored.

    Attributes
    ----------
    id : str
        MLflow's id, ``m-…``; its URI is ``models:/m-…``.
    model_key : str
        The engine's own name of the model, such as ``GBM_1_AutoML_1_…``.
    metrics : mapping of str to float
        Named by origin: ``cv_auc``, ``holdout_logloss``, ``cv_auc_sd`` …
    rank : int or None
        1-based place on its run's leaderboard; None for a baseline.
    baseline : str or None
        Which of `core.domain.baselines.BASELINES` it is; None for a model of the AutoML.
    has_files : bool
        Whether its MOJO and native binary are stored, so that it can score and be explained.
    version : int or None
        Registered version; None when it is not registered.
    size_bytes : int or None
        Of its stored files; None where none are, and for models stored before this was noted.
    no_better : str
        In words, that the model does not beat the constant predictor; empty for all others.
    is_champion : bool
        Whether the alias ``champion`` points to it.
    is_challenger : bool
        Whether the alias ``challenger`` points to it: a candidate to become the champion.
    """

    id: str
    model_key: str
    algo: str
    run_id: str
    experiment: str
    task: Task
    metrics: Mapping[str, float]
    created_at: datetime
    rank: int | None = None
    baseline: str | None = None
    has_files: bool = False
    version: int | None = None
    is_champion: bool = False
    is_challenger: bool = False
    training_time_s: float | None = None
    predict_time_per_row_s: float | None = None
    size_bytes: int | None = None
    no_better: str = ""

    @property
    def uri(self) -> str:
        """The URI that names this model for ever."""
        return f"models:/{self.id}"


@dataclass(frozen=True, kw_only=True)
class ModelDetails:
    """What the engine knows of one model, as plain data.

    Attributes
    ----------
    metrics : mapping of str to float
        ``cv_auc``, ``cv_logloss``, ``train_auc`` …; names are H2O's leaderboard names in lower case (auc, logloss,
        aucpr, mean_per_class_error, rmse, mse, mae, rmsle, r2, mean_residual_deviance); ``cv_auc_mean`` and
        ``cv_auc_sd`` are mean and standard deviation of the folds' own values.
    domain : tuple of str
        Classes in the order of the probability columns; empty for regression.
    cv_predictions_key : str or None
        Frame with the cross-validated predictions in training order; for an ensemble its metalearner's.
    variable_importance : tuple of (str, float)
        Variable and scaled importance (0 to 1), largest first; empty where the algorithm has none.
    scoring_history : mapping of str to list
        Columns of the scoring history; empty where there is none.
    fold_histories : tuple of mapping of str to list
        Of each model of cross-validation: how far it was built, and its metrics on the rows of its fold.
    training_time_s : float or None
        How long the model took to build, its folds included.
    cv_threshold : float or None
        Two classes only: the threshold with the largest F1 in cross-validation, of the engine's 400.
    member_weights : tuple of (str, float)
        The members with their shares (0 to 1, together 1) of the metalearner's standardised coefficients, largest
        first; empty where they cannot be told.
    """

    key: str
    algo: str
    metrics: Mapping[str, float]
    domain: tuple[str, ...] = ()
    cv_predictions_key: str | None = None
    variable_importance: tuple[tuple[str, float], ...] = ()
    scoring_history: Mapping[str, list[Any]] = field(default_factory=dict)
    fold_histories: tuple[Mapping[str, list[Any]], ...] = ()
    base_models: tuple[str, ...] = ()
    training_time_s: float | None = None
    member_weights: tuple[tuple[str, float], ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    cv_threshold: float | None = None
