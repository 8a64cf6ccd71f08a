"""What a run will do, decided and checked before anything starts: rows, features, classes, frames."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.datasets.opened import OpenedDataset
from core.data.datasets.registry import Datasets
from core.data.tables.schema import as_category, check_target, guess_id_column, guess_positive, guess_task
from core.domain.aliases import Aliases, choose_aliases
from core.domain.columns import Column, Schema
from core.domain.datasets import Dataset
from core.domain.training import TrainingSettings
from core.errors import TargetError, TrainingSettingsError
from core.features.features import fit_target, read_target, split_recipe
from core.recipes.recipe import FittedRecipe, Recipe
from core.settings import Settings
from core.training.plan.features import check_features, check_variation, choose_features
from core.training.plan.in_time import within_time
from core.training.plan.options import (
    DISTRIBUTIONS,
    MAX_FOLDS,
    MAX_MODELS,
    SORT_METRICS,
    SPLITS,
    STOPPING_METRICS,
    algorithms,
    check_settings,
    resolve,
    unable,
)
from core.training.plan.roles import (
    Roles,
    check_classes,
    check_distribution,
    check_factors,
    check_fold_classes,
    check_roles,
    hold_out,
    make_folds,
    read_roles,
    role_columns,
)
from core.training.plan.steps import no_model_error, read_modeling_plan

__all__ = [
    "DISTRIBUTIONS", "FOLD_COLUMN", "MAX_FOLDS", "MAX_MODELS", "SORT_METRICS", "SPLITS", "STOPPING_METRICS", "Plan",
    "algorithms", "check_settings", "class_counts", "make_plan", "no_model_error", "propose", "read_modeling_plan",
    "resolve", "role_columns",
    "target_column", "unable",
]  # fmt: skip

FOLD_COLUMN = "bellwether_fold"


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
    settings : TrainingSettings
        As they are trained, which may exclude an algorithm that the ones asked for leave no use (`resolve`).
    train_rows, holdout_rows, blending_rows : ndarray of int64
        Row numbers in the dataset, ascending. Rows without a target or with a weight of 0 are in none of them. The
        blending rows are set aside for fitting the ensembles.
    folds, blending_folds : ndarray of int64 or None
        The fold of each training row and of each row for blending, from 0; None when the engine takes every n-th row.
    fold_column : str or None
        What the folds are called in the engine's frame; None without `folds`.
    dropped_rows : int
        Rows left out because their target is missing or their weight is 0.
    recipe, target_recipe : FittedRecipe or None
        Fitted on the training rows only: what makes the features, and what changes the target's type.
    """

    settings: TrainingSettings
    data: OpenedDataset
    features: Schema
    target: Column
    classes: tuple[str, ...]
    id_column: str | None
    train_rows: np.ndarray
    holdout_rows: np.ndarray
    dropped_rows: int
    blending_rows: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    folds: np.ndarray | None = None
    blending_folds: np.ndarray | None = None
    fold_column: str | None = None
    recipe: FittedRecipe | None = None
    target_recipe: FittedRecipe | None = None

    @cached_property
    def target_sd(self) -> float | None:
        """Standard deviation of the training rows' target; None for classes."""
        if self.target.type != "numeric":
            return None
        values = read_target(self.data, self.target, self.target_recipe).take(pa.array(self.train_rows))
        return pc.stddev(values).as_py()  # type: ignore[no-any-return]

    @property
    def dataset(self) -> Dataset:
        """The dataset's description."""
        return self.data.about

    @cached_property
    def aliases(self) -> Aliases:
        """What the engine calls differently."""
        others = (name for name in (self.settings.weights_column,) if name)
        return choose_aliases(self.features, self.target, others)

    @property
    def engine_classes(self) -> tuple[str, ...]:
        """The classes in the order of the engine's frame: two as they were put there, more by the engine's names."""
        return self.aliases.in_frame(self.classes) if self.settings.task == "multiclass" else self.classes

    @property
    def renamed(self) -> tuple[tuple[str, str], ...]:
        """The columns that a file to score may have whose names were changed when the data was read, by these names."""
        known = {*self.inputs.names, self.target.name, self.id_column}
        return tuple(pair for pair in self.dataset.renamed if pair[1] in known)

    @property
    def inputs(self) -> Schema:
        """The raw columns that the features are made of."""
        return self.recipe.inputs if self.recipe else self.features


def propose(
    data: OpenedDataset, target: str, *, experiment: str, recipe: dict[str, Any] | None = None
) -> TrainingSettings:
    """Return the settings that a first run on this target would use: task and positive class guessed.

    Raises
    ------
    TargetError
        If the target is not a column that can be learned.
    RecipeError
        If the recipe cannot be read, or does not fit the target.
    """
    column, values = target_column(data, target, recipe)
    guess = guess_task(column, values)
    positive = _guess_positive(values) if guess.task == "binary" else None
    return TrainingSettings(
        dataset_id=data.about.id,
        target=target,
        experiment=experiment,
        task=guess.task,
        positive=positive,
        recipe=recipe,
    )


def target_column(
    data: OpenedDataset, target: str, recipe: dict[str, Any] | None = None
) -> tuple[Column, pa.ChunkedArray]:
    """Return the target and its values, of the type that the recipe gives it where it has such a step.

    Raises
    ------
    TargetError
        If the dataset has no such column.
    RecipeError
        If the recipe cannot be read, or does more to the target than change its type.
    """
    column = _target_column(data.about, target)
    return _as_learned(column, data.typed([target])[target], recipe)


