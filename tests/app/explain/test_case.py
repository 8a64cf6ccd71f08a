"""Explain: one case, the models of a run, single rows, pairs of features, and more on request."""

from types import SimpleNamespace

import pytest

from core.errors import EngineDiedError, EngineUnavailableError
from core.explain.asked import WITHOUT_ENGINE
from tests.fixtures_runs import Home, make_home, run_to_end, shown


def _open(visit, home: Home, view: str = "One case"):
    app = visit(home.services, "explain")
    app.button_group(key="explain_view").set_value(view).run()
    assert not app.exception, app.exception
    return app


def _inputs(app) -> dict:
    """Return the widgets of the form by their label."""
    kinds = ("slider", "number_input", "selectbox", "date_input", "text_input")
    found = [widget for kind in kinds for widget in getattr(app, kind)]
    return {
        widget.label: widget for widget in found if widget.key.startswith("explain_case_") and widget.key[13].isdigit()
    }


def _champion(home: Home):
    return next(m for m in home.services.store.models(run_id=home.runs[0].run_id) if m.is_champion)


def _probability(app) -> str:
    (metric,) = [one for one in app.metric if "Probability of yes" in one.label]
    return metric.value


def test_a_telling_row_is_predicted_and_explained(trained, visit):
    app = _open(visit, trained)
    assert not app.error
    assert app.selectbox(key="explain_case_source").value == "the highest probability of yes (holdout)"
    assert set(_inputs(app)) == {"age", "city", "premium"}
    assert _probability(app).endswith("%")
    assert "actually" in shown(app)
    assert app.get("plotly_chart")


def test_the_prediction_is_the_scorers(trained, visit, tmp_path):
    app = _open(visit, trained)
    values = {name: widget.value for name, widget in _inputs(app).items()}
    path = tmp_path / "one.csv"
    path.write_text("age,city,premium\n{age},{city},{premium}\n".format(**values), encoding="utf-8")
    scored = trained.services.scorer.score_file(path, path.name, model_uri=_champion(trained).uri)
    p = scored.results["probability_yes"][0].as_py()
    assert _probability(app) == f"{100 * p:.1f}%"
    assert f"Decision: {scored.results['prediction'][0].as_py()}" in shown(app)


def test_the_prediction_follows_an_input_and_says_by_how_much(trained, visit):
    app = _open(visit, trained)
    before = _probability(app)
    _inputs(app)["age"].set_value(20).run()
    assert not app.exception, app.exception
    (metric,) = [one for one in app.metric if "Probability of yes" in one.label]
    assert metric.value != before
    change = float(metric.value.rstrip("%")) - float(before.rstrip("%"))
    assert float(metric.delta.split()[0]) == pytest.approx(change, abs=0.11)


def test_a_row_of_the_data_and_a_row_to_type_in(trained, visit):
    app = _open(visit, trained)
    app.selectbox(key="explain_case_source").set_value("A row of the data").run()
    app.number_input(key="explain_case_row").set_value(17).run()
    assert not app.exception, app.exception
    row = trained.services.datasets.open(trained.dataset.id).typed(["age", "city"]).slice(16, 1).to_pylist()[0]
    inputs = _inputs(app)
    assert {"age": inputs["age"].value, "city": inputs["city"].value} == row
    assert "Row 17 of the data" in shown(app)
    app.selectbox(key="explain_case_source").set_value("A row you type in").run()
    assert not app.exception, app.exception
    assert "of the data" not in shown(app).replace("A row of the data", "")


def test_missing_values_and_unseen_levels_are_said(trained, visit):
    app = _open(visit, trained)
    app.toggle(key="explain_case_exact").set_value(True).run()
    _inputs(app)["age"].set_value(None).run()
    assert not app.exception, app.exception
    assert _probability(app)
    # As the button "Try it" does; a selectbox of AppTest takes no new words.
    app.session_state["explain.case_shown"] = {"age": 30, "city": "<b>Paris", "premium": 500.0}
    app.session_state["explain.case_version"] += 1
    app.run()
    assert not app.exception, app.exception
    assert any("Paris" in one.value and "<b>" not in one.value.replace("\\<b\\>", "") for one in app.info)


def test_the_smallest_change_flips_the_decision_and_can_be_tried(trained, visit):
    app = _open(visit, trained)
    app.selectbox(key="explain_case_source").set_value("the closest to the threshold (holdout)").run()
    decision = next(one.value for one in app.markdown if "Decision:" in one.value)
    (submit,) = [button for button in app.button if "smallest change" in button.label]
    submit.click().run()
    assert not app.exception, app.exception
    assert any("→" in one.value for one in app.markdown)
    app.button(key="explain_case_try_0").click().run()
    assert not app.exception, app.exception
    assert next(one.value for one in app.markdown if "Decision:" in one.value) != decision


def test_nothing_found_is_said(trained, visit):
    app = _open(visit, trained)
    app.multiselect(key="explain_case_fixed").set_value(["age", "city", "premium"])
    (submit,) = [button for button in app.button if "smallest change" in button.label]
    submit.click().run()
    assert not app.exception, app.exception
    assert any("does not prove" in one.value for one in app.info)


def test_similar_rows_are_training_rows(trained, visit):
    app = _open(visit, trained)
    app.button_group(key="explain_case_below").set_value("Similar training rows").run()
    assert not app.exception, app.exception
    (table,) = [one.value for one in app.dataframe if "Distance" in one.value.columns]
    assert table["Row"].tolist()[0] == "this one"
    assert table["Distance"].is_monotonic_increasing
    assert len(table) == 6
    assert set(table["buys"][1:]) <= {"yes", "no"}


