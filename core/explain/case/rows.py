"""Single rows of the data, with the columns as a person gave them: read, picked for being telling, or typed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.data.datasets.registry import Datasets
from core.data.tables.schema import apply_schema
from core.domain.columns import Column, Schema
from core.domain.models import ORIGIN_NAMES, ModelInfo, ModelSpec, Origin
from core.errors import DataError
from core.explain.sample import choose_rows
from core.features.features import read_fitted, read_target
from core.metrics.ranking import FloatArray, IntArray
from core.plain import from_json
from core.store.mlflow import Store

Cell = float | int | str | datetime | None
Values = Mapping[str, Cell]
_ARROW: Mapping[str, pa.DataType] = {"numeric": pa.float64(), "date": pa.timestamp("ms")}
_ORIGINS: tuple[Origin, ...] = ("holdout", "cv")


@dataclass(frozen=True)
class RawRows:
    """Training rows as they are before any recipe.

    Attributes
    ----------
    table : Table of shape (n_rows, n_columns)
        The columns that a file to score must have, typed.
    schema : Schema
        Of `table`.
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
    """Draw the rows that `core.explain.sample.draw_sample` draws, before the recipe.

    Raises
    ------
    DatasetNotFoundError
        If the dataset is gone.
    """
    target, chosen = choose_rows(datasets, spec, holdout_rows)
    source = datasets.source(spec.dataset_id, spec.needed.names).take(pa.array(chosen))
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
    DatasetNotFoundError
        If the dataset is gone.
    DataError
        If it has no such row.
    """
    n_rows = datasets.get(spec.dataset_id).n_rows
    if not 0 <= number < n_rows:
        raise DataError(
            f"There is no row {number + 1:,}; the data has {n_rows:,}.",
            hint=f"Choose a number from 1 to {n_rows:,}.",
            code="explanation.no_row",
        )
    source = datasets.source(spec.dataset_id, spec.needed.names).slice(number, 1)
    column = Column(spec.target, "numeric" if spec.task == "regression" else "category")
    target = read_target(datasets, spec.dataset_id, column, read_fitted(spec.target_recipe))
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
    words : str
        Why.
    number : int
        Place in the dataset, from 0.
    origin : Origin
        Which predictions were looked at.
    """

    words: str
    number: int
    origin: Origin


def pick_rows(store: Store, model: ModelInfo, spec: ModelSpec) -> tuple[Pick, ...]:
    """Return telling rows from the stored predictions, of the holdout where there is one; empty when none are stored.

    Raises
    ------
    StoreError
        If what is stored cannot be read.
    """
    files = store.artifacts(model.run_id)
    for origin in _ORIGINS:
        path = f"predictions/{model.model_key}/{origin}.parquet"
        if path in files:
            table = pq.read_table(store.artifact(model.run_id, path))
            return tuple(
                Pick(f"{words} ({ORIGIN_NAMES[origin]})", int(table["row"][place].as_py()), origin)
                for words, place in telling(table, spec)
            )
    return ()


def telling(table: pa.Table, spec: ModelSpec) -> list[tuple[str, int]]:
    """Return words and places of telling rows of stored predictions.

    Parameters
    ----------
    table : Table
        Columns `actual`, and ``p_<class>`` per class or `predicted`.
    """
    if spec.task == "regression":
        return _telling_numbers(table["actual"].to_numpy(), table["predicted"].to_numpy())
    actual = np.array(table["actual"].to_pylist(), dtype=object)
    if spec.task == "binary":
        return _telling_binary(actual == spec.positive, table[f"p_{spec.positive}"].to_numpy(), spec)
    p = np.column_stack([table[f"p_{name}"].to_numpy() for name in spec.classes])
    classes = np.array(spec.classes, dtype=object)
    likeliest, second = np.sort(p, axis=1)[:, -1], np.sort(p, axis=1)[:, -2]
    wrong = classes[p.argmax(axis=1)] != actual
    found = [("the surest", int(likeliest.argmax()))]
    if wrong.any():
        found.append(("the surest mistake", int(np.where(wrong, likeliest, -1).argmax())))
    return [*found, ("the least sure", int((likeliest - second).argmin()))]


def _telling_binary(truth: np.ndarray, p: FloatArray, spec: ModelSpec) -> list[tuple[str, int]]:
    cut = 0.5 if spec.threshold is None else spec.threshold
    negative = next(name for name in spec.classes if name != spec.positive)
    found = [
        (f"the surest {spec.positive}", int(p.argmax())),
        (f"the surest {negative}", int(p.argmin())),
        ("the closest to the threshold", int(np.abs(p - cut).argmin())),
    ]
    wrong_yes, wrong_no = ~truth & (p >= cut), truth & (p < cut)
    if wrong_yes.any():
        found.append((f"the surest {spec.positive} that was {negative}", int(np.where(wrong_yes, p, -1).argmax())))
    if wrong_no.any():
        found.append((f"the surest {negative} that was {spec.positive}", int(np.where(wrong_no, p, 2).argmin())))
    return found


def _telling_numbers(actual: FloatArray, predicted: FloatArray) -> list[tuple[str, int]]:
    order = np.argsort(predicted, kind="stable")
    return [
        ("the highest prediction", int(order[-1])),
        ("the lowest prediction", int(order[0])),
        ("the middle prediction", int(order[len(order) // 2])),
        ("the largest error", int(np.abs(actual - predicted).argmax())),
    ]


def open_spec(store: Store, model: ModelInfo) -> ModelSpec:
    """Return what is stored of how a model takes its rows.

    Raises
    ------
    ModelNotFoundError
        If the model's files were not kept.
    """
    path, _ = store.model_file(model.id, "spec.json")
    return from_json(ModelSpec, path.read_bytes())
