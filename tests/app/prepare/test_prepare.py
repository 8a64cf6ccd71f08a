"""Prepare: steps are added, tried on real rows, changed, undone, and handed to Train."""

import json

import pandas as pd
import pytest

from core.recipes.recipe import Recipe
from tests.fixtures_runs import shown

STEPS = (
    {"kind": "drop", "columns": ["customer_id"]},
    {"kind": "impute", "columns": ["age"], "method": "median", "flag": True},
    {"kind": "one_hot", "columns": ["city"]},
)


@pytest.fixture
def frame() -> pd.DataFrame:
    n = 60
    return pd.DataFrame({
        "customer_id": range(n),
        "age": [None if row % 6 == 0 else 20 + row for row in range(n)],
        "city": [("Bonn", "Oslo", "<b>Rome</b>")[row % 3] for row in range(n)],
        "since": [f"{1 + row % 28:02d}.03.2024" for row in range(n)],
        "buys": ["yes" if row % 4 == 0 else "no" for row in range(n)],
    })  # fmt: skip


@pytest.fixture
def dataset(services, tmp_path, frame):
    path = tmp_path / "customers.csv"
    frame.to_csv(path, index=False)
    return services.datasets.add(path, path.name)


@pytest.fixture
def with_steps(services, dataset):
    for step in STEPS:
        services.recipes.add_step("customers", step)
    return dataset


def saved_steps(services, name="customers") -> list[dict]:
    return services.recipes.get(name).recipe.to_dict()["steps"]


def metrics(app) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_without_data_it_says_the_next_step(open_page):
    app = open_page("prepare")
    assert "Nothing to prepare yet" in shown(app)


def test_a_first_step_makes_the_recipe_of_the_dataset(open_page, services, dataset, frame):
    app = open_page("prepare")
    assert "No steps yet" in shown(app)
    app.button(key="prepare_add").click().run()
    app.selectbox(key="prepare_kind").select("impute").run()
    # The column with missing values is proposed, and the effect is shown before anything is saved.
    assert app.multiselect(key="prepare_add_impute_columns").value == ["age"]
    assert metrics(app)["Missing cells"] == f"{frame['age'].isna().sum()} → 0"
    assert f"median (**{frame['age'].median():g}**)" in shown(app)
    assert services.recipes.names() == ()
    app.button(key="prepare_save").click().run()
    assert not app.exception
    assert saved_steps(services) == [
        {"kind": "impute", "columns": ["age"], "method": "median", "value": None, "flag": False}
    ]
    assert app.selectbox(key="prepare_recipe").value == "customers"
    rows = app.dataframe[0].value
    assert list(rows.columns) == ["age · before", "age · after"]
    assert rows["age · before"].isna().all()


def test_what_was_found_in_the_data_is_proposed_and_becomes_a_step(open_page, services, dataset):
    app = open_page("prepare")
    said = [element.value for element in app.markdown if element.value.endswith("]]") and ":gray[" in element.value]
    (place,) = (place for place, words in enumerate(said) if "**age**" in words)
    app.button(key=f"prepare_suggested_{place}").click().run()
    assert not app.exception
    (step,) = saved_steps(services)
    assert (step["kind"], step["columns"]) == ("impute", ["age"])
    assert app.selectbox(key="prepare_recipe").value == "customers"
    assert not [button for button in app.button if (button.key or "").startswith("prepare_suggested")]


def test_each_kind_of_step_has_a_form_that_makes_a_step_of_it(open_page, services, dataset):
    from core.recipes.recipe import KINDS

    app = open_page("prepare")
    app.button(key="prepare_add").click().run()
    fill = {
        "rename": None,
        "map_levels": None,
        "min_max": lambda: app.multiselect(key="prepare_add_min_max_columns").select("age").run(),
        "standardize": lambda: app.multiselect(key="prepare_add_standardize_columns").select("age").run(),
        "arithmetic": lambda: (
            app.text_input(key="prepare_add_arithmetic_name").input("double").run(),
            app.text_input(key="prepare_add_arithmetic_expression").input("age * 2").run(),
        ),
    }
    savable = set()
    for kind in KINDS:
        app.selectbox(key="prepare_kind").select(kind).run()
        assert not app.exception, (kind, app.exception)
        if fill.get(kind):
            fill[kind]()
        if any(button.key == "prepare_save" for button in app.button):
            savable.add(kind)
    # Tables that are edited by hand start without a change, and no column holds dates that are not read as such.
    assert savable == set(KINDS) - {"rename", "map_levels", "parse_date"}


