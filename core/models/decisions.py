"""How labels are made: by the policy saved with a model, else by the threshold of its training."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from core.domain.models import ModelInfo, ModelSpec
from core.errors import DataError, ModelError, ReviewError
from core.ledger.database import Ledger, PolicyEntry
from core.metrics.calibration import Calibration
from core.metrics.policy import Policy


@dataclass(frozen=True)
class Decision:
    """What turns the probabilities of a model into labels.

    Attributes
    ----------
    threshold : float or None
        Binary only.
    calibration : Calibration or None
        Applied to the probabilities first.
    """

    threshold: float | None = None
    words: str = ""
    calibration: Calibration | None = None
    saved: PolicyEntry | None = None

    def calibrate(self, raw: pa.Table, spec: ModelSpec) -> pa.Table:
        """Return the engine's probabilities, calibrated where the policy says so; columns as they were."""
        if self.calibration is None:
            return raw
        positive = str(spec.positive)
        probability = self.calibration.apply(raw[positive].to_numpy())
        for name in spec.classes:
            values = probability if name == positive else 1 - probability
            raw = raw.set_column(raw.schema.get_field_index(name), name, pa.array(values))
        return raw

    def summary(self, spec: ModelSpec) -> dict[str, str]:
        """Return what a reader of the result must know about the labels, in words."""
        if self.threshold is None:
            return {}
        name = f"probability_{spec.positive}"
        # All digits: rows whose probability is the threshold itself are common, and a reader may count.
        rows = {"Decision": f"{spec.positive} when {name} is at least {self.threshold!r} ({self.words})"}
        if self.saved is not None:
            rows["Policy"] = saved_words(self.saved)
        if self.calibration is not None:
            rows["Probabilities"] = f"calibrated by {self.calibration.words}"
        return rows


def decide(ledger: Ledger, model: ModelInfo, spec: ModelSpec, threshold: float | None = None) -> Decision:
    """Return how labels of a model are made now.

    Parameters
    ----------
    threshold : float, optional
        Between 0 and 1, for this once, instead of the model's own; a calibration stays.

    Raises
    ------
    DataError
        If the threshold cannot be used (``predict.threshold``).
    """
    if threshold is not None:
        _check_threshold(threshold, spec)
    if spec.task != "binary":
        return Decision()
    saved = next(iter(ledger.policies(model.id, limit=1)), None)
    if saved is None:
        own = Decision(spec.threshold, spec.threshold_origin)
    else:
        own = Decision(saved.policy.threshold, saved.policy.words(), saved.policy.calibration, saved)
    if threshold is None:
        return own
    instead = "" if own.threshold is None else f"; the model's own is {own.threshold:.6g}, {own.words}"
    return Decision(threshold, f"given for this file{instead}", own.calibration)


def save_policy(ledger: Ledger, model: ModelInfo, policy: Policy, *, why: str, person: str) -> PolicyEntry:
    """Make a policy the one that all labels of a model are made by.

    ModelError if the model is not binary or its files were not kept, so that it makes no labels; ReviewError if nobody
    says why (``review.why``) or who they are (``review.who``).
    """
    if model.task != "binary" or not model.has_files:
        raise ModelError(
            "This model makes no yes-or-no decisions, so it takes no policy.",
            hint="Choose a model of two classes whose files are stored.",
            code="model.no_policy",
        )
    if not why.strip():
        raise ReviewError("A policy needs a reason.", hint="Say why, in a few words.", code="review.why")
    if not person.strip():
        raise ReviewError("A policy needs somebody who decides.", hint="Add your name.", code="review.who")
    ledger.add_policy(model.id, policy, version=model.version, why=why, person=person)
    return ledger.policies(model.id, limit=1)[0]


def saved_words(entry: PolicyEntry) -> str:
    """Return who saved a policy, when and why.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> policy = Policy(threshold=0.2, rule="f1")
    >>> entry = PolicyEntry(1, datetime(2026, 5, 1, tzinfo=UTC), "Ann", "m-1", 2, "costs", policy)
    >>> saved_words(entry)
    'saved by Ann on 1 May 2026: costs'
    """
    by = f" by {entry.person}" if entry.person else ""
    why = f": {entry.why}" if entry.why else ""
    return f"saved{by} on {entry.at.day} {entry.at:%b %Y}{why}"


def policy_record(entry: PolicyEntry) -> dict[str, Any]:
    """Return a saved policy as a flat record for a table."""
    return {
        "saved": entry.at,
        "threshold": entry.policy.threshold,
        "rule": entry.policy.words(),
        "calibration": entry.policy.calibration.words if entry.policy.calibration else "",
        "person": entry.person,
        "why": entry.why,
        "version": entry.version,
    }


def _check_threshold(threshold: float, spec: ModelSpec) -> None:
    if spec.task != "binary":
        raise DataError(f"A {spec.task} model has no threshold.", hint="Leave it out.", code="predict.threshold")
    if not 0 <= threshold <= 1:
        raise DataError(
            f"The threshold {threshold} is not between 0 and 1.", hint="Use 0 to 1.", code="predict.threshold"
        )
