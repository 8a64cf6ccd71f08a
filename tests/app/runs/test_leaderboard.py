"""The Leaderboard page: order, columns with origin, links, and promoting a champion."""

import csv
import io
import math

import pytest

from app.ui.widgets.models.leaderboard import leaderboard_config
from app.ui.widgets.text import escape_markdown
from core.domain.models import model_name
from core.errors import ModelError
from core.models.judged import judged_on
from core.models.opened import StoredModel
from core.models.standing import stand
from tests.fixtures_runs import run_to_end, shown
from tests.fixtures_store import make_details


def test_without_models_the_next_step_is_training(fresh_home, visit):
    assert "No models to compare yet" in shown(visit(fresh_home.services, "leaderboard"))


def test_models_are_listed_best_first_with_spread_gap_and_marks(trained, visit):
    app = visit(trained.services, "leaderboard")
    table = app.dataframe[0].value
    assert table["cv_auc"].is_monotonic_decreasing
    best = max(trained.services.store.models(run_id=trained.runs[0].run_id), key=lambda m: m.metrics["cv_auc"])
    assert table["spread"][0] == pytest.approx(best.metrics["cv_auc_sd"])
    assert (table["spread"] > 0).all()
    assert table["gap"][0] == pytest.approx(best.metrics["holdout_auc"] - best.metrics["cv_auc"])
    assert "Champion" in {mark for cell in table["marks"] for mark in cell}
    assert "Select a row" in shown(app)


def test_the_address_names_the_one_model_that_is_selected(trained, visit):
    app = visit(trained.services, "leaderboard")
    second = app.dataframe[0].value["id"][1]
    assert "model" not in app.query_params
    app.session_state["leaderboard_table"] = {"selection": {"rows": [1]}}
    app.run()
    assert second in app.query_params["model"]
    shared = visit(trained.services, "leaderboard", model=second)  # whoever gets the address sees the same
    assert "Review of" in shown(shared)
    app.session_state["leaderboard_table"] = {"selection": {"rows": [0, 1]}}
    app.run()
    assert "model" not in app.query_params


def test_another_metric_gives_another_order(trained, visit):
    app = visit(trained.services, "leaderboard")
    app.selectbox(key="leaderboard_metric").set_value("cv_logloss").run()
    assert not app.exception, app.exception
    assert app.dataframe[0].value["cv_logloss"].is_monotonic_increasing


def test_every_header_names_origin_or_unit(trained):

    models = trained.services.store.models(run_id=trained.runs[0].run_id)
    labels = [column["label"] for column in leaderboard_config(models, "cv_auc").values()]
    for words in ("AUC · CV", "AUC · holdout", "Training (s)", "µs per row"):
        assert words in labels


def test_a_link_shows_the_model_with_what_can_be_done(trained, visit):
    model = trained.services.store.models(run_id=trained.runs[0].run_id)[1]
    app = visit(trained.services, "leaderboard", run=model.run_id, model=model.id)
    assert app.selectbox(key="leaderboard_run").value == model.run_id
    assert model.algo in shown(app)
    assert {"leaderboard_explain", "leaderboard_predict", "leaderboard_promote_open"} <= {b.key for b in app.button}


def test_the_same_model_stays_selected_in_another_order(trained, visit):
    model = trained.services.store.models(run_id=trained.runs[0].run_id)[2]
    app = visit(trained.services, "leaderboard", run=model.run_id, model=model.id)
    assert f"**{escape_markdown(model_name(model.model_key))}**" in shown(app)
    app.selectbox(key="leaderboard_metric").set_value("cv_logloss").run()
    assert not app.exception, app.exception
    assert f"**{escape_markdown(model_name(model.model_key))}**" in shown(app)


def test_promoting_makes_the_champion_and_is_written_down(own_home, visit):
    services = own_home.services
    other = services.store.models(run_id=own_home.runs[0].run_id)[1]
    app = visit(services, "leaderboard", run=other.run_id, model=other.id)
    app.button(key="leaderboard_promote_open").click().run()
    app.text_input(key="leaderboard_note").set_value("easier to explain")
    app.text_input(key="leaderboard_promoter").set_value("Ann")
    app.button(key="leaderboard_promote").click().run()
    assert not app.exception, app.exception
    assert services.store.champion("customers").id == other.id
    assert services.ledger.entries(action="promote")[0].detail["note"] == "easier to explain"
    assert services.reviews.history("customers")[0].person == "Ann"


