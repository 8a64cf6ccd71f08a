"""Fairness of a binary model's decisions: rates per group, their ratios and differences to a reference group.

It compares decisions with actual outcomes. It does not say why groups differ, whether the labels of the past were fair
themselves, or which of the measures is the right one for a case.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pyarrow as pa

from core.data.relations.binning import group_rows
from core.data.relations.relations import wilson
from core.domain.columns import Column
from core.errors import DataError
from core.metrics.ranking import BoolArray, IntArray
from core.metrics.threshold import Outcomes

FOUR_FIFTHS = 0.8
MIN_ROWS = 30
MIN_EXPECTED = 5
MAX_GROUPS = 12
DEFAULT_BINS = 4
MIN_REFERENCE_SHARE = 0.02
# What the names of columns begin with that people most often ask about.
PROTECTED: tuple[str, ...] = (
    "gender", "sex", "age", "race", "ethnic", "religion", "nationality", "country", "region", "disab",
)  # fmt: skip

# What comparing groups does not tell: the point, and what it means.
LIMITS: tuple[tuple[str, str], ...] = (
    (
        "Not why.",
        (
            "Groups may differ because of other columns, or because the labels of the past were unfair themselves: "
            "then a model that repeats them looks fair here."
        ),
    ),
    (
        "Not which measure matters.",
        (
            "Where base rates differ, equal selection, equal true positive rates and equal precision cannot all hold "
            "at once (A. Chouldechova, 2017; J. Kleinberg and others, 2016). Which one counts is for people to say."
        ),
    ),
    ("Not single persons,", "and not groups that nobody wrote into a column, nor two columns together."),
    (
        "Not the law.",
        (
            "The four-fifths rule is a rule of thumb of US employment guidelines (29 CFR 1607.4 D), not a proof. "
            "Being selected counts as the good outcome here; where it is a burden, a ratio above 1 is the warning."
        ),
    ),
    (
        "p-values",
        (
            "say whether chance alone explains a difference, not whether it is large: with many rows small ones have "
            "small p-values, and with many groups some are below 0.05 by chance, because they are not corrected."
        ),
    ),
)


@dataclass(frozen=True)
class Rate:
    """A share of rows with its 95% Wilson interval; `n_rows` is what it is a share of."""

    value: float
    low: float
    high: float
    n_rows: int


@dataclass(frozen=True)
class Gap:
    """A rate against the reference group's.

    Attributes
    ----------
    ratio : float or None
        Group over reference; None when the reference's rate is 0.
    p_value : float
        Of no difference: the two-proportion test, or Fisher's exact one.
    """

    difference: float
    ratio: float | None
    p_value: float
    test: str


@dataclass(frozen=True)
class GroupRates:
    """One group.

    Attributes
    ----------
    base_rate : Rate
        Share of its rows that is positive in truth.
    selection : Rate
        Share that is decided as positive.
    true_positive_rate, false_positive_rate : Rate or None
        Share of its positive and of its negative rows that is decided as positive; None without such rows.
    precision : Rate or None
        Share of its selected rows that is positive; None when none is selected.
    selection_gap, true_positive_gap, false_positive_gap : Gap or None
        Against the reference group; None for that group itself, and where a rate is missing.
    """

    name: str
    outcomes: Outcomes
    base_rate: Rate
    selection: Rate
    true_positive_rate: Rate | None
    false_positive_rate: Rate | None
    precision: Rate | None
    selection_gap: Gap | None = None
    true_positive_gap: Gap | None = None
    false_positive_gap: Gap | None = None

    @property
    def n_rows(self) -> int:
        """Rows of the group."""
        return self.outcomes.n_rows

    @property
    def is_small(self) -> bool:
        """Whether it has too few rows to be judged."""
        return self.n_rows < MIN_ROWS

    @property
    def impact(self) -> float | None:
        """The ratio of selection rates, turned so that it is at most 1; None where it cannot be judged."""
        gap = self.selection_gap
        if gap is None or gap.ratio is None or self.is_small:
            return None
        return min(gap.ratio, 1 / gap.ratio) if gap.ratio else 0.0


def ratio_interval(one: Rate, base: Rate) -> tuple[float, float] | None:
    """Return the 95% interval of the ratio of two rates; None where one of them is 0.

    Notes
    -----
    Normal on the logarithm of the ratio (D. Katz and others 1978, Obtaining confidence intervals for the risk ratio in
    cohort studies, Biometrics 34).

    Examples
    --------
    >>> [round(end, 3) for end in ratio_interval(Rate(0.1, 0, 1, 100), Rate(0.2, 0, 1, 100)) or ()]
    [0.247, 1.014]
    """
    if not one.value or not base.value:
        return None
    spread = sum((1 - rate.value) / (rate.value * rate.n_rows) for rate in (one, base))
    half = NormalDist().inv_cdf(0.975) * math.sqrt(spread)
    ratio = one.value / base.value
    return ratio * math.exp(-half), ratio * math.exp(half)


@dataclass(frozen=True)
class Fairness:
    """The groups of one column, in the order of its groups.

    Attributes
    ----------
    disparate_impact : float or None
        The smallest ratio of selection rates to the reference group's over the groups that can be judged, each turned
        so that it is at most 1; None when there is nothing to compare.
    """

    column: str
    reference: str
    groups: tuple[GroupRates, ...]
    disparate_impact: float | None

    @property
    def furthest(self) -> GroupRates | None:
        """The group whose impact is the smallest; None when there is nothing to compare."""
        known = {impact: one for one in reversed(self.groups) if (impact := one.impact) is not None}
        return known[min(known)] if known and self.disparate_impact is not None else None

    @property
    def passes(self) -> bool | None:
        """Whether the four-fifths rule holds; None when nothing can be compared."""
        return None if self.disparate_impact is None else self.disparate_impact >= FOUR_FIFTHS


def is_protected(name: str) -> bool:
    """Tell from a column's name whether its groups are ones that people most often ask about.

    Examples
    --------
    >>> is_protected("Gender"), is_protected("vehicle_age")
    (True, False)
    """
    return name.casefold().startswith(PROTECTED)


def split_groups(
    values: pa.ChunkedArray, column: Column, *, n_bins: int = DEFAULT_BINS, borders: Sequence[float] = ()
) -> tuple[IntArray, tuple[str, ...]]:
    """Part rows into groups: levels, or bins of about equal counts, or bins between borders.

    Parameters
    ----------
    n_bins : int
        Numbers and dates: bins wanted.
    borders : sequence of float
        Numbers: where bins begin; given, it decides instead of `n_bins`.

    Returns
    -------
    names : tuple of str
        Of the groups; missing values, where there are any, are the last one.
    """
    if not borders or column.type != "numeric":
        codes, groups = group_rows(values, column, max_levels=MAX_GROUPS, max_bins=n_bins)
        return codes, tuple(group.label for group in groups)
    edges = np.unique(np.asarray(borders, dtype=np.float64))
    numbers = values.to_numpy().astype(np.float64)
    missing = ~np.isfinite(numbers)
    codes = np.searchsorted(edges, np.where(missing, edges[0], numbers), side="right")
    texts = [f"{edge:g}" for edge in edges]
    names = [
        f"below {texts[0]}",
        *(f"{a} to below {b}" for a, b in pairwise(texts)),
        f"from {texts[-1]}",
    ]
    if missing.any():
        codes[missing] = len(names)
        names.append("missing")
    used = np.unique(codes)
    return np.searchsorted(used, codes), tuple(names[place] for place in used)


def measure_fairness(
    truth: BoolArray,
    selected: BoolArray,
    codes: IntArray,
    names: Sequence[str],
    *,
    column: str,
    reference: str | None = None,
) -> Fairness:
    """Compare what is decided for the groups of a column.

    Parameters
    ----------
    truth, selected : ndarray of bool, shape (n_rows,)
        Which rows are positive, and which were decided so.
    codes : ndarray of int, shape (n_rows,)
        The place of each row's group in `names`.
    reference : str, optional
        The group that the others are compared with; without it the one that is selected most often, as the four-fifths
        rule has it, among those with at least 2% of the rows.

    Raises
    ------
    DataError
        If there are fewer than two groups (``fairness.one_group``), or the reference is none of them.
    """
    if len(names) < 2:
        raise DataError(
            "All rows are of one group, so there is nothing to compare.",
            hint="Choose another column.",
            code="fairness.one_group",
        )
    groups = [_rates(name, truth, selected, codes == place) for place, name in enumerate(names)]
    if reference is None:
        enough = [one for one in groups if one.n_rows >= max(MIN_ROWS, MIN_REFERENCE_SHARE * len(truth))]
        reference = max(enough or groups, key=lambda one: one.selection.value).name
    if reference not in names:
        raise DataError(f"There is no group {reference!r}.", hint="Choose one of the groups.")
    base = groups[list(names).index(reference)]
    compared = tuple(one if one is base else _compared(one, base) for one in groups)
    ratios = [ratio for one in compared if (ratio := one.impact) is not None]
    return Fairness(column, reference, compared, min(ratios) if ratios and not base.is_small else None)


def compare(count: int, n_rows: int, base_count: int, base_rows: int) -> Gap:
    """Compare two shares: the two-proportion test, or Fisher's exact one where fewer than 5 rows would be expected.

    Examples
    --------
    >>> compare(10, 100, 20, 100).ratio
    0.5
    """
    share, base = count / n_rows, base_count / base_rows
    pooled = (count + base_count) / (n_rows + base_rows)
    ratio = share / base if base_count else None
    if min(pooled, 1 - pooled) * min(n_rows, base_rows) < MIN_EXPECTED:
        from scipy.stats import fisher_exact  # takes a second to load, and is seldom needed

        table = [[count, n_rows - count], [base_count, base_rows - base_count]]
        return Gap(share - base, ratio, float(fisher_exact(table)[1]), "Fisher's exact test")
    error = float(np.sqrt(pooled * (1 - pooled) * (1 / n_rows + 1 / base_rows)))
    from scipy import special  # loaded when it is needed: a scoring starts without

    p_value = 2 * float(special.ndtr(-abs(share - base) / error))
    return Gap(share - base, ratio, p_value, "two-proportion test")


def _rates(name: str, truth: BoolArray, selected: BoolArray, inside: BoolArray) -> GroupRates:
    counts = np.bincount(truth[inside] * 2 + selected[inside], minlength=4)
    right_no, wrong_yes, missed, right_yes = (int(count) for count in counts)
    found = Outcomes(right_yes, wrong_yes, missed, right_no)
    if not found.n_rows:
        raise DataError(f"The group {name!r} has no rows.")
    return GroupRates(
        name,
        found,
        base_rate=_rate(right_yes + missed, found.n_rows),
        selection=_rate(found.selected, found.n_rows),
        true_positive_rate=_rate(right_yes, right_yes + missed) if right_yes + missed else None,
        false_positive_rate=_rate(wrong_yes, wrong_yes + right_no) if wrong_yes + right_no else None,
        precision=_rate(right_yes, found.selected) if found.selected else None,
    )


def _rate(count: int, n_rows: int) -> Rate:
    low, high = wilson(np.array([count]), np.array([n_rows]))
    return Rate(count / n_rows, float(low[0]), float(high[0]), n_rows)


def _compared(one: GroupRates, base: GroupRates) -> GroupRates:
    ours, theirs = one.outcomes, base.outcomes
    negatives, base_negatives = (found.false_positive + found.true_negative for found in (ours, theirs))
    positives, base_positives = (found.true_positive + found.false_negative for found in (ours, theirs))
    return GroupRates(
        one.name, ours, one.base_rate, one.selection, one.true_positive_rate, one.false_positive_rate, one.precision,
        selection_gap=compare(ours.selected, ours.n_rows, theirs.selected, theirs.n_rows),
        true_positive_gap=(
            compare(ours.true_positive, positives, theirs.true_positive, base_positives)
            if positives and base_positives
            else None
        ),
        false_positive_gap=(
            compare(ours.false_positive, negatives, theirs.false_positive, base_negatives)
            if negatives and base_negatives
            else None
        ),
    )  # fmt: skip
