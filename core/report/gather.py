"""What a report says about stored predictions: how good they are as decided now, over all rows and parts of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from core.data.datasets.registry import Datasets
from core.domain.columns import Schema
from core.domain.models import ModelSpec
from core.domain.training import Task
from core.errors import DataError
from core.metrics import performance, profits
from core.metrics.calibration import cross_fitted
from core.metrics.groups.errors import error_by_prediction
from core.metrics.groups.fairness import Fairness, is_protected, measure_fairness, split_groups
from core.metrics.groups.grading import Metric
from core.metrics.groups.segments import find_weakness, group_columns
from core.metrics.predictions import Predictions
from core.metrics.threshold import outcomes_at
from core.models.decisions import Decision
from core.models.evaluation import NO_PREDICTIONS, measure, read_columns
from core.report.contents import Groups, Judged

MAX_FAIRNESS_COLUMNS = 3  # more are a click away on the Explain page; a report that lists every column is not read
PLAINEST: Mapping[Task, Metric] = {"binary": "error", "multiclass": "error", "regression": "mae"}


def as_decided(found: Predictions, decision: Decision) -> Predictions:
    """Return predictions as scoring gives them; on the rows of the fit no row helped to calibrate itself."""
    if decision.calibration is None:
        return found
    name = str(found.positive)
    raw = found.probability(name)
    if found.origin == "cv":
        return found.with_probability(cross_fitted(found.is_class(name), raw, decision.calibration.method))
    return found.with_probability(decision.calibration.apply(raw))


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


def look_at_groups(datasets: Datasets, spec: ModelSpec, judged: Sequence[Predictions], decision: Decision) -> Groups:
    """Look at parts of the rows of cross-validation, which are the most, else at those held out."""
    if not judged:
        return Groups(weakness_reason=NO_PREDICTIONS, fairness_reason=NO_PREDICTIONS)
    found = judged[0]
    try:
        table, schema = read_columns(datasets, spec, found)
    except DataError as error:  # the dataset was deleted, or has no other column
        return Groups(weakness_reason=error.message, fairness_reason=error.message)
    metric = PLAINEST[spec.task]
    try:
        weakness = find_weakness(found, group_columns(table, schema), metric, threshold=decision.threshold)
        why_not = ""
    except DataError as error:
        weakness, why_not = None, error.message
    fairness, reason = _fairness(found, table, schema, decision)
    return Groups(
        weakness=weakness, weakness_reason=why_not, fairness=fairness, fairness_reason=reason, origin=found.words
    )


def _fairness(
    found: Predictions, table: pa.Table, schema: Schema, decision: Decision
) -> tuple[tuple[Fairness, ...], str]:
    if found.positive is None or decision.threshold is None:
        return (), "Groups are compared for models that decide between yes and no; this one does not."
    names = [name for name in schema.names if is_protected(name)][:MAX_FAIRNESS_COLUMNS]
    if not names:
        return (), (
            "No column of the data is called by one of the words that groups are most often compared by, such as "
            "gender, age or region. Any other column can be chosen on the Explain page, under Fairness."
        )
    truth = found.is_class(found.positive)
    selected = found.probability(found.positive) >= decision.threshold
    made = []
    for name in names:
        codes, groups = split_groups(table[name], schema[name])
        if len(groups) > 1:
            made.append(measure_fairness(truth, selected, codes, groups, column=name))
    return tuple(made), "" if made else "In each of these columns all rows are of one group."
