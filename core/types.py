"""The nouns every module shares: columns and schemas, training settings, runs, models and what the engine reports.

All are frozen dataclasses without behaviour beyond reading themselves. Times are UTC, durations in seconds (`_s`),
sizes in bytes (`_bytes`), proportions between 0 and 1.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, Self

from core.reading import Reading, ReadOptions

ColumnType = Literal["numeric", "category", "date", "text", "id"]
Task = Literal["binary", "multiclass", "regression"]
RunStatus = Literal["queued", "running", "finished", "failed", "cancelled"]
Origin = Literal["cv", "holdout", "train"]

COLUMN_TYPES: tuple[ColumnType, ...] = ("numeric", "category", "date", "text", "id")
FEATURE_TYPES: tuple[ColumnType, ...] = ("numeric", "category", "date")
TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")
ALGORITHMS: tuple[str, ...] = ("DRF", "GLM", "XGBoost", "GBM", "DeepLearning", "StackedEnsemble")
ORIGIN_NAMES: Mapping[Origin, str] = {"cv": "cross-validation", "holdout": "holdout", "train": "training"}
METRIC_NAMES: Mapping[str, str] = {
    "auc": "AUC",
    "aucpr": "PR AUC",
    "logloss": "log loss",
    "mean_per_class_error": "mean per-class error",
    "rmse": "RMSE",
    "mse": "MSE",
    "mae": "MAE",
    "rmsle": "RMSLE",
    "r2": "R²",
    "mean_residual_deviance": "mean residual deviance",
}
FINAL_STATUSES: tuple[RunStatus, ...] = ("finished", "failed", "cancelled")


@dataclass(frozen=True)
class Column:
    """One column and how its text is understood.

    Attributes
    ----------
    name : str
        Cleaned name (docs/files.md tells the rule).
    type : ColumnType
        numeric and date columns become numbers, category columns levels; text and id columns are never learned from.
    integer : bool
        Numeric only: every value seen was a whole number.
    format : str or None
        Date only: the `strptime` format, or several joined by `` | ``; None for ISO 8601.
    decimal : str or None
        Numeric only: ``","`` or ``"."`` when the numbers hold decimal commas or separators of thousands.
    levels : tuple of str or None
        Category only: the known levels, sorted; None when nobody has looked.
    """

    name: str
    type: ColumnType
    integer: bool = False
    format: str | None = None
    levels: tuple[str, ...] | None = None
    decimal: str | None = None


@dataclass(frozen=True)
class Schema:
    """The columns of a table in order."""

    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Column:
        return self._by_name[name]

    def select(self, names: Iterable[str]) -> "Schema":
        """Return the schema of the named columns, in the order given."""
        return Schema(tuple(self[name] for name in names))

    def with_column(self, column: Column) -> "Schema":
        """Return a copy in which the column of that name is replaced."""
        return Schema(tuple(column if old.name == column.name else old for old in self.columns))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data; `from_dict` reads it back."""
        return {"columns": [asdict(column) for column in self.columns]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        columns = []
        for item in data["columns"]:
            levels = item.get("levels")
            columns.append(Column(**{**item, "levels": None if levels is None else tuple(levels)}))
        return cls(tuple(columns))

    def digest(self) -> str:
        """Return the sha256 of the names, types, formats and decimals (not the levels), as 64 hex digits."""
        plain = [(c.name, c.type, c.format) + ((c.decimal,) if c.decimal else ()) for c in self.columns]
        return hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True)