def _as_learned(
    column: Column, values: pa.ChunkedArray, recipe: dict[str, Any] | None
) -> tuple[Column, pa.ChunkedArray]:
    on_target, _ = split_recipe(Recipe.from_dict(recipe), column.name) if recipe else (Recipe(), None)
    fitted = fit_target(values, column, on_target)
    if fitted is None:
        return column, values
    return fitted.schema[column.name], fitted.transform(pa.table({column.name: values}))[column.name]


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

    Raises
    ------
    TargetError
        If the target is not there, constant, all missing, text, an id, or has a class of one row.
    TrainingSettingsError
        If an option is out of range, does not go with another or with the data, or leaves nothing to learn from.
    RecipeError
        If the recipe cannot be read, or one of its steps does not fit the training rows.
    """
    check_settings(settings, limits)
    data = datasets.open(settings.dataset_id)
    settings = within_time(resolve(settings), data.about, limits.engine_threads)
    column, schema = _target_column(data.about, settings.target), data.about.schema
    typed = data.typed()  # the one time that the dataset is read
    column, values = _as_learned(column, typed[settings.target], settings.recipe)
    check_target(column, values, settings.task)
    check_roles(schema, settings)
    check_distribution(values, settings)
    classes: tuple[str, ...] = ()
    labels = values
    if settings.task != "regression":
        labels = as_category(values)
        classes = _ordered_classes(class_counts(values), settings)
    check_factors(classes, settings)
    roles = read_roles(typed, labels, settings)
    training, holdout, blending = _split(roles, classes, settings)
    plan = Plan(
        settings=settings,
        data=data,
        features=Schema(()),
        target=Column(
            settings.target, "numeric" if settings.task == "regression" else "category", levels=classes or None
        ),
        classes=classes,
        id_column=guess_id_column(schema, typed),
        train_rows=training.rows,
        holdout_rows=holdout.rows,
        blending_rows=blending.rows,
        dropped_rows=typed.num_rows - len(roles.rows),
    )
    chosen = choose_features(schema, typed, settings, training.rows, (column, values))
    check_features(chosen.features, settings)
    check_variation(chosen, typed)
    plan = replace(
        plan,
        features=chosen.features,
        train_rows=chosen.rows,
        recipe=chosen.recipe,
        target_recipe=chosen.target_recipe,
    )
    plan = _with_folds(plan, training, blending)
    if plan.dataset.remote:
        _check_remote(plan)
    return plan


def _check_remote(plan: Plan) -> None:
    """Refuse what needs rows here that are in the cluster only."""
    dates = [column.name for column in plan.features.columns if column.type == "date"]
    faults = {
        "A recipe": plan.settings.recipe is not None,
        "A split or folds by a column": plan.settings.split != "random" or plan.settings.fold_column is not None,
        "Training without a holdout": not len(plan.holdout_rows),
        "A blending frame": len(plan.blending_rows) > 0,
        "Learning from dates": bool(dates),
        "A class with a name that H2O uses itself": bool(plan.aliases.classes),
    }
    for what, is_so in faults.items():
        if is_so:
            raise TrainingSettingsError(
                f"{what} cannot be had for data that stays with the cluster.",
                hint="Change that option, or add a file of the data that you need instead.",
                code="cluster.training",
            )


def _split(roles: Roles, classes: tuple[str, ...], settings: TrainingSettings) -> tuple[Roles, Roles, Roles]:
    """Part the rows into those to train with, to hold out, and to fit ensembles on."""
    names = sorted(classes)
    held_out = hold_out(roles, settings, settings.holdout_share, what="holdout")
    holdout, rest = roles.take(held_out), roles.take(~held_out)
    if held_out.any():
        check_classes(holdout, names, part="holdout", least=1)
    blended = hold_out(rest, settings, settings.blending_share, what="blending")
    blending, training = rest.take(blended), rest.take(~blended)
    if blended.any():
        check_classes(blending, names, part="rows for blending", least=1)
    check_classes(training, names, part="training part", least=2)
    return training, holdout, blending


def _with_folds(plan: Plan, training: Roles, blending: Roles) -> Plan:
    """Add the folds of the rows that the recipe has left, and of those for blending."""
    kept = training.take(np.searchsorted(training.rows, plan.train_rows))
    folds = _folds(kept, plan)
    if folds is None:
        return plan
    # The ensembles are judged in folds of their own rows.
    blending_folds = _folds(blending, plan) if len(blending.rows) else None
    taken = {*plan.features.names, plan.target.name, plan.settings.weights_column}
    name = FOLD_COLUMN
    while name in taken:
        name += "_"
    return replace(plan, folds=folds, blending_folds=blending_folds, fold_column=name)


def _folds(roles: Roles, plan: Plan) -> np.ndarray | None:
    folds = make_folds(roles, plan.settings)
    if folds is not None:
        check_fold_classes(roles, folds, sorted(plan.classes))
    return folds


def _target_column(dataset: Dataset, target: str) -> Column:
    if target not in dataset.schema:
        raise TargetError(
            f"The dataset has no column {target!r}.", hint="Choose one of its columns.", code="target.missing"
        )
    return dataset.schema[target]


def _ordered_classes(counts: dict[str, int], settings: TrainingSettings) -> tuple[str, ...]:
    if settings.task == "multiclass":
        return tuple(counts)
    positive = settings.positive or guess_positive(tuple(counts), counts)
    if positive not in counts:
        raise TrainingSettingsError(
            f"The positive class {positive!r} does not occur in the target.", hint=f"Use one of {', '.join(counts)}."
        )
    return (*(name for name in counts if name != positive), positive)
