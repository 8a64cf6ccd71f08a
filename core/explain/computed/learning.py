"""How a model learned: its metric while it was built, on the rows it learned from and on those it had not seen."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.domain.models import ModelDetails, ModelSpec
from core.explanations.items import Item, LearningCurve, LearningSeries
from core.explanations.reasons import ENSEMBLE, NO_OWN_CURVE

CROSS_VALIDATION = "cross-validation"
_STEPS: Mapping[str, str] = {
    "number_of_trees": "Number of trees",
    "epochs": "Epochs",
    "iteration": "Iterations",
    "iterations": "Iterations",
    "duration": "Seconds",
}
_METRICS: Mapping[str, tuple[str, ...]] = {
    "classification": ("logloss", "deviance", "objective", "rmse"),
    "regression": ("rmse", "deviance", "objective"),
}
_SERIES: tuple[tuple[str, str], ...] = (
    ("training_{}", "training"),
    ("validation_{}", "validation"),
    ("{}_train", "training"),
    ("{}_xval", CROSS_VALIDATION),
    ("{}_test", "validation"),
    ("{}", "training"),
)
_SECONDS = re.compile(r"(?:(\d+) hr\s*)?(?:(\d+) min\s*)?([\d.]+) sec")


def learning_curve(details: ModelDetails, spec: ModelSpec) -> Item[LearningCurve]:
    """Return how the model's metric moved while it was built.

    The step is the first of trees, epochs, iterations and seconds that the history has; the metric the first of the
    task's usual ones with at least two values. Where the models of the folds noted the metric on their own rows, its
    mean is the line of cross-validation.
    """
    history = details.scoring_history
    step = next((name for name in _STEPS if len(_known(history.get(name, []))) > 1), None)
    if step is None:
        reason = "H2O has no scoring history for this model."
        if details.algo == ENSEMBLE:
            reason = NO_OWN_CURVE
        elif history:
            reason = "H2O recorded only one step for this model, so there is no curve to draw."
        return Item(reason=reason)
    family = "regression" if spec.task == "regression" else "classification"
    steps = [_number(value) for value in history[step]]
    for metric in _METRICS[family]:
        curve = _curve(history, step, steps, metric)
        if curve is not None:
            curve = _with_folds(curve, step, metric, details.fold_histories)
            of = "its metalearner" if details.algo == ENSEMBLE else "the model"
            rows = " and ".join(dict.fromkeys(series.name for series in curve.series))
            method = f"H2O's scoring history of {of}"
            if curve.n_folds:
                method += (
                    f"; cross-validation: mean of {curve.n_folds} models, each on the fold it was trained without"
                    " (one that stopped keeps its last value; the metric over all their rows together, which Overview"
                    " has, may be a little more or less), band: plus and minus one standard deviation"
                )
                if step == "number_of_trees":
                    method += "; H2O gives the model itself about as many trees as those needed on average"
            return Item(curve, origin=f"{rows} rows", method=method)
    return Item(reason="H2O recorded no metric during training for this model.")


def _curve(
    history: Mapping[str, list[Any]], step: str, steps: Sequence[float | None], metric: str
) -> LearningCurve | None:
    series: dict[str, list[float | None]] = {}
    for pattern, name in _SERIES:
        values = [_number(value) for value in history.get(pattern.format(metric), [])]
        if name == CROSS_VALIDATION:
            values = [value or None for value in values]  # H2O writes 0 for a step that its folds did not reach
        if len(_known(values)) > 1 and name not in series:
            series[name] = values
    if not series:
        return None
    keep = [
        place
        for place, at in enumerate(steps)
        if at is not None and any(values[place] is not None for values in series.values())
    ]
    return LearningCurve(
        step=_STEPS[step],
        steps=tuple(at for place in keep if (at := steps[place]) is not None),
        metric=metric,
        series=tuple(LearningSeries(name, tuple(values[i] for i in keep)) for name, values in series.items()),
    )


def _with_folds(
    curve: LearningCurve, step: str, metric: str, histories: Sequence[Mapping[str, list[Any]]]
) -> LearningCurve:
    """Return the curve with the mean over the models of the folds, from where each of them has a value."""
    folds = [found for history in histories if (found := _fold(history, step, metric))]
    if len(folds) < 2 or len(folds) < len(histories) or any(one.name == CROSS_VALIDATION for one in curve.series):
        return curve
    steps = sorted({*curve.steps, *(at for fold in folds for at, _ in fold)})
    begin, end = max(fold[0][0] for fold in folds), max(fold[-1][0] for fold in folds)
    table = np.array([[_last(fold, at) for fold in folds] for at in steps if begin <= at <= end])
    mean, sd = table.mean(axis=1).tolist(), table.std(axis=1, ddof=1).tolist()
    before, after = sum(at < begin for at in steps), sum(at > end for at in steps)
    gap: list[float | None] = [None]
    places = {at: place for place, at in enumerate(curve.steps)}
    old = tuple(
        LearningSeries(one.name, tuple(one.values[places[at]] if at in places else None for at in steps))
        for one in curve.series
    )
    folded = LearningSeries(
        CROSS_VALIDATION, (*gap * before, *mean, *gap * after), sd=(*gap * before, *sd, *gap * after)
    )
    return LearningCurve(curve.step, tuple(steps), curve.metric, (*old, folded), n_folds=len(folds))


def _fold(history: Mapping[str, list[Any]], step: str, metric: str) -> list[tuple[float, float]]:
    """Return the steps of one fold's model with the metric on the rows of its fold, in order."""
    for pattern in ("validation_{}", "{}_test"):
        pairs = zip(history.get(step, []), history.get(pattern.format(metric), []), strict=False)
        known = [(at, value) for a, b in pairs if (at := _number(a)) is not None and (value := _number(b)) is not None]
        if len(known) > 1:
            return sorted(known)
    return []


def _last(fold: Sequence[tuple[float, float]], at: float) -> float:
    """Return a fold's value at a step, or its last one before."""
    return fold[bisect_right(fold, at, key=lambda pair: pair[0]) - 1][1]


def _known(values: Sequence[Any]) -> list[float]:
    return [number for value in values if (number := _number(value)) is not None]


def _number(value: Any) -> float | None:
    """Read a cell of a scoring history: a number, a duration such as ``1 min 2.5 sec``, or nothing."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value) if np.isfinite(value) else None
    match = _SECONDS.fullmatch(str(value).strip())
    if match is None:
        return None
    return int(match[1] or 0) * 3600 + int(match[2] or 0) * 60 + float(match[3])
