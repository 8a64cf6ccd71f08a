"""What is kept of a result when its rows are gone: spread of the scores, drift of each feature, labels, metrics."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from core.data.drift.chance import alarm_level
from core.data.drift.compare import (
    ColumnDrift,
    ColumnReference,
    Drift,
    Reference,
    compare,
    compare_column,
    reference_column,
)
from core.data.tables.batches import load_from, sample_positions
from core.data.tables.packed import AnyTable
from core.domain.columns import Column
from core.domain.models import ModelSpec, Origin
from core.features.checking import DRIFT_ROWS, MIN_DRIFT_ROWS
from core.features.row_notes import OUTSIDE, note_rows
from core.ledger.scoring_records import FeatureDrift, ScoreShape, ScoringSummary
from core.metrics.calibration import Calibration
from core.metrics.labels import PREDICTION
from core.metrics.predictions import Predictions
from core.metrics.ranking import FloatArray
from core.models.decisions import saved_words
from core.scoring.columns import leading_score
from core.scoring.result import TRUST, Scored

SCORE: Final = "score"
STEPS: Final = tuple(float(step) for step in np.linspace(0, 1, 21))
MAX_LABELS: Final = 50
_WITH_BINS: Final = 12
_WORTH_ASKING: Final = 0.02  # an index below this is nobody's threshold, so chance need not be drawn for it


class ExpectedScores:
    """The scores that a model gave to rows it had not seen in training: what scores are compared with.

    Attributes
    ----------
    origin : str
        ``holdout`` where there is one, else ``cv``.
    quantiles : tuple of float
        At `STEPS`.
    """

    def __init__(self, predictions: Predictions, calibration: Calibration | None) -> None:
        scores = _leading_scores(predictions, calibration)
        self.reference: ColumnReference = reference_column(
            pa.chunked_array([pa.array(scores)]), Column(SCORE, "numeric")
        )
        self.origin: Origin = predictions.origin
        self.quantiles = _quantiles(scores)


def quick_drift(source: AnyTable, spec: ModelSpec, reference: Reference | None) -> Drift | None:
    """Compare at most `DRIFT_ROWS` rows of a file with the training rows, without a look at each row.

    Parameters
    ----------
    source : Table of shape (n_rows, n_columns)
        As read, renamed; with every column that the model needs.
    spec : ModelSpec
        In the file's notation.
    """
    if reference is None or source.num_rows < MIN_DRIFT_ROWS:
        return None
    positions = sample_positions(source.num_rows, DRIFT_ROWS)
    needed = source.select(spec.needed.names)
    _, typed = note_rows(needed if positions is None else needed.take(positions), spec, None)
    return compare(reference, load_from(typed), spec.needed, typed.num_rows)


def summarise(
    scored: Scored, drift: Drift | None, reference: Reference | None, expected: ExpectedScores | None
) -> ScoringSummary:
    """Return what is kept of a result.

    Parameters
    ----------
    drift : Drift or None
        Of the features against the training rows.
    reference : Reference or None
        What those were like.
    expected : ExpectedScores or None
        What the scores are compared with.
    """
    known = {column.name: column for column in reference.columns} if reference else {}
    n_looked_at = len(known) + 1
    found = [
        _feature(column, known[column.name], n_looked_at, with_bins=place < _WITH_BINS)
        for place, column in enumerate(drift.columns if drift else ())
    ]
    saved = scored.decision.saved
    return ScoringSummary(
        task=scored.spec.task,
        verdict="" if scored.check is None else scored.check.verdict,
        threshold=scored.threshold,
        decision=_decision_words(scored),
        policy_id=None if saved is None else saved.id,
        money=None if saved is None else saved.policy.money,
        labels=_labels(scored),
        score=score_shape(leading_score(scored.results, scored.spec), expected, n_looked_at),
        drift=tuple(found),
        drift_rows=drift.rows_now if drift else 0,
        metrics=dict(scored.metrics or {}),
        id_column=scored.id_name,
        n_outside=_n_outside(scored),
        seconds=scored.seconds.get("total", 0.0),
    )


def score_shape(scores: FloatArray, expected: ExpectedScores | None, n_looked_at: int) -> ScoreShape | None:
    """Return how scores are spread, and how far that is from what was expected; None without rows."""
    if not len(scores):
        return None
    positions = sample_positions(len(scores), DRIFT_ROWS)
    sampled = scores if positions is None else scores[positions.to_numpy()]
    quantiles = _quantiles(sampled)
    if expected is None or len(scores) < MIN_DRIFT_ROWS:
        return ScoreShape(mean=float(scores.mean()), quantiles=quantiles)
    column = compare_column(expected.reference, pa.chunked_array([pa.array(sampled)]))
    return ScoreShape(
        mean=float(scores.mean()),
        quantiles=quantiles,
        drift=_feature(column, expected.reference, n_looked_at, with_bins=True),
        expected_origin=expected.origin,
        expected_quantiles=expected.quantiles,
    )


def _feature(column: ColumnDrift, reference: ColumnReference, n_looked_at: int, *, with_bins: bool) -> FeatureDrift:
    chance = alarm_level(reference, column.rows_now, n_looked_at) if column.psi > _WORTH_ASKING else 0.0
    return FeatureDrift(
        name=column.name, type=column.type, rows_was=column.rows_was, rows_now=column.rows_now, psi=column.psi,
        ks=column.ks, chance=chance, bins=column.bins if with_bins else (),
    )  # fmt: skip


def _quantiles(scores: FloatArray) -> tuple[float, ...]:
    return tuple(np.quantile(scores, STEPS).tolist())


def _labels(scored: Scored) -> dict[str, int]:
    if scored.spec.task == "regression":
        return {}
    counted: Sequence[dict[str, int]] = scored.results[PREDICTION].value_counts().to_pylist()
    ordered = sorted(counted, key=lambda item: -item["counts"])
    return {str(item["values"]): item["counts"] for item in ordered[:MAX_LABELS]}


def _decision_words(scored: Scored) -> str:
    decision = scored.decision
    if decision.saved is None:
        return decision.words
    return f"{decision.words}; {saved_words(decision.saved)}"


def _n_outside(scored: Scored) -> int | None:
    if TRUST not in scored.results.column_names:
        return None
    trust = scored.results[TRUST].to_numpy(zero_copy_only=False)
    return int((trust == OUTSIDE).sum())


def _leading_scores(predictions: Predictions, calibration: Calibration | None) -> FloatArray:
    """Return what rows are ranked by, of stored predictions; see `core.scoring.columns.leading_score`."""
    if predictions.task == "regression":
        return predictions.predicted
    if predictions.positive is None:
        likeliest: FloatArray = predictions.probabilities.max(axis=1)
        return likeliest
    probability = predictions.probability(predictions.positive)
    return probability if calibration is None else calibration.apply(probability)
