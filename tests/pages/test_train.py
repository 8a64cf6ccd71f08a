"""The Train page: the form, its guesses, one run per filled form, the live view and its end."""

import pytest

from core.errors import QueueFullError, StoreBusyError
from core.types import ALGORITHMS, ModelDetails
from tests.fixtures_runs import make_home, run_to_end, shown


def choose_target(app, target: str = "buys"):
    app.selectbox(key="train_target").set_value(target).run()
    assert not app.exception, app.exception
    return app


def test_without_data_the_next_step_is_data(tmp_path, migrated_database, visit):
    home = make_home(tmp_path, migrated_database, n_runs=0)
    home.services.datasets.delete(home.dataset.id, used_by=())
    assert "no data to learn from yet" in shown(visit(home.services, "train"))


def test_the_target_decides_task_positive_class_and_columns_left_out(fresh_home, visit):
    app = visit(fresh_home.services, "train")
    assert app.selectbox(key="train_target").value is None
    assert not [button for button in app.button if button.key == "train_start"]
    choose_target(app)
    assert app.session_state["train_task"] == "binary"
    assert app.selectbox(key="train_positive").value == "yes"
    assert app.multiselect(key="train_ignored").value == ["customer_id"]
    assert "it names each row" in shown(app)
    assert app.text_input(key="train_experiment").value == "customers"


def test_a_number_is_a_regression_without_positive_class(fresh_home, visit):
    app = choose_target(visit(fresh_home.services, "train"), "premium")
    assert app.session_state["train_task"] == "regression"
    assert not [box for box in app.selectbox if box.key == "train_positive"]


def test_a_target_that_cannot_be_learned_says_why(fresh_home, visit):
    app = choose_target(visit(fresh_home.services, "train"), "customer_id")
    assert "target.is_id" in app.error[0].value


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
        raise QueueFullError("20 runs wait or run already, which is the limit.")

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


def test_a_running_run_shows_progress_in_words_and_the_models_so_far(fresh_home, visit):
    store = fresh_home.services.store
    run_id = fresh_home.services.jobs.submit(fresh_home.settings())
    store.set_status(run_id, "running")
    store.set_tags(run_id, {"stage": "GLM: training", "progress": "0.40", "n_models": "1"})
    store.add_model(run_id, ModelDetails(key="GBM_1_AutoML_1", algo="GBM", metrics={"cv_auc": 0.9}), "binary")
    app = visit(fresh_home.services, "train", run=run_id)
    words = app.get("progress")[0].proto.text
    assert "GLM" in words
    assert "1 model" in words
    assert app.dataframe[0].value["model"].tolist() == ["GBM_1"]
    assert app.get("plotly_chart")
    store.set_status(run_id, "finished")
    assert not app.run().exception
    assert "train_cancel" not in {button.key for button in app.button}


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
    from app.ui.training_options import algorithm_settings

    assert algorithm_settings(chosen) == {"exclude_algos": expected}
