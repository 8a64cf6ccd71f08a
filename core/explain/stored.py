"""Explanations that need no engine: made from stored predictions and from what training noted of the model."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from core.domain.models import ModelDetails, ModelSpec, Origin
from core.errors import DataError
from core.explanations.items import ClassPrecisionRecall, ClassRoc, Item, LearningCurve, LearningSeries
from core.explanations.reasons import ENSEMBLE, NO_CLASSES, NO_OWN_CURVE, NO_RESIDUALS
from core.metrics import curves
from core.metrics.curves import Confusion, Residuals
from core.metrics.predictions import Predictions
from core.models.evaluation import measure
from core.models.opened import ORIGINS, StoredModel

T = TypeVar("T")

MAX_CURVE_CLASSES = 10
MULTICLASS_CURVE_POINTS = 200  # per class: ten curves in one figure need no more
NO_PREDICTIONS: Mapping[Origin, str] = {
    "cv": "No cross-validation predictions were stored with this model.",
    "holdout": "This run held no rows out; train with a holdout share to see it.",
    "train": "Predictions on training rows are not stored: they would flatter the model.",
}
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
    ("{}_xval", "cross-validation"),
    ("{}_test", "validation"),
    ("{}", "training"),
)
_SECONDS = re.compile(r"(?:(\d+) hr\s*)?(?:(\d+) min\s*)?([\d.]+) sec")


class StoredPredictions:
    """What the stored predictions of a model show, by origin.

    Parameters
    ----------
    model : StoredModel
        Whose predictions.
    """

    def __init__(self, model: StoredModel) -> None:
        self._model = model
        self._spec = model.spec
        self._read: dict[Origin, Predictions] = {}

    def metrics(self) -> dict[Origin, dict[str, float]]:
        """Return exact metrics by origin; an origin whose predictions cannot be measured is left out."""
        items = {origin: self._item(origin, self._metrics) for origin in self._model.origins}
        return {origin: item.data for origin, item in items.items() if item.data is not None}

    def confusion(self) -> dict[str, Item[Confusion]]:
        """Return the confusion matrix at the stored threshold by origin."""
        method = "the most probable class"
        if self._spec.threshold is not None:
            method = f"{self._spec.positive} when its probability is at least {self._spec.threshold:.4g}"
        return self._by_origin(self._confusion, classification=True, method=method)

    def roc(self) -> dict[str, Item[tuple[ClassRoc, ...]]]:
        """Return the ROC curve by origin: of the positive class, or of each class against the rest."""

        def draw(found: Predictions) -> tuple[ClassRoc, ...]:
            points = self._max_points()
            return tuple(
                ClassRoc(name, curves.roc(found.is_class(name), found.probability(name), max_points=points))
                for name in self._shown_classes(found)
            )

        return self._by_origin(draw, classification=True, method=self._curve_method())

    def precision_recall(self) -> dict[str, Item[tuple[ClassPrecisionRecall, ...]]]:
        """Return the precision-recall curve by origin: of the positive class, or of each class against the rest."""

        def draw(found: Predictions) -> tuple[ClassPrecisionRecall, ...]:
            points = self._max_points()
            return tuple(
                ClassPrecisionRecall(
                    name, curves.precision_recall(found.is_class(name), found.probability(name), max_points=points)
                )
                for name in self._shown_classes(found)
            )

        return self._by_origin(draw, classification=True, method=self._curve_method())

    def residuals(self) -> dict[str, Item[Residuals]]:
        """Return the residuals by origin."""

        def draw(found: Predictions) -> Residuals:
            return curves.residuals(found.actual, found.predicted)

        return self._by_origin(draw, classification=False, method="actual minus predicted")

    def _by_origin(self, make: Callable[[Predictions], T], *, classification: bool, method: str) -> dict[str, Item[T]]:
        if classification != (self._spec.task != "regression"):
            reason = NO_CLASSES if classification else NO_RESIDUALS
            return {origin: Item(reason=reason) for origin in ORIGINS}
        return {origin: self._item(origin, make, method) for origin in ORIGINS}

    def _item(self, origin: Origin, make: Callable[[Predictions], T], method: str = "") -> Item[T]:
        if origin not in self._model.origins:
            return Item(reason=NO_PREDICTIONS[origin])
        try:
            if origin not in self._read:
                self._read[origin] = self._model.predictions(origin)
            found = self._read[origin]
            return Item(make(found), origin=found.words, method=method)
        except DataError as error:
            return Item(reason=error.message)

    def _metrics(self, found: Predictions) -> dict[str, float]:
        return measure(found, self._spec.threshold)

    def _confusion(self, found: Predictions) -> Confusion:
        return curves.coded_confusion(found.codes, found.decided(self._spec.threshold), found.classes)

    def _shown_classes(self, found: Predictions) -> tuple[str, ...]:
        """Return the classes to draw; at least one must occur beside others."""
        spec = self._spec
        if spec.task == "binary" and spec.positive is not None:
            return (spec.positive,)
        counts = dict(zip(spec.classes, np.bincount(found.codes, minlength=len(spec.classes)).tolist(), strict=True))
        drawable = [name for name in spec.classes if 0 < counts[name] < found.n_rows]
        frequent = sorted(drawable, key=lambda name: -counts[name])[:MAX_CURVE_CLASSES]
        if not frequent:
            raise DataError("All rows are of one class, so there is no curve to draw.")
        return tuple(name for name in spec.classes if name in frequent)

    def _max_points(self) -> int:
        return curves.MAX_CURVE_POINTS if self._spec.task == "binary" else MULTICLASS_CURVE_POINTS

    def _curve_method(self) -> str:
        if self._spec.task == "binary":
            return f"{self._spec.positive} against the rest"
        if len(self._spec.classes) > MAX_CURVE_CLASSES:
            return f"each of the {MAX_CURVE_CLASSES} most frequent classes against the rest"
        return "each class against the rest"


def learning_curve(details: ModelDetails, spec: ModelSpec) -> Item[LearningCurve]:
    """Return how the model's metric moved while it was built.

    The step is the first of trees, epochs, iterations and seconds that the history has; the metric the first of the
    task's usual ones with at least two values.
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
            of = "its metalearner" if details.algo == ENSEMBLE else "the model"
            rows = " and ".join(dict.fromkeys(series.name for series in curve.series))
            return Item(curve, origin=f"{rows} rows", method=f"H2O's scoring history of {of}")
    return Item(reason="H2O recorded no metric during training for this model.")


def _curve(
    history: Mapping[str, list[Any]], step: str, steps: Sequence[float | None], metric: str
) -> LearningCurve | None:
    series: dict[str, list[float | None]] = {}
    for pattern, name in _SERIES:
        values = [_number(value) for value in history.get(pattern.format(metric), [])]
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
