"""Decision policies: the threshold from which a row counts as positive, picked on stored predictions, with its reason.

Everything is counted over all rows and all thresholds that make a difference; nothing is searched by steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from core.domain.models import ORIGIN_NAMES, Origin
from core.errors import DataError
from core.metrics.calibration import Calibration
from core.metrics.profits import Money, profit_curve
from core.metrics.ranking import FloatArray, Ranking
from core.wording import percent_text

Rule = Literal["f1", "recall", "precision", "share", "money", "threshold", "model"]
RULES: Mapping[Rule, str] = {
    "f1": "Best F1",
    "recall": "Recall at least",
    "precision": "Precision at least",
    "share": "Rows at most",
    "money": "Highest profit",
    "threshold": "By hand",
}


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How a binary model's probability becomes a label.

    Attributes
    ----------
    threshold : float
        Rows with a probability of at least this are positive; above 1 when none is to be.
    rule : Rule
        How it was picked; ``model`` stands for the threshold stored by training.
    wanted : float or None
        The recall, precision or share asked for, 0 to 1.
    origin : Origin
        The predictions it was picked on.
    calibration : Calibration or None
        Applied to the probabilities first.
    """

    threshold: float
    rule: Rule
    wanted: float | None = None
    money: Money | None = None
    origin: Origin = "cv"
    n_rows: int = 0
    calibration: Calibration | None = None

    def words(self) -> str:
        """Return how the threshold was picked, in words.

        Examples
        --------
        >>> Policy(threshold=0.2, rule="recall", wanted=0.8, origin="holdout", n_rows=100).words()
        'finds at least 80% of the positive rows, chosen on holdout predictions of 100 rows'
        """
        picked = f"chosen on {ORIGIN_NAMES[self.origin]} predictions of {self.n_rows:,} rows"
        return f"{_rule_words(self)}, {picked}" if self.rule != "model" else _rule_words(self)


def pick(ranking: Ranking, rule: Rule, *, wanted: float | None = None, money: Money | None = None) -> float:
    """Pick a threshold.

    Parameters
    ----------
    ranking : Ranking
        Rows by the probability of the positive class.
    rule : {"f1", "recall", "precision", "share", "money"}
        What to go by.
    wanted : float
        For recall and precision, the least that is wanted; for share, the most rows that can be acted on; 0 to 1.
    money : Money
        For money.

    Returns
    -------
    float
        Recall: the highest threshold that reaches it. Precision: the lowest that does, so that the most are found.
        Share: the lowest that keeps within it. F1 and money: the best, the highest of equally good ones.

    Raises
    ------
    DataError
        If no threshold does it (``policy.unreachable``); the message says what can be had.
    """
    if rule != "money" and not ranking.n_positive:
        raise DataError(
            "No row is positive here, so no threshold can be chosen.",
            hint="Use the other predictions, or set the threshold by hand.",
            code="policy.unreachable",
        )
    if rule == "money":
        return profit_curve(ranking, _given(money)).best_threshold
    found, selected = ranking.true_positives, ranking.true_positives + ranking.false_positives
    if rule == "f1":
        place = int(np.argmax(2 * found / (selected + ranking.n_positive)))
    elif rule == "recall":
        place = int(np.argmax(found >= _given(wanted) * ranking.n_positive))
    elif rule == "precision":
        place = _last(found >= _given(wanted) * selected, f"precision is at most {_most(found / selected)}")
    else:
        place = _last(
            selected <= _given(wanted) * ranking.n_rows,
            f"the highest probability alone selects {percent_text(selected[0] / ranking.n_rows, 1)} of the rows",
        )
    return float(ranking.threshold[place])


def make_policy(
    ranking: Ranking,
    rule: Rule,
    *,
    origin: Origin,
    wanted: float | None = None,
    money: Money | None = None,
    threshold: float | None = None,
    calibration: Calibration | None = None,
) -> Policy:
    """Return a policy picked on predictions; parameters and errors as `pick`, `threshold` for the rule of that name."""
    cut = _given(threshold) if rule in ("threshold", "model") else pick(ranking, rule, wanted=wanted, money=money)
    return Policy(
        threshold=cut,
        rule=rule,
        wanted=wanted if rule in ("recall", "precision", "share") else None,
        money=money if rule == "money" else None,
        origin=origin,
        n_rows=ranking.n_rows,
        calibration=calibration,
    )


def _rule_words(policy: Policy) -> str:
    wanted = f"{100 * (policy.wanted or 0):g}%"
    if policy.rule == "money" and policy.money is not None:
        one = policy.money
        unit = f" {one.unit}" if one.unit else ""
        amounts = (one.true_positive, one.false_positive, one.false_negative, one.true_negative)
        named = zip(("right yes", "wrong yes", "missed yes", "right no"), amounts, strict=True)
        return "highest profit (" + ", ".join(f"{name} {amount:+g}{unit}" for name, amount in named) + ")"
    return {
        "f1": "best F1",
        "recall": f"finds at least {wanted} of the positive rows",
        "precision": f"is right in at least {wanted} of the rows it selects",
        "share": f"selects at most {wanted} of the rows",
        "threshold": "set by hand",
        "model": "the threshold stored by training",
    }.get(policy.rule, policy.rule)


def _last(fits: np.ndarray, otherwise: str) -> int:
    places = np.flatnonzero(fits)
    if not len(places):
        raise DataError(
            f"No threshold does that: {otherwise}.",
            hint="Lower the goal, or choose another rule.",
            code="policy.unreachable",
        )
    return int(places[-1])


def _most(shares: FloatArray) -> str:
    return percent_text(shares.max(), 1)


def _given(value: Any) -> Any:
    if value is None:
        raise ValueError("The rule needs a value that was not given.")
    return value
