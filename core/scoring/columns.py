"""From the engine's raw answer to the columns of a result, and metrics when the file holds the target."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from core.data.tables.schema import as_category
from core.domain.models import ModelSpec
from core.explanations.items import Item
from core.features.actual import Actual
from core.metrics import curves
from core.metrics.curves import Confusion, Residuals
from core.metrics.intervals import Intervals, make_intervals
from core.metrics.labels import PREDICTION
from core.metrics.performance import Reliability, reliability
from core.metrics.ranking import FloatArray
from core.models.opened import StoredModel
from core.scoring.result import Scored

N_DECILES: Final = 10


def leading_score(results: pa.Table, spec: ModelSpec) -> FloatArray:
    """Return what rows are ranked by: the positive class's probability, the most probable class's, or the number."""
    names = [f"probability_{name}" for name in ([spec.positive] if spec.task == "binary" else spec.classes)]
    columns = [results[name].to_numpy() for name in names or (PREDICTION,)]
    return np.asarray(np.max(columns, axis=0), dtype=np.float64)


def read_intervals(model: StoredModel) -> Intervals | None:
    """Return the intervals of a regression's predictions; None for other tasks and without stored predictions."""
    if model.info.task != "regression":
        return None
    known = {origin: model.predictions(origin) for origin in model.origins}
    found = {origin: (one.actual, one.predicted) for origin, one in known.items()}
    return make_intervals(*found["cv"], holdout=found.get("holdout")) if "cv" in found else None


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


def file_metrics(
    actual: Actual | None, raw: pa.Table, spec: ModelSpec, threshold: float | None
) -> dict[str, float] | None:
    """Return metrics on the rows of a file that can be compared, weighted where they have weights; None without any."""
    if actual is None or not actual.n_compared:
        return None
    known = actual.values.is_valid()
    truth = actual.values.filter(known).to_numpy(zero_copy_only=False)
    weights = None if actual.weights is None else actual.weights[known.to_numpy()]
    if spec.task == "regression":
        return curves.regression_metrics(truth, raw["predict"].filter(known).to_numpy(), weights)
    probabilities = np.column_stack([raw[name].filter(known).to_numpy() for name in spec.classes])
    return curves.classification_metrics(truth, probabilities, spec.classes, spec.positive, threshold, weights=weights)


def confusion_of(scored: Scored) -> Item[Confusion]:
    """Set the labels of a file against its target; the item says why where that cannot be had."""
    found = _known(scored)
    if found is None or scored.spec.task == "regression":
        return Item(reason="The file does not contain the target.")
    truth, predicted = found
    labels = as_category(predicted).to_numpy(zero_copy_only=False)
    return Item(curves.confusion(truth, labels, scored.spec.classes), origin=f"this file, {len(truth):,} rows")


def residuals_of(scored: Scored) -> Item[Residuals]:
    """Set the predicted numbers of a file against its target; the item says why where that cannot be had."""
    found = _known(scored)
    if found is None or scored.spec.task != "regression":
        return Item(reason="The file does not contain the target.")
    truth, predicted = found
    return Item(curves.residuals(truth, predicted.to_numpy()), origin=f"this file, {len(truth):,} rows")


def reliability_of(scored: Scored) -> Reliability | None:
    """Compare the positive class's probability with how often rows of a file are of it; None without the target."""
    if scored.actual is None or scored.spec.task != "binary":
        return None
    positive, known = str(scored.spec.positive), scored.actual.is_valid()
    truth = scored.actual.filter(known).to_numpy(zero_copy_only=False) == positive
    return reliability(truth, scored.results[f"probability_{positive}"].filter(known).to_numpy())


def _known(scored: Scored) -> tuple[np.ndarray, pa.ChunkedArray] | None:
    if scored.actual is None:
        return None
    known = scored.actual.is_valid()
    return scored.actual.filter(known).to_numpy(zero_copy_only=False), scored.results[PREDICTION].filter(known)


def side_by_side(tables: Sequence[pa.Table]) -> pa.Table:
    """Join tables of the same rows; their names differ."""
    names = [name for table in tables for name in table.column_names]
    return pa.table([column for table in tables for column in table.columns], names=names)
