"""The Runs page: found, filtered, opened, cleaned up."""

import json
import re
from dataclasses import replace

import pytest

from app.ui.widgets.text import escape_markdown
from core.cli.commands.train import run_result
from core.errors import StoreBusyError
from core.models.standing import difference_texts
from core.review.difference import OTHER_ROWS, compare_with_champion
from core.wording import metric_text
from tests.fixtures_runs import run_to_end, shown


def test_without_runs_the_next_step_is_training(fresh_home, visit):
    assert "Nothing has been trained yet" in shown(visit(fresh_home.services, "runs"))


def test_runs_are_listed_with_their_leaders(trained, visit):
    app = visit(trained.services, "runs")
    table = app.dataframe[0].value
    assert table["experiment"].tolist() == ["customers"]
    assert table["use"].tolist() == [["Champion"]]
    columns = json.loads(app.dataframe[0].proto.columns)
    assert columns["value"]["label"] == "AUC · CV"
    assert list(app.dataframe[0].proto.column_order)[:3] == ["run", "use", "value"]  # what decides needs no scrolling
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


def test_a_run_links_to_mlflow_where_its_address_is_set(trained, visit):
    run_id = trained.runs[0].run_id
    assert not visit(trained.services, "runs", run=run_id).get("link_button")
    set_to = replace(trained.services.settings, mlflow_ui_url="http://localhost:5000/")
    app = visit(replace(trained.services, settings=set_to), "runs", run=run_id)
    page = rf"http://localhost:5000/#/experiments/\d+/runs/{run_id}\?workflowType=machine_learning"
    assert re.fullmatch(page, app.get("link_button")[0].proto.url)


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


def test_a_run_is_deleted_only_when_confirmed_and_what_goes_with_it_is_named(own_home, visit):
    store, run_id = own_home.services.store, own_home.runs[0].run_id
    store._mlflow.client.delete_registered_model_alias("customers", "champion")
    app = _managed(visit, own_home, run_id)
    assert "Removes 3 models with their explanations" in shown(app)
    assert "version 1 of customers" in shown(app)
    assert app.button(key="runs_delete").disabled
    app.checkbox(key="runs_delete_sure").check().run()
    app.button(key="runs_delete").click().run()
    assert not app.exception, app.exception
    assert store.list_runs(archived=None) == ()
    assert own_home.services.ledger.entries(action="delete run")[0].subject == run_id
    assert "Nothing has been trained yet" in shown(app)


def test_a_run_whose_model_is_the_champion_says_why_it_stays_and_what_to_do(own_home, visit):
    app = _managed(visit, own_home, own_home.runs[0].run_id)
    assert "champion of customers: promote another model first, or archive the run" in shown(app).replace("\\", "")
    assert "runs_delete" not in {button.key for button in app.button}


def test_a_run_is_named_tagged_and_noted_and_found_by_that(own_home, visit):
    app = _managed(visit, own_home, own_home.runs[0].run_id)
    app.text_input(key="runs_name").set_value("**First** try")
    app.multiselect(key="runs_tags").set_value(["for the board", "v1"])
    app.text_area(key="runs_note").set_value("Too slow.\n<b>Again</b> with fewer columns")
    next(button for button in app.button if button.label == "Save").click().run()
    assert not app.exception, app.exception
    run = own_home.services.store.get_run(own_home.runs[0].run_id)
    assert (run.name, run.tags) == ("**First** try", ("for the board", "v1"))
    assert run.note.startswith("Too slow.")
    assert "\\*\\*First\\*\\* try" in app.title[0].value  # markup in a name is shown as it is
    app = visit(own_home.services, "runs")
    for text, n_found in (("tag:board", 1), ('note:"too slow"', 1), ("name:first status:fin", 1), ("tag:slow", 0)):
        app.text_input(key="runs_search").set_value(text).run()
        assert len(app.dataframe[0].value if app.dataframe else ()) == n_found, text


def test_an_archived_run_is_out_of_the_way_until_it_is_restored(own_home, visit):
    store, run_id = own_home.services.store, own_home.runs[0].run_id
    app = _managed(visit, own_home, run_id)
    app.button(key="runs_archive").click().run()
    assert "Archived just now: not on leaderboards" in "\n".join(one.value for one in app.info)
    assert (store.list_runs(), store.models(), store.best()) == ((), (), None)
    assert store.champion("customers").run_id == run_id  # still scores
    app = visit(own_home.services, "runs")
    assert "No runs match these filters" in shown(app)
    app.toggle(key="runs_archived").set_value(True).run()
    assert len(app.dataframe[0].value) == 1
    app = _managed(visit, own_home, run_id)
    app.button(key="runs_restore").click().run()
    assert [run.run_id for run in store.list_runs()] == [run_id]
    assert [entry.action for entry in own_home.services.ledger.entries(subject=run_id)][:2] == [
        "restore run",
        "archive run",
    ]


