"""What a promotion would change: a model against today's champion, on the rows that both were judged on."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from core.domain.models import ModelInfo, Origin
from core.ledger.database import Ledger
from core.metrics.predictions import Predictions
from core.metrics.profits import Money, Profit, profit
from core.metrics.threshold import outcomes_at
from core.metrics.ties import Answers, MetricDifference, SameRows
from core.models.decisions import Decision, decide
from core.models.groups import as_decided
from core.models.leaderboard import is_lower_better
from core.models.opened import ORIGINS, StoredModel
from core.store.mlflow import Store

OTHER_ROWS: Final = "The two were judged on other rows, so chance cannot be told from difference."


@dataclass(frozen=True, kw_only=True)
class MoneyDifference:
    """What both models bring for 1,000 rows, counted by the policy of one of them."""

    unit: str
    champion: Profit
    model: Profit


@dataclass(frozen=True, kw_only=True)
class ChampionDifference:
    """A model against the champion that it would replace.

    Attributes
    ----------
    origin : Origin or None
        The stored predictions that were compared; None when there are none of the same rows, then `reason` says why.
    differences : tuple of MetricDifference
        From the champion to the model, labels as each of the two makes them now.
    gained, lost : int
        Rows decided for the positive class by the model only, and by the champion only; of classes in general `gained`
        counts all rows that are labelled differently.
    money : MoneyDifference or None
        Where a policy says what decisions bring.
    """

    champion: ModelInfo
    model: ModelInfo
    origin: Origin | None = None
    n_rows: int = 0
    differences: tuple[MetricDifference, ...] = ()
    gained: int = 0
    lost: int = 0
    money: MoneyDifference | None = None
    reason: str = ""

    def worse(self) -> tuple[MetricDifference, ...]:
        """Return the metrics by which the model is worse than the champion beyond chance."""
        return tuple(one for one in self.differences if not one.is_tied and _is_worse(one))

    def better(self) -> tuple[MetricDifference, ...]:
        """Return the metrics by which the model is better than the champion beyond chance."""
        return tuple(one for one in self.differences if not one.is_tied and not _is_worse(one))

    def headline(self, metric: str) -> MetricDifference | None:
        """Return one of the differences; None where it was not measured."""
        return next((one for one in self.differences if one.metric == metric), None)


def compare_with_champion(store: Store, ledger: Ledger, champion: ModelInfo, model: ModelInfo) -> ChampionDifference:
    """Compare a model with the champion on the holdout, else in cross-validation, where both have the same rows there.

    StoreError if something cannot be read; ModelNotFoundError if the files of one were not kept.
    """
    pair = [StoredModel(store, champion), StoredModel(store, model)]
    if pair[0].spec.dataset_id != pair[1].spec.dataset_id or champion.task != model.task:
        return ChampionDifference(champion=champion, model=model, reason=OTHER_ROWS)
    decisions = [decide(ledger, one.info, one.spec) for one in pair]
    for origin in ORIGINS[::-1]:
        if not all(origin in one.origins for one in pair):
            continue
        found = [as_decided(one.predictions(origin), how) for one, how in zip(pair, decisions, strict=True)]
        if found[0].is_of_the_rows_of(found[1]):
            return _measured(champion, model, origin, found, decisions)
    return ChampionDifference(champion=champion, model=model, reason=OTHER_ROWS)


def _measured(
    champion: ModelInfo, model: ModelInfo, origin: Origin, found: list[Predictions], decisions: list[Decision]
) -> ChampionDifference:
    answers = [Answers.of(one, how.threshold) for one, how in zip(found, decisions, strict=True)]
    same = SameRows(answers)
    before, after = answers[0].decided, answers[1].decided
    moved = before != after if len(before) else np.zeros(0, bool)
    lost = int((moved & (before == answers[0].positive)).sum()) if answers[0].positive is not None else 0
    return ChampionDifference(
        champion=champion,
        model=model,
        origin=origin,
        n_rows=same.n_rows,
        differences=tuple(same.difference(0, 1, name) for name in same.metrics),
        gained=int(moved.sum()) - lost,
        lost=lost,
        money=_money(found, decisions),
    )


def _money(found: list[Predictions], decisions: list[Decision]) -> MoneyDifference | None:
    """Count by the champion's money, else by the model's own."""
    priced: list[Money] = [how.saved.policy.money for how in decisions if how.saved and how.saved.policy.money]
    thresholds = [how.threshold for how in decisions if how.threshold is not None]
    if not priced or len(thresholds) < len(found):
        return None
    brought = [
        profit(outcomes_at(one.ranking(str(one.positive)), threshold), priced[0]).per_thousand()
        for one, threshold in zip(found, thresholds, strict=True)
    ]
    return MoneyDifference(unit=priced[0].unit, champion=brought[0], model=brought[1])


def _is_worse(one: MetricDifference) -> bool:
    return is_lower_better(one.metric) == (one.value > 0)
