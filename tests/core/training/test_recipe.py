"""A recipe from plan to scored file: fitted on the training rows only, the same at scoring, errors name the step."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.preprocessing import MinMaxScaler

from core.data.datasets.registry import Datasets
from core.domain.models import ModelSpec
from core.domain.training import TrainingSettings
from core.errors import RecipeError, SchemaMismatchError, TargetError, TrainingSettingsError
from core.features.matching import prepare
from core.models.opened import StoredModel
from core.plain import from_json, from_plain, to_json, to_plain
from core.recipes.saved import recipe_json
from core.training.plan.plan import make_plan, propose
from tests.fixtures_runs import run_to_end, write_customers

pytestmark = pytest.mark.slow

STEPS = [
    {"kind": "impute", "columns": ["premium"], "method": "median", "flag": True},
    {"kind": "one_hot", "columns": ["city"]},
    {"kind": "min_max", "columns": ["age"]},
    {"kind": "standardize", "columns": ["premium"]},
]


def with_recipe(*steps: dict, **about: object) -> dict:
    return {"recipe_version": 1, **about, "steps": list(steps)}


def write(path: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(path, index=False)
    return path


@pytest.fixture
def customers(tmp_path) -> pd.DataFrame:
    frame = pd.read_csv(write_customers(tmp_path / "made.csv"))
    frame.loc[::9, "premium"] = None
    return frame


@pytest.fixture
def plan_of(settings, tmp_path, customers):
    """Plan a run on a frame; the settings' changes are given by name."""

    def plan(frame: pd.DataFrame = customers, **changes: object):
        datasets = Datasets(settings)
        dataset = datasets.add(write(tmp_path / "customers.csv", frame), "customers.csv")
        base = TrainingSettings(dataset_id=dataset.id, target="buys", experiment="test", task="binary")
        return make_plan(replace(base, **changes), datasets, settings)

    return plan


def test_what_was_learned_equals_scikit_learn_on_the_training_rows_alone(plan_of, customers):
    plan = plan_of(recipe=with_recipe(*STEPS), holdout_share=0.3, ignored=("customer_id",))
    assert len(plan.holdout_rows) == pytest.approx(0.3 * len(customers), abs=2)
    training = customers.iloc[plan.train_rows]
    learned = {step.kind: found for step, found in plan.recipe.steps}
    assert learned["impute"]["fills"]["premium"] == pytest.approx(training["premium"].median(), rel=1e-12)
    scaler = MinMaxScaler().fit(training[["age"]])
    assert learned["min_max"]["age"] == [scaler.data_min_[0], scaler.data_range_[0]]
    filled = training["premium"].fillna(training["premium"].median())
    np.testing.assert_allclose(learned["standardize"]["premium"], [filled.mean(), filled.std(ddof=0)], rtol=1e-12)
    assert plan.features.names == ("age (min-max)", "city=Bonn", "city=Oslo", "city=Turin",
                                   "premium (standardized)", "premium (missing)")  # fmt: skip
    assert plan.inputs.names == ("age", "city", "premium")


def test_the_holdout_never_changes_what_is_learned(plan_of, customers):
    recipe = with_recipe(*STEPS, {"kind": "bin", "column": "customer_code", "method": "quantiles", "bins": 4})
    customers["customer_code"] = np.random.default_rng(1).normal(0, 1, len(customers))
    before = plan_of(customers, recipe=recipe, holdout_share=0.3)
    spoilt = customers.copy()
    spoilt["age"] = spoilt["age"].astype(float)
    rows = before.holdout_rows
    spoilt.loc[rows, ["age", "premium", "customer_code"]] = [1e6, 1e9, -1e9]
    spoilt.loc[rows, "city"] = "Nowhere"
    after = plan_of(spoilt, recipe=recipe, holdout_share=0.3)
    assert after.holdout_rows.tolist() == rows.tolist()
    assert [found for _, found in after.recipe.steps] == [found for _, found in before.recipe.steps]
    assert after.features == before.features
    assert after.inputs["city"].levels == ("Bonn", "Oslo", "Turin")


