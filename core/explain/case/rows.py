"""Single rows of the data, with the columns as a person gave them: read, picked for being telling, or typed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from core.data.datasets.registry import Datasets
from core.data.tables.schema import apply_schema
from core.domain.columns import Column, Schema
from core.domain.models import ORIGIN_NAMES, ModelSpec
from core.errors import DataError
from core.explain.sample import choose_rows
from core.features.features import read_fitted, read_target
from core.metrics.predictions import Predictions
from core.metrics.ranking import FloatArray, IntArray
from core.models.opened import StoredModel

Cell = float | int | str | datetime | None
Values = Mapping[str, Cell]
_ARROW: Mapping[str, pa.DataType] = {"numeric": pa.float64(), "date": pa.timestamp("ms")}


@dataclass(frozen=True)
class RawRows:
    """Training rows as they are before any recipe.

    Attributes
    ----------
    table : Table of shape (n_rows, n_columns)
        The columns that a file to score must have, typed.
    target : tuple
        The known target of each row.
    numbers : ndarray of int64
        Place of each row in the dataset, from 0.
    """

    table: pa.Table
    schema: Schema
    target: tuple[Any, ...]
    numbers: IntArray


def draw_raw(datasets: Datasets, spec: ModelSpec, holdout_rows: IntArray) -> RawRows:
    """Draw the rows that `core.explain.sample.draw_sample` draws, before the recipe."""
    target, chosen = choose_rows(datasets, spec, holdout_rows)
    source = datasets.open(spec.dataset_id).source(spec.needed.names).take(pa.array(chosen))
    table = apply_schema(source, spec.needed)
    return RawRows(table, spec.needed, tuple(target.take(pa.array(chosen)).to_pylist()), chosen)


def read_row(datasets: Datasets, spec: ModelSpec, number: int) -> tuple[dict[str, Cell], Any]:
    """Return a row of the model's dataset and its target, None where it is missing.

    Parameters
    ----------
    number : int
        From 0.

    Raises
    ------
    DataError
        If it has no such row.
    """
    data = datasets.open(spec.dataset_id)
    n_rows = data.about.n_rows
    if not 0 <= number < n_rows:
        raise DataError(
            f"There is no row {number + 1:,}; the data has {n_rows:,}.",
            hint=f"Choose a number from 1 to {n_rows:,}.",
            code="explanation.no_row",
        )
    source = data.source(spec.needed.names).slice(number, 1)
    column = Column(spec.target, "numeric" if spec.task == "regression" else "category")
    target = read_target(data, column, read_fitted(spec.target_recipe))
    return apply_schema(source, spec.needed).to_pylist()[0], target[number].as_py()


def to_table(rows: Sequence[Values], schema: Schema) -> pa.Table:
    """Return rows as a table that scoring takes; a column that a row lacks is missing there."""
    return pa.table(
        {
            column.name: pa.array([row.get(column.name) for row in rows], _ARROW.get(column.type, pa.string()))
            for column in schema.columns
        }
    )


def typical(raw: RawRows) -> dict[str, Cell]:
    """Return a row of what is usual: the median (a value that occurs) of each number and date, the commonest level."""
    found: dict[str, Cell] = {}
    for column in raw.schema.columns:
        known = raw.table[column.name].drop_null().to_pylist()
        if not known:
            found[column.name] = None
        elif column.type in ("numeric", "date"):
            found[column.name] = sorted(known)[len(known) // 2]
        else:
            values, counts = np.unique(np.array(known, dtype=object), return_counts=True)
            found[column.name] = str(values[int(np.argmax(counts))])
    return found


@dataclass(frozen=True)
class Pick:
    """A row worth a look.

    Attributes
    ----------
    number : int
        Place in the dataset, from 0.
    """

    words: str
    number: int


def pick_rows(model: StoredModel) -> tuple[Pick, ...]:
    """Return telling rows from the predictions that a model is held to; empty when none are stored."""
    found = model.promised()
    if found is None:
        return ()
    return tuple(
        Pick(f"{words} ({ORIGIN_NAMES[found.origin]})", int(found.rows[place]))
        for words, place in telling(found, model.spec.threshold)
    )


def telling(predictions: Predictions, threshold: float | None) -> list[tuple[str, int]]:
    """Return words and places of telling rows of stored predictions."""
    if predictions.task == "regression":
        return _telling_numbers(predictions.actual, predictions.predicted)
    if predictions.task == "binary":
        return _telling_binary(predictions, 0.5 if threshold is None else threshold)
    ordered = np.sort(predictions.probabilities, axis=1)
    likeliest, second = ordered[:, -1], ordered[:, -2]
    wrong = predictions.decided(None) != predictions.codes
    found = [("the surest", int(likeliest.argmax()))]
    if wrong.any():
        found.append(("the surest mistake", int(np.where(wrong, likeliest, -1).argmax())))
    return [*found, ("the least sure", int((likeliest - second).argmin()))]


def _telling_binary(predictions: Predictions, threshold: float) -> list[tuple[str, int]]:
    positive = str(predictions.positive)
    negative = next(name for name in predictions.classes if name != positive)
    truth, p = predictions.is_class(positive), predictions.probability(positive)
    found = [
        (f"the highest probability of {positive}", int(p.argmax())),
        (f"the lowest probability of {positive}", int(p.argmin())),
        ("the closest to the threshold", int(np.abs(p - threshold).argmin())),
    ]
    wrong_yes, wrong_no = ~truth & (p >= threshold), truth & (p < threshold)
    if wrong_yes.any():
        found.append(
            (f"the highest probability of {positive} that was {negative}", int(np.where(wrong_yes, p, -1).argmax()))
        )
    if wrong_no.any():
        found.append(
            (f"the lowest probability of {positive} that was {positive}", int(np.where(wrong_no, p, 2).argmin()))
        )
    return found


def _telling_numbers(actual: FloatArray, predicted: FloatArray) -> list[tuple[str, int]]:
    order = np.argsort(predicted, kind="stable")
    return [
        ("the highest prediction", int(order[-1])),
        ("the lowest prediction", int(order[0])),
        ("the middle prediction", int(order[len(order) // 2])),
        ("the largest error", int(np.abs(actual - predicted).argmax())),
    ]