class Dataset:
    """A file that was taken in, known by the hash of its content.

    Attributes
    ----------
    id : str
        First 32 hex digits of the sha256 of the original file (and of the sheet's name, for a workbook, and of the
        options that a person gave).
    name : str
        What people call it; changeable, the same for all its versions.
    file_name : str
        Name of the file as it was uploaded.
    version : int
        From 1; name and version together are unique.
    options : ReadOptions
        What a person said about the file.
    reading : Reading or None
        How it was read; None for datasets of before this was kept.
    """

    id: str
    name: str
    file_name: str
    n_rows: int
    n_columns: int
    size_bytes: int
    created_at: datetime
    schema: Schema
    format: str
    sheet: str | None = None
    warnings: tuple[str, ...] = ()
    version: int = 1
    options: ReadOptions = field(default_factory=ReadOptions)
    reading: Reading | None = None

    @property
    def label(self) -> str:
        """The name, with the version from the second one on."""
        return self.name if self.version == 1 else f"{self.name}, version {self.version}"


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Everything that decides a run; two equal settings on one dataset ask for the same training.

    Attributes
    ----------
    positive : str or None
        Binary only: the class whose probability is reported.
    ignored : tuple of str
        Columns not to learn from, besides id and text columns.
    max_runtime_secs : int
        0 means no limit in time; then `max_models` must be at least 1.
    max_runtime_secs_per_model : int
        0 means no limit for a single model.
    nfolds : int
        2 or more folds of cross-validation.
    sort_metric : str
        ``"AUTO"`` or one of `core.training.SORT_METRICS` for the task.
    include_algos, exclude_algos : tuple of str
        From `ALGORITHMS`; at most one of the two is given.
    holdout_share : float
        0 to 0.5: rows that training never sees, chosen as `split` says.
    split : str
        ``"random"`` (stratified by the target's classes), ``"time"`` (the latest rows by `split_column` are held out)
        or ``"group"`` (all rows of one value of `split_column` stay together, in the holdout and in the folds).
    split_column : str or None
        The column that a split by time or group goes by; not a feature.
    fold_column : str or None
        The column whose values are the folds, instead of `nfolds`; not a feature.
    weights_column : str or None
        A number per row, 0 or more, that says how much the row counts; not a feature.
    class_sampling_factors : tuple of float
        With `balance_classes`: how often each class is sampled, by sorted class; empty for H2O's own.
    max_after_balance_size : float
        With `balance_classes`: how many times larger the data may become.
    distribution : str
        ``"AUTO"`` or one of `core.plan.DISTRIBUTIONS` for the task.
    tweedie_power, quantile_alpha, huber_alpha : float
        The parameter of the distribution of that name: 1 to 2 (both excluded), 0 to 1, 0 to 1.
    stopping_metric, stopping_rounds, stopping_tolerance : str, int, float or None
        A model stops when this metric has not become better by this share in so many scorings; None: H2O's own rule.
    exploitation_ratio : float
        -1 for H2O's own, else 0 to 1: the share of the time spent on refining the best models.
    monotone_constraints : dict of str to int
        Numeric features that the prediction may only rise (1) or fall (-1) with.
    target_encoding : bool
        Let H2O encode the categories of many levels by the target, inside the folds.
    blending_share : float
        0 to 0.5: rows of the training part set aside to fit the ensembles on, instead of cross-validation predictions.
    keep_cross_validation_models, keep_cross_validation_fold_assignment : bool
        Leave these in the engine until the run is released.
    modeling_plan : tuple of dict
        H2O's steps in order, ``{"name": "GBM", "steps": [...]}`` or ``{"name": "GBM", "alias": "all"}``; empty: own.
    baselines : tuple of str
        Trained after the AutoML on the same rows and folds, for comparison: some of `core.baselines.BASELINES`.
    preset : str or None
        The preset (`core.presets.PRESETS`) that the other settings started from; decides nothing.
    recipe : dict or None
        The recipe (`core.recipe.Recipe.to_dict`) that makes the features; None learns from the columns as they are.
    """

    dataset_id: str
    target: str
    experiment: str
    task: Task
    positive: str | None = None
    ignored: tuple[str, ...] = ()
    max_models: int = 10
    max_runtime_secs: int = 0
    max_runtime_secs_per_model: int = 0
    nfolds: int = 5
    seed: int = 1
    sort_metric: str = "AUTO"
    include_algos: tuple[str, ...] = ()
    exclude_algos: tuple[str, ...] = ()
    balance_classes: bool = False
    holdout_share: float = 0.0
    split: str = "random"
    split_column: str | None = None
    fold_column: str | None = None
    weights_column: str | None = None
    class_sampling_factors: tuple[float, ...] = ()
    max_after_balance_size: float = 5.0
    distribution: str = "AUTO"
    tweedie_power: float = 1.5
    quantile_alpha: float = 0.5
    huber_alpha: float = 0.9
    stopping_metric: str = "AUTO"
    stopping_rounds: int = 3
    stopping_tolerance: float | None = None
    exploitation_ratio: float = -1.0
    monotone_constraints: dict[str, int] = field(default_factory=dict, hash=False)
    target_encoding: bool = False
    blending_share: float = 0.0
    keep_cross_validation_models: bool = False
    keep_cross_validation_fold_assignment: bool = False
    modeling_plan: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    baselines: tuple[str, ...] = ()
    preset: str | None = None
    recipe: dict[str, Any] | None = field(default=None, hash=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data; `from_dict` reads it back."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote; keys it does not know are left out."""
        known = {spec.name for spec in fields(cls)}
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k in known}
        return cls(**values)


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
        The fitted recipe (`core.recipe.FittedRecipe.to_dict`) of the features and of the target, where there is one.
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

    @property
    def needed(self) -> Schema:
        """The raw columns that a file to score must have."""
        return self.features if self.inputs is None else self.inputs

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        target = Schema.from_dict({"columns": [data["target_column"]]}).columns[0]
        rest = {k: v for k, v in data.items() if k not in ("features", "inputs", "target_column", "classes")}
        return cls(
            **rest,
            features=Schema.from_dict(data["features"]),
            # Models of before there were recipes have no inputs.
            inputs=Schema.from_dict(data["inputs"]) if data.get("inputs") else None,
            target_column=target,
            classes=tuple(data["classes"]),
        )

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
        Which of `core.baselines.BASELINES` it is; None for a model of the AutoML.
    has_files : bool
        Whether its MOJO and native binary are stored, so that it can score and be explained.
    version : int or None
        Registered version; None when it is not registered.
    is_champion : bool
        Whether the alias ``champion`` points to it.
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
    training_time_s: float | None = None
    predict_time_per_row_s: float | None = None

    @property
    def uri(self) -> str:
        """The URI that names this model for ever."""
        return f"models:/{self.id}"


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """One run, from the queue to its end.

    Attributes
    ----------
    progress : float
        0 to 1, the engine's own.
    stage : str
        What is being done, in words.
    error : mapping or None
        ``code``, ``message``, ``hint`` of a failed run.
    explanations : str
        ``""`` (not begun), ``"computing"``, ``"done"`` or ``"failed: reason"``.
    """

    run_id: str
    name: str
    experiment: str
    status: RunStatus
    settings: TrainingSettings
    dataset_name: str
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    person: str = ""
    n_models: int = 0
    leader_id: str | None = None
    progress: float = 0.0
    stage: str = ""
    error: Mapping[str, str] | None = None
    explanations: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to the run's models."""
        return self.status in FINAL_STATUSES


