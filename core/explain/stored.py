"""Explanations that need no engine: made from stored predictions."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

from core.domain.models import Origin
from core.errors import DataError
from core.explanations.items import ClassPrecisionRecall, ClassRoc, Item
from core.explanations.reasons import NO_CLASSES, NO_RESIDUALS
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
