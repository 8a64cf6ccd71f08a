"""What a result says beside label and probabilities: rank, decile, interval, and what the training rows were like."""

from typing import Final

import numpy as np
import pyarrow as pa

from core.domain.models import ModelSpec
from core.metrics.intervals import Intervals, make_intervals
from core.metrics.ranking import FloatArray
from core.models.opened import StoredModel

N_DECILES: Final = 10


def read_intervals(model: StoredModel) -> Intervals | None:
    """Return the intervals of a regression's predictions; None for other tasks and without stored predictions.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    if model.info.task != "regression":
        return None
    known = {origin: model.predictions(origin) for origin in model.origins}
    found = {origin: (one.actual, one.predicted) for origin, one in known.items()}
    return make_intervals(*found["cv"], holdout=found.get("holdout")) if "cv" in found else None


def leading_score(raw: pa.Table, spec: ModelSpec) -> FloatArray:
    """Return what rows are ranked by: the positive class's probability, the likeliest class's, or the number."""
    if spec.task == "regression":
        scores = raw["predict"].to_numpy()
    elif spec.task == "binary":
        scores = raw[str(spec.positive)].to_numpy()
    else:
        scores = np.column_stack([raw[name].to_numpy() for name in spec.classes]).max(axis=1)
    return np.asarray(scores, dtype=np.float64)


def rank_rows(scores: FloatArray) -> pa.Table:
    """Return per row `rank` (1 is the highest; equal scores share the better rank) and `decile` (1 is the top tenth).

    Examples
    --------
    >>> rank_rows(np.array([0.2, 0.9, 0.9, 0.1])).to_pydict()
    {'rank': [3, 1, 1, 4], 'decile': [6, 1, 1, 8]}
    """
    ordered = np.sort(-scores)
    rank = np.searchsorted(ordered, -scores, side="left") + 1
    decile = (rank - 1) * N_DECILES // max(len(scores), 1) + 1
    return pa.table({"rank": rank.astype(np.int64), "decile": decile.astype(np.int64)})


def interval_columns(intervals: Intervals, raw: pa.Table) -> pa.Table:
    """Return per row `prediction_low` and `prediction_high`."""
    low, high = intervals.ends(np.asarray(raw["predict"].to_numpy(), dtype=np.float64))
    return pa.table({"prediction_low": low, "prediction_high": high})
