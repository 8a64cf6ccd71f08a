"""Actual outcomes against predictions: joined by id, measured as on the leaderboard, held to what was promised."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.domain.models import ModelSpec, Origin
from core.features.actual import look_at_actual
from core.ledger.outcome_records import MeasuredOutcomes, Realised
from core.metrics import curves
from core.metrics.calibration import Calibration
from core.metrics.labels import PREDICTION
from core.metrics.performance import reliability
from core.metrics.predictions import Predictions
from core.metrics.profits import Money, profit
from core.metrics.ranking import BoolArray, FloatArray, IntArray
from core.metrics.threshold import Outcomes
from core.models.evaluation import measure
from core.models.opened import StoredModel
from core.scoring.kept.saved import ID, read_probabilities
from core.scoring.result import Scored

ACTUAL: Final = "actual"
_Z: Final = 1.959963984540054


@dataclass(frozen=True)
class Joined:
    """Predictions with their outcomes.

    Attributes
    ----------
    scores : Table of shape (n_rows, n_columns)
        Of the rows with a known outcome.
    actual : ChunkedArray of length n_rows
        Classes as the model calls them, or numbers.
    n_scored, n_repeated, n_unusable, note
        As in `Realised`.
    """

    scores: pa.Table
    actual: pa.ChunkedArray
    n_scored: int
    n_repeated: int
    n_unusable: int
    note: str = ""


@dataclass(frozen=True)
class Rules:
    """How the labels of a scoring were made, as far as it matters for what came of them."""

    threshold: float | None = None
    money: Money | None = None


def join_outcomes(scores: pa.Table, outcomes: pa.Table, spec: ModelSpec) -> Joined:
    """Find the outcome of each row that was scored.

    Parameters
    ----------
    outcomes : Table of shape (n_outcomes, 2)
        Columns `id`, each once, and `actual`, as in the file they came in.
    """
    ids = scores[ID].combine_chunks()
    counted = ids.value_counts()
    many = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
    is_repeated = pc.is_in(ids, value_set=many, skip_nulls=True)
    places = pc.index_in(ids, value_set=outcomes[ID].combine_chunks())
    is_known = pc.and_(pc.and_(places.is_valid(), ids.is_valid()), pc.invert(is_repeated))
    kept, matched = scores.filter(is_known), outcomes[ACTUAL].take(places.filter(is_known))
    looked = look_at_actual(pa.table({spec.target: matched}), spec) if len(matched) else None
    # Nobody may have matched.
    actual = pa.chunked_array([pa.nulls(0, pa.string())]) if looked is None else looked.values
    usable = actual.is_valid()
    return Joined(
        scores=kept.filter(usable),
        actual=actual.filter(usable),
        n_scored=scores.num_rows,
        n_repeated=int(pc.sum(is_repeated).as_py() or 0),
        n_unusable=actual.null_count,
        note="" if looked is None else looked.taken_words(spec),
    )


def realise(scoring_id: str, joined: Joined, spec: ModelSpec, rules: Rules) -> Realised:
    """Measure predictions on their outcomes; there must be one.

    Parameters
    ----------
    rules : Rules
        Of the scoring.
    """
    truth = joined.actual.to_numpy(zero_copy_only=False)
    if spec.task == "regression":
        found = measure_numbers(truth, joined.scores[PREDICTION].to_numpy())
    else:
        found = measure_classes(truth, read_probabilities(joined.scores, spec), spec, rules)
    return Realised(
        scoring_id=scoring_id, task=spec.task, n_scored=joined.n_scored, found=found,
        n_repeated=joined.n_repeated, n_unusable=joined.n_unusable, positive=spec.positive,
        notes=_notes(spec, joined.note),
    )  # fmt: skip


def realise_file(scored: Scored, rules: Rules) -> Realised | None:
    """Measure the predictions of a file that held the target; None for others."""
    if scored.actual is None:
        return None
    known = scored.actual.is_valid()
    truth = scored.actual.filter(known).to_numpy(zero_copy_only=False)
    results = scored.results.filter(known)
    if scored.spec.task == "regression":
        found = measure_numbers(truth, results[PREDICTION].to_numpy())
    else:
        names = [f"probability_{name}" for name in scored.spec.classes]
        found = measure_classes(truth, np.column_stack([results[n].to_numpy() for n in names]), scored.spec, rules)
    return Realised(
        scoring_id=scored.scoring_id, task=scored.spec.task, n_scored=scored.n_rows, found=found,
        n_unusable=scored.actual.null_count, positive=scored.spec.positive, notes=_notes(scored.spec),
    )  # fmt: skip


def read_promise(
    model: StoredModel, rules: Rules, calibration: Calibration | None
) -> tuple[MeasuredOutcomes, Origin] | None:
    """Measure what a model said of rows it had not seen in training; None where that was not stored."""
    predictions = model.promised()
    if predictions is None:
        return None
    if calibration is not None and predictions.positive is not None:
        calibrated = calibration.apply(predictions.probability(predictions.positive))
        predictions = predictions.with_probability(calibrated)
    return _promise(predictions, model.spec, rules), predictions.origin


def measure_numbers(truth: FloatArray, predicted: FloatArray) -> MeasuredOutcomes:
    """Measure predicted numbers.

    Notes
    -----
    The interval of the root mean squared error is the normal one of the mean of the squared errors.
    """
    actual, said = np.asarray(truth, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    low, high = _mean_interval((actual - said) ** 2)
    return MeasuredOutcomes(
        n_rows=len(actual), metrics=curves.regression_metrics(actual, said), low=float(np.sqrt(max(low, 0.0))),
        high=float(np.sqrt(high)), actual=float(actual.mean()), predicted=float(said.mean()),
    )  # fmt: skip


def measure_classes(truth: np.ndarray, probabilities: FloatArray, spec: ModelSpec, rules: Rules) -> MeasuredOutcomes:
    """Measure probabilities of classes.

    Parameters
    ----------
    truth : ndarray of str, shape (n_rows,)
    probabilities : ndarray of float, shape (n_rows, n_classes)
        In the order of the model's classes.

    Notes
    -----
    The interval of the AUC is that of J. Hanley and B. McNeil (1982, Radiology 143); the one of the log loss is the
    normal one of its mean.
    """
    metrics = curves.classification_metrics(truth, probabilities, spec.classes, spec.positive, rules.threshold)
    if spec.task != "binary":
        place = {name: position for position, name in enumerate(spec.classes)}
        codes: IntArray = np.array([place[name] for name in truth.tolist()], dtype=np.int64)
        own = np.clip(probabilities[np.arange(len(truth)), codes], 1e-15, 1)
        low, high = _mean_interval(-np.log(own))
        return MeasuredOutcomes(n_rows=len(truth), metrics=metrics, low=low, high=high)
    positive: BoolArray = np.asarray(truth == spec.positive, dtype=np.bool_)
    probability = probabilities[:, spec.classes.index(str(spec.positive))]
    ends = auc_interval(metrics["auc"], int(positive.sum()), int((~positive).sum())) if "auc" in metrics else None
    brings = None
    if rules.money is not None and rules.threshold is not None:
        brings = profit(count_outcomes(positive, probability >= rules.threshold), rules.money).per_thousand()
    return MeasuredOutcomes(
        n_rows=len(truth), metrics=metrics, low=ends[0] if ends else None, high=ends[1] if ends else None,
        actual=float(positive.mean()), predicted=float(probability.mean()),
        reliability=reliability(positive, probability), profit=brings,
    )  # fmt: skip


def count_outcomes(is_positive: BoolArray, is_selected: BoolArray) -> Outcomes:
    """Count the four outcomes of a decision."""
    found, selected, positive = int((is_positive & is_selected).sum()), int(is_selected.sum()), int(is_positive.sum())
    return Outcomes(found, selected - found, positive - found, len(is_positive) - selected - positive + found)


def auc_interval(auc: float, n_positive: int, n_negative: int) -> tuple[float, float] | None:
    """Return a 95% interval of an AUC by Hanley and McNeil; None where a class has no row.

    Examples
    --------
    >>> low, high = auc_interval(0.8, 50, 50)
    >>> round(low, 3), round(high, 3)
    (0.713, 0.887)
    """
    if not n_positive or not n_negative:
        return None
    first, second = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (n_positive - 1) * (first - auc**2) + (n_negative - 1) * (second - auc**2)
    error = float(np.sqrt(max(spread, 0.0) / (n_positive * n_negative)))
    return max(auc - _Z * error, 0.0), min(auc + _Z * error, 1.0)


def _notes(spec: ModelSpec, *said: str) -> tuple[str, ...]:
    """Return what has to be said of numbers that are held to a promise: both count rows."""
    weights = f"Here every row counts once: the weights “{spec.weights_column}” are not used, nor in what was promised."
    return tuple(text for text in (*said, weights if spec.weights_column else "") if text)


def _promise(predictions: Predictions, spec: ModelSpec, rules: Rules) -> MeasuredOutcomes:
    if predictions.task == "regression":
        return measure_numbers(predictions.actual, predictions.predicted)
    if spec.task != "binary":
        return MeasuredOutcomes(n_rows=predictions.n_rows, metrics=measure(predictions, rules.threshold))
    truth = np.array(spec.classes, dtype=object)[predictions.codes]
    return measure_classes(truth, predictions.probabilities, spec, rules)


def _mean_interval(values: FloatArray) -> tuple[float, float]:
    mean = float(values.mean())
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    return mean - _Z * error, mean + _Z * error
