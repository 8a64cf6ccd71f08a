"""Scorings: one record for each, whoever asks; in the background with progress and cancel; over restarts; cleaned."""

import hashlib
import itertools
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from core.errors import (
    DataError,
    FileTooLargeError,
    ScoringCancelled,
    ScoringNotFoundError,
    ScoringProcessError,
    ScoringsFullError,
)
from core.exports.answers import save
from core.ledger.scoring_records import ScoringRequest
from core.ledger.scorings import ScoringTable
from core.scoring.kept.log import STEPS, ScoringLog
from core.scoring.kept.saved import load_scored, plain_ids, save_scored
from core.scoring.result import Scored
from core.services import build
from tests.fixtures_runs import write_customers

WAIT_S = 30


def champion(home):
    return home.services.store.champion("customers")


@pytest.fixture
def customers(tmp_path):
    return write_customers(tmp_path / "new.csv", 60, seed=3, with_target=False)


@pytest.fixture
def working(own_home):
    """A home whose scorings are worked on."""
    own_home.services.scorings.start()
    yield own_home
    own_home.services.scorings.stop()
    own_home.services.scorings.join()


class Gate:
    """Holds a step of the engine until it is opened."""

    def __init__(self, engine, monkeypatch) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        real = engine.mojos.predict

        def held(*args, **kwargs):
            self.reached.set()
            assert self.opened.wait(WAIT_S)
            return real(*args, **kwargs)

        monkeypatch.setattr(engine.mojos, "predict", held)


# --- the record -------------------------------------------------------------------------------------------------------


def test_every_scoring_is_recorded_with_file_model_policy_drift_and_scores(own_home, customers):
    services, model = own_home.services, champion(own_home)
    scored = services.scorer.score_file(customers, "new.csv", person="Ann", origin="http")
    (record,) = services.scoring_log.list()
    assert record.id == scored.scoring_id
    assert (record.experiment, record.model_id, record.model_version) == ("customers", model.id, model.version)
    assert (record.person, record.origin, record.status, record.n_rows) == ("Ann", "http", "finished", 60)
    assert record.sha256 == hashlib.sha256(customers.read_bytes()).hexdigest()
    assert record.n_bytes == customers.stat().st_size
    assert record.started_at <= record.ended_at
    summary = record.summary
    assert summary.threshold == scored.threshold
    assert summary.id_column == "customer_id"
    labels = pd.Series(scored.results["prediction"].to_pylist()).value_counts()
    assert dict(summary.labels) == labels.to_dict()
    probability = scored.results["probability_yes"].to_pandas()
    assert summary.score.mean == pytest.approx(probability.mean(), abs=1e-12)
    assert summary.score.quantiles[10] == pytest.approx(probability.median(), abs=1e-12)
    assert summary.score.expected_origin == "holdout"
    assert {drift.name for drift in summary.drift} == {"age", "city", "premium"}
    assert record.kept == "scores"
    assert services.ledger.entries(action="score")[0].detail["scoring"] == record.id


def test_the_drift_of_the_record_is_that_of_the_full_check(own_home, customers):
    services = own_home.services
    services.scorer.score_file(customers, "new.csv")
    checked = services.scorer.score_file(customers, "new.csv", details=True).check
    quick = {one.name: (one.psi, one.ks) for one in services.scoring_log.list()[1].summary.drift}
    assert quick == {one.name: (one.psi, one.ks) for one in checked.drift.columns}


