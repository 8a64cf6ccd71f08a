"""The Runs page: found, filtered, opened, cleaned up."""

import pytest

from core.cli.train import run_result
from core.errors import StoreBusyError
from tests.fixtures_runs import run_to_end, shown


def test_without_runs_the_next_step_is_training(fresh_home, visit):
    assert "Nothing has been trained yet" in shown(visit(fresh_home.services, "runs"))


def test_runs_are_listed_with_their_leaders(trained, visit):
    app = visit(trained.services, "runs")
    table = app.dataframe[0].value
    assert table["experiment"].tolist() == ["customers"]
    assert table["metric"].tolist() == ["AUC · cross-validation"]
    assert table["models"].tolist() == [3]
    assert table["value"][0] == pytest.approx(trained.services.store.best().metrics["cv_auc"], abs=0.1)


def test_search_and_filters_narrow_the_list(trained, visit):
    app = visit(trained.services, "runs")
    app.text_input(key="runs_search").set_value("no such thing").run()
    assert "No runs match these filters" in shown(app)
    app.text_input(key="runs_search").set_value("BUYS").run()
    assert len(app.dataframe[0].value) == 1
    app.button_group(key="runs_status").set_value(["failed"]).run()
    assert "No runs match these filters" in shown(app)


def test_a_link_opens_a_run_with_settings_and_leader(trained, visit):
    app = visit(trained.services, "runs", run=trained.runs[0].run_id)
    text = shown(app)
    assert "Leader" in text
    settings = app.table[0].value
    assert "customer\\_id" in settings.to_string()
    app.button(key="runs_back").click().run()
    assert not app.exception
    assert "run" not in app.query_params
    assert app.dataframe[0].value["experiment"].tolist() == ["customers"]


def test_a_failed_run_shows_its_error_with_hint(fresh_home, visit):
    fresh_home.services.engine.dead = True
    run = run_to_end(fresh_home.services, fresh_home.settings(), explain=False)
    app = visit(fresh_home.services, "runs", run=run.run_id)
    assert "engine.died" in app.error[0].value
    assert "Start again" in app.error[0].value


def test_best_by_log_loss_opens_that_model(trained, visit):
    app = visit(trained.services, "runs")
    app.button(key="runs_best").click().run()
    assert not app.exception, app.exception
    best = trained.services.store.best()
    assert app.query_params["model"] == best.id
    assert app.title[0].value == "Leaderboard"
    assert app.selectbox(key="leaderboard_metric").value == "cv_logloss"


def test_a_run_is_deleted_only_when_confirmed(own_home, visit):
    run_id = own_home.runs[0].run_id
    app = visit(own_home.services, "runs", run=run_id)
    app.session_state["runs_tabs"] = "Delete"
    app.run()
    assert app.button(key="runs_delete").disabled
    app.checkbox(key="runs_delete_sure").check().run()
    app.button(key="runs_delete").click().run()
    assert not app.exception, app.exception
    assert own_home.services.store.list_runs() == ()
    assert own_home.services.ledger.entries(action="delete run")[0].subject == run_id
    assert "Nothing has been trained yet" in shown(app)


def test_a_busy_store_is_said_with_a_hint(trained, visit, monkeypatch):
    def busy(*args, **kwargs):
        raise StoreBusyError("Another process holds the store.")

    monkeypatch.setattr(trained.services.store, "list_runs", busy)
    app = visit(trained.services, "runs")
    assert "store.busy" in app.error[0].value


def test_a_leader_that_is_no_better_than_the_average_is_said_first_and_marked(fresh_home, visit):
    settings = fresh_home.settings(target="premium", task="regression", ignored=("customer_id", "buys"))
    run = run_to_end(fresh_home.services, settings, explain=False)
    result = run_result(fresh_home.services, run)
    assert len(result["warnings"]) == 1
    assert result["warnings"][0].startswith("No better than the average: RMSE")
    page = visit(fresh_home.services, "runs", run=run.run_id)
    assert any("No better than the average" in one.value for one in page.warning)
    assert "No better than a constant" in shown(visit(fresh_home.services, "explain"))
    board = visit(fresh_home.services, "leaderboard").dataframe[0].value
    assert "No better than a constant" in list(board["marks"][0])
