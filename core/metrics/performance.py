"""How well a class is found, beyond ROC and precision-recall: gains, lift, KS, calibration, thresholds.

Exact over all rows; only what is drawn is thinned. Tests hold each number against scikit-learn's or scipy's to 1e-9.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from core.data.relations.relations import wilson
from core.metrics.ranking import BoolArray, FloatArray, Ranking, check_lengths, shaping_points
from core.metrics.threshold import Outcomes, outcomes_at

MAX_POINTS = 500
RELIABILITY_BINS = 15
SCORE_BINS = 40
MISS_SHARE = 0.05  # of right 95% intervals that miss
CHANCE = 0.05
TABLE_SHARES: tuple[float, ...] = (0.01, 0.02, 0.05, *(step / 10 for step in range(1, 10)))


@dataclass(frozen=True)
class Gains:
    """Cumulative gains: how many of the positive rows are among the rows that look most like it.

    Attributes
    ----------
    share : tuple of float
        Share of all rows selected, rising from 0 to 1.
    gain : tuple of float
        Share of the positive rows among them; divided by `share` it is the lift.
    threshold : tuple of float
        The probability from which rows are selected.
    positive_share : float
        Share of positive rows in all rows.
    """

    share: tuple[float, ...]
    gain: tuple[float, ...]
    threshold: tuple[float, ...]
    positive_share: float
    n_rows: int

    def lift(self) -> tuple[float, ...]:
        """Return how many times more positives are among the selected rows than among all, from the second point on."""
        return tuple(gain / share for gain, share in zip(self.gain[1:], self.share[1:], strict=True))


@dataclass(frozen=True)
class Separation:
    """How far apart the probabilities of the two classes lie.

    Attributes
    ----------
    threshold : tuple of float
        Falling.
    positive_above, negative_above : tuple of float
        Share of the positive and of the negative rows with a probability of at least the threshold.
    ks : float
        Kolmogorov-Smirnov statistic: the largest difference of the two shares over all thresholds.
    at : float
        The threshold of that difference.
    """

    threshold: tuple[float, ...]
    positive_above: tuple[float, ...]
    negative_above: tuple[float, ...]
    ks: float
    at: float


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows with about the same probability: their mean probability and the share that is positive, with interval."""

    n_rows: int
    predicted: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True)
class Reliability:
    """Whether probabilities can be taken at their word.

    Attributes
    ----------
    bins : tuple of ReliabilityBin
        Of as equal counts as ties allow.
    ece : float
        Expected calibration error: mean distance of `predicted` and `observed` over the bins, weighted by their rows.
    brier : float
        Mean squared distance of probability and truth.
    """

    bins: tuple[ReliabilityBin, ...]
    ece: float
    brier: float
    n_rows: int

    @property
    def off(self) -> tuple[ReliabilityBin, ...]:
        """The bins whose 95% interval does not hold their mean probability."""
        return tuple(one for one in self.bins if not one.low <= one.predicted <= one.high)

    @property
    def is_by_chance(self) -> bool:
        """Whether chance alone would put so many bins off the diagonal.

        Notes
        -----
        Where every probability is right, each interval misses the diagonal in one case of 20, so the count of misses
        over the bins is binomial: ``P(X >= misses) >= 0.05`` for ``X ~ B(n_bins, 0.05)`` is called chance. Of 15 bins
        2 may be off. The idea of testing the bars of a reliability diagram against what chance does to them is that of
        J. Bröcker and L. A. Smith, "Increasing the reliability of reliability diagrams", Weather and Forecasting 22
        (2007); the intervals are Wilson's.
        """
        n, k = len(self.bins), len(self.off)
        fewer = sum(comb(n, i) * MISS_SHARE**i * (1 - MISS_SHARE) ** (n - i) for i in range(k))
        return 1 - fewer >= CHANCE


@dataclass(frozen=True)
class ScoreSpread:
    """Rows by probability, one line of counts per class."""

    edges: tuple[float, ...]
    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class ThresholdRow:
    """What a threshold leads to."""

    threshold: float
    outcomes: Outcomes


def gains(ranking: Ranking, *, max_points: int = MAX_POINTS) -> Gains:
    """Compute cumulative gains; the ranking must hold a positive row."""
    selected = ranking.true_positives + ranking.false_positives
    share = np.concatenate(([0.0], selected / ranking.n_rows))
    gain = np.concatenate(([0.0], ranking.true_positives / ranking.n_positive))
    threshold = np.concatenate(([np.nextafter(ranking.threshold[0], np.inf)], ranking.threshold))
    keep = shaping_points(share, gain, max_points)
    return Gains(
        share=tuple(share[keep].tolist()),
        gain=tuple(gain[keep].tolist()),
        threshold=tuple(threshold[keep].tolist()),
        positive_share=ranking.n_positive / ranking.n_rows,
        n_rows=ranking.n_rows,
    )