def test_a_scoring_that_fails_says_why_in_its_record(own_home, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("customer_id,age\n1,2\n")
    with pytest.raises(DataError):
        own_home.services.scorer.score_file(path, "bad.csv", origin="cli")
    (record,) = own_home.services.scoring_log.list()
    assert record.status == "failed"
    assert record.error["code"] == "schema.missing_columns"
    assert not own_home.services.settings.scorings_dir.joinpath(record.id).exists()


def test_a_bug_leaves_no_record_running(own_home, customers, monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(own_home.services.engine.mojos, "predict", broken)
    with pytest.raises(ZeroDivisionError):
        own_home.services.scorer.score_file(customers, "new.csv")
    assert own_home.services.scoring_log.list()[0].status == "failed"


def test_more_rows_than_allowed_are_refused_with_the_setting(own_home, customers, migrated_database):
    settings = replace(own_home.services.settings, max_score_rows=59)
    services = build(settings, engine=own_home.services.engine)
    with pytest.raises(DataError, match="60 rows; at most 59") as caught:
        services.scorer.score_file(customers, "new.csv")
    assert (caught.value.code, "BELLWETHER_MAX_SCORE_ROWS" in caught.value.hint) == ("scoring.too_many_rows", True)


def test_the_history_is_by_problem_and_person_newest_first(own_home, customers):
    services = own_home.services
    for person in ("Ann", "Ben", "Ann"):
        services.scorer.score_file(customers, "new.csv", person=person)
    assert len(services.scoring_log.list(person="Ann")) == 2
    assert len(services.scoring_log.list(experiment="customers")) == 3
    assert services.scoring_log.list(experiment="other") == ()
    moments = [record.submitted_at for record in services.scoring_log.list()]
    assert moments == sorted(moments, reverse=True)
    assert services.scoring_log.experiments() == {"customers": 3}


# --- results ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"details": True, "reasons": 2}])
def test_a_result_read_back_gives_the_same_files(own_home, tmp_path, options):
    path = write_customers(tmp_path / "known.csv", 80, seed=5)
    scored = own_home.services.scorer.score_file(path, path.name, origin="page", **options)
    again = own_home.services.scoring_log.result(scored.scoring_id)
    assert again.decision == scored.decision
    assert again.model == scored.model
    assert again.summary() == scored.summary()
    for suffix in (".csv", ".json", ".parquet"):
        save(scored, tmp_path / f"a{suffix}")
        save(again, tmp_path / f"b{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_a_saved_policy_and_intervals_survive(own_home, customers, tmp_path):
    from core.metrics.calibration import Calibration
    from core.metrics.policy import Policy
    from core.metrics.profits import Money
    from core.models.decisions import save_policy

    calibration = Calibration("platt", slope=1.5, intercept=0.25, fitted_on="some rows")
    policy = Policy(threshold=0.4, rule="money", money=Money(90.0, -10.0, unit="EUR"), calibration=calibration)
    save_policy(own_home.services.ledger, champion(own_home), policy, why="costs", person="Ann")
    scored = own_home.services.scorer.score_file(customers, "new.csv", origin="page")
    assert own_home.services.scoring_log.result(scored.scoring_id).decision == scored.decision
    record = own_home.services.scoring_log.get(scored.scoring_id)
    assert (record.summary.policy_id, record.summary.money.unit) == (1, "EUR")
    save_scored(scored, tmp_path / "kept")
    assert isinstance(load_scored(tmp_path / "kept"), Scored)


def test_ids_are_compared_as_people_see_them():
    import pyarrow as pa

    assert plain_ids(pa.chunked_array([[7.0, 7.5, None]])).to_pylist() == ["7", "7.5", None]
    assert plain_ids(pa.chunked_array([[" 7", "007"]])).to_pylist() == ["7", "007"]
    assert plain_ids(pa.chunked_array([pa.array([7], pa.int64())])).to_pylist() == ["7"]


# --- the queue --------------------------------------------------------------------------------------------------------


def test_a_file_is_scored_in_the_background_and_downloaded_later(working, customers):
    services = working.services
    wanted = ScoringRequest(details=True, reasons=1)
    scoring_id = services.scorings.submit(customers, "new.csv", champion(working), wanted, person="Ann")
    customers.unlink()
    record = services.scorings.wait(scoring_id, WAIT_S)
    assert (record.status, record.n_rows, record.person, record.origin) == ("finished", 60, "Ann", "page")
    assert "reason_1" in services.scoring_log.result(scoring_id).results.column_names
    assert not services.settings.scorings_dir.joinpath(scoring_id, "input").exists()


def test_scorings_wait_in_order_and_their_number_is_limited(own_home, customers, monkeypatch):
    settings = replace(own_home.services.settings, max_scorings=3)
    services = build(settings, engine=own_home.services.engine)
    model = champion(own_home)
    first, second, third = (services.scorings.submit(customers, f"{n}.csv", model, ScoringRequest()) for n in range(3))
    with pytest.raises(ScoringsFullError, match="3 scorings") as caught:
        services.scorings.submit(customers, "4.csv", model, ScoringRequest())
    assert "BELLWETHER_MAX_SCORINGS" in caught.value.hint
    assert len(list(settings.scorings_dir.iterdir())) == 3
    gate = Gate(services.engine, monkeypatch)
    services.scorings.start()
    assert gate.reached.wait(WAIT_S)
    assert [record.id for record in services.scorings.active()] == [first, second, third]
    assert services.scorings.active()[0].stage == "Predicting"
    gate.opened.set()
    ended = [services.scorings.wait(one, WAIT_S).ended_at for one in (first, second, third)]
    assert ended == sorted(ended)
    services.scorings.stop()
    services.scorings.join()


def test_direct_scorings_do_not_count_against_the_limit(own_home, customers):
    services = build(replace(own_home.services.settings, max_scorings=1), engine=own_home.services.engine)
    table = ScoringTable(services.ledger)
    log = ScoringLog(services.settings, services.ledger)
    direct = log.describe(
        champion(own_home), services.scorer.open(customers, "a.csv"), ScoringRequest(), origin="http", person="",
        status="running",
    )  # fmt: skip
    assert table.add(direct)
    assert services.scorings.submit(customers, "b.csv", champion(own_home), ScoringRequest())


def test_one_that_waits_is_cancelled_at_once(own_home, customers):
    services = own_home.services
    scoring_id = services.scorings.submit(customers, "new.csv", champion(own_home), ScoringRequest())
    services.scorings.cancel(scoring_id, person="Ann")
    record = services.scoring_log.get(scoring_id)
    assert record.status == "cancelled"
    assert services.scorings.can_repeat(record)
    assert services.ledger.entries(action="cancel scoring")[0].person == "Ann"


def test_one_that_was_cancelled_while_it_waited_is_started_again(working, customers):
    services = working.services
    services.scorings.stop()
    services.scorings.join()
    scoring_id = services.scorings.submit(customers, "new.csv", champion(working), ScoringRequest())
    services.scorings.cancel(scoring_id)
    services.scorings.again(scoring_id)
    services.scorings.start()
    assert services.scorings.wait(scoring_id, WAIT_S).status == "finished"


def test_a_second_again_leaves_one_that_runs_alone(own_home, customers, monkeypatch):
    services = own_home.services
    scoring_id = services.scorings.submit(customers, "new.csv", champion(own_home), ScoringRequest())
    services.scorings.cancel(scoring_id)
    seen = services.scoring_log.get(scoring_id)
    services.scorings.again(scoring_id)
    log = ScoringLog(services.settings, services.ledger)
    claimed = log.claim()
    # The second click has read the record before the first one was written.
    monkeypatch.setattr(ScoringTable, "find", lambda *_: seen)
    with pytest.raises(DataError) as caught:
        services.scorings.again(scoring_id)
    monkeypatch.undo()
    assert caught.value.code == "scoring.not_ended"
    assert services.scoring_log.get(scoring_id) == claimed
    assert len(services.ledger.entries(action="score again")) == 1


def test_progress_never_goes_back(working, customers, monkeypatch):
    told, real = [], ScoringTable.progress

    def note(table, scoring_id, stage, progress):
        told.append(progress)
        return real(table, scoring_id, stage, progress)

    monkeypatch.setattr(ScoringTable, "progress", note)
    wanted = ScoringRequest(reasons=2, details=True)
    scoring_id = working.services.scorings.submit(customers, "new.csv", champion(working), wanted)
    assert working.services.scorings.wait(scoring_id, WAIT_S).status == "finished"
    assert len(told) == len(STEPS)
    assert told == sorted(told)


def test_one_that_runs_is_cancelled_after_its_step_and_can_be_started_again(working, customers, monkeypatch):
    services = working.services
    gate = Gate(services.engine, monkeypatch)
    scoring_id = services.scorings.submit(customers, "new.csv", champion(working), ScoringRequest(), person="Ann")
    assert gate.reached.wait(WAIT_S)
    services.scorings.cancel(scoring_id)
    assert services.scoring_log.get(scoring_id).wants_cancel
    gate.opened.set()
    record = services.scorings.wait(scoring_id, WAIT_S)
    assert (record.status, record.kept, record.error) == ("cancelled", "", None)
    assert services.scorings.can_repeat(record)
    services.scorings.again(scoring_id)
    assert services.scorings.wait(scoring_id, WAIT_S).status == "finished"
    with pytest.raises(DataError, match="has finished"):
        services.scorings.again(scoring_id)


def test_a_failure_in_the_background_is_told_and_the_next_one_goes_on(working, customers, monkeypatch, tmp_path):
    services = working.services
    real = services.engine.mojos.predict

    def die(*args):
        monkeypatch.setattr(services.engine.mojos, "predict", real)
        raise ScoringProcessError("The process that scores ended.")

    monkeypatch.setattr(services.engine.mojos, "predict", die)
    first = services.scorings.submit(customers, "a.csv", champion(working), ScoringRequest())
    second = services.scorings.submit(customers, "b.csv", champion(working), ScoringRequest())
    assert services.scorings.wait(first, WAIT_S).error["code"] == "scoring.process"
    assert services.scorings.wait(second, WAIT_S).status == "finished"


@pytest.mark.slow
def test_a_bug_in_the_background_fails_its_scoring_alone(working, customers, monkeypatch):
    services = working.services
    real = services.engine.mojos.predict

    def broken(*args):
        monkeypatch.setattr(services.engine.mojos, "predict", real)
        raise ZeroDivisionError

    monkeypatch.setattr(services.engine.mojos, "predict", broken)
    first = services.scorings.submit(customers, "a.csv", champion(working), ScoringRequest())
    second = services.scorings.submit(customers, "b.csv", champion(working), ScoringRequest())
    assert services.scorings.wait(first, WAIT_S).status == "failed"
    assert services.scorings.wait(second, WAIT_S).status == "finished"


@pytest.mark.slow
def test_a_bug_in_the_queue_itself_does_not_make_it_spin(own_home, customers, monkeypatch):
    services = own_home.services
    real, claims = services.scoring_log.claim, []

    def broken():
        claims.append(time.monotonic())
        if len(claims) <= 2:
            raise ZeroDivisionError
        return real()

    monkeypatch.setattr(services.scoring_log, "claim", broken)
    scoring_id = services.scorings.submit(customers, "a.csv", champion(own_home), ScoringRequest())
    services.scorings.start()
    assert services.scorings.wait(scoring_id, WAIT_S).status == "finished"
    services.scorings.stop()
    services.scorings.join()
    first, second = (after - before for before, after in itertools.pairwise(claims[:3]))
    assert (first > 0.4, second > 0.9) == (True, True)


def test_a_file_larger_than_allowed_is_refused(own_home, customers):
    services = build(replace(own_home.services.settings, max_file_bytes=100), engine=own_home.services.engine)
    with pytest.raises(FileTooLargeError, match="allowed"):
        services.scorings.submit(customers, "new.csv", champion(own_home), ScoringRequest())


# --- restarts ---------------------------------------------------------------------------------------------------------


def test_one_that_waits_is_scored_by_the_next_process(own_home, customers):
    scoring_id = own_home.services.scorings.submit(customers, "new.csv", champion(own_home), ScoringRequest())
    after = build(own_home.services.settings, engine=own_home.services.engine)
    after.scorings.start()
    assert after.scorings.wait(scoring_id, WAIT_S).status == "finished"
    after.scorings.stop()
    after.scorings.join()


def test_a_clean_stop_lets_the_running_one_wait_for_the_next_start(working, customers, monkeypatch):
    services = working.services
    gate = Gate(services.engine, monkeypatch)
    scoring_id = services.scorings.submit(customers, "new.csv", champion(working), ScoringRequest())
    assert gate.reached.wait(WAIT_S)
    services.scorings.stop()
    gate.opened.set()
    services.scorings.join()
    record = services.scoring_log.get(scoring_id)
    assert (record.status, record.error, record.progress) == ("queued", None, 0)
    services.scorings.start()
    assert services.scorings.wait(scoring_id, WAIT_S).status == "finished"


def test_one_whose_process_was_killed_is_marked_interrupted_with_words(own_home, customers):
    services = own_home.services
    scoring_id = services.scorings.submit(customers, "new.csv", champion(own_home), ScoringRequest())
    assert ScoringTable(services.ledger).claim("999999999 1.00").id == scoring_id
    services.scorings.settle()
    record = services.scoring_log.get(scoring_id)
    assert record.status == "interrupted"
    assert record.error["code"] == "scoring.interrupted"
    assert "ended before it had finished" in record.error["message"]
    services.scorings.again(scoring_id)
    services.scorings.start()
    assert services.scorings.wait(scoring_id, WAIT_S).status == "finished"
    services.scorings.stop()
    services.scorings.join()


def test_what_a_living_process_scores_is_left_alone(own_home, customers):
    services = own_home.services
    scoring_id = services.scorings.submit(customers, "new.csv", champion(own_home), ScoringRequest())
    log = ScoringLog(services.settings, services.ledger)
    record = log.claim()
    log.settle()
    assert services.scoring_log.get(scoring_id).status == "running"
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(ScoringCancelled), log.resuming(record, stopping) as entry:
        entry.step("predict")
    assert services.scoring_log.get(scoring_id).status == "queued"


# --- cleaning up ------------------------------------------------------------------------------------------------------


def test_results_and_scores_go_when_their_time_is_over(own_home, customers):
    services, settings = own_home.services, own_home.services.settings
    scored = services.scorer.score_file(customers, "new.csv", origin="page")
    log = ScoringLog(settings, services.ledger)
    now = datetime.now(UTC)
    folder = settings.scorings_dir / scored.scoring_id

    log.maintain(now + timedelta(days=settings.keep_results_days - 1))
    assert log.result(scored.scoring_id).n_rows == 60
    log.maintain(now + timedelta(days=settings.keep_results_days + 1))
    with pytest.raises(ScoringNotFoundError, match="no longer kept") as caught:
        log.result(scored.scoring_id)
    assert f"{settings.keep_results_days} days" in caught.value.hint
    assert log.scores_path(scored.scoring_id) is not None
    assert log.get(scored.scoring_id).kept == "scores"
    log.maintain(now + timedelta(days=settings.keep_scores_days + 1))
    assert log.get(scored.scoring_id).kept == ""
    assert not folder.exists()


def test_the_file_of_one_that_did_not_end_well_goes_too(own_home, customers):
    services = own_home.services
    scoring_id = services.scorings.submit(customers, "new.csv", champion(own_home), ScoringRequest())
    ScoringTable(services.ledger).claim("999999999 1.00")
    services.scorings.settle()
    log = ScoringLog(services.settings, services.ledger)
    log.maintain(datetime.now(UTC) + timedelta(days=services.settings.keep_results_days + 1))
    record = log.get(scoring_id)
    assert not log.folder(scoring_id).exists()
    assert not services.scorings.can_repeat(record)
    with pytest.raises(ScoringNotFoundError, match="file of this scoring"):
        services.scorings.again(scoring_id)


def test_folders_without_a_record_are_removed_after_a_day(own_home):
    services = own_home.services
    stray = services.settings.scorings_dir / ("0" * 32)
    stray.mkdir()
    log = ScoringLog(services.settings, services.ledger)
    log.maintain()
    assert stray.exists()
    log.maintain(datetime.now(UTC) + timedelta(days=2))
    assert not stray.exists()


def test_an_unknown_scoring_is_said_as_such(own_home):
    with pytest.raises(ScoringNotFoundError):
        own_home.services.scoring_log.get("nothing")
