"""What a run will do, decided and checked before anything starts: rows, features, classes, frames."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.config import Settings
from core.datasets import Datasets
from core.errors import RecipeError, TargetError, TrainingSettingsError
from core.features import fit_target, split_recipe
from core.recipe import FittedRecipe, Recipe, fit_rows
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
    recipe, target_recipe : FittedRecipe or None
        Fitted on the training rows only: what makes the features, and what changes the target's type.
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
    recipe: FittedRecipe | None = None
    target_recipe: FittedRecipe | None = None

    @property
    def inputs(self) -> Schema:
        """The raw columns that the features are made of."""
        return self.recipe.inputs if self.recipe else self.features


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


def propose(
    dataset: Dataset, datasets: Datasets, target: str, *, experiment: str, recipe: dict[str, Any] | None = None
) -> TrainingSettings:
    """Return the settings that a first run on this target would use: task and positive class guessed.

    Raises
    ------
    TargetError
        If the target is not a column that can be learned.
    RecipeError
        If the recipe cannot be read, or does not fit the target.
    """
    column, values = target_column(dataset, datasets, target, recipe)
    guess = guess_task(column, values)
    positive = _guess_positive(values) if guess.task == "binary" else None
    return TrainingSettings(
        dataset_id=dataset.id, target=target, experiment=experiment, task=guess.task, positive=positive, recipe=recipe
    )


def target_column(
    dataset: Dataset, datasets: Datasets, target: str, recipe: dict[str, Any] | None = None
) -> tuple[Column, pa.ChunkedArray]:
    """Return the target and its values, of the type that the recipe gives it where it has such a step.

    Raises
    ------
    TargetError
        If the dataset has no such column.
    RecipeError
        If the recipe cannot be read, or does more to the target than change its type.
    """
    column = _target_column(dataset, target)
    values = datasets.typed(dataset.id, [target])[target]
    on_target, _ = split_recipe(Recipe.from_dict(recipe), target) if recipe else (Recipe(), None)
    fitted = fit_target(values, column, on_target)
    if fitted is None:
        return column, values
    return fitted.schema[target], fitted.transform(pa.table({target: values}))[target]


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
    RecipeError
        If the recipe cannot be read, or one of its steps does not fit the training rows.
    """
    check_settings(settings, limits)
    dataset = datasets.get(settings.dataset_id)
    column, values = target_column(dataset, datasets, settings.target, settings.recipe)
    check_target(column, values, settings.task)
    classes: tuple[str, ...] = ()
    labels = values
    if settings.task != "regression":
        labels = as_category(values)
        classes = _ordered_classes(class_counts(values), settings)
    present = np.flatnonzero(labels.is_valid().to_numpy())
    held_out = _holdout_positions(labels.take(pa.array(present)), settings)
    plan = Plan(
        settings=settings,
        dataset=dataset,
        features=Schema(()),
        target=Column(
            settings.target, "numeric" if settings.task == "regression" else "category", levels=classes or None
        ),
        classes=classes,
        id_column=guess_id_column(dataset.schema, datasets.typed(dataset.id)),
        train_rows=present[~held_out],
        holdout_rows=present[held_out],
        dropped_rows=dataset.n_rows - len(present),
    )
    if settings.recipe is not None:
        return _with_recipe(plan, Recipe.from_dict(settings.recipe), datasets, column, values)
    names = _feature_names(dataset.schema, settings)
    return replace(plan, features=with_levels(dataset.schema.select(names), datasets.typed(dataset.id, names)))


def _with_recipe(plan: Plan, recipe: Recipe, datasets: Datasets, target: Column, values: pa.ChunkedArray) -> Plan:
    """Fit the recipe on the training rows, and on no other, and take the features from what comes out of it."""
    raw = plan.dataset.schema
    on_target, on_features = split_recipe(recipe, target.name)
    original = datasets.typed(plan.dataset.id, [target.name])[target.name]
    rows = datasets.typed(plan.dataset.id).take(pa.array(plan.train_rows))
    others = Schema(tuple(column for column in raw.columns if column.name != target.name))
    fitted = fit_rows(on_features, rows, others, beside=raw.select([target.name]))
    if target.name in fitted.recipe.schema:
        raise RecipeError(
            f"The recipe makes a column that is called like the target {target.name!r}.",
            hint="Give that column another name.",
            code="recipe.target",
        )
    if len(fitted.rows) < len(plan.train_rows):
        # Without its duplicates a class may be a single row.
        check_target(target, values.take(pa.array(plan.train_rows[fitted.rows])), plan.settings.task)
    names = _prepared_names(fitted.recipe, raw, plan.settings)
    made = fitted.recipe.narrowed(names)
    return replace(
        plan,
        features=made.schema,
        train_rows=plan.train_rows[fitted.rows],
        recipe=made,
        target_recipe=fit_target(original, raw[target.name], on_target),
    )


def _prepared_names(recipe: FittedRecipe, raw: Schema, settings: TrainingSettings) -> tuple[str, ...]:
    """Return the columns to learn from: an ignored raw column leaves out all that the recipe made of it."""
    left_out: set[str] = set()
    for name in settings.ignored:
        if name in recipe.schema:
            left_out.add(name)
        elif name in raw:
            left_out |= {made for made, origins in recipe.origins.items() if name in origins}
        else:
            raise _unknown_ignored(name)
    return _learnable(recipe.schema, left_out)


def _target_column(dataset: Dataset, target: str) -> Column:
    if target not in dataset.schema:
        raise TargetError(
            f"The dataset has no column {target!r}.", hint="Choose one of its columns.", code="target.missing"
        )
    return dataset.schema[target]


def _feature_names(schema: Schema, settings: TrainingSettings) -> tuple[str, ...]:
    unknown = [name for name in settings.ignored if name not in schema]
    if unknown:
        raise _unknown_ignored(unknown[0])
    return _learnable(schema, {settings.target, *settings.ignored})


def _unknown_ignored(name: str) -> TrainingSettingsError:
    return TrainingSettingsError(f"The ignored column {name!r} is not in the dataset.", hint="Remove it from the list.")


def _learnable(schema: Schema, left_out: set[str]) -> tuple[str, ...]:
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
