"""The Train page: the form, its guesses, one run per filled form, the live view and its end."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.ui.explore.view import ExploreView, get_leakage
from app.ui.train.start import leak_alerts
from core.domain.models import ModelDetails
from core.domain.runs import RunInfo
from core.domain.training import ALGORITHMS
from core.errors import QueueFullError, StoreBusyError
from tests.fixtures_runs import make_home, run_to_end, shown


def choose_target(app, target: str = "buys"):
    app.selectbox(key="train_target").set_value(target).run()
    assert not app.exception, app.exception
    return app


def test_without_data_the_next_step_is_data(tmp_path, migrated_database, visit):
    home = make_home(tmp_path, migrated_database, n_runs=0)
    home.services.datasets.delete(home.dataset.id, used_by=())
    assert "No data to learn from yet" in shown(visit(home.services, "train"))


def test_the_target_decides_task_positive_class_and_columns_left_out(fresh_home, visit):
    app = visit(fresh_home.services, "train")
    assert app.selectbox(key="train_target").value is None
    assert not [button for button in app.button if button.key == "train_start"]
    choose_target(app)
    assert app.session_state["train_task"] == "binary"
    assert app.selectbox(key="train_positive").value == "yes"
    assert app.multiselect(key="train_ignored").value == ["customer_id"]
    assert "looks like an ID: it names the rows" in shown(app)
    assert app.text_input(key="train_experiment").value == "customers"


def test_likely_targets_are_proposed_and_taken_by_a_click(fresh_home, visit):
    app = visit(fresh_home.services, "train")
    proposed = [button for button in app.button if str(button.key).startswith("train_likely_")]
    assert [button.label for button in proposed] == ["buys"], "the last column; no name tells of a target"
    proposed[0].click().run()
    assert app.selectbox(key="train_target").value == "buys"
    assert app.session_state["train_task"] == "binary"
    assert not [button for button in app.button if str(button.key).startswith("train_likely_")]


def test_what_was_trained_on_before_is_proposed_first(finished_home, visit):
    _, home = finished_home
    app = visit(home.services, "train")
    app.selectbox(key="train_target").set_value(None).run()
    first = app.button(key="train_likely_0")
    assert first.label == "buys"
    assert first.icon == ":material/history:"


def test_a_number_is_a_regression_without_positive_class(fresh_home, visit):
    app = choose_target(visit(fresh_home.services, "train"), "premium")
    assert app.session_state["train_task"] == "regression"
    assert not [box for box in app.selectbox if box.key == "train_positive"]


def test_a_target_that_cannot_be_learned_says_why(fresh_home, visit):
    app = choose_target(visit(fresh_home.services, "train"), "customer_id")
    assert "target.is_id" in app.error[0].value


def test_classes_that_are_spellings_of_each_other_are_joined_before_the_training(fresh_home, visit, tmp_path):
    path = tmp_path / "spelled.csv"
    answers = ["Yes", "no", "yes", "NO ", "no", "Yes"] * 10 + ["YES"]
    path.write_text("age,bought\n" + "".join(f"{20 + k % 40},{word}\n" for k, word in enumerate(answers)))
    spelled = fresh_home.services.datasets.add(path, path.name)
    app = visit(fresh_home.services, "train")
    app.selectbox(key="train_dataset").set_value(spelled.id).run()
    app = choose_target(app, "bought")
    assert "but for case, spaces or Unicode form" in shown(app)
    app.button(key="train_join_classes").click().run()
    assert not app.exception, app.exception
    assert not any(button.key == "train_join_classes" for button in app.button)
    assert app.session_state["train_task"] == "binary"
    app.button(key="train_start").click().run()
    (run,) = fresh_home.services.store.list_runs()
    (step,) = run.settings.recipe["steps"]
    assert (step["kind"], step["levels"]) == ("map_levels", {"yes": "Yes", "YES": "Yes", "NO": "no"})


def test_start_queues_what_the_form_says_and_opens_the_run(fresh_home, visit):
    app = choose_target(visit(fresh_home.services, "train"))
    app.number_input(key="train_max_models").set_value(2)
    app.number_input(key="train_holdout").set_value(20)
    app.button(key="train_start").click().run()
    assert not app.exception, app.exception
    (run,) = fresh_home.services.store.list_runs()
    assert app.query_params["run"] == run.run_id
    assert "next in the queue" in app.get("progress")[0].proto.text
    asked = run.settings
    assert (asked.max_models, asked.holdout_share, asked.ignored, asked.positive) == (2, 0.2, ("customer_id",), "yes")


def test_a_second_click_on_one_filled_form_makes_no_second_run(fresh_home, visit, monkeypatch):
    submit = fresh_home.services.jobs.submit

    def lose_the_first_answer(*args, **kwargs):
        run_id = submit(*args, **kwargs)
        monkeypatch.setattr(fresh_home.services.jobs, "submit", submit)
        raise StoreBusyError(f"The answer for {run_id} got lost.")

    monkeypatch.setattr(fresh_home.services.jobs, "submit", lose_the_first_answer)
    app = choose_target(visit(fresh_home.services, "train"))
    app.button(key="train_start").click().run()
    assert "store.busy" in app.error[0].value
    app.button(key="train_start").click().run()
    (run,) = fresh_home.services.store.list_runs()
    assert app.query_params["run"] == run.run_id


def test_another_filled_form_is_another_run(fresh_home, visit):
    for _ in range(2):
        app = choose_target(visit(fresh_home.services, "train"))
        app.button(key="train_start").click().run()
    assert len(fresh_home.services.store.list_runs()) == 2


def test_the_queue_being_full_is_said_with_a_hint(fresh_home, visit, monkeypatch):
    def full(*args, **kwargs):
        raise QueueFullError("20 runs are waiting or running, which is the limit.")

    monkeypatch.setattr(fresh_home.services.jobs, "submit", full)
    app = choose_target(visit(fresh_home.services, "train"))
    app.button(key="train_start").click().run()
    assert not app.exception
    assert "BELLWETHER" in app.error[0].value
    assert "queue.full" in app.error[0].value


def test_options_that_do_not_go_together_are_refused(fresh_home, visit):
    app = choose_target(visit(fresh_home.services, "train"))
    app.number_input(key="train_max_models").set_value(0)
    app.button(key="train_start").click().run()
    assert "training.invalid" in app.error[0].value
    assert not fresh_home.services.store.list_runs()


def test_a_waiting_run_can_be_cancelled(fresh_home, visit):
    run_id = fresh_home.services.jobs.submit(fresh_home.settings())
    app = visit(fresh_home.services, "train", run=run_id)
    app.button(key="train_cancel").click().run()
    assert not app.exception, app.exception
    assert fresh_home.services.store.get_run(run_id).status == "cancelled"


def test_a_click_on_stop_counts_also_when_a_new_model_draws_the_page_again(fresh_home, visit, monkeypatch):
    store = fresh_home.services.store
    run_id = fresh_home.services.jobs.submit(fresh_home.settings())
    store.set_status(run_id, "running")
    app = visit(fresh_home.services, "train", run=run_id)
    read_run, n_models = store.get_run, iter((1, 2))

    def get_run(wanted: str) -> RunInfo:
        return replace(read_run(wanted), n_models=next(n_models, 2))  # the second look finds a model more

    monkeypatch.setattr(store, "get_run", get_run)
    app.button(key="train_cancel").click().run()
    assert not app.exception, app.exception
    assert next(n_models, None) is None
    assert fresh_home.services.jobs._signals.is_to_cancel(run_id)


def test_a_running_run_shows_progress_in_words_and_the_models_so_far(fresh_home, visit):
    store = fresh_home.services.store
    run_id = fresh_home.services.jobs.submit(fresh_home.settings())
    store.set_status(run_id, "running")
    store.update_run(run_id, stage="GLM: training", progress=0.4, n_models=1)
    store.add_model(run_id, ModelDetails(key="GBM_1_AutoML_1", algo="GBM", metrics={"cv_auc": 0.9}), "binary")
    app = visit(fresh_home.services, "train", run=run_id)
    assert "GLM" in app.get("progress")[0].proto.text
    facts = {metric.label: metric.value for metric in app.metric}
    assert facts["Models finished"] == "1 of 3"
    assert facts["Best AUC"] == "0.9000"
    assert "Only the model being built is lost" in shown(app)
    assert app.dataframe[0].value["model"].tolist() == ["GBM 1"]
    assert app.get("plotly_chart")
    store.set_status(run_id, "finished")
    assert not app.run().exception
    assert "train_cancel" not in {button.key for button in app.button}


def test_a_run_of_another_home_is_shown_as_such(shared_home, visit):
    one, two = shared_home("one"), shared_home("two")
    run_id = one.services.jobs.submit(one.settings())
    app = visit(two.services, "train", run=run_id)
    assert "belongs to another home" in shown(app)
    one.services.store.set_status(run_id, "running")
    one.services.store.update_run(run_id, heartbeat=datetime.now(UTC))
    app.run()
    assert not app.exception, app.exception
    assert "Last sign of life: just now" in shown(app)
    app.button(key="train_cancel").click().run()
    assert "run.elsewhere" in app.error[0].value
    assert one.services.store.get_run(run_id).status == "running"
    assert "belongs to another home" not in shown(visit(one.services, "train", run=run_id))


def test_a_running_run_tells_how_long_it_may_take_and_what_happened(fresh_home, visit):
    from datetime import UTC, datetime, timedelta

    from core.store.items import iter_events

    store = fresh_home.services.store
    run_id = fresh_home.services.jobs.submit(fresh_home.settings())
    store.set_status(run_id, "running")
    since = datetime.now(UTC) - timedelta(seconds=100)
    store.update_run(run_id, stage="Building GLM_1", n_models=1, trained_since=since)
    store.add_model(run_id, ModelDetails(key="GBM_1_AutoML_1", algo="GBM", metrics={"cv_auc": 0.9}), "binary")
    raw = ("10:00:00", "ModelTraining", "New leader: GBM_1_AutoML_1_2, auc: 0.9012")
    store.log(run_id, iter_events([raw]))
    app = visit(fresh_home.services, "train", run=run_id)
    facts = {metric.label: metric.value for metric in app.metric}
    assert facts["Time left, about"].startswith("3 min 2")  # 100 s for the first of three
    text = shown(app)
    assert "time left at the pace of the first model" in text
    assert "a generalised linear model" in app.get("progress")[0].proto.text
    assert "leads now: AUC 0\\.9012" in text
    assert raw[2] not in text
    app.toggle(key="train_raw_events").set_value(True).run()
    assert not app.exception
    assert raw[2] in app.dataframe[1].value["message"].tolist()


def test_the_queue_is_seen_on_train_home_and_runs_and_can_be_cancelled_there(fresh_home, visit):
    jobs, store = fresh_home.services.jobs, fresh_home.services.store
    first, second = (jobs.submit(fresh_home.settings(seed=seed)) for seed in range(2))
    store.set_status(first, "running")
    assert "Waiting: next in the queue" in visit(fresh_home.services, "train", run=second).get("progress")[0].proto.text
    assert "One training runs, 1 waits" in shown(choose_target(visit(fresh_home.services, "train")))
    assert "next in the queue" in shown(visit(fresh_home.services, "home"))
    app = visit(fresh_home.services, "runs")
    assert "next in the queue" in shown(app)
    app.button(key=f"runs_cancel_{second}").click().run()
    assert not app.exception, app.exception
    assert store.get_run(second).status == "cancelled"
    app = visit(fresh_home.services, "home")
    app.button(key=f"home_cancel_{first}").click().run()
    assert not app.exception, app.exception
    assert jobs._signals.is_to_cancel(first)


def test_a_finished_run_shows_its_leader_and_the_ways_on(trained, visit):
    app = visit(trained.services, "train", run=trained.runs[0].run_id)
    text = shown(app)
    assert "Leader" in text
    labels = {metric.label for metric in app.metric}
    assert any("cross\\-validation" in label or "cross-validation" in label for label in labels)
    assert any("holdout" in label for label in labels)
    assert {"train_leaderboard", "train_explain", "train_predict"} <= {button.key for button in app.button}


def test_a_failed_run_shows_its_error_with_hint(fresh_home, visit):
    fresh_home.services.engine.dead = True
    run = run_to_end(fresh_home.services, fresh_home.settings(), explain=False)
    assert run.status == "failed"
    app = visit(fresh_home.services, "train", run=run.run_id)
    assert "engine.died" in app.error[0].value


def test_a_link_to_no_run_says_so(fresh_home, visit):
    app = visit(fresh_home.services, "train", run="0" * 32)
    assert "run.not_found" in app.error[0].value


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [((), ALGORITHMS), (("GLM",), tuple(name for name in ALGORITHMS if name != "GLM")), (ALGORITHMS, ())],
)
def test_algorithms_that_are_not_chosen_are_excluded(chosen, expected):
    from app.ui.train.options import algorithm_settings

    assert algorithm_settings(chosen) == {"exclude_algos": expected}


def names(app) -> set[str]:
    return {item.key for kind in (app.selectbox, app.number_input, app.toggle, app.multiselect) for item in kind}


def start(app):
    app.button(key="train_start").click().run()
    assert not app.exception, app.exception
    return app


def asked(home):
    (run,) = home.services.store.list_runs()
    return run.settings


def test_a_preset_sets_the_knobs_and_what_was_changed_since_is_said(fresh_home, visit):
    app = choose_target(visit(fresh_home.services, "train"))
    app.segmented_control(key="train_preset").set_value("reproducible").run()
    assert "gives the same leaderboard again" in shown(app)
    app.number_input(key="train_nfolds").set_value(3).run()
    assert "Unlike the preset: folds (3 instead of 5)." in shown(app)
    start(app)
    settings = asked(fresh_home)
    assert (settings.preset, settings.nfolds, settings.max_models) == ("reproducible", 3, 10)
    assert settings.exclude_algos == ("DeepLearning",)


def test_a_column_of_dates_proposes_to_judge_by_time_and_says_which_rows_are_held_out(fresh_home, visit, tmp_path):
    path = tmp_path / "visits.csv"
    rows = [f"{day},{9 + day % 7},{'yes' if day % 3 else 'no'}" for day in range(1, 29)]
    path.write_text("seen,size,bought\n" + "".join(f"2026-02-{row if row[1] != ',' else '0' + row}\n" for row in rows))
    visits = fresh_home.services.datasets.add(path, path.name)
    app = visit(fresh_home.services, "train")
    app.selectbox(key="train_dataset").set_value(visits.id).run()
    app = choose_target(app, "bought")
    assert "**seen** may say when each row was" in shown(app)
    app.number_input(key="train_holdout").set_value(0).run()
    app.button(key="train_by_time").click().run()
    assert app.selectbox(key="train_split_time").value == "seen"
    assert app.number_input(key="train_holdout").value == 20
    assert "Held out: 6 rows, from 23 Feb 2026 to 28 Feb 2026." in shown(app)
    assert "train_by_time" not in names(app)
    assert "Then the backtest" in shown(app)
    assert "4 times" in shown(app)
    assert "up to 20 more models" in shown(app)
    app.toggle(key="train_backtest").set_value(False).run()
    assert "Then the backtest" not in shown(app)


def test_a_split_by_group_asks_for_the_group_and_says_what_it_does(fresh_home, visit):
    app = choose_target(visit(fresh_home.services, "train"))
    assert "train_split_group" not in names(app)
    app.segmented_control(key="train_split").set_value("group").run()
    app.selectbox(key="train_split_group").set_value("city").run()
    app.number_input(key="train_nfolds").set_value(2)
    app.number_input(key="train_holdout").set_value(30).run()
    assert "groups of **city** that it has not seen" in shown(app)
    assert "Whole groups of **city** with about 30% of the rows" in shown(app)
    start(app)
    settings = asked(fresh_home)
    assert (settings.split, settings.split_column, settings.holdout_share) == ("group", "city", 0.3)


def test_a_champion_that_was_judged_otherwise_is_said_before_the_start(trained, visit):
    run = trained.services.store.list_runs()[0]
    app = visit(trained.services, "train", dataset=run.settings.dataset_id)
    app.selectbox(key="train_target").set_value(run.settings.target).run()
    app.text_input(key="train_experiment").set_value(run.experiment)
    app.number_input(key="train_holdout").set_value(35).run()
    assert not app.exception, app.exception
    assert "**Not comparable with the champion** of this experiment" in shown(app)
    assert "here 35% at random" in shown(app)
    app.button(key="train_judge_alike").click().run()
    assert app.number_input(key="train_holdout").value == round(100 * run.settings.holdout_share)
    assert "Not comparable with the champion" not in shown(app)
    app.number_input(key="train_holdout").set_value(35).run()
    assert "Not comparable with the champion" in shown(app)
    app.text_input(key="train_experiment").set_value("another problem").run()
    assert "Not comparable with the champion" not in shown(app)


def test_the_form_begins_as_the_champion_was_judged_and_another_problem_as_its_preset_says(own_home, visit):
    run = own_home.services.store.list_runs()[0]
    assert run.settings.holdout_share == 0.2
    app = visit(own_home.services, "train", dataset=run.settings.dataset_id)
    app.selectbox(key="train_target").set_value(run.settings.target).run()
    assert not app.exception, app.exception
    assert app.text_input(key="train_experiment").value == run.experiment
    assert app.number_input(key="train_holdout").value == 20
    assert "The same rows are held out as for the champion" in shown(app)
    other = next(
        c.name for c in own_home.dataset.schema.columns if c.type == "numeric" and c.name != run.settings.target
    )
    app.selectbox(key="train_target").set_value(other).run()
    assert app.number_input(key="train_holdout").value == 0
    app.selectbox(key="train_target").set_value(run.settings.target).run()
    app.number_input(key="train_holdout").set_value(30).run()
    app.selectbox(key="train_target").set_value(other).run()
    assert app.number_input(key="train_holdout").value == 30  # somebody's own choice stays


def test_the_line_beside_the_button_leaves_out_what_has_a_role_and_what_cannot_be(fresh_home, visit):
    app = choose_target(visit(fresh_home.services, "train"))
    before = next(line for line in shown(app).splitlines() if line.startswith("buys from"))
    assert "and their ensembles" in before
    app.selectbox(key="train_weights").set_value("age").run()
    assert not app.exception, app.exception
    after = next(line for line in shown(app).splitlines() if line.startswith("buys from"))
    n_before, n_after = (int(line.split()[2]) for line in (before, after))
    assert n_after == n_before - 1


def test_every_option_reaches_the_settings(fresh_home, visit):
    app = choose_target(visit(fresh_home.services, "train"))
    app.toggle(key="train_balance").set_value(True).run()
    app.number_input(key="train_max_size").set_value(2.0)
    app.selectbox(key="train_stopping_metric").set_value("auc")
    app.number_input(key="train_stopping_rounds").set_value(2)
    app.number_input(key="train_stopping_tolerance").set_value(0.01)
    app.pills(key="train_rising").set_value(["age"])
    app.number_input(key="train_blending").set_value(10)
    app.number_input(key="train_exploitation").set_value(0.1)
    app.number_input(key="train_model_runtime").set_value(60)
    app.text_area(key="train_plan").set_value('[{"name": "GBM", "alias": "defaults"}]')
    app.toggle(key="train_keep_models").set_value(True).run()
    start(app)
    settings = asked(fresh_home)
    assert settings.balance_classes
    assert (settings.max_after_balance_size, settings.blending_share, settings.exploitation_ratio) == (2.0, 0.1, 0.1)
    stopping = (settings.stopping_metric, settings.stopping_rounds, settings.stopping_tolerance)
    assert stopping == ("auc", 2, 0.01)
    assert settings.monotone_constraints == {"age": 1}
    assert settings.modeling_plan == ({"name": "GBM", "alias": "defaults"},)
    assert settings.max_runtime_secs_per_model == 60
    assert settings.keep_cross_validation_models


def test_a_feature_that_rises_cannot_fall_as_well(fresh_home, visit):
    app = choose_target(visit(fresh_home.services, "train"))
    app.pills(key="train_rising").set_value(["age", "premium"]).run()
    app.pills(key="train_falling").set_value(["age"]).run()
    assert app.pills(key="train_rising").value == ["premium"]
    assert "Each of them would not apply" in shown(app)


def test_only_options_that_mean_something_for_the_target_are_there(fresh_home, visit):
    app = choose_target(visit(fresh_home.services, "train"))
    assert "train_balance" in names(app)
    assert "train_distribution" not in names(app)
    choose_target(app, "premium")
    assert "train_balance" not in names(app)
    app.selectbox(key="train_distribution").set_value("quantile").run()
    assert "does not know the distribution quantile" in shown(app)
    app.slider(key="train_quantile").set_value(0.9).run()
    start(app)
    settings = asked(fresh_home)
    assert (settings.distribution, settings.quantile_alpha) == ("quantile", 0.9)


def test_weights_leave_ensembles_out_and_say_why(fresh_home, visit):
    app = choose_target(visit(fresh_home.services, "train"))
    app.selectbox(key="train_weights").set_value("premium").run()
    assert "Left out: Stacked ensemble" in shown(app)
    start(app)
    assert asked(fresh_home).weights_column == "premium"


def test_a_modeling_plan_that_is_no_json_is_said_and_starts_nothing(fresh_home, visit):
    app = choose_target(visit(fresh_home.services, "train"))
    app.text_area(key="train_plan").set_value("[GBM]").run()
    assert "training.invalid" in app.error[0].value
    assert not fresh_home.services.store.list_runs()


def test_a_column_that_gives_the_target_away_is_shown_and_left_out_by_a_click(tmp_path, migrated_database, visit):
    home = make_home(tmp_path, migrated_database, n_runs=0)
    path = tmp_path / "leak.csv"
    rows = "".join(f"{n % 13},{n * 7 % 11},{n % 2},{'yes' if n % 2 else 'no'}\n" for n in range(200))
    path.write_text("size,age,answer,buys\n" + rows)
    leaky = home.services.datasets.add(path, path.name)
    app = visit(home.services, "train", dataset=leaky.id)
    choose_target(app)
    assert "**answer** · On its own it predicts the target with AUC" in shown(app)
    app.button(key="train_leak_answer").click().run()
    assert app.multiselect(key="train_ignored").value == ["answer"]
    assert "On its own it predicts" not in shown(app)


def test_how_long_it_takes_is_known_after_a_run_and_not_before(fresh_home, trained, visit):
    assert "is not known yet" in shown(choose_target(visit(fresh_home.services, "train")))
    assert "judging by 1 training on this machine" in shown(choose_target(visit(trained.services, "train")))


def test_xgboost_is_not_offered_where_it_cannot_be_trained(fresh_home, visit, monkeypatch):
    monkeypatch.setattr(fresh_home.services.engine, "has_xgboost", lambda: False)
    app = choose_target(visit(fresh_home.services, "train"))
    assert "XGBoost is not offered" in shown(app)
    start(app)
    assert asked(fresh_home).exclude_algos == ("XGBoost",)


def test_what_explore_has_found_out_about_leakage_is_used(fresh_home, monkeypatch):
    monkeypatch.setattr("app.ui.train.start.FAST_COLUMNS", 0)
    datasets, dataset = fresh_home.services.datasets, fresh_home.dataset
    assert leak_alerts(datasets, dataset, "buys") is None
    get_leakage(ExploreView(datasets, datasets.open(dataset.id)), "buys")
    assert leak_alerts(datasets, dataset, "buys") == ()


def test_thorough_in_a_few_minutes_says_that_balanced_does_as_well(fresh_home, visit):
    app = choose_target(visit(fresh_home.services, "train"))
    app.segmented_control(key="train_preset").set_value("thorough").run()
    assert "Balanced usually does" not in shown(app)
    app.number_input(key="train_max_runtime").set_value(180).run()
    assert "In 3 min 0 s Balanced usually does as well or better" in shown(app)
    app.number_input(key="train_max_runtime").set_value(181).run()
    assert "Balanced usually does" not in shown(app)


def test_a_limit_too_short_for_all_models_says_which_are_built_and_builds_them(fresh_home, visit):
    app = choose_target(visit(fresh_home.services, "train"))
    assert "whole list" not in shown(app)
    app.number_input(key="train_max_runtime").set_value(1).run()
    said = shown(app)
    assert "a shorter one is trained: GLM, XGBoost, GBM, Stacked ensemble, without" in said
    app.number_input(key="train_max_models").set_value(3).run()
    assert "Stacked ensemble, one model of each." in shown(app)
    start(app)
    assert [step["name"] for step in asked(fresh_home).modeling_plan] == ["GLM", "XGBoost", "GBM", "StackedEnsemble"]
