"""What a run will do, decided and checked before anything starts: rows, features, classes, frames."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.config import Settings
from core.datasets import Datasets
from core.errors import TargetError, TrainingSettingsError
from core.schema import as_category, check_target, guess_id_column, guess_positive, guess_task, with_levels
from core.types import ALGORITHMS, FEATURE_TYPES, TASKS, Column, Dataset, Schema, Task, TrainingSettings

SORT_METRICS: dict[Task, tuple[str, ...]] = {
    "binary": ("AUTO", "auc", "logloss", "aucpr", "mean_per_class_error", "rmse", "mse"),
    "multiclass": ("AUTO", "mean_per_class_error", "logloss", "rmse", "mse"),
    "regression": ("AUTO", "deviance", "rmse", "mse", "mae", "rmsle"),
}
MAX_MODELS = 1000
MAX_FOLDS = 20
_EXPERIMENT_NAME = re.compile(r"^[^/:.\s][^/:\n\r\t]{0,119}$")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A checked run: which rows train, which are held out, what each column is.

    Attributes
    ----------
    features : Schema
        Columns to learn from, with the levels of category columns.
    target : Column
        The target as the engine gets it: numeric for regression, category otherwise.
    classes : tuple of str
        Classes with the negative one first for a binary task; empty for regression.
    train_rows, holdout_rows : ndarray of int64
        Row numbers in the dataset, ascending. Rows without a target are in neither.
    dropped_rows : int
        Rows left out because their target is missing.
    """

    settings: TrainingSettings
    dataset: Dataset
    features: Schema
    target: Column
    classes: tuple[str, ...]
    id_column: str | None
    train_rows: np.ndarray
    holdout_rows: np.ndarray
    dropped_rows: int


def check_settings(settings: TrainingSettings, limits: Settings) -> None:
    """Check every option that can be checked without looking at the data.

    Raises
    ------
    TrainingSettingsError
        Naming the option that is out of range, or the two that do not go together.
    """
    s = settings
    rules: tuple[tuple[bool, str, str], ...] = (
        (s.task in TASKS, f"Task {s.task!r} is unknown.", f"Use one of {', '.join(TASKS)}."),
        (
            bool(_EXPERIMENT_NAME.match(s.experiment)),
            f"{s.experiment!r} cannot be the name of an experiment.",
            "Use up to 120 characters without / or :, not beginning with a dot or space.",
        ),
        (0 <= s.max_models <= MAX_MODELS, f"max_models is {s.max_models}.", f"Use 0 (no limit) to {MAX_MODELS}."),
        (
            0 <= s.max_runtime_secs <= limits.max_runtime_cap_s,
            f"max_runtime_secs is {s.max_runtime_secs}.",
            f"Use 0 (no limit) to {limits.max_runtime_cap_s}; BELLWETHER_MAX_RUNTIME raises the limit.",
        ),
        (
            s.max_models > 0 or s.max_runtime_secs > 0,
            "Neither max_models nor max_runtime_secs limits this run.",
            "Give at least one of the two.",
        ),
        (2 <= s.nfolds <= MAX_FOLDS, f"nfolds is {s.nfolds}.", f"Use 2 to {MAX_FOLDS}; every metric needs its origin."),
        (0 <= s.holdout_share <= 0.5, f"The holdout share is {s.holdout_share}.", "Use 0 (none) to 0.5."),
        (0 <= s.seed < 2**31, f"The seed is {s.seed}.", "Use a whole number from 0 to 2147483647."),
        (
            not (s.include_algos and s.exclude_algos),
            "Algorithms are both included and excluded.",
            "Give only one of the two lists.",
        ),
        (set(s.exclude_algos) != set(ALGORITHMS), "Every algorithm is excluded.", "Leave at least one."),
        (
            set(s.include_algos) != {"StackedEnsemble"},
            "A stacked ensemble has nothing to stack.",
            "Include at least one other algorithm.",
        ),
        (
            not (s.balance_classes and s.task == "regression"),
            "A regression has no classes to balance.",
            "Switch balance_classes off.",
        ),
    )
    for holds, message, hint in rules:
        if not holds:
            raise TrainingSettingsError(message, hint=hint)
    _check_names(s)


def _check_names(s: TrainingSettings) -> None:
    unknown = [name for name in (*s.include_algos, *s.exclude_algos) if name not in ALGORITHMS]
    if unknown:
        raise TrainingSettingsError(
            f"Algorithm {unknown[0]!r} is unknown.", hint=f"Use some of {', '.join(ALGORITHMS)} (XRT belongs to DRF)."
        )
    if s.sort_metric not in SORT_METRICS[s.task]:
        raise TrainingSettingsError(
            f"A {s.task} run cannot be sorted by {s.sort_metric!r}.",
            hint=f"Use one of {', '.join(SORT_METRICS[s.task])}.",
        )


