"""From raw columns to what the engine gets: one way for training, scoring and explaining, with or without a recipe."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from core.data.datasets.opened import OpenedDataset
from core.data.tables.roles import as_category
from core.domain.columns import Column, Schema
from core.errors import RecipeError
from core.recipes.recipe import Cast, DropDuplicates, FittedRecipe, MapLevels, Recipe, fit


def split_recipe(recipe: Recipe, target: str) -> tuple[Recipe, Recipe]:
    """Part a recipe into the steps on the target, which may change its type and its levels, and all the others.

    Parameters
    ----------
    recipe : Recipe
        As a person made it.

    Returns
    -------
    on_target, on_features : Recipe
        Both of as many steps as `recipe`, so that an error still names the right one; the others' are off.

    Raises
    ------
    RecipeError
        If any other step takes the target: it is not there when a file is scored.
    """
    on_target, on_features = [], []
    for place, step in enumerate(recipe.steps):
        is_on_target = step.on and target in step.reads() and not isinstance(step, DropDuplicates)
        if is_on_target and not isinstance(step, Cast | MapLevels):
            raise RecipeError(
                f"Step {place + 1} ({step.kind}) takes the target {target!r}, which a file to score does not have.",
                hint="Leave the target out of the step; only its type may be changed, and its levels replaced.",
                code="recipe.target",
                step=place,
            )
        on_target.append(step if is_on_target else step.switched(on=False))
        on_features.append(step.switched(on=False) if is_on_target else step)
    return recipe.with_steps(on_target), recipe.with_steps(on_features)


def fit_target(values: pa.ChunkedArray, column: Column, on_target: Recipe) -> FittedRecipe | None:
    """Fit the steps on the target; None when there is none (RecipeError if a step does not fit)."""
    if not any(step.on for step in on_target.steps):
        return None
    return fit(on_target, pa.table({column.name: values}), Schema((column,)))


def read_target(data: OpenedDataset, target: Column, recipe: FittedRecipe | None) -> pa.ChunkedArray:
    """Return the target of every row as the engine gets it: numbers for a regression, else the names of classes.

    Parameters
    ----------
    target : Column
        Numeric for a regression, category otherwise.

    Raises
    ------
    DatasetNotFoundError, DataError
        If the dataset or its column is gone.
    """
    typed = data.typed([target.name])
    values = (recipe.transform(typed) if recipe else typed)[target.name]
    return values if target.type == "numeric" else as_category(values)


def to_features(typed: pa.Table, recipe: FittedRecipe | None, features: Schema) -> tuple[pa.Table, tuple[str, ...]]:
    """Return the features of rows, and remarks on cells that the recipe could not use.

    Parameters
    ----------
    recipe : FittedRecipe or None
        None when the features are raw columns.
    """
    table, remarks = (typed, ()) if recipe is None else recipe.transform_counted(typed)
    return table.select(list(features.names)), remarks


def read_fitted(data: Mapping[str, Any] | None) -> FittedRecipe | None:
    """Return the fitted recipe of a model's spec, or None."""
    return None if data is None else FittedRecipe.from_dict(data)
