"""What a result says beside label and probabilities: rank, decile, interval, and what the training rows were like."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.data.drift.compare import Reference
from core.domain.models import ModelInfo, ModelSpec
from core.errors import StoreError
from core.metrics.intervals import Intervals, make_intervals
from core.metrics.ranking import FloatArray
from core.plain import from_json
from core.store.mlflow import Store
from core.training.keeper import REFERENCE

N_DECILES: Final = 10
_NOT_FOUND = "artifact.not_found"


def read_reference(store: Store, run_id: str) -> Reference | None:
    """Return what the training rows of a run looked like; None for runs of before this was kept.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    try:
        path = store.artifact(run_id, REFERENCE)
    except StoreError as error:
        if error.code == _NOT_FOUND:
            return None
        raise
    return from_json(Reference, path.read_bytes())


def read_intervals(store: Store, model: ModelInfo, spec: ModelSpec) -> Intervals | None:
    """Return the intervals of a regression's predictions; None for other tasks and without stored predictions.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    if spec.task != "regression":
        return None
    files = set(store.artifacts(model.run_id))
    found: dict[str, tuple[FloatArray, FloatArray]] = {}
    for origin in ("cv", "holdout"):
        path = f"predictions/{model.model_key}/{origin}.parquet"
        if path in files:
            table = pq.read_table(store.artifact(model.run_id, path), columns=["actual", "predicted"])
            found[origin] = (table["actual"].to_numpy(), table["predicted"].to_numpy())
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