def test_a_refused_promotion_is_said_with_a_hint(own_home, visit, monkeypatch):
    def refuse(*args, **kwargs):
        raise ModelError("This model's files were not stored.", code="model.no_files")

    monkeypatch.setattr("core.review.reviews.Reviews.promote", refuse)
    other = own_home.services.store.models(run_id=own_home.runs[0].run_id)[1]
    app = visit(own_home.services, "leaderboard", run=other.run_id, model=other.id)
    app.button(key="leaderboard_promote_open").click().run()
    app.button(key="leaderboard_promote").click().run()
    assert "model.no_files" in app.error[0].value


def test_the_download_is_a_csv_with_all_models(trained):
    from app.ui.runs import leaderboard as leaderboards

    models = trained.services.store.models(run_id=trained.runs[0].run_id)
    standings = stand(trained.services.store, models, "cv_auc")
    text = leaderboards.csv_bytes(models, trained.services.settings, standings).decode()
    assert text.splitlines()[0].startswith("place,model_id,algo,cv_auc")
    found = list(csv.DictReader(io.StringIO(text)))
    assert len(found) == 3
    assert [row["vs_leader"] for row in found] == [standings.of(model).state for model in models]
    assert "holdout, 48 rows: difference on the same rows" in found[0]["tie_method"]
    assert int(found[0]["size_bytes"]) > 0


def test_a_link_to_no_model_says_so(trained, visit):
    app = visit(trained.services, "leaderboard", model="m-" + "0" * 32)
    assert "model.not_found" in app.error[0].value
    assert app.dataframe[0].value["place"].tolist() == [1, 2, 3]  # and the page goes on with what there is


def test_a_link_that_tries_a_path_leads_to_the_page_as_well(trained, visit):
    app = visit(trained.services, "leaderboard", run="../../etc/passwd")
    assert "run.not_found" in app.error[0].value
    assert app.selectbox(key="leaderboard_experiment").value == "customers"


def test_a_champion_whose_run_another_tool_has_deleted_is_said_and_the_page_goes_on(own_home, visit):
    services = own_home.services
    other = run_to_end(services, own_home.settings(max_models=1), explain=False)
    services.store._mlflow.client.delete_run(services.store.champion("customers").run_id)  # as the MLflow UI does
    app = visit(services, "leaderboard")
    assert not app.exception, app.exception
    assert not app.error
    assert "Version 1 of customers has no model any more: its run was deleted" in app.warning[0].value
    assert set(app.dataframe[0].value["id"]) == {m.id for m in services.store.models(run_id=other.run_id)}
    assert "leaderboard_promote_open" in {b.key for b in _with_first_selected(app).button}
    services.store._mlflow.client.delete_run(other.run_id)
    app = visit(services, "leaderboard")
    assert "No models to compare yet" in shown(app)
    assert "Version 1 of customers is the champion, but its run was deleted" in app.warning[0].value
    assert services.store.lost_champions() == {"customers": 1}


def _with_first_selected(app):
    app.session_state["leaderboard_table"] = {"selection": {"rows": [0]}}
    return app.run()


def test_an_experiment_whose_runs_built_nothing_leads_to_its_runs(own_home, visit):
    services = own_home.services
    run_id = services.store.create_run(own_home.settings(experiment="empty"), own_home.dataset, key="none")
    services.store.set_status(run_id, "failed")
    app = visit(services, "leaderboard")  # the newest run comes first
    assert app.selectbox(key="leaderboard_experiment").value == "empty"
    assert "None of the runs of this experiment has built one." in shown(app)
    app.selectbox(key="leaderboard_experiment").set_value("customers").run()
    assert not app.exception, app.exception
    assert len(app.dataframe[0].value) == 3


def test_a_metric_that_is_no_number_puts_a_model_last_and_the_size_is_a_column(own_home, visit):
    store = own_home.services.store
    run_id = own_home.runs[0].run_id
    known = store.models(run_id=run_id, sort="cv_auc")
    added = store.add_model(run_id, make_details("GLM_9", cv_auc=math.nan, cv_logloss=0.1), "binary")
    app = visit(own_home.services, "leaderboard")
    assert not app.exception, app.exception
    assert app.dataframe[0].value["id"].tolist() == [*(model.id for model in known), added]
    assert math.isnan(app.dataframe[0].value["cv_auc"].iloc[-1])
    sizes = app.dataframe[0].value.set_index("id")["size_mib"]
    model = known[0]
    assert model.size_bytes > StoredModel(store, model).mojo()[0].stat().st_size
    assert sizes[model.id] == pytest.approx(model.size_bytes / 2**20)


