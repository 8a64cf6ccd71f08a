"""What a report says about stored predictions: how good they are as decided now, over all rows and parts of them."""

from typing import Any

import numpy as np

from core.metrics import performance, profits
from core.metrics.groups.errors import error_by_prediction
from core.metrics.predictions import Predictions
from core.metrics.threshold import outcomes_at
from core.models.decisions import Decision
from core.models.evaluation import measure
from core.report.contents import Judged


def judge(raw: Predictions, found: Predictions, decision: Decision) -> Judged:
    """Measure predictions as decided; `raw` is what they were before any calibration."""
    common: dict[str, Any] = {
        "origin": found.origin,
        "words": found.words,
        "n_rows": found.n_rows,
        "metrics": measure(found, decision.threshold),
        "counts": _count_classes(found),
    }
    if found.task == "regression":
        off = np.abs(found.actual - found.predicted)
        half, most = (float(value) for value in np.quantile(off, [0.5, 0.9]))
        bins = error_by_prediction(found.actual, found.predicted)
        return Judged(**common, off_half=half, off_most=most, error_bins=bins)
    if found.positive is None or decision.threshold is None:
        return Judged(**common)
    return Judged(**common, **_judge_positive(raw, found, decision, found.positive, decision.threshold))


def _judge_positive(
    raw: Predictions, found: Predictions, decision: Decision, name: str, threshold: float
) -> dict[str, Any]:
    ranking = found.ranking(name)
    outcomes = outcomes_at(ranking, threshold)
    judged: dict[str, Any] = {
        "outcomes": outcomes,
        "table": performance.threshold_table(ranking, also=[threshold]),
        "reliability": performance.reliability(raw.is_class(name), raw.probability(name)),
    }
    if decision.calibration is not None:
        judged["calibrated"] = performance.reliability(found.is_class(name), found.probability(name))
    if ranking.n_positive:
        judged["gains"] = performance.gains(ranking)
    money = decision.saved.policy.money if decision.saved else None
    if money is not None:
        judged["profit"] = profits.profit(outcomes, money).per_thousand()
        judged["profit_curve"] = profits.profit_curve(ranking, money)
    return judged


def _count_classes(found: Predictions) -> dict[str, int]:
    counts = np.bincount(found.codes, minlength=len(found.classes)) if found.classes else ()
    return dict(zip(found.classes, (int(count) for count in counts), strict=True))