def test_a_number_has_a_goal(tmp_path, migrated_database, visit):
    home = make_home(tmp_path, migrated_database, n_runs=0)
    run_to_end(home.services, home.settings(target="premium", task="regression", ignored=()))
    app = visit(home.services, "explain")
    app.button_group(key="explain_view").set_value("One case").run()
    assert not app.exception, app.exception
    assert any("Predicted premium" in one.label for one in app.metric)
    assert app.selectbox(key="explain_case_side").value in ("at least", "at most")


@pytest.fixture
def ensemble(fresh_home):
    """A home whose run, without explanations, has an ensemble; its engine is asleep."""
    return _ensemble_of(fresh_home, ("GBM", "DeepLearning"))


def _ensemble_of(fresh_home, algos):
    run_to_end(fresh_home.services, fresh_home.settings(include_algos=(*algos, "StackedEnsemble")), explain=False)
    fresh_home.services.engine.state = "stopped"
    (model,) = [one for one in fresh_home.services.store.models() if one.algo == "StackedEnsemble"]
    return SimpleNamespace(services=fresh_home.services, model=model)


def test_one_case_of_a_tree_leaves_the_engine_asleep(own_home, visit, monkeypatch):
    def refuse():
        raise AssertionError("The engine is not needed.")

    services = own_home.services
    services.engine.state = "stopped"
    for name in ("ensure_ready", "start_in_background"):
        monkeypatch.setattr(services.engine, name, refuse)
    app = visit(services, "explain")
    app.button_group(key="explain_view").set_value("One case").run()
    assert services.store.resolve(f"models:/{app.selectbox(key='explain_model').value}").algo in WITHOUT_ENGINE
    _inputs(app)["age"].set_value(20).run()
    (submit,) = [button for button in app.button if "smallest change" in button.label]
    submit.click().run()
    assert not app.exception, app.exception
    assert not app.error
    assert _probability(app).endswith("%")
    assert app.get("plotly_chart")
    assert services.engine.status().state == "stopped"


def test_reasons_of_an_ensemble_start_the_engine(ensemble, visit):
    app = visit(ensemble.services, "explain", model=ensemble.model.id)
    assert ensemble.services.engine.status().state == "stopped"
    app.button_group(key="explain_view").set_value("One case").run()
    assert not app.exception, app.exception
    assert app.get("plotly_chart")
    assert "SHAP against a background of" in shown(app)
    assert ensemble.services.engine.status().state == "ready"
    (table,) = [one.value for one in app.dataframe if "Moved most by" in one.value.columns]
    assert set(table["Member"]) == {"GBM", "Deep learning"}
    assert table["Moved most by"].str.contains("trees and of GLMs only").sum() == 1


def test_an_ensemble_of_trees_and_glms_leaves_the_engine_asleep(fresh_home, visit):
    ensemble = _ensemble_of(fresh_home, ("GBM", "GLM"))
    app = visit(ensemble.services, "explain", model=ensemble.model.id)
    app.button_group(key="explain_view").set_value("One case").run()
    assert not app.exception, app.exception
    assert app.get("plotly_chart")
    assert "times the metalearner" in shown(app)
    (table,) = [one.value for one in app.dataframe if "Moved most by" in one.value.columns]
    assert set(table["Member"]) == {"GBM", "GLM"}
    assert table["Weight"].tolist() == [0.5, 0.5]
    assert table["Predicts"].str.fullmatch(r"\d+\.\d%").all()
    assert table["Moved most by"].str.contains(" points").all()
    assert ensemble.services.engine.status().state == "stopped"


@pytest.mark.parametrize("error", [EngineUnavailableError("No Java was found."), EngineDiedError("It ended.")])
def test_without_an_engine_prediction_and_stored_figures_stay(ensemble, visit, monkeypatch, error):
    def refuse():
        raise error

    monkeypatch.setattr(ensemble.services.engine, "ensure_ready", refuse)
    app = visit(ensemble.services, "explain", model=ensemble.model.id)
    app.button_group(key="explain_view").set_value("One case").run()
    assert not app.exception, app.exception
    assert error.code in app.error[0].value
    assert _probability(app).endswith("%")
    (submit,) = [button for button in app.button if "smallest change" in button.label]
    submit.click().run()
    assert not app.exception, app.exception
    assert "rows scored" in shown(app)
    app.button_group(key="explain_view").set_value("Models").run()
    assert not app.exception, app.exception
    assert not app.error
    assert app.get("plotly_chart")


# --- models, single rows, pairs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Importance", "Agreement", "Partial dependence"])
def test_models_are_compared_without_an_engine(trained, visit, kind):
    app = _open(visit, trained, "Models")
    app.button_group(key="explain_models").set_value(kind).run()
    assert not app.exception, app.exception
    assert not app.error
    assert app.get("plotly_chart")
    assert "Method:" in shown(app)


def test_times_that_were_not_measured_are_said(trained, visit):
    app = _open(visit, trained, "Models")
    app.button_group(key="explain_models").set_value("Speed and metric").run()
    assert not app.exception, app.exception
    assert app.get("plotly_chart") or "Prediction times" in shown(app)


@pytest.mark.parametrize("kind", ["Mean", "Single rows", "Two features"])
def test_each_kind_of_dependence_draws(trained, visit, kind):
    app = _open(visit, trained, "Features")
    app.button_group(key="explain_features").set_value("Partial dependence").run()
    app.button_group(key="explain_dependence_kind").set_value(kind).run()
    assert not app.exception, app.exception
    assert not app.error
    assert app.get("plotly_chart")
