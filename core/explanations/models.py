"""The models of one run beside each other, as data: what they look at, how far they agree."""

from dataclasses import dataclass

from core.explanations.items import Item

FORMAT = 1  # raised when an older reader would misread what is written


@dataclass(frozen=True)
class ImportanceMap:
    """The importance of each feature in each model, 1 for the most important one of the model.

    Attributes
    ----------
    models : tuple of str
        Keys of the models, best first.
    features : tuple of str
        The one with the largest mean importance first.
    values : tuple of tuple of float
        One row per feature, one number per model; 0 where the model does not use it.
    """

    models: tuple[str, ...]
    features: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Agreement:
    """How far models agree: the share of equal labels (classes), or the correlation of predictions (numbers).

    Attributes
    ----------
    values : tuple of tuple of float
        Symmetric, 1 on the diagonal.
    """

    models: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True)
class ModelComparison:
    """The models of one run beside each other."""

    importance: Item[ImportanceMap]
    agreement: Item[Agreement]
    created_at: str = ""
    format: int = FORMAT