def test_duplicates_leave_the_training_rows_and_no_other(plan_of, customers):
    doubled = pd.concat([customers, customers.iloc[:40]], ignore_index=True)
    plan = plan_of(doubled, recipe=with_recipe({"kind": "drop_duplicates"}), holdout_share=0.2)
    training = doubled.drop(index=plan.holdout_rows)
    assert plan.train_rows.tolist() == training.index[~training.duplicated()].tolist()
    assert len(plan.holdout_rows) == len(doubled) - len(training)


def test_a_class_of_one_row_after_duplicates_is_refused(plan_of, customers):
    rare = customers.drop(columns="customer_id").iloc[[0]].assign(buys="perhaps")
    frame = pd.concat([customers.drop(columns="customer_id"), rare, rare], ignore_index=True)
    with pytest.raises(TargetError) as caught:
        plan_of(frame, task="multiclass", recipe=with_recipe({"kind": "drop_duplicates"}))
    assert caught.value.code == "target.rare_class"


@pytest.mark.parametrize(
    "step",
    [
        {"kind": "drop", "columns": ["buys"]},
        {"kind": "rename", "columns": {"buys": "bought"}},
        {"kind": "one_hot", "columns": ["city", "buys"]},
        {"kind": "impute", "columns": ["buys"], "method": "mode"},
    ],
)
def test_no_step_takes_the_target(plan_of, step):
    with pytest.raises(RecipeError) as caught:
        plan_of(recipe=with_recipe({"kind": "drop_duplicates"}, step))
    assert (caught.value.code, caught.value.step) == ("recipe.target", 1)
    off = with_recipe({**step, "on": False})
    assert plan_of(recipe=off).features.names == ("age", "city", "premium")


def test_levels_of_the_target_may_be_joined(plan_of, customers):
    known = sorted(set(customers["buys"]))
    spelled = customers.assign(buys=[f"{buys} " if n % 3 else buys.upper() for n, buys in enumerate(customers["buys"])])
    joined = {other: level for level in known for other in (f"{level} ", level.upper())}
    plan = plan_of(spelled, recipe=with_recipe({"kind": "map_levels", "column": "buys", "levels": joined}))
    assert sorted(plan.classes) == known


def test_a_column_made_under_the_name_of_the_target_is_refused(plan_of):
    with pytest.raises(RecipeError) as caught:
        plan_of(recipe=with_recipe({"kind": "arithmetic", "name": "buys", "expression": "age"}))
    assert caught.value.code == "recipe.target"


def test_the_type_of_the_target_may_be_changed(plan_of, customers, settings, tmp_path):
    frame = customers.assign(buys=[f"{n % 7}" if n else "many" for n in range(len(customers))])
    cast = with_recipe({"kind": "cast", "column": "buys", "to": "numeric"}, STEPS[1])
    plan = plan_of(frame, task="regression", recipe=cast)
    assert plan.target.type == "numeric"
    assert plan.dropped_rows == 1
    assert "city=Oslo" in plan.features
    datasets = Datasets(settings)
    dataset = datasets.find("customers")
    assert propose(datasets.open(dataset.id), "buys", experiment="x").task == "multiclass"
    assert propose(datasets.open(dataset.id), "buys", experiment="x", recipe=cast).recipe == cast
    with pytest.raises(TargetError):
        plan_of(frame, task="regression")


def test_leaving_a_raw_column_out_leaves_out_what_is_made_of_it(plan_of):
    recipe = with_recipe(*STEPS, {"kind": "arithmetic", "name": "ratio", "expression": "`age (min-max)` / 2"})
    plan = plan_of(recipe=recipe, ignored=("age", "premium (missing)"))
    assert plan.features.names == ("city=Bonn", "city=Oslo", "city=Turin", "premium (standardized)")
    assert plan.inputs.names == ("city", "premium")
    with pytest.raises(TrainingSettingsError, match="'agee'"):
        plan_of(recipe=recipe, ignored=("agee",))
    with pytest.raises(TrainingSettingsError, match="No column is left"):
        plan_of(recipe=recipe, ignored=("age", "premium", "city"))


