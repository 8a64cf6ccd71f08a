"""Alerts: which scorings show drift past a rule, or were less good than promised."""

from collections.abc import Iterable, Mapping
from typing import Final

from core.domain.models import METRIC_NAMES, Origin
from core.ledger.outcome_records import MIN_OUTCOMES, MORE_IS_BETTER, AlertRule, Realised, UseAlert
from core.ledger.scoring_records import FeatureDrift, ScoringRecord
from core.wording import number_text

SCORES: Final = "scores"
_WHERE: Final[Mapping[Origin, str]] = {"cv": "in cross-validation", "holdout": "on the holdout", "train": "in training"}


def find_alerts(
    records: Iterable[ScoringRecord], realised: Mapping[str, Realised], rule: AlertRule
) -> tuple[UseAlert, ...]:
    """Return what a person should look at, scoring by scoring in their order: metrics, scores, the largest drift first.

    Parameters
    ----------
    records : iterable of ScoringRecord
        Finished ones.
    realised : mapping of str to Realised
        What came of them, by scoring.
    rule : AlertRule
        What is too much.

    Notes
    -----
    Drift counts when it is above the rule and above what chance explains in a file of that size
    (`core.data.drift`): a file like the training data raises an alert in about 1 of 100 cases. A metric
    counts when it is worse than promised by more than the rule's share, and what was promised lies outside its 95%
    interval.
    """
    found: list[UseAlert] = []
    for record in records:
        if (known := realised.get(record.id)) is not None:
            found += _metric_alerts(known, rule)
        found += _drift_alerts(record, rule)
    return tuple(found)


def _drift_alerts(record: ScoringRecord, rule: AlertRule) -> list[UseAlert]:
    summary = record.summary
    if summary is None:
        return []
    found = []
    if summary.score is not None and summary.score.drift is not None and summary.score.drift.is_over(rule.psi):
        drift = summary.score.drift
        where = _WHERE[summary.score.expected_origin or "train"]
        text = f"The scores are distributed differently than {where} (PSI {drift.psi:.2f})."
        found.append(UseAlert(
            scoring_id=record.id, kind="score", name=SCORES, value=drift.psi, limit=rule.psi, text=text
        ))  # fmt: skip
    found += [_feature_alert(record.id, drift, rule) for drift in summary.drift if drift.is_over(rule.psi)]
    return found


def _feature_alert(scoring_id: str, drift: FeatureDrift, rule: AlertRule) -> UseAlert:
    text = drift.column().in_words()
    return UseAlert(scoring_id=scoring_id, kind="feature", name=drift.name, value=drift.psi, limit=rule.psi, text=text)


def _metric_alerts(known: Realised, rule: AlertRule) -> list[UseAlert]:
    if known.promised is None or known.origin is None or known.found.n_rows < MIN_OUTCOMES:
        return []
    value, promised = known.value, known.promise
    if value is None or promised is None or known.verdict != "worse":
        return []
    is_up = known.headline in MORE_IS_BETTER
    limit = promised * (1 - rule.loss if is_up else 1 + rule.loss)
    if value >= limit if is_up else value <= limit:
        return []
    name = METRIC_NAMES[known.headline]
    text = (
        f"{name[:1].upper()}{name[1:]} is {number_text(value)} on {known.found.n_rows:,} actual outcomes; "
        f"it was {number_text(promised)} {_WHERE[known.origin]}."
    )
    return [UseAlert(
        scoring_id=known.scoring_id, kind="metric", name=known.headline, value=value, limit=limit, text=text
    )]  # fmt: skip