# --- what the engine takes and reports -------------------------------------------------------------------------------


@dataclass(frozen=True)
class EngineStatus:
    """Where the engine stands: ``state`` is stopped, starting, ready or failed; ``detail`` says why in words."""

    state: Literal["stopped", "starting", "ready", "failed"]
    detail: str = ""


@dataclass(frozen=True)
class AutoMLJob:
    """A started AutoML: enough to ask for it again, also from another process.

    Attributes
    ----------
    cluster : str
        Name of the engine it runs in; another name means that engine is gone.
    blending_frame : str or None
        Key of the frame that the ensembles are fitted on.
    """

    cluster: str
    job_key: str
    dest_key: str
    project: str
    training_frame: str
    holdout_frame: str | None = None
    blending_frame: str | None = None

    def to_json(self) -> str:
        """Return it as JSON; `from_json` reads it back."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class AutoMLState:
    """A look at a running AutoML.

    Attributes
    ----------
    status : str
        ``running``, ``done``, ``cancelled`` or ``failed``.
    progress : float
        0 to 1.
    models : tuple of str
        Keys of the finished models, best first.
    events : tuple of (datetime-like str, str, str)
        Time of day (UTC), stage and message, oldest first, without debug entries.
    error : str
        The engine's own reason when it failed.
    looked_at : float
        When models and events were asked for, by the monotonic clock.
    """

    status: Literal["running", "done", "cancelled", "failed"]
    progress: float
    message: str
    models: tuple[str, ...]
    events: tuple[tuple[str, str, str], ...]
    error: str = ""
    looked_at: float = field(default=0.0, compare=False)


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
    base_models : tuple of str
        An ensemble's members.
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
    base_models: tuple[str, ...] = ()
    training_time_s: float | None = None
    member_weights: tuple[tuple[str, float], ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    cv_threshold: float | None = None