def test_a_recipe_whose_column_is_gone_is_refused_before_anything_starts(plan_of):
    with pytest.raises(RecipeError) as caught:
        plan_of(recipe=with_recipe(STEPS[0], {"kind": "min_max", "columns": ["Age"]}))
    assert (caught.value.code, caught.value.step) == ("recipe.column_missing", 1)


# --- runs with a small engine -----------------------------------------------------------------------------------------


@pytest.fixture
def run_home(fresh_home):
    """A home with one finished and explained run whose features a recipe made."""
    settings = fresh_home.settings(recipe=with_recipe(*STEPS, name="customers", version=4, dataset="customers"))
    run = run_to_end(fresh_home.services, settings)
    assert run.status == "finished", run.error
    return fresh_home.services, run


def leader_spec(services, run) -> ModelSpec:
    return StoredModel(services.store, services.store.resolve(f"models:/{run.leader_id}")).spec


def test_the_run_keeps_the_recipe_and_what_it_learned(run_home):
    services, run = run_home
    assert run.settings.recipe["name"] == "customers"
    recipe = json.loads(services.store.artifact(run.run_id, "recipe.json").read_bytes())
    assert recipe == run.settings.recipe
    fitted = json.loads(services.store.artifact(run.run_id, "fitted_recipe.json").read_bytes())
    spec = leader_spec(services, run)
    assert fitted == spec.recipe
    assert spec.needed.names == ("age", "city", "premium")
    assert spec.features.names[0] == "age (min-max)"


def test_explanations_speak_of_columns_as_people_know_them(run_home):
    services, run = run_home
    found = StoredModel(services.store, services.store.resolve(f"models:/{run.leader_id}")).explanations
    named = {one.feature for one in found.variable_importance.data}
    assert {"age (min-max)", "city"} <= named  # what was one-hot encoded is the column it was
    assert found.shap_summary.data is not None
    spec = leader_spec(services, run)
    indicators = {name for name in spec.features.names if name.startswith("city=")}
    assert {one.feature for one in found.partial_dependence.data} <= {*spec.features.names, "city"} - indicators


def test_a_raw_file_is_scored_through_the_recipe(run_home, tmp_path):
    services, run = run_home
    path = write_customers(tmp_path / "new.csv", n_rows=50, seed=11, with_target=False)
    scored = services.scorer.score_file(path, path.name, model_uri=f"models:/{run.leader_id}")
    # The same by hand: pandas makes the features, the model's file is read by the engine that wrote it.
    frame = pd.read_csv(path)
    learned = {step["kind"]: step["learned"] for step in leader_spec(services, run).recipe["steps"]}
    low, span = learned["min_max"]["age"]
    mean, sd = learned["standardize"]["premium"]
    made = pd.DataFrame({
        "age (min-max)": (frame["age"] - low) / span,
        **{f"city={city}": (frame["city"] == city).astype(int) for city in ("Bonn", "Oslo", "Turin")},
        "premium (standardized)": (frame["premium"] - mean) / sd,
        "premium (missing)": frame["premium"].isna().astype(int),
    })  # fmt: skip
    model = services.store.resolve(f"models:/{run.leader_id}")
    mojo = services.store.model_file(model.id, "model.mojo.zip")
    by_hand = services.engine.mojos.predict(mojo, pa.Table.from_pandas(made).to_batches())
    np.testing.assert_allclose(
        scored.results["probability_yes"].to_numpy(), by_hand["yes"].to_numpy(), rtol=1e-9, atol=1e-12
    )
    assert scored.warnings == ()


