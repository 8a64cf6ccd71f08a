"""The Compare page: models and runs from the address, differences with intervals, curves, rows, settings, a file."""

import pytest

from app.ui.compare import file as compare_file
from app.ui.compare import view as compare_view
from app.ui.data.uploads import Upload
from core.domain.models import model_name
from core.store.items import Metric
from tests.fixtures_runs import run_to_end, shown, write_customers

VIEWS = ("Metrics", "Curves", "Importance", "Disagreement", "Settings", "On a file")


@pytest.fixture
def models(trained):
    return trained.services.store.models(run_id=trained.runs[0].run_id)


def choose_view(app, view: str):
    app.segmented_control(key="compare_view").set_value(view).run()
    assert not app.exception, app.exception
    return app


def test_without_models_the_next_step_is_training(fresh_home, visit):
    assert "Nothing to compare yet" in shown(visit(fresh_home.services, "compare"))


def test_the_best_two_models_are_compared_at_first_and_stand_in_the_address(trained, visit, models):
    app = visit(trained.services, "compare")
    assert app.multiselect(key="compare_chosen").value == [model.id for model in models[:2]]
    assert app.query_params["model"] == [model.id for model in models[:2]]
    assert "on the same rows: **holdout, 48 rows**" in shown(app)
    assert not any(group.key == "compare_metric" for group in app.get("button_group"))  # the table says it all


def test_an_address_names_the_models_and_their_order(trained, visit, models):
    wanted = [models[2].id, models[0].id, models[1].id]
    app = visit(trained.services, "compare", model=wanted)
    assert app.multiselect(key="compare_chosen").value == wanted
    table = next(frame.value for frame in app.dataframe if "verdict" in frame.value)
    assert set(table["model"]) == {model_name(model.model_key) for model in (models[0], models[1])}
    assert {"AUC ↑", "Log loss ↓"} <= set(table["metric"])
    assert {cell for row in table["verdict"] for cell in row} <= {"Tied", "Better", "Worse"}
    assert any(group.key == "compare_metric" for group in app.get("button_group"))
    # What a threshold decides is in the table alone.
    for name, rows in table[table["metric"] != "Mean per-class error"].groupby("model"):
        words = {cell for row in rows["verdict"] for cell in row}
        (said,) = (one.value for one in app.markdown if f"**{name}**" in one.value)
        assert ("is tied with" in said) == (words == {"Tied"})
        assert ("better by" in said, "worse by" in said) == ("Better" in words, "Worse" in words)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_drawn(trained, visit, models, view):
    app = choose_view(visit(trained.services, "compare", model=[model.id for model in models]), view)
    assert not app.error, [error.value for error in app.error]


def test_rows_of_widest_disagreement_come_first_with_what_the_data_says_of_them(trained, visit, models):
    app = choose_view(visit(trained.services, "compare", model=[model.id for model in models[:2]]), "Disagreement")
    table = app.dataframe[0].value
    assert table["spread"].is_monotonic_decreasing
    names = [model_name(model.model_key) for model in models[:2]]
    assert (table[names[0]] - table[names[1]]).abs().tolist() == pytest.approx(table["spread"].tolist())
    data = trained.services.datasets.open(trained.dataset.id).typed(["age"])["age"].to_pylist()
    assert table["age"].tolist() == [data[row - 1] for row in table["row"]]


def test_ids_that_do_not_exist_are_said_and_others_can_be_chosen(trained, visit, models):
    app = visit(trained.services, "compare", model=[models[0].id, "m-" + "0" * 32, "../../etc/passwd"])
    assert "Choose others below" in app.warning[0].value
    assert app.multiselect(key="compare_chosen").value == [models[0].id]
    assert "Choose two to ten models" in shown(app)
    app.multiselect(key="compare_chosen").set_value([models[0].id, models[1].id]).run()
    assert not app.exception, app.exception
    assert "on the same rows" in shown(app)


