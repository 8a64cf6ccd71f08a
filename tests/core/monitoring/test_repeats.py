"""Files scored again count once, as they came last, with the outcomes known of an earlier scoring."""

from dataclasses import replace
from datetime import UTC, datetime

from core.ledger.outcome_records import MeasuredOutcomes, Realised
from core.ledger.scoring_records import ScoringRecord, ScoringRequest, ScoringSummary
from core.monitoring.repeats import latest_scorings


def record(number, sha256="", model_id="m", threshold=0.5):
    return ScoringRecord(
        id=f"{number:032x}", experiment="e", model_id=model_id, model_version=1, algo="GBM",
        submitted_at=datetime(2026, 1, number, tzinfo=UTC), origin="page", status="finished", file_name="f.csv",
        sha256=sha256, n_bytes=0, request=ScoringRequest(), summary=ScoringSummary(task="binary", threshold=threshold),
    )  # fmt: skip


def realised(of, auc):
    found = MeasuredOutcomes(n_rows=60, metrics={"auc": auc})
    return Realised(scoring_id=of.id, task="binary", n_scored=60, found=found)


def test_the_latest_scoring_of_a_file_stands_in_its_own_place():
    first, other, again = record(1, "a"), record(2, "b"), record(3, "a")
    assert latest_scorings([first, other, again], {}).records == (other, again)


def test_another_model_or_threshold_and_requests_without_a_file_are_kept_apart():
    apart = [record(1, "a"), record(2, "a", model_id="n"), record(3, "a", threshold=0.2), record(4), record(5)]
    assert latest_scorings(apart, {}).records == tuple(apart)
    failed = replace(record(6, "c"), summary=None)
    assert latest_scorings([failed], {}).records == (failed,)


def test_outcomes_of_an_earlier_scoring_are_those_of_the_latest_unless_it_has_its_own():
    first, again = record(1, "a"), record(2, "a")
    early, late = realised(first, 0.7), realised(again, 0.8)
    assert latest_scorings([first, again], {first.id: early}).realised == {
        again.id: replace(early, scoring_id=again.id)
    }
    assert latest_scorings([first, again], {first.id: early, again.id: late}).realised == {again.id: late}


def test_the_last_files_are_told_by_what_scored_them_last():
    old, other = record(1, "a"), record(2, "b")
    by_new_model, at_new_threshold = record(3, "a", model_id="n"), record(4, "a", threshold=0.2)
    found = latest_scorings([old, other, by_new_model, at_new_threshold], {})
    assert found.last_files(3) == (other, at_new_threshold)
    assert found.last_files(1) == (at_new_threshold,)


def test_a_file_is_known_by_its_first_scoring_whatever_the_threshold_was():
    first, again, at_new_threshold = record(1, "a"), record(2, "a"), record(3, "a", threshold=0.2)
    assert latest_scorings([first, again], {}).first == {again.id: first.id}
    assert latest_scorings([first, at_new_threshold], {}).first == {first.id: first.id, at_new_threshold.id: first.id}
    by_new_model = record(4, "a", model_id="n")
    assert latest_scorings([first, by_new_model], {}).first == {first.id: first.id, by_new_model.id: by_new_model.id}
