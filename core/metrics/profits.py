"""What decisions bring: profit at one threshold and at every threshold, with intervals."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from core.metrics.ranking import FloatArray, Ranking, shaping_points
from core.metrics.threshold import Outcomes

MAX_POINTS = 400
_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Money:
    """What one row of each outcome brings; costs are below zero.

    Attributes
    ----------
    unit : str
        The currency, or whatever is counted, as the person wrote it.
    """

    true_positive: float
    false_positive: float
    false_negative: float = 0.0
    true_negative: float = 0.0
    unit: str = ""


@dataclass(frozen=True)
class Profit:
    """What a decision over some rows brings, with a 95% interval.

    Attributes
    ----------
    total, low, high : float
        Over the rows counted. The interval is the normal one of a sum of independent rows: it says how much other rows
        of the same kind would differ at the same threshold, not how well the threshold was picked.
    """

    total: float
    low: float
    high: float
    n_rows: int

    def per_thousand(self) -> "Profit":
        """Return it for 1,000 rows."""
        factor = 1000 / self.n_rows
        return Profit(self.total * factor, self.low * factor, self.high * factor, 1000)


@dataclass(frozen=True)
class ProfitCurve:
    """Profit against the share of rows selected, from nobody to all.

    Attributes
    ----------
    share, threshold, profit, low, high : tuple of float
        One value per point that shapes the curve; profits are for 1,000 rows.
    best : Profit
        Of the best of all thresholds, for 1,000 rows.
    best_threshold, best_share : float
        Where it is; the smallest share when several are equally good.
    """

    share: tuple[float, ...]
    threshold: tuple[float, ...]
    profit: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    best: Profit
    best_threshold: float
    best_share: float
    n_rows: int


def profit(outcomes: Outcomes, money: Money) -> Profit:
    """Return what a decision brings over the rows counted."""
    total, spread = _total_and_spread(
        np.array(
            [[outcomes.true_positive], [outcomes.false_positive], [outcomes.false_negative], [outcomes.true_negative]]
        ),
        money,
    )
    return Profit(float(total[0]), float((total - spread)[0]), float((total + spread)[0]), outcomes.n_rows)


def profit_curve(ranking: Ranking, money: Money, *, max_points: int = MAX_POINTS) -> ProfitCurve:
    """Return what every threshold brings; the first point selects nobody."""
    found = np.concatenate(([0.0], ranking.true_positives))
    wrong = np.concatenate(([0.0], ranking.false_positives))
    counts = np.array([found, wrong, ranking.n_positive - found, ranking.n_negative - wrong])
    total, spread = _total_and_spread(counts, money)
    threshold = np.concatenate(([np.nextafter(ranking.threshold[0], np.inf)], ranking.threshold))
    share = (found + wrong) / ranking.n_rows
    scale = 1000 / ranking.n_rows
    best = int(np.argmax(total))
    height = float(np.ptp(total)) or 1.0
    keep = np.union1d(shaping_points(share, (total - total.min()) / height, max_points), [best])

    def kept(values: FloatArray) -> tuple[float, ...]:
        return tuple(values[keep].tolist())

    return ProfitCurve(
        share=kept(share),
        threshold=kept(threshold),
        profit=kept(total * scale),
        low=kept((total - spread) * scale),
        high=kept((total + spread) * scale),
        best=profit(_at(counts, best), money).per_thousand(),
        best_threshold=float(threshold[best]),
        best_share=float(share[best]),
        n_rows=ranking.n_rows,
    )


def _total_and_spread(counts: FloatArray, money: Money) -> tuple[FloatArray, FloatArray]:
    """Return the sum over the rows, and half the width of its interval; counts of shape (4, n_thresholds)."""
    amounts = np.array([money.true_positive, money.false_positive, money.false_negative, money.true_negative])
    n_rows = counts.sum(axis=0)
    total: FloatArray = amounts @ counts
    square = amounts**2 @ counts
    variance = np.maximum(square / n_rows - (total / n_rows) ** 2, 0)
    spread: FloatArray = _Z * np.sqrt(n_rows * variance)
    return total, spread


def _at(counts: FloatArray, place: int) -> Outcomes:
    return Outcomes(*(int(count) for count in counts[:, place]))
