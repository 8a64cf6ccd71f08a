"""Files scored again: each counts once in what is said of a model in use, or one eager person hides the others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from core.ledger.outcome_records import Realised
from core.ledger.scoring_records import ScoringRecord


@dataclass(frozen=True)
class LatestScorings:
    """The latest scoring of each file, and what came of it.

    Attributes
    ----------
    records : tuple of ScoringRecord
        The oldest first.
    realised : mapping of str to Realised
        By scoring; of an earlier scoring of the same file where outcomes came before the latest one.
    first : mapping of str to str
        By the latest scoring of a file the first one by the same model, whatever the threshold was.
    """

    records: tuple[ScoringRecord, ...]
    realised: Mapping[str, Realised]
    first: Mapping[str, str]

    def last_files(self, n_files: int) -> tuple[ScoringRecord, ...]:
        """Return the files scored last, the oldest first; of one that several models scored the last scoring."""
        newest = {record.sha256 or record.id: record for record in self.records}
        return tuple(sorted(newest.values(), key=lambda one: one.submitted_at)[-n_files:])


def latest_scorings(records: Iterable[ScoringRecord], realised: Mapping[str, Realised]) -> LatestScorings:
    """Leave out what says nothing new: the same file, scored by the same model with the same threshold, before.

    Parameters
    ----------
    records : iterable of ScoringRecord
        Finished ones, the oldest first.
    realised : mapping of str to Realised
        What came of them, by scoring.
    """
    latest: dict[tuple[object, ...], ScoringRecord] = {}
    known: dict[tuple[object, ...], Realised] = {}
    first: dict[tuple[object, ...], str] = {}
    for record in records:
        threshold = record.summary.threshold if record.summary else None
        same = (record.sha256 or record.id, record.model_id, threshold)
        latest.pop(same, None)  # it takes its place in the order anew
        latest[same] = record
        first.setdefault(same[:2], record.id)
        if record.id in realised:
            known[same] = realised[record.id]
    return LatestScorings(
        tuple(latest.values()),
        {record.id: replace(known[same], scoring_id=record.id) for same, record in latest.items() if same in known},
        {record.id: first[same[:2]] for same, record in latest.items()},
    )
