"""The Monitor page, and scorings in the background on the Predict page: history, progress, cancel, results again."""

import io
import re
from dataclasses import replace

import pandas as pd
import pytest

from app.ui.monitor import drift as monitor_drift
from core.ledger.outcome_records import AlertRule
from core.ledger.scoring_records import ScoringRequest
from core.plain import to_plain
from core.services import build
from core.wording import count_text, percent_text
from tests.fixtures_runs import shown, write_customers

WAIT_S = 30


def score(home, folder, *, seed=3, shift=0, n_rows=200, origin="page"):
    """Score new customers; returns their truth."""
    known = pd.read_csv(write_customers(folder / f"known{seed}.csv", n_rows, seed=seed))
    known["age"] += shift
    path = folder / f"new{seed}.csv"
    known.drop(columns="buys").to_csv(path, index=False)
    scored = home.services.scorer.score_file(path, path.name, origin=origin)
    return known[["customer_id", "buys"]], scored


def as_csv(frame) -> bytes:
    out = io.BytesIO()
    frame.to_csv(out, index=False)
    return out.getvalue()


def charts(app) -> int:
    return len(app.get("plotly_chart"))


# --- Monitor ----------------------------------------------------------------------------------------------------------


def test_without_a_model_in_use_the_next_step_is_training(fresh_home, visit):
    assert "No model is in use yet" in shown(visit(fresh_home.services, "monitor"))


def test_a_champion_that_has_scored_nothing_yet_can_be_trained_again_by_schedule(own_home, visit):
    services = own_home.services
    app = visit(services, "monitor")
    assert "No file has been scored yet for this problem" in shown(app)
    app.selectbox(key="monitor_schedule_when_customers").select("weekly")
    app.selectbox(key="monitor_schedule_promote_customers").select("never")
    app.button(key="monitor_schedule_save").click().run()
    assert "review.who" in app.error[0].value
    assert services.schedules.find("customers") is None
    app.text_input(key="monitor_schedule_person").input("Ann")
    app.button(key="monitor_schedule_save").click().run()
    assert not app.exception
    known = services.schedules.find("customers")
    assert (known.when, known.promote, known.person) == ("weekly", "never", "Ann")
    assert "Set by Ann on" in shown(app)


def test_a_file_like_training_raises_no_alert(own_home, visit, tmp_path):
    score(own_home, tmp_path)
    app = visit(own_home.services, "monitor")
    assert app.selectbox(key="monitor_problem").value == "customers"
    assert "looks like the training data" in app.success[0].value
    assert charts(app) == 2
    files = next(table.value for table in app.dataframe if "File" in table.value.columns)
    assert list(files["File"]) == ["new3.csv"]
    assert list(files["Alert"]) == [""]
    assert {metric.label: metric.value for metric in app.metric}["Files with an alert"] == "0"


def test_a_schedule_is_set_and_says_what_came_of_it_last(own_home, visit, tmp_path):
    services = own_home.services
    score(own_home, tmp_path)
    app = visit(services, "monitor")
    app.selectbox(key="monitor_schedule_when_customers").select("weekly")
    app.text_input(key="monitor_schedule_person").input("Ann")
    app.button(key="monitor_schedule_save").click().run()
    assert not app.exception
    assert services.schedules.find("customers").when == "weekly"
    turn = {"result": "challenger", "note": "No *better*", "alerts": []}
    services.ledger.record("scheduled retraining", "customers", detail=turn)
    app = visit(services, "monitor")
    assert app.selectbox(key="monitor_schedule_when_customers").value == "weekly"
    assert "No \\*better\\*" in shown(app)