def test_a_file_is_checked_against_the_raw_columns(run_home, tmp_path):
    services, run = run_home
    spec = leader_spec(services, run)
    source = pa.table({"Age": ["40", "x"], "city": ["OSLO", "Nice"], "premium": ["", "500"], "shoe": ["1", "2"]})
    with pytest.raises(SchemaMismatchError) as caught:
        prepare(source, spec)
    assert caught.value.missing == ("age",)
    assert "'Age' may be 'age'" in caught.value.hint
    table, warnings = prepare(source.rename_columns(["age", "city", "premium", "shoe"]), spec)
    assert table.column_names == list(spec.features.names)
    assert table["city=Oslo"].to_pylist() == [1, 0]
    assert table["premium (missing)"].to_pylist() == [1, 0]
    assert warnings == (
        "Ignored, because the model does not use them: shoe.",
        "age: 1 cell is not a number; it counts as missing.",
        "city: 1 cell has a level that the recipe does not know: Nice (0 in every column made of it).",
    )


def test_levels_that_a_recipe_has_a_rule_for_reach_it(fresh_home):
    steps = [
        {"kind": "map_levels", "column": "city", "levels": {"Bonna": "Bonn"}},
        {"kind": "group_rare", "column": "city", "min_share": 0.05, "other": "elsewhere"},
    ]
    services = fresh_home.services
    run = run_to_end(services, fresh_home.settings(recipe=with_recipe(*steps)), explain=False)
    source = pa.table({"age": ["40"] * 3, "city": ["Bonna", "Nice", "oslo"], "premium": ["1"] * 3})
    table, warnings = prepare(source, leader_spec(services, run))
    assert table["city"].to_pylist() == ["Bonn", None, "Oslo"]
    assert len(warnings) == 1
    assert "elsewhere" in warnings[0]


def test_a_model_of_before_recipes_goes_on_working(fresh_home):
    services, run = fresh_home.services, run_to_end(fresh_home.services, fresh_home.settings(), explain=False)
    spec = leader_spec(services, run)
    old = {key: value for key, value in to_plain(spec).items() if key not in ("inputs", "recipe", "target_recipe")}
    assert from_plain(ModelSpec, json.loads(json.dumps(old))) == spec
    assert spec.needed == spec.features


def test_settings_with_a_recipe_come_back_from_the_store(run_home):
    _, run = run_home
    assert from_json(TrainingSettings, to_json(run.settings)) == run.settings
    assert isinstance(hash(run.settings), int)


def test_the_command_reads_a_recipe_by_file_or_by_name(fresh_home, tmp_path):
    from core.cli.commands.train import read_settings
    from core.cli.main import _parser
    from core.recipes.recipe import Recipe

    services = fresh_home.services
    recipe = Recipe.from_dict(with_recipe(*STEPS))
    path = tmp_path / "mine.json"
    path.write_bytes(recipe_json(recipe))
    services.recipes.save(replace(recipe, name="saved one"), based_on=None)
    for wanted, name in ((str(path), "mine.json"), ("saved one", "saved one")):
        args = _parser().parse_args(["train", "--data", "x", "--target", "buys", "--recipe", wanted])
        settings = read_settings(args, services, fresh_home.dataset, "customers")
        assert settings.recipe["name"] == name
        assert settings.recipe["steps"] == recipe.to_dict()["steps"]
    args = _parser().parse_args(["train", "--data", "x", "--target", "buys", "--recipe", "nope"])
    with pytest.raises(RecipeError) as caught:
        read_settings(args, services, fresh_home.dataset, "customers")
    assert caught.value.code == "recipe.not_found"


def test_the_holdout_and_its_predictions_are_about_the_same_rows(run_home):
    import pyarrow.parquet as pq

    services, run = run_home
    model = services.store.resolve(f"models:/{run.leader_id}")
    stored = pq.read_table(services.store.artifact(run.run_id, f"predictions/{model.model_key}/holdout.parquet"))
    dataset = services.datasets.get(run.settings.dataset_id)
    buys = services.datasets.open(dataset.id).typed(["buys"])["buys"].take(stored["row"])
    assert stored["actual"].to_pylist() == buys.to_pylist()
    with (services.settings.datasets_dir / dataset.id / "original.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [rows[row]["buys"] for row in stored["row"].to_pylist()] == buys.to_pylist()
