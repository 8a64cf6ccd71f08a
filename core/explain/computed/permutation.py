"""Permutation importance: how much worse a model is when a column's values stand in other rows."""

from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa

from core.domain.models import ModelSpec
from core.explain.computed.grids import Predict
from core.explain.sample import Sample
from core.metrics.ranking import FloatArray

MAX_CELLS: Final = 1_000_000  # scored rows: each column shuffled is one scoring of all rows
MIN_ROWS: Final = 1000
SHUFFLES: Final = 3
_SHUFFLED_CELLS: Final = 200_000  # as many are scored for more than one shuffle
_SEED: Final = 1
_LEAST: Final = 1e-15  # a probability of 0 for what happened would cost without end


def permutation_importance(predict: Predict, spec: ModelSpec, sample: Sample) -> tuple[Sample, dict[str, float]]:
    """Shuffle each column and measure by how much the loss grows, on few rows as the mean of several shuffles.

    Parameters
    ----------
    predict : callable
        Scores rows.
    sample : Sample
        Rows in random order; of rows that the model was not trained on it is what they lose, not what it learned by
        heart.

    Returns
    -------
    Sample
        The rows used: fewer where there are many columns.
    dict of str to float
        By column, the growth of the log loss (classes) or of the root mean squared error (numbers), at least 0.

    Notes
    -----
    Breiman, Random Forests, Machine Learning 45 (2001). A column that a recipe encoded is shuffled as a whole, for
    shuffled one by one its indicators would make rows that no data have, with two levels or none.
    """
    names = [name for name in sample.schema.names if name != spec.target]
    rows = sample.head(max(MIN_ROWS, MAX_CELLS // max(1, len(names))))
    n_shuffles = min(SHUFFLES, max(1, _SHUFFLED_CELLS // max(1, len(names) * rows.n_rows)))
    random = np.random.default_rng(_SEED)
    orders = [pa.array(random.permutation(rows.n_rows)) for _ in range(n_shuffles)]
    base = _loss(predict(rows), rows, spec)
    found = {}
    for name in names:
        place = rows.table.schema.get_field_index(name)
        shuffled = (rows.table.set_column(place, name, rows.table[name].take(order)) for order in orders)
        worse = [_loss(predict(replace(rows, table=table)), rows, spec) for table in shuffled]
        found[name] = max(0.0, float(np.mean(worse)) - base)
    return rows, found


def _loss(predicted: pa.Table, rows: Sample, spec: ModelSpec) -> float:
    if spec.task == "regression":
        off: FloatArray = predicted["predict"].to_numpy() - rows.numbers(spec.target)
        return float(np.sqrt(np.mean(off**2)))
    actual = np.array(rows.table[spec.target].to_pylist(), dtype=object)
    p = np.full(rows.n_rows, _LEAST)
    for name in spec.classes:
        is_it = actual == name
        p[is_it] = predicted[name].to_numpy()[is_it]
    return float(-np.mean(np.log(np.maximum(p, _LEAST))))
