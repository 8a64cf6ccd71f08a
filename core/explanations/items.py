"""The explanations of a model as data: what was found, how, on which rows, or why it cannot be had."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Generic, TypeVar

from core.domain.models import Origin
from core.domain.training import Task
from core.explanations.reasons import ITEMS
from core.explanations.shapes import Ice, Kind, Members, PairDependence
from core.metrics.curves import Confusion, PrecisionRecallCurve, Residuals, RocCurve

T = TypeVar("T")
FORMAT = 1  # raised when an older reader would misread what is written
OLDER = "This explanation was not yet available when these were stored; compute them again to see it."


@dataclass(frozen=True)
class Item(Generic[T]):
    """One explanation, or the reason why there is none.

    Attributes
    ----------
    data : T or None
        None when there is none; then `reason` says why, in words fit for any user.
    origin : str
        The rows it was made from, such as ``"cross-validation, 15,000 rows"``.
    method : str
        How it was made, such as ``"permutation importance"``.
    """

    data: T | None = None
    reason: str = ""
    origin: str = ""
    method: str = ""


@dataclass(frozen=True)
class Importance:
    """One feature and its importance, 1 for the most important one."""

    feature: str
    importance: float


@dataclass(frozen=True)
class ShapFeature:
    """The contributions of one feature: their mean size, and single points to draw.

    Attributes
    ----------
    mean_absolute : float
        Mean absolute contribution over all rows explained.
    value : tuple of str
        The feature's value of each point, as text.
    shade : tuple of float or None
        The value between its 5% and 95% quantile as 0 to 1; None where it is missing or has no order.
    """

    feature: str
    mean_absolute: float
    value: tuple[str, ...] = ()
    shade: tuple[float | None, ...] = ()
    contribution: tuple[float, ...] = ()

    def thinned(self, most: int) -> "ShapFeature":
        """Return the same with at most `most` points; the mean stays that of all rows."""
        step = max(math.ceil(len(self.contribution) / most), 1)
        points = {name: getattr(self, name)[::step] for name in ("value", "shade", "contribution")}
        return replace(self, **points)


@dataclass(frozen=True)
class ShapSummary:
    """Shapley contributions, most important feature first.

    Attributes
    ----------
    scale : str
        What contributions and `bias` add up to: ``"log-odds"``, ``"probability"``, the target's name …
    bias : float
        Mean prediction before any feature is known.
    """

    features: tuple[ShapFeature, ...]
    scale: str
    bias: float
    n_rows: int


@dataclass(frozen=True)
class DependenceLine:
    """Mean prediction and its standard deviation over the rows, one per value; `name` is the class for multiclass."""

    name: str
    mean: tuple[float, ...]
    sd: tuple[float, ...]


@dataclass(frozen=True)
class Dependence:
    """How the mean prediction moves with one feature, everything else left as it is.

    Attributes
    ----------
    values : tuple of float or str
        Levels for a category, days since 1970-01-01 for a date, numbers otherwise.
    edges : tuple of float
        Edges of the bins that `share` counts rows in; empty for a category.
    share : tuple of float
        Share of the rows per bin, or per level of `values`.
    """

    feature: str
    kind: Kind
    values: tuple[float | str, ...]
    lines: tuple[DependenceLine, ...]
    edges: tuple[float, ...]
    share: tuple[float, ...]


@dataclass(frozen=True)
class ClassRoc:
    """One class against the rest."""

    name: str
    curve: RocCurve


@dataclass(frozen=True)
class ClassPrecisionRecall:
    """One class against the rest."""

    name: str
    curve: PrecisionRecallCurve


@dataclass(frozen=True)
class LearningSeries:
    """A metric on some rows, one value per step; `sd` over the folds where it is their mean."""

    name: str
    values: tuple[float | None, ...]
    sd: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class LearningCurve:
    """How a metric moved while the model was built; `step` says what `steps` counts, such as ``"Number of trees"``.

    Attributes
    ----------
    n_folds : int
        Models of cross-validation whose mean is one of the series; 0 where there is none.
    """

    step: str
    steps: tuple[float, ...]
    metric: str
    series: tuple[LearningSeries, ...]
    n_folds: int = 0


@dataclass(frozen=True, kw_only=True)
class Explanations:
    """Everything known about why a model says what it says; items by origin have the keys ``cv`` and ``holdout``.

    Attributes
    ----------
    metrics : mapping of str to mapping
        By origin: metrics computed by Bellwether over all stored predictions, exact, at the stored threshold.
    """

    model_key: str
    algo: str
    task: Task
    target: str
    classes: tuple[str, ...]
    positive: str | None
    threshold: float | None
    threshold_origin: str
    created_at: str
    metrics: Mapping[Origin, Mapping[str, float]]
    variable_importance: Item[tuple[Importance, ...]]
    shap_summary: Item[ShapSummary]
    partial_dependence: Item[tuple[Dependence, ...]]
    confusion: Mapping[str, Item[Confusion]]
    roc: Mapping[str, Item[tuple[ClassRoc, ...]]]
    precision_recall: Mapping[str, Item[tuple[ClassPrecisionRecall, ...]]]
    residuals: Mapping[str, Item[Residuals]]
    learning_curve: Item[LearningCurve]
    members: Item[Members] = Item(reason=OLDER)
    ice: Item[tuple[Ice, ...]] = Item(reason=OLDER)
    pairs: Item[tuple[PairDependence, ...]] = Item(reason=OLDER)
    seconds: Mapping[str, float] = field(default_factory=dict)
    format: int = FORMAT

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all items, in the order to read them."""
        known = {spec.name for spec in fields(cls)}
        return tuple(name for name in ITEMS if name in known)

    def missing(self) -> dict[str, str]:
        """Return what cannot be had, by item (and origin), with the reason."""
        found: dict[str, Item[Any]] = {}
        for name in self.names():
            item = getattr(self, name)
            found |= {name: item} if isinstance(item, Item) else {f"{name} ({at})": one for at, one in item.items()}
        return {name: item.reason for name, item in found.items() if item.data is None}

    def with_shap(self, features: tuple[ShapFeature, ...]) -> "Explanations":
        """Return a copy with other SHAP features; unchanged when there is no SHAP summary."""
        summary = self.shap_summary.data
        if summary is None:
            return self
        return replace(self, shap_summary=replace(self.shap_summary, data=replace(summary, features=features)))