def test_a_run_gives_its_settings_to_a_new_training(trained, visit):
    app = visit(trained.services, "runs", run=trained.runs[0].run_id)
    app.button(key="runs_clone").click().run()
    assert not app.exception, app.exception
    assert app.title[0].value == "Train"
    settings = trained.runs[0].settings
    assert app.session_state["train_max_models"] == settings.max_models
    assert app.session_state["train_nfolds"] == settings.nfolds


@pytest.mark.parametrize("name", ["f" * 32, "../../etc/passwd", "<script>", "models:/x"])
@pytest.mark.parametrize("page", ["runs", "leaderboard", "explain"])
def test_a_link_to_nothing_says_so_and_leads_on(trained, visit, page, name):
    app = visit(trained.services, page, run=name)
    assert "There is no run with this id" in app.error[0].proto.body + app.error[0].proto.title
    if page == "runs":
        app.button(key="runs_back").click().run()
        assert len(app.dataframe[0].value) == 1
    else:
        assert app.selectbox  # the page goes on with what there is


@pytest.mark.parametrize("page", ["leaderboard", "explain", "predict", "compare"])
def test_a_link_to_a_model_that_is_none_leads_on(trained, visit, page):
    for name in ("m-" + "0" * 32, "../../etc/passwd", "models:/../../x@champion", "models:/customers/99", "x" * 5000):
        app = visit(trained.services, page, model=name)
        said = [*app.error, *app.warning]
        assert said, name
        assert app.selectbox, name  # the page goes on with what there is
    assert len(said) == 1


def test_a_link_that_compares_runs_that_are_none_leads_on(trained, visit):
    app = visit(trained.services, "compare", run=["../../etc/passwd", "f" * 32])
    assert "Choose others below" in app.warning[0].value
    assert "on the same rows" in shown(app)


def test_markup_in_what_a_run_is_called_is_shown_as_it_was_typed(own_home, visit):
    services, run_id = own_home.services, own_home.runs[0].run_id
    tag = "[x](http://a.example)"
    services.store.describe_run(run_id, name="**Best** <img src=x>", note="$a$ :red[b]", tags=[tag])
    words = shown(visit(services, "runs", run=run_id))
    assert f":material/sell: {escape_markdown(tag)}]" in words  # each bracket escaped once: no stray backslash
    for typed in ("**Best** <img src=x>", "$a$ :red[b]"):
        assert escape_markdown(typed) in words
        assert typed not in words


def test_a_link_to_a_run_without_models_says_so(own_home, visit):
    services = own_home.services
    run_id = services.store.create_run(own_home.settings(), own_home.dataset, key="none")
    services.store.set_status(run_id, "failed")
    assert "no models to compare" in visit(services, "leaderboard", run=run_id).warning[0].value
    assert "no model to explain" in visit(services, "explain", run=run_id).warning[0].value
    assert "ended before a model was built" in shown(visit(services, "runs", run=run_id))


def _managed(visit, home, run_id):
    app = visit(home.services, "runs", run=run_id)
    app.session_state["runs_tabs"] = "Manage"
    return app.run()


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


def test_a_run_says_whether_its_leader_beats_the_model_in_use(own_home, visit):
    services, run = own_home.services, own_home.runs[0]
    leader, other = services.store.models(run_id=run.run_id)[:2]
    services.reviews.promote(other, "It is simpler.")
    text = shown(visit(services, "runs", run=run.run_id))
    champion = services.store.champion(run.experiment)
    assert f"The champion is version {champion.version}: " in text
    found = compare_with_champion(services.store, services.ledger, champion, leader)
    auc = found.headline("auc")
    words = "tied with" if auc.is_tied else "worse than" if auc in found.worse() else "better than"
    value, interval = difference_texts(auc)
    said = f"The leader of this run is **{words} the champion** by AUC on the same holdout rows: {value}"
    assert f"{said} (95% interval {interval})." in text


def test_of_a_model_in_use_that_was_judged_on_other_rows_it_says_so(own_home, visit):
    services, first = own_home.services, own_home.runs[0]
    run = run_to_end(services, own_home.settings(holdout_share=0.0), explain=False)
    text = shown(visit(services, "runs", run=run.run_id))
    assert services.store.champion(run.experiment).run_id == first.run_id
    assert "The champion is version 1: " in text
    assert OTHER_ROWS in text


def test_runs_that_are_ranked_by_several_metrics_name_theirs(own_home, visit):
    services = own_home.services
    settings = own_home.settings(target="premium", task="regression", experiment="prices")
    run_to_end(services, settings, explain=False)
    app = visit(services, "runs")
    table = app.dataframe[0].value
    assert table["metric"].tolist() == ["RMSE", "AUC"]
    leaders = [services.store.models(run_id=run.run_id)[0] for run in services.store.list_runs()]
    assert table["value"].tolist() == [
        metric_text(leader.metrics[name]) for leader, name in zip(leaders, ("cv_rmse", "cv_auc"), strict=True)
    ]