def test_a_drifted_file_raises_one_that_names_the_feature(own_home, visit, tmp_path):
    score(own_home, tmp_path)
    score(own_home, tmp_path, seed=4, shift=25)
    app = visit(own_home.services, "monitor")
    assert "age is distributed differently" in app.warning[0].value
    assert "What to do about it" in shown(app)
    assert "its last files raised 1 alert" in shown(visit(own_home.services, "home"))
    files = next(table.value for table in app.dataframe if "File" in table.value.columns)
    about, none = files["Alert"]
    drift = own_home.services.monitor.last_files("customers")[1][0]
    assert f"age PSI {drift.value:.2f}" in about.split(" and ")
    assert none == ""
    app.button(key="monitor_see_drift").click().run()
    assert not app.exception, app.exception
    assert app.segmented_control(key="monitor_view").value == "Drift"
    assert app.selectbox(key="monitor_feature_customers").value == "age"
    assert charts(app) == 3
    record = own_home.services.monitor.files("customers").records[-1]
    moved = monitor_drift.find_drift(record, "age")
    more = [one for one in moved.bins if one.now / moved.rows_now > one.was / moved.rows_was]
    now, was = (
        percent_text(sum(getattr(one, side) for one in more) / rows)
        for side, rows in (("now", moved.rows_now), ("was", moved.rows_was))
    )
    said = shown(app).replace("\\", "")
    assert f"**{now}** of {record.file_name}, **{was}** of the training rows." in said
    app.selectbox(key="monitor_feature_customers").set_value("scores").run()
    assert not app.exception, app.exception
    assert charts(app) == 3


def test_a_file_like_training_after_one_that_is_not_says_what_was_before_it(own_home, visit, tmp_path):
    score(own_home, tmp_path, seed=4, shift=25)
    for _ in range(4):  # scored again it is one file, and does not put the other one out of sight
        score(own_home, tmp_path)
    app = visit(own_home.services, "monitor")
    assert not app.success
    assert "new3\\.csv, looks like the training data; before it new4\\.csv raised" in app.warning[0].value
    files = next(table.value for table in app.dataframe if "File" in table.value.columns)
    assert list(files["File"]) == ["new3.csv", "new4.csv"]
    assert {metric.label: metric.value for metric in app.metric}["Files scored"] == "2"
    said = shown(app).replace("\\", "")
    assert "What to do about it" in said
    assert re.search(r"new4\.csv raised \d+ alerts?: values of .*age.* are not distributed", said)


def test_a_file_too_small_to_compare_does_not_undo_an_alert_before_it(own_home, visit, tmp_path):
    score(own_home, tmp_path, seed=4, shift=25)
    score(own_home, tmp_path, n_rows=5)
    assert own_home.services.monitor.history("customers")[-1].summary.drift_rows == 0
    app = visit(own_home.services, "monitor")
    assert "could not be compared with training" in app.warning[0].value
    assert "before it new4\\.csv raised" in app.warning[0].value


def test_home_says_whether_the_last_file_of_a_model_in_use_raised_alerts(own_home, visit, tmp_path):
    assert "No file scored yet" in shown(visit(own_home.services, "home"))
    score(own_home, tmp_path)
    assert "Last file just now: no alert" in shown(visit(own_home.services, "home"))
    score(own_home, tmp_path, seed=4, shift=25)
    n_alerts = len(own_home.services.monitor.last_files("customers")[1])
    assert n_alerts > 0
    assert f"{count_text(n_alerts, 'alert')}]" in shown(visit(own_home.services, "home"))
    score(own_home, tmp_path)
    said = f"raised {count_text(n_alerts, 'alert')}; the last file, just now, none"
    assert said in shown(visit(own_home.services, "home"))


def test_the_rule_of_a_problem_can_be_set(own_home, visit, tmp_path):
    score(own_home, tmp_path, seed=4, shift=25)
    app = visit(own_home.services, "monitor")
    assert app.warning
    app.number_input(key="monitor_psi_customers").set_value(90.0)
    app.button(key="monitor_rule_save").click().run()
    assert not app.exception, app.exception
    assert not app.warning
    assert own_home.services.monitor.rule("customers") == AlertRule(psi=90.0, loss=0.1)


