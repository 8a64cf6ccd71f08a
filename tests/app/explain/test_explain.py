"""The Explain page: every view, reasons instead of figures, and explanations that are not there yet."""

from dataclasses import replace

import pytest

from core.domain.runs import RunInfo
from core.errors import EngineUnavailableError
from core.models.opened import StoredModel
from core.wording import metric_text, percent_text
from tests.fixtures_runs import make_home, run_to_end, shown


def test_without_models_the_next_step_is_training(fresh_home, visit):
    assert "No model to explain yet" in shown(visit(fresh_home.services, "explain"))


VIEWS = ("Overview", "Features", "Performance", "Decision", "Weak spots", "Fairness", "Learning")


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_draws_without_an_engine(trained, visit, view):
    app = visit(trained.services, "explain")
    app.button_group(key="explain_view").set_value(view).run()
    assert not app.exception, app.exception
    assert not app.error
    assert app.get("plotly_chart")


def test_the_overview_says_what_the_threshold_does_to_unseen_rows(trained, visit):
    app = visit(trained.services, "explain")
    model = trained.services.store.models(run_id=trained.runs[0].run_id)[0]
    stored = StoredModel(trained.services.store, model)
    found = stored.predictions("holdout")
    selected = found.decided(stored.spec.threshold) == found.classes.index(found.positive)
    right = 100 * (selected & found.is_class(found.positive)).sum() / selected.sum()
    assert f"(holdout): Selects {percent_text(selected.mean())} of the rows. {right:.0f} of 100 selected" in shown(app)
    constant = trained.runs[0].constant
    assert f"where a constant predictor has {metric_text(constant['holdout_auc'])}; log loss is" in shown(app)
    assert f"where it has {metric_text(constant['holdout_logloss'])}." in shown(app)


@pytest.mark.parametrize("kind", ["Importance", "SHAP", "Partial dependence"])
def test_each_explanation_of_the_features_draws(trained, visit, kind):
    app = visit(trained.services, "explain")
    app.button_group(key="explain_view").set_value("Features").run()
    app.button_group(key="explain_features").set_value(kind).run()
    assert not app.exception, app.exception
    assert not app.error
    assert app.get("plotly_chart")


def test_performance_names_its_origins_and_can_change_them(trained, visit):
    app = visit(trained.services, "explain")
    app.button_group(key="explain_view").set_value("Performance").run()
    table = app.dataframe[0].value
    assert table.columns.tolist() == ["Metric", "Cross-validation", "Holdout", "Constant, cross-validation"]
    assert table["Metric"].tolist()[:3] == ["AUC", "Average precision", "Log loss"]
    app.button_group(key="explain_origin").set_value("holdout").run()
    assert not app.exception, app.exception
    assert "holdout, 48 rows" in app.get("plotly_chart")[0].proto.spec


@pytest.mark.parametrize("view", ["Performance", "Decision", "Weak spots", "Fairness"])
def test_a_run_with_weights_says_that_the_figures_count_rows(trained, visit, monkeypatch, view):
    store, read_run = trained.services.store, trained.services.store.get_run

    def weighted(run_id: str) -> RunInfo:
        run = read_run(run_id)
        return replace(run, settings=replace(run.settings, weights_column="premium"))

    assert "every row counts once" not in shown(visit(trained.services, "explain"))
    monkeypatch.setattr(store, "get_run", weighted)
    app = visit(trained.services, "explain")
    app.button_group(key="explain_view").set_value(view).run()
    assert "every row counts once. The weights in **premium**" in shown(app)


def test_a_regression_has_residuals_instead_of_performance(tmp_path, migrated_database, visit):
    home = make_home(tmp_path, migrated_database, n_runs=0)
    run = run_to_end(home.services, home.settings(target="premium", task="regression", ignored=()))
    assert run.status == "finished"
    app = visit(home.services, "explain")
    app.button_group(key="explain_view").set_value("Performance").run()
    assert not app.exception, app.exception
    assert not app.error
    assert len(app.get("plotly_chart")) == 2


def test_the_champion_leads_and_a_link_chooses_another(trained, visit):
    champion, other = trained.services.store.models(run_id=trained.runs[0].run_id)[:2]
    assert visit(trained.services, "explain").selectbox(key="explain_model").value == champion.id
    app = visit(trained.services, "explain", model=other.id)
    assert app.selectbox(key="explain_model").value == other.id
    app = visit(trained.services, "explain", run=other.run_id)
    assert app.selectbox(key="explain_model").value == champion.id


def test_explanations_on_their_way_are_waited_for(own_home, visit):
    app = visit(own_home.services, "explain")
    assert own_home.services.store.get_run(own_home.runs[0].run_id).explanations == "computing"
    assert "in the background" in app.status[0].label


def test_missing_explanations_are_computed_on_request(own_home, visit):
    own_home.services.store.update_run(
        own_home.runs[0].run_id, explanations="failed", explanations_error="The engine ended."
    )
    app = visit(own_home.services, "explain")
    assert "The engine ended" in shown(app)
    app.button(key="explain_compute").click().run()
    assert not app.exception, app.exception
    assert app.get("plotly_chart")


def test_an_engine_that_cannot_start_is_said_with_a_hint(own_home, visit, monkeypatch):
    def refuse():
        raise EngineUnavailableError("No Java was found.")

    own_home.services.store.update_run(own_home.runs[0].run_id, explanations="")
    monkeypatch.setattr(own_home.services.engine, "ensure_ready", refuse)
    app = visit(own_home.services, "explain")
    app.button(key="explain_compute").click().run()
    assert "engine.unavailable" in app.error[0].value


def test_a_link_to_no_model_says_so(trained, visit):
    app = visit(trained.services, "explain", model="m-" + "0" * 32)
    assert "model.not_found" in app.error[0].value