def propose(dataset: Dataset, datasets: Datasets, target: str, *, experiment: str) -> TrainingSettings:
    """Return the settings that a first run on this target would use: task and positive class guessed.

    Raises
    ------
    TargetError
        If the target is not a column that can be learned.
    """
    column = _target_column(dataset, target)
    values = datasets.typed(dataset.id, [target])[target]
    guess = guess_task(column, values)
    positive = _guess_positive(values) if guess.task == "binary" else None
    return TrainingSettings(
        dataset_id=dataset.id, target=target, experiment=experiment, task=guess.task, positive=positive
    )


def _guess_positive(values: pa.ChunkedArray) -> str | None:
    counts = class_counts(values)
    return guess_positive(tuple(counts), counts) if len(counts) == 2 else None


def class_counts(values: pa.ChunkedArray) -> dict[str, int]:
    """Count the classes of a target, missing ones left out, sorted by class."""
    counted = pc.value_counts(as_category(values).drop_null())
    pairs = {str(item["values"]): int(item["counts"]) for item in counted.to_pylist()}
    return dict(sorted(pairs.items()))


def make_plan(settings: TrainingSettings, datasets: Datasets, limits: Settings) -> Plan:
    """Check the settings against the data and decide what the run will do.

    Parameters
    ----------
    settings : TrainingSettings
        As asked for; `positive` may be None, then it is guessed.
    datasets : Datasets
        The registry that holds the dataset.
    limits : Settings
        Limits of this installation.

    Raises
    ------
    DatasetNotFoundError
        If the dataset is gone.
    TargetError
        If the target is not there, constant, all missing, text, an id, or has a class of one row.
    TrainingSettingsError
        If an option is out of range or leaves nothing to learn from.
    """
    check_settings(settings, limits)
    dataset = datasets.get(settings.dataset_id)
    column = _target_column(dataset, settings.target)
    values = datasets.typed(dataset.id, [settings.target])[settings.target]
    check_target(column, values, settings.task)
    names = _feature_names(dataset.schema, settings)
    typed = datasets.typed(dataset.id, [*names, settings.target])
    classes: tuple[str, ...] = ()
    labels = values
    if settings.task != "regression":
        labels = as_category(values)
        classes = _ordered_classes(class_counts(values), settings)
    present = np.flatnonzero(labels.is_valid().to_numpy())
    held_out = _holdout_positions(labels.take(pa.array(present)), settings)
    return Plan(
        settings=settings,
        dataset=dataset,
        features=with_levels(dataset.schema.select(names), typed),
        target=Column(
            settings.target, "numeric" if settings.task == "regression" else "category", levels=classes or None
        ),
        classes=classes,
        id_column=guess_id_column(dataset.schema, datasets.typed(dataset.id)),
        train_rows=present[~held_out],
        holdout_rows=present[held_out],
        dropped_rows=dataset.n_rows - len(present),
    )


def _target_column(dataset: Dataset, target: str) -> Column:
    if target not in dataset.schema:
        raise TargetError(
            f"The dataset has no column {target!r}.", hint="Choose one of its columns.", code="target.missing"
        )
    return dataset.schema[target]


def _feature_names(schema: Schema, settings: TrainingSettings) -> tuple[str, ...]:
    unknown = [name for name in settings.ignored if name not in schema]
    if unknown:
        raise TrainingSettingsError(
            f"The ignored column {unknown[0]!r} is not in the dataset.", hint="Remove it from the list."
        )
    left_out = {settings.target, *settings.ignored}
    names = tuple(c.name for c in schema.columns if c.name not in left_out and c.type in FEATURE_TYPES)
    if not names:
        raise TrainingSettingsError(
            "No column is left to learn from.", hint="Ignore fewer columns, or change the type of a text or id column."
        )
    return names


def _ordered_classes(counts: dict[str, int], settings: TrainingSettings) -> tuple[str, ...]:
    if settings.task == "multiclass":
        return tuple(counts)
    positive = settings.positive or guess_positive(tuple(counts), counts)
    if positive not in counts:
        raise TrainingSettingsError(
            f"The positive class {positive!r} does not occur in the target.", hint=f"Use one of {', '.join(counts)}."
        )
    return (*(name for name in counts if name != positive), positive)


def _holdout_positions(labels: pa.ChunkedArray, settings: TrainingSettings) -> np.ndarray:
    """Mark the rows to hold out: a random share of each class, of all rows for regression."""
    held_out = np.zeros(len(labels), dtype=bool)
    if settings.holdout_share == 0:
        return held_out
    random = np.random.default_rng(settings.seed)
    groups: Sequence[np.ndarray] = [np.arange(len(labels))]
    if settings.task != "regression":
        codes = labels.combine_chunks().dictionary_encode().indices.to_numpy()
        groups = [np.flatnonzero(codes == code) for code in range(int(codes.max()) + 1)]
    for rows in groups:
        size = round(len(rows) * settings.holdout_share)
        held_out[random.permutation(rows)[: max(0, min(size, len(rows) - 2))]] = True
    if not held_out.any():
        raise TrainingSettingsError(
            "The holdout share leaves no row to hold out.", hint="Use a larger share, or 0 for no holdout."
        )
    return held_out