def test_outcomes_are_uploaded_and_compared(own_home, visit, tmp_path):
    truth, _ = score(own_home, tmp_path)
    app = visit(own_home.services, "monitor")
    app.segmented_control(key="monitor_view").set_value("Outcomes").run()
    app.file_uploader(key="monitor_upload").upload("truth.csv", as_csv(truth)).run()
    app.file_uploader(key="monitor_upload").clear()  # as in a browser, where a received file is gone by the next run
    assert not app.exception, app.exception
    assert app.selectbox(key="monitor_id").value == "customer_id"
    assert app.selectbox(key="monitor_target").value == "buys"
    app.button(key="monitor_compare").click().run()
    assert not app.exception, app.exception
    assert "200 rows of 1 file can now be compared" in app.success[-1].value
    numbers = next(table.value for table in app.dataframe if "Actual" in table.value.columns)
    assert "AUC" in list(numbers["Metric"])
    assert "Promised (holdout)" in numbers.columns
    assert charts(app) == 3
    assert any("actual" in metric.label for metric in app.metric)
    assert list(own_home.services.settings.work_dir.glob("upload-*")) == []


def test_outcomes_of_other_ids_are_refused_with_words(own_home, visit, tmp_path):
    truth, _ = score(own_home, tmp_path)
    app = visit(own_home.services, "monitor")
    app.segmented_control(key="monitor_view").set_value("Outcomes").run()
    other = truth.assign(customer_id=truth["customer_id"] + 10**6)
    app.file_uploader(key="monitor_upload").upload("truth.csv", as_csv(other)).run()
    app.file_uploader(key="monitor_upload").clear()  # as in a browser, where a received file is gone by the next run
    app.button(key="monitor_compare").click().run()
    assert "outcomes.no_match" in app.error[0].value


def test_a_new_training_is_filled_in_with_the_settings_of_the_champion(own_home, visit, tmp_path):
    score(own_home, tmp_path, seed=4, shift=25)
    app = visit(own_home.services, "monitor")
    app.button(key="monitor_train").click().run()
    assert not app.exception, app.exception
    app.switch_page("../pages/train.py").run()  # where the click has led, which the test's app has to be told
    settings = own_home.runs[0].settings
    assert app.selectbox(key="train_dataset").value == settings.dataset_id
    assert app.selectbox(key="train_target").value == "buys"
    assert app.text_input(key="train_experiment").value == "customers"
    assert app.multiselect(key="train_ignored").value == list(settings.ignored)
    assert app.number_input(key="train_nfolds").value == settings.nfolds
    assert app.number_input(key="train_holdout").value == round(100 * settings.holdout_share)
    assert app.number_input(key="train_max_models").value == settings.max_models
    app.button(key="train_start").click().run()
    assert not app.exception, app.exception
    assert not app.error, app.error[0].value
    (queued,) = own_home.services.jobs.queue()
    differs = {k: v for k, v in to_plain(queued.settings).items() if to_plain(settings)[k] != v}
    assert set(differs) <= {"preset", "positive"}


def test_rows_whose_outcome_is_known_are_trained_on(own_home, visit, tmp_path):
    truth, _ = score(own_home, tmp_path, n_rows=300)
    table = pd.DataFrame(truth).astype(str)
    import pyarrow as pa

    own_home.services.monitor.add_outcomes(
        "customers", pa.Table.from_pandas(table, preserve_index=False), "customer_id", "buys", "truth.csv"
    )
    app = visit(own_home.services, "monitor")
    app.button(key="monitor_train_new").click().run()
    assert not app.exception, app.exception
    chosen = own_home.services.datasets.get(app.selectbox(key="train_dataset").value)
    assert (chosen.version, chosen.n_rows) == (2, 240 + 60)  # 240 of the 300 ids are those of the training data


# --- Predict: the background and the history --------------------------------------------------------------------------


@pytest.fixture
def small_limit(own_home):
    """The home with a limit of 50 rows for files that are waited for."""
    services = build(replace(own_home.services.settings, background_rows=50), engine=own_home.services.engine)
    yield replace(own_home, services=services)
    services.scorings.stop()
    services.scorings.join()