def test_more_models_are_listed_when_asked_for(own_home, visit, monkeypatch):
    monkeypatch.setattr("app.ui.runs.leaderboard.PAGE", 1)
    app = visit(own_home.services, "leaderboard")
    assert len(app.dataframe[0].value) == 1
    assert "1 model of the best 1, and there are more" in shown(app)
    app.button(key="leaderboard_show_more").click().run()
    assert not app.exception, app.exception
    assert len(app.dataframe[0].value) == 3
    assert "leaderboard_show_more" not in {b.key for b in app.button}


def test_ties_and_intervals_are_shown_with_the_rows_they_come_from(trained, visit):
    app = visit(trained.services, "leaderboard")
    table = app.dataframe[0].value
    assert table["standing"][0].tolist() == ["Leader"]
    assert {cell for row in table["standing"] for cell in row} <= {"Leader", "Tied", "Behind", "Ahead"}
    low, high = map(float, table["interval"][0].split(" – "))
    assert low < table["cv_auc"][0] < high
    assert "Compared with the leader on holdout, 48 rows." in shown(app)


def test_models_are_filtered_and_keep_their_place(trained, visit):
    app = visit(trained.services, "leaderboard")
    before = app.dataframe[0].value.set_index("id")["place"]
    algorithm = trained.services.store.models(run_id=trained.runs[0].run_id)[1].algo
    app.pills(key="leaderboard_algorithms").set_value([algorithm]).run()
    kept = app.dataframe[0].value.set_index("id")
    assert set(kept["algorithm"]) == {algorithm}
    assert kept["place"].to_dict() == before[kept.index].to_dict()
    app.text_input(key="leaderboard_search").set_value("no such model").run()
    assert "No models match these filters." in shown(app)


def test_runs_judged_on_other_rows_are_set_apart_with_the_reason(own_home, visit):
    services = own_home.services
    other = run_to_end(services, own_home.settings(seed=9), explain=False)
    app = visit(services, "leaderboard")
    champion = services.store.champion("customers")
    assert set(app.dataframe[0].value["id"]) == {m.id for m in services.store.models(run_id=champion.run_id)}
    apart = next(frame.value for frame in app.dataframe if "why" in frame.value)
    assert apart["why"].tolist() == ["Other rows held out: 20% at random, seed 9; here 20% at random, seed 1"]
    choice = app.selectbox(key="leaderboard_judged")
    choice.set_value(judged_on(other.settings)).run()
    assert not app.exception, app.exception
    assert set(app.dataframe[0].value["id"]) == {m.id for m in services.store.models(run_id=other.run_id)}


def test_several_selected_models_lead_to_their_comparison(trained, visit):
    app = visit(trained.services, "leaderboard")
    app.session_state["leaderboard_table"] = {"selection": {"rows": [0, 1]}}
    app.run()
    assert "**2 models** selected" in shown(app)
    wanted = app.dataframe[0].value["id"].tolist()[:2]
    app.button(key="leaderboard_compare").click().run()
    assert not app.exception, app.exception
    assert app.multiselect(key="compare_chosen").value == wanted


def test_log_loss_is_offered_for_classes_only(trained, own_home, visit):
    app = visit(trained.services, "leaderboard")
    app.selectbox(key="leaderboard_metric").select("cv_logloss").run()
    losses = app.dataframe[0].value["cv_logloss"].tolist()
    assert losses == sorted(losses)
    services = own_home.services
    run = run_to_end(
        services, own_home.settings(target="premium", task="regression", experiment="prices"), explain=False
    )
    app = visit(services, "leaderboard", run=run.run_id)
    assert not any("Log loss" in option for option in app.selectbox(key="leaderboard_metric").options)


def test_an_ensemble_opens_into_its_members_with_weights(own_home, visit):
    services = own_home.services
    run = run_to_end(services, own_home.settings(include_algos=("GLM", "GBM", "StackedEnsemble")), explain=False)
    ensemble = next(m for m in services.store.models(run_id=run.run_id) if m.algo == "StackedEnsemble")
    app = visit(services, "leaderboard", run=run.run_id, model=ensemble.id)
    (members,) = [frame.value for frame in app.dataframe if "weight" in frame.value]
    details = StoredModel(services.store, ensemble).details
    assert set(members["model"]) == set(map(model_name, details.base_models))
    assert members["weight"].dropna().tolist() == sorted((w for _, w in details.member_weights), reverse=True)
