"""The columns that a run learns from, raw or made by a recipe that is fitted on the training rows."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.data.tables.schema import check_target, with_levels
from core.domain.columns import FEATURE_TYPES, Column, Schema
from core.domain.training import TrainingSettings
from core.errors import RecipeError, TrainingSettingsError
from core.features.features import fit_target, split_recipe
from core.recipes.recipe import FittedRecipe, Recipe, fit_rows
from core.training.plan.roles import role_columns


@dataclass(frozen=True)
class Chosen:
    """The features, the rows that are left to train with, and what makes the one of the other."""

    features: Schema
    rows: np.ndarray
    recipe: FittedRecipe | None = None
    target_recipe: FittedRecipe | None = None


def choose_features(
    raw: Schema,
    typed: pa.Table,
    settings: TrainingSettings,
    rows: np.ndarray,
    target: tuple[Column, pa.ChunkedArray],
) -> Chosen:
    """Fit the recipe on the training rows, and on no other, and take the features from what comes out of it.

    Parameters
    ----------
    raw : Schema
        The columns of the dataset.
    typed : Table of shape (n_rows, n_columns)
        All of them, as their types.
    rows : ndarray of int64
        The training rows, of which the recipe may drop some.
    target : (Column, ChunkedArray)
        As the run learns it, with the values of all rows.

    Raises
    ------
    RecipeError
        If the recipe cannot be read, or one of its steps does not fit.
    TargetError
        If the rows that are left cannot be learned.
    TrainingSettingsError
        If an ignored column is unknown, or no feature is left.
    """
    if settings.recipe is None:
        names = _feature_names(raw, settings)
        return Chosen(with_levels(raw.select(names), typed), rows)
    column, values = target
    on_target, on_features = split_recipe(Recipe.from_dict(settings.recipe), column.name)
    others = Schema(tuple(other for other in raw.columns if other.name != column.name))
    fitted = fit_rows(on_features, typed.take(pa.array(rows)), others, beside=raw.select([column.name]))
    if column.name in fitted.recipe.schema:
        raise RecipeError(
            f"The recipe makes a column with the same name as the target {column.name!r}.",
            hint="Give that column another name.",
            code="recipe.target",
        )
    kept = rows[fitted.rows]
    if len(kept) < len(rows):
        # Without its duplicates a class may be a single row.
        check_target(column, values.take(pa.array(kept)), settings.task)
    made = fitted.recipe.narrowed(_prepared_names(fitted.recipe, raw, settings))
    return Chosen(made.schema, kept, made, fit_target(typed[column.name], raw[column.name], on_target))


def check_variation(chosen: Chosen, typed: pa.Table) -> None:
    """Check that one of the features, or of the columns they are made of, has two values in the training rows.

    TrainingSettingsError if all are constant or empty.
    """
    inputs = chosen.recipe.inputs if chosen.recipe else chosen.features
    rows = pa.array(chosen.rows)
    for name in inputs.names:
        values = typed[name].take(rows).drop_null()
        # A look at the first value is enough for nearly every column.
        if len(values) and pc.any(pc.not_equal(values, values[0])).as_py():
            return
    raise TrainingSettingsError(
        "Every feature has only one value, or none, in the training rows: there is nothing to learn from.",
        hint="Ignore fewer columns, or use data in which they vary.",
    )


def check_features(features: Schema, settings: TrainingSettings) -> None:
    """Check what the options say about features.

    TrainingSettingsError if a constraint is on no feature or on a category, or a feature is called like the weights.
    """
    weights = settings.weights_column
    if weights in features:
        raise TrainingSettingsError(
            f"The recipe makes a feature with the same name as the weights {weights!r}.",
            hint="Give that column another name.",
        )
    for name in settings.monotone_constraints:
        if name not in features:
            raise TrainingSettingsError(
                f"The prediction should rise or fall with {name!r}, which is not a feature of this run.",
                hint="Take the constraint out, or let the column be learned from.",
            )
        if features[name].type == "category":
            raise TrainingSettingsError(
                f"The prediction cannot rise or fall with the category {name!r}: it has no order.",
                hint="Take the constraint out; only numbers and dates have an order.",
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
    for name in role_columns(settings):
        # A weekday made of the time is a feature; whatever is made of a weight, a fold or a group is none.
        is_time = settings.split == "time" and name == settings.split_column
        left_out |= {made for made, origins in recipe.origins.items() if name in origins and not is_time}
        if is_time and recipe.origins.get(name) == (name,):
            left_out.add(name)
    return _learnable(recipe.schema, left_out)


def _feature_names(schema: Schema, settings: TrainingSettings) -> tuple[str, ...]:
    unknown = [name for name in settings.ignored if name not in schema]
    if unknown:
        raise _unknown_ignored(unknown[0])
    return _learnable(schema, {settings.target, *settings.ignored, *role_columns(settings)})


def _unknown_ignored(name: str) -> TrainingSettingsError:
    return TrainingSettingsError(f"The ignored column {name!r} is not in the dataset.", hint="Remove it from the list.")


def _learnable(schema: Schema, left_out: set[str]) -> tuple[str, ...]:
    names = tuple(c.name for c in schema.columns if c.name not in left_out and c.type in FEATURE_TYPES)
    if not names:
        raise TrainingSettingsError(
            "No column is left to learn from.", hint="Ignore fewer columns, or change the type of a text or id column."
        )
    return names