def test_a_large_file_is_scored_in_the_background_and_opened_again(small_limit, visit, tmp_path):
    services = small_limit.services
    data = write_customers(tmp_path / "new.csv", 60, seed=3, with_target=False).read_bytes()
    app = visit(services, "predict")
    app.file_uploader(key="predict_upload").upload("new.csv", data).run()
    app.button(key="predict_start").click().run()
    assert not app.exception, app.exception
    (record,) = services.scorings.active()
    assert app.query_params["scoring"] == record.id
    assert "It continues when this page is closed" in shown(app)
    assert app.button(key=f"predict_scoring_cancel_{record.id}")

    elsewhere = visit(services, "home")
    assert "Files being scored" in shown(elsewhere)
    services.scorings.start()
    assert services.scorings.wait(record.id, WAIT_S).status == "finished"

    again = visit(services, "predict", scoring=record.id)
    assert "Results" in shown(again)
    counts = next(table.value for table in again.dataframe if {"Prediction", "Rows"} <= set(table.value.columns))
    assert counts["Rows"].sum() == 60
    assert "Download predictions" in [button.proto.label for button in again.get("download_button")]


def test_one_that_waits_is_cancelled_by_its_button(small_limit, visit, tmp_path):
    services = small_limit.services
    path = write_customers(tmp_path / "new.csv", 60, seed=3, with_target=False)
    scoring_id = services.scorings.submit(path, "new.csv", services.store.champion("customers"), ScoringRequest())
    app = visit(services, "predict")
    assert "In progress" in shown(app)
    app.button(key=f"predict_cancel_{scoring_id}").click().run()
    assert not app.exception, app.exception
    assert services.scoring_log.get(scoring_id).status == "cancelled"


def test_one_that_was_interrupted_says_so_and_is_started_again(small_limit, visit, tmp_path):
    from core.ledger.scorings import ScoringTable

    services = small_limit.services
    path = write_customers(tmp_path / "new.csv", 60, seed=3, with_target=False)
    scoring_id = services.scorings.submit(path, "new.csv", services.store.champion("customers"), ScoringRequest())
    ScoringTable(services.ledger).claim("999999999 1.00")
    services.scorings.settle()
    app = visit(services, "predict", scoring=scoring_id)
    assert "scoring.interrupted" in app.error[0].value
    app.button(key="predict_again").click().run()
    assert not app.exception, app.exception
    assert services.scoring_log.get(scoring_id).status == "queued"


def test_the_history_lists_files_of_everybody_and_of_one(own_home, visit, tmp_path):
    score(own_home, tmp_path, seed=3)
    score(own_home, tmp_path, seed=4, origin="cli")
    app = visit(own_home.services, "predict")
    app.segmented_control(key="predict_mode").set_value("Earlier files").run()
    assert not app.exception, app.exception

    def files():
        return list(next(table.value for table in app.dataframe if "File" in table.value.columns)["File"])

    assert files() == ["new4.csv", "new3.csv"]
    app.selectbox(key="predict_history_who").set_value("command line").run()
    assert files() == ["new4.csv"]


def test_a_result_that_is_not_kept_says_why(own_home, visit, tmp_path):
    _, scored = score(own_home, tmp_path, origin="http")
    app = visit(own_home.services, "predict", scoring=scored.scoring_id)
    assert "sent to the caller" in shown(app)
    assert "scoring.not_found" in visit(own_home.services, "predict", scoring="nothing").error[0].value


def test_a_small_file_is_kept_with_its_record_too(own_home, visit, tmp_path):
    data = write_customers(tmp_path / "new.csv", 60, seed=3, with_target=False).read_bytes()
    app = visit(own_home.services, "predict")
    app.file_uploader(key="predict_upload").upload("new.csv", data).run()
    app.button(key="predict_start").click().run()
    assert not app.exception, app.exception
    (record,) = own_home.services.scoring_log.list()
    assert (record.origin, record.kept, record.background) == ("page", "result", False)