def separation(ranking: Ranking, *, max_points: int = MAX_POINTS) -> Separation:
    """Compute the two cumulative distributions and their largest distance; both classes must occur."""
    fpr, tpr = ranking.rates()
    distance = np.abs(tpr - fpr)
    furthest = int(np.argmax(distance))
    threshold = np.concatenate(([np.nextafter(ranking.threshold[0], np.inf)], ranking.threshold))
    # Both lines are kept at the same places, and the place of the largest distance with them.
    keep = np.unique(
        np.concatenate([shaping_points(threshold, line, max_points // 2) for line in (tpr, fpr)] + [[furthest]])
    )
    return Separation(
        threshold=tuple(threshold[keep].tolist()),
        positive_above=tuple(tpr[keep].tolist()),
        negative_above=tuple(fpr[keep].tolist()),
        ks=float(distance[furthest]),
        at=float(threshold[furthest]),
    )


def reliability(truth: ArrayLike, probability: ArrayLike, *, n_bins: int = RELIABILITY_BINS) -> Reliability:
    """Compare probabilities with the actual outcomes, in bins of equal counts.

    Parameters
    ----------
    truth : array-like of bool, shape (n_rows,)
    probability : array-like of float, shape (n_rows,)
    n_bins : int
        Bins wanted; equal borders fall together.

    Raises
    ------
    DataError
        If lengths differ or there are no rows.

    Notes
    -----
    Equal counts rather than equal widths: in bins of equal width nearly all rows of a rare class lie in the first one,
    and the others weigh nothing (J. Nixon and others, "Measuring calibration in deep learning", 2019). Borders are
    those of scikit-learn's ``calibration_curve(strategy="quantile")``. Intervals are Wilson's, 95%.
    """
    y: FloatArray = np.asarray(truth, dtype=np.float64)
    p: FloatArray = np.asarray(probability, dtype=np.float64)
    check_lengths(len(y), len(p))
    borders = np.percentile(p, np.linspace(0, 1, n_bins + 1)[1:-1] * 100)
    codes = np.searchsorted(borders, p)
    rows = np.bincount(codes, minlength=n_bins)
    used = rows > 0
    counts = rows[used]
    positives = np.bincount(codes, weights=y, minlength=n_bins)[used]
    predicted = np.bincount(codes, weights=p, minlength=n_bins)[used] / counts
    observed = positives / counts
    low, high = wilson(positives, counts)
    columns = (column.tolist() for column in (counts, predicted, observed, low, high))
    return Reliability(
        bins=tuple(ReliabilityBin(*one) for one in zip(*columns, strict=True)),
        ece=float(np.sum(counts * np.abs(predicted - observed)) / len(y)),
        brier=float(np.mean((p - y) ** 2)),
        n_rows=len(y),
    )


def calibration_words(found: Reliability, *, can_calibrate: bool = True) -> str:
    """Say whether probabilities can be taken at their word: what the intervals of the bins say, then by how much.

    Examples
    --------
    >>> right, wrong = ReliabilityBin(900, 0.2, 0.21, 0.18, 0.24), ReliabilityBin(900, 0.4, 0.31, 0.28, 0.34)
    >>> calibration_words(Reliability((right,) * 14 + (wrong,), 0.01, 0.1, 13_500))
    'The 95% intervals of 14 of 15 bins hold the diagonal, as chance allows: the probabilities can be taken at their word.'
    >>> calibration_words(Reliability((right,) + (wrong,) * 3, 0.07, 0.1, 3_600))
    'The 95% intervals of 3 of 4 bins miss the diagonal, more than chance does: the probabilities are too high there, on average off by 7.0 points over all rows. A policy can calibrate them (Decision).'
    """  # noqa: E501
    n, off = len(found.bins), found.off
    if found.is_by_chance:
        held = f"{n - len(off)} of {n} bins" if off else f"all {n} bins"
        chance = ", as chance allows" if off else ""
        return f"The 95% intervals of {held} hold the diagonal{chance}: the probabilities can be taken at their word."
    high = sum(one.predicted > one.observed for one in off)
    side = "too high there" if high == len(off) else "too high in some, too low in others" if high else "too low there"
    advice = " A policy can calibrate them (Decision)." if can_calibrate else ""
    return (
        f"The 95% intervals of {len(off)} of {n} bins miss the diagonal, more than chance does: the probabilities are"
        f" {side}, on average off by {100 * found.ece:.1f} points over all rows.{advice}"
    )


def score_spread(truth: BoolArray, probability: FloatArray, names: Sequence[str]) -> ScoreSpread:
    """Count rows by probability, for the class looked for (the first of `names`) and the others."""
    edges = np.linspace(0, 1, SCORE_BINS + 1)
    counts = [np.histogram(probability[rows], bins=edges)[0] for rows in (truth, ~truth)]
    return ScoreSpread(tuple(edges.tolist()), tuple(names), tuple(tuple(int(n) for n in line) for line in counts))


def threshold_table(ranking: Ranking, *, also: Sequence[float] = ()) -> tuple[ThresholdRow, ...]:
    """Return what thresholds lead to: those that select 1, 2, 5, 10, 20 … 90% of the rows, and the ones of `also`.

    Notes
    -----
    A threshold is the largest probability that selects at least that share; ties can make it more.
    """
    selected = ranking.true_positives + ranking.false_positives
    places = np.searchsorted(selected, np.array(TABLE_SHARES) * ranking.n_rows, side="left")
    wanted = {float(ranking.threshold[min(place, len(selected) - 1)]) for place in places} | set(also)
    return tuple(ThresholdRow(cut, outcomes_at(ranking, cut)) for cut in sorted(wanted, reverse=True))
