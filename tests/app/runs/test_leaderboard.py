"""The Leaderboard page: order, columns with origin, links, and promoting a champion."""

import pytest

from app.ui.widgets.leaderboard import leaderboard_config
from app.ui.widgets.text import escape_markdown
from core.errors import ModelError
from tests.fixtures_runs import shown


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
    assert f"**{escape_markdown(model.model_key)}**" in shown(app)
    app.selectbox(key="leaderboard_metric").set_value("cv_logloss").run()
    assert not app.exception, app.exception
    assert f"**{escape_markdown(model.model_key)}**" in shown(app)


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
    text = leaderboards.csv_bytes(models, trained.services.settings).decode()
    assert text.splitlines()[0].startswith("place,model_id,algo,cv_auc")
    assert len(text.splitlines()) == 4


def test_a_link_to_no_model_says_so(trained, visit):
    app = visit(trained.services, "leaderboard", model="m-" + "0" * 32)
    assert "model.not_found" in app.error[0].value
    assert app.dataframe[0].value["place"].tolist() == [1, 2, 3]  # and the page goes on with what there is


def test_a_link_that_tries_a_path_leads_to_the_page_as_well(trained, visit):
    app = visit(trained.services, "leaderboard", run="../../etc/passwd")
    assert "run.not_found" in app.error[0].value
    assert app.selectbox(key="leaderboard_experiment").value == "customers"