def test_a_format_is_proposed_for_dates_in_words(open_page, services, dataset):
    # The file's dates are read as such by themselves; as text they have to be read by a step.
    services.datasets.set_type(dataset.id, "since", "category")
    app = open_page("prepare")
    app.button(key="prepare_add").click().run()
    app.selectbox(key="prepare_kind").select("parse_date").run()
    assert app.selectbox(key="prepare_add_parse_date_column").value == "since"
    formats = app.selectbox(key="prepare_add_parse_date_format_since")
    assert formats.value == "%d.%m.%Y"
    assert formats.options[0].startswith("%d.%m.%Y (")
    assert any(button.key == "prepare_save" for button in app.button)


def test_nobody_has_to_know_a_format_or_how_dates_come_about(open_page, services, dataset):
    services.datasets.set_type(dataset.id, "since", "category")
    app = open_page("prepare")
    app.button(key="prepare_add").click().run()
    app.selectbox(key="prepare_kind").select("date_parts").run()
    assert "since can be read as dates" in shown(app)
    app.button(key="prepare_add_date_parts_read_first").click().run()
    assert app.selectbox(key="prepare_kind").value == "parse_date"
    assert app.selectbox(key="prepare_add_parse_date_column").value == "since"
    assert any(button.key == "prepare_save" for button in app.button)


def test_reading_dates_begins_without_an_error_where_no_column_looks_like_dates(open_page, services, dataset):
    app = open_page("prepare")
    app.button(key="prepare_add").click().run()
    app.selectbox(key="prepare_kind").select("parse_date").run()
    assert app.selectbox(key="prepare_add_parse_date_column").value is None
    assert not app.error
    app.selectbox(key="prepare_add_parse_date_column").select("city").run()
    assert not app.error
    assert "No usual format reads its values" in shown(app)


def test_steps_are_listed_in_words_with_what_they_do(open_page, with_steps, frame):
    app = open_page("prepare")
    labels = [toggle.label for toggle in app.toggle if toggle.key.startswith("prepare_on_")]
    assert labels == [
        "1. Drop **customer\\_id**",
        f"2. Fill missing **age** with the median (**{frame['age'].median():g}**), and mark where",
        "3. Make a column of 0 and 1 for each level of **city** (3 columns)",
    ]
    words = shown(app)
    assert f"{frame['age'].isna().sum()} cells changed · 4 → 5 columns" in words
    outcome = app.dataframe[0].value
    assert set(outcome.columns) == {
        "age", "age (missing)", "city=Bonn", "city=Oslo", "city=<b>Rome</b>", "since", "buys"
    }  # fmt: skip


def test_a_step_is_switched_off_moved_edited_and_removed_and_each_can_be_undone(open_page, services, with_steps):
    app = open_page("prepare")
    first = saved_steps(services)
    app.toggle(key="prepare_on_3_1").set_value(False).run()
    assert saved_steps(services)[1] == {**first[1], "on": False}
    app.button(key="prepare_up_2").click().run()
    assert [step["kind"] for step in saved_steps(services)] == ["drop", "one_hot", "impute"]
    app.button(key="prepare_edit_2").click().run()
    app.segmented_control(key="prepare_edit2_impute_method").set_value("constant").run()
    app.text_input(key="prepare_edit2_impute_value").input("-1").run()
    app.button(key="prepare_save").click().run()
    # What was switched off stays so while it is edited.
    assert saved_steps(services)[2] == {**first[1], "method": "constant", "value": -1, "on": False}
    app.button(key="prepare_remove_1").click().run()
    assert [step["kind"] for step in saved_steps(services)] == ["drop", "impute"]
    for _ in range(4):
        app.button(key="prepare_undo").click().run()
    assert not app.exception
    assert saved_steps(services) == first
    app.button(key="prepare_redo").click().run()
    assert saved_steps(services)[1]["on"] is False
    assert services.recipes.versions("customers") == (7, 6, 5, 4, 3, 2, 1)


def test_an_error_stands_at_its_step_and_the_others_go_on(open_page, services, with_steps):
    services.recipes.add_step("customers", {"kind": "min_max", "columns": ["Age"]})
    services.recipes.add_step("customers", {"kind": "standardize", "columns": ["age"]})
    app = open_page("prepare")
    words = shown(app)
    assert "there is no column 'Age'" in words.replace("\\", "")
    assert "Did you mean 'age'?" in words.replace("\\", "")
    assert "age (standardized)" in app.dataframe[0].value
    assert app.button(key="prepare_train").disabled
    app.button(key="prepare_remove_3").click().run()
    assert not app.button(key="prepare_train").disabled


