"""More explanations as data: lines of single rows, two features at once, the members of an ensemble."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["numeric", "category", "date"]


@dataclass(frozen=True)
class IceLine:
    """How the prediction of one row moves with a feature; `percentile` (0 to 100) is the row's place by prediction."""

    percentile: int
    values: tuple[float, ...]


@dataclass(frozen=True)
class IceClass:
    """The lines for one class of a multiclass model; `name` is empty for the others."""

    name: str
    lines: tuple[IceLine, ...]


@dataclass(frozen=True)
class Ice:
    """Individual conditional expectation: the predictions of single rows along one feature.

    Attributes
    ----------
    values : tuple of float or str
        What the feature was set to, as in `core.explanations.items.Dependence`.
    """

    feature: str
    kind: Kind
    values: tuple[float | str, ...]
    classes: tuple[IceClass, ...]


@dataclass(frozen=True)
class PairClass:
    """Mean predictions of one class: a row per value of the second feature, a column per value of the first."""

    name: str
    mean: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class PairDependence:
    """How the mean prediction moves with two features at once, everything else left as it is."""

    first: str
    first_kind: Kind
    first_values: tuple[float | str, ...]
    second: str
    second_kind: Kind
    second_values: tuple[float | str, ...]
    classes: tuple[PairClass, ...]


@dataclass(frozen=True)
class Member:
    """A model in an ensemble and its share (0 to 1) of what the metalearner makes of all of them."""

    model_key: str
    weight: float


@dataclass(frozen=True)
class Members:
    """An ensemble's members, and their own importances weighted by their shares.

    Attributes
    ----------
    features : tuple of str
        Most important first.
    importance : tuple of float
        Of each feature, 1 for the most important one.
    """

    members: tuple[Member, ...]
    features: tuple[str, ...]
    importance: tuple[float, ...]


@dataclass(frozen=True)
class RowContributions:
    """How far each feature moved one prediction.

    Attributes
    ----------
    features, values : tuple of str
        Features, the one that moved it furthest first, and what the row has there.
    contributions : tuple of float
        On `scale`; they and `bias` add up to the prediction there.
    points : tuple of float
        As a probability or number; they and `base` add up to the prediction.
    """

    scale: str
    bias: float
    features: tuple[str, ...]
    values: tuple[str, ...]
    contributions: tuple[float, ...]
    base: float
    points: tuple[float, ...]
