"""The four outcomes of a yes-or-no decision at a threshold, and the rates made of them."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from core.metrics.ranking import Ranking

_LEAST_SHARE: Final = 0.005


@dataclass(frozen=True)
class Outcomes:
    """Rows by what was decided and what was true; "positive" is the class that is looked for.

    Attributes
    ----------
    true_positive, false_positive : int
        Rows correctly selected and wrongly.
    false_negative, true_negative : int
        Rows wrongly left out and rightly.
    """

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @property
    def n_rows(self) -> int:
        """All rows."""
        return self.true_positive + self.false_positive + self.false_negative + self.true_negative

    @property
    def selected(self) -> int:
        """Rows decided as positive."""
        return self.true_positive + self.false_positive

    @property
    def selected_share(self) -> float:
        """Share of all rows that is selected; 0 without rows."""
        return _share(self.selected, self.n_rows)

    @property
    def precision(self) -> float:
        """Share of the selected rows that is positive; 0 when none is selected."""
        return _share(self.true_positive, self.selected)

    @property
    def recall(self) -> float:
        """Share of the positive rows that is selected; 0 when there is none."""
        return _share(self.true_positive, self.true_positive + self.false_negative)

    @property
    def specificity(self) -> float:
        """Share of the negative rows that is left out; 0 when there is none."""
        return _share(self.true_negative, self.true_negative + self.false_positive)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 when nothing is found."""
        return _share(2 * self.true_positive, 2 * self.true_positive + self.false_positive + self.false_negative)

    @property
    def accuracy(self) -> float:
        """Share of the rows that is decided rightly."""
        return _share(self.true_positive + self.true_negative, self.n_rows)

    @property
    def mcc(self) -> float:
        """Matthews correlation of decision and truth, -1 to 1; 0 where one of them is constant."""
        positive, negative = self.true_positive + self.false_negative, self.false_positive + self.true_negative
        left_out = self.false_negative + self.true_negative
        size = float(self.selected) * float(left_out) * float(positive) * float(negative)
        product = self.true_positive * self.true_negative - self.false_positive * self.false_negative
        return product / float(np.sqrt(size)) if size else 0.0


@dataclass(frozen=True)
class TradeOff:
    """What every threshold leads to, thresholds falling.

    Attributes
    ----------
    threshold, precision, recall, selected_share : tuple of float, shape (n_points,)
    """

    threshold: tuple[float, ...]
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    selected_share: tuple[float, ...]

    @property
    def f1(self) -> tuple[float, ...]:
        """The harmonic mean of precision and recall, 0 where both are."""
        pairs = zip(self.precision, self.recall, strict=True)
        return tuple(2 * p * r / (p + r) if p + r else 0.0 for p, r in pairs)


def trade_off(ranking: Ranking, max_points: int = 200) -> TradeOff:
    """Return precision, recall and the share of rows selected at thresholds that lie evenly over the rows.

    Those that select fewer than `_LEAST_SHARE` of the rows are left out: so few say nothing of precision.

    Notes
    -----
    Where rows have weights, the counts are those of their weights.
    """
    precision, recall = ranking.precision_recall()
    selected = ranking.true_positives + ranking.false_positives
    share = selected / selected[-1]
    keep = np.unique(np.searchsorted(share, np.linspace(_LEAST_SHARE, 1, max_points)).clip(max=len(share) - 1))
    return TradeOff(*(tuple(one[keep].tolist()) for one in (ranking.threshold, precision, recall, share)))


def outcomes_at(ranking: Ranking, threshold: float) -> Outcomes:
    """Count the outcomes when rows with a probability of at least `threshold` are selected.

    Notes
    -----
    A binary search in the ranking: the time hardly grows with the rows.
    """
    # Thresholds fall along the ranking; the last place that is still at or above the wanted one counts.
    place = len(ranking.threshold) - int(np.searchsorted(ranking.threshold[::-1], threshold, side="left"))
    found = int(ranking.true_positives[place - 1]) if place else 0
    wrong = int(ranking.false_positives[place - 1]) if place else 0
    return Outcomes(found, wrong, ranking.n_positive - found, ranking.n_negative - wrong)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