def test_a_change_of_what_somebody_else_changed_is_told_and_nothing_lost(open_page, services, with_steps):
    app = open_page("prepare")
    services.recipes.add_step("customers", {"kind": "drop", "columns": ["since"]})
    app.button(key="prepare_remove_0").click().run()
    assert not app.exception
    assert "recipe.conflict" in shown(app)
    assert len(saved_steps(services)) == 4
    assert len([toggle for toggle in app.toggle if toggle.key.startswith("prepare_on_")]) == 4


def test_a_recipe_from_a_newer_version_is_told_and_left_alone(open_page, services, with_steps):
    path = next(services.settings.recipes_dir.glob("customers-*/v0003.json"))
    newer = json.dumps(json.loads(path.read_text()) | {"recipe_version": 2})
    path.write_text(newer)
    services.recipes.save(Recipe(name="other", dataset="customers"), based_on=None)
    app = open_page("prepare")
    app.selectbox(key="prepare_recipe").select("customers").run()
    assert not app.exception
    assert "recipe.version" in shown(app)
    assert path.read_text() == newer
    app.selectbox(key="prepare_recipe").select("other").run()
    assert not app.error


def test_a_file_is_uploaded_and_made_a_recipe_or_refused(open_page, services, with_steps):
    app = open_page("prepare")
    recipe = Recipe.from_dict({"recipe_version": 1, "name": "customers", "steps": [STEPS[2]]})
    content = json.dumps(recipe.to_dict()).encode()
    app.file_uploader(key="prepare_upload").upload("mine.json", content, "application/json").run()
    assert not app.exception
    assert services.recipes.names() == ("customers", "customers (2)")
    assert saved_steps(services, "customers (2)") == [STEPS[2]]
    assert app.selectbox(key="prepare_recipe").value == "customers (2)"
    app.file_uploader(key="prepare_upload").upload("bad.json", b"{}", "application/json").run()
    assert "recipe.version" in shown(app)
    assert services.recipes.names() == ("customers", "customers (2)")


def test_the_shipped_recipe_is_offered_where_it_fits(open_page, services):
    services.sample_dataset()
    app = open_page("prepare")
    app.button(key="prepare_use_0").click().run()
    assert not app.exception
    assert len([toggle for toggle in app.toggle if toggle.key.startswith("prepare_on_")]) == 5
    assert not app.button(key="prepare_train").disabled
    assert "gender (code)" in app.dataframe[0].value


def test_a_recipe_is_deleted_when_asked_twice(open_page, services, with_steps):
    app = open_page("prepare")
    app.toggle(key="prepare_delete_ask").set_value(True).run()
    app.button(key="prepare_delete").click().run()
    assert not app.exception
    assert services.recipes.names() == ()
    assert "No steps yet" in shown(app)


def test_train_takes_the_recipe_and_can_do_without(open_page, services, with_steps):
    app = open_page("prepare")
    app.button(key="prepare_train").click().run()
    assert not app.exception
    assert app.selectbox(key="train_recipe").value == "customers"
    # The test's runner goes back to the page it came from, unless it is told where it is.
    app.switch_page("../pages/train.py").run()
    app.selectbox(key="train_target").select("buys").run()
    assert set(app.multiselect(key="train_ignored").options) == {
        "age", "age (missing)", "city=Bonn", "city=Oslo", "city=<b>Rome</b>", "since"
    }  # fmt: skip
    app.button(key="train_start").click().run()
    settings = services.jobs.queue()[-1].settings
    assert settings.recipe["name"] == "customers"
    assert settings.recipe["version"] == 3
    assert settings.recipe["steps"] == saved_steps(services)


def test_train_without_the_recipe(open_page, services, with_steps):
    app = open_page("train")
    # The dataset's own recipe is chosen by itself, and can be cleared.
    assert app.selectbox(key="train_recipe").value == "customers"
    app.selectbox(key="train_recipe").set_value(None).run()
    app.selectbox(key="train_target").select("buys").run()
    assert app.multiselect(key="train_ignored").value == ["customer_id"]
    app.button(key="train_start").click().run()
    assert services.jobs.queue()[-1].settings.recipe is None


def test_train_names_the_step_that_does_not_fit(open_page, services, with_steps):
    services.recipes.add_step("customers", {"kind": "one_hot", "columns": ["buys"]})
    app = open_page("train")
    app.selectbox(key="train_target").select("buys").run()
    assert not app.exception
    assert "recipe.target" in shown(app)
    app.selectbox(key="train_recipe").set_value(None).run()
    assert not app.error