def test_runs_are_compared_by_their_leaders_and_their_settings(own_home, visit):
    services = own_home.services
    other = run_to_end(services, own_home.settings(seed=1, max_models=2, balance_classes=True), explain=False)
    app = visit(services, "compare", run=[own_home.runs[0].run_id, other.run_id])
    assert app.segmented_control(key="compare_kind").value == "runs"
    assert "on the same rows: **holdout, 48 rows**" in shown(app)
    assert not any(group.key == "compare_metric" for group in app.get("button_group"))  # the table says it all
    choose_view(app, "Settings")
    settings = app.dataframe[0].value.set_index("setting")
    assert settings.loc["Maximum models"].tolist() == ["3", "2"]
    assert "Seed" not in settings.index
    app.toggle(key="compare_all_settings").set_value(True).run()
    assert "Seed" in app.dataframe[0].value["setting"].tolist()


def test_models_of_other_holdouts_are_compared_on_the_rows_they_share(own_home, visit, monkeypatch):
    services = own_home.services
    other = run_to_end(services, own_home.settings(seed=9), explain=False)
    models = [services.store.models(run_id=run.run_id)[0].id for run in (own_home.runs[0], other)]
    app = visit(services, "compare", model=models)
    assert "rows**, which all of them were judged on, for they held out other rows." in shown(app)
    assert not app.warning
    for view in VIEWS:
        choose_view(app, view)
    # Where they share too few, the way out is said.
    compare_view._beside.clear()
    monkeypatch.setattr("core.models.beside.COMMON_SHARE", 0.99)
    app = visit(services, "compare", model=models)
    assert "Judged on other" in app.warning[0].value
    assert "*On a file* below" in app.warning[0].value
    for view in VIEWS:
        choose_view(app, view)


def test_a_run_without_models_and_metrics_that_are_no_numbers_break_nothing(own_home, visit):
    services = own_home.services
    empty = services.store.create_run(own_home.settings(seed=5), own_home.dataset, key="e", person="")
    app = visit(services, "compare", run=[own_home.runs[0].run_id, empty])
    assert "Choose others below" in app.warning[0].value
    model = services.store.models(run_id=own_home.runs[0].run_id)[0]
    services.store.log(own_home.runs[0].run_id, [Metric("cv_auc", float("nan"))])
    app = visit(services, "compare", model=[model.id, services.store.models(run_id=model.run_id)[1].id])
    assert "on the same rows" in shown(app)


def test_models_of_an_archived_run_are_compared_where_the_address_names_them(own_home, visit):
    services, run_id = own_home.services, own_home.runs[0].run_id
    run_to_end(services, own_home.settings(seed=9), explain=False)
    models = [model.id for model in services.store.models(run_id=run_id)[:2]]
    services.store.archive_run(run_id)
    app = visit(services, "compare", model=models)
    assert app.multiselect(key="compare_chosen").value == models
    assert "on the same rows" in shown(app)


def test_a_file_is_scored_by_both_and_who_moves_is_shown(own_home, visit, tmp_path):
    services = own_home.services
    models = services.store.models(run_id=own_home.runs[0].run_id)[:2]
    app = visit(services, "compare", model=[model.id for model in models])
    path = write_customers(tmp_path / "new.csv", seed=11)
    app.session_state[compare_file._UPLOAD] = Upload(path, path.name, (), "0" * 64)
    choose_view(app, "On a file")
    app.button(key="compare_score").click().run()
    assert not app.exception, app.exception
    assert "of 240 rows move" in shown(app)
    assert "On the 240 rows whose actual value the file holds" in shown(app)
    moves = next(frame.value for frame in app.dataframe if "before" in frame.value)
    assert (moves["before"] != moves["after"]).all()


def test_a_dataset_can_be_the_file(own_home, visit):
    app = choose_view(visit(own_home.services, "compare"), "On a file")
    app.selectbox(key="compare_file").set_value(own_home.dataset.id).run()
    app.button(key="compare_score").click().run()
    assert not app.exception, app.exception
    assert "of 240 rows move" in shown(app)
    assert app.warning[0].value.startswith("192 of 240 rows of this file are among those that ")  # 48 were held out


def test_a_file_that_does_not_fit_is_said(own_home, visit, tmp_path):
    app = choose_view(visit(own_home.services, "compare"), "On a file")
    path = tmp_path / "odd.csv"
    path.write_text("a,b\n1,2\n")
    app.session_state[compare_file._UPLOAD] = Upload(path, path.name, (), "0" * 64)
    app.run()
    app.button(key="compare_score").click().run()
    assert "schema.missing_columns" in app.error[0].value
