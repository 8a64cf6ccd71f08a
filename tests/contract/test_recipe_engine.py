"""The article's recipe with the real engine: trained on raw data, scored from a raw file, explained by its columns."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.preprocessing import MinMaxScaler

from core.engine.h2o import H2OEngine
from core.features.engine_input import engine_rows
from core.models.opened import StoredModel
from core.services import build
from core.settings import Settings
from core.training.plan.plan import propose

pytestmark = pytest.mark.engine
ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "data" / "samples" / "recipes" / "article.json"
SCALED = ["Age", "Annual_Premium", "Vintage"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> Iterator[SimpleNamespace]:
    """A finished and explained run with the example recipe on the raw sample, and a raw file to score."""
    folder = tmp_path_factory.mktemp("recipe")
    settings = Settings(
        home=folder / "home", h2o_memory_bytes=2 * 1024**3, h2o_start_timeout_s=60, min_free_bytes=1024**2
    )
    services = build(settings, engine=H2OEngine(settings))
    source = test_data / "insurance_cross_sell_sample.csv"
    dataset = services.datasets.add(source, source.name)
    recipe = json.loads(RECIPE.read_text())
    wanted = replace(
        propose(services.datasets.open(dataset.id), "Response", experiment="insurance", recipe=recipe),
        max_models=2, nfolds=2, include_algos=("GLM", "GBM"), holdout_share=0.2,
    )  # fmt: skip
    run_id = services.jobs.submit(wanted)
    services.jobs.start()
    run = services.jobs.wait(run_id, until_explained=True)
    assert run.status == "finished", run.error
    raw = folder / "raw.csv"
    pd.read_csv(source, dtype=str).head(500).drop(columns="Response").to_csv(raw, index=False)
    yield SimpleNamespace(
        services=services, run=run, model=services.store.resolve(f"models:/{run.leader_id}"), source=source, raw=raw
    )
    services.close()


def test_the_model_learned_from_the_columns_made(trained) -> None:
    spec = StoredModel(trained.services.store, trained.model).spec
    assert set(spec.features.names) == {
        "Gender (code)", "Age (min-max)", "Driving_License", "Region_Code", "Previously_Insured",
        "Vehicle_Age=1-2 Year", "Vehicle_Age_lt_1_Year", "Vehicle_Age_gt_2_Years", "Vehicle_Damage=No",
        "Vehicle_Damage=Yes", "Annual_Premium (min-max)", "Policy_Sales_Channel", "Vintage (min-max)",
    }  # fmt: skip
    assert set(spec.needed.names) == set(pd.read_csv(trained.source, nrows=1).columns) - {"id", "Response"}
    assert trained.model.metrics["cv_auc"] > 0.8
    assert trained.model.metrics["holdout_auc"] > 0.8


def test_a_raw_file_is_scored_as_features_made_by_hand_are(trained) -> None:
    services, model = trained.services, trained.model
    scored = services.scorer.score_file(trained.raw, trained.raw.name, model_uri=model.uri)
    assert scored.warnings == ()
    spec = StoredModel(services.store, model).spec
    held_out = services.store.artifact(trained.run.run_id, f"predictions/{model.model_key}/holdout.parquet")
    training = pd.read_csv(trained.source).drop(index=pd.read_parquet(held_out)["row"])
    frame = pd.read_csv(trained.raw)
    made = pd.DataFrame(
        MinMaxScaler().fit(training[SCALED]).transform(frame[SCALED]), columns=[f"{n} (min-max)" for n in SCALED]
    )
    made["Gender (code)"] = (frame["Gender"] == "Male").astype(int)
    for name, column, level in (
        ("Vehicle_Age=1-2 Year", "Vehicle_Age", "1-2 Year"), ("Vehicle_Age_lt_1_Year", "Vehicle_Age", "< 1 Year"),
        ("Vehicle_Age_gt_2_Years", "Vehicle_Age", "> 2 Years"), ("Vehicle_Damage=No", "Vehicle_Damage", "No"),
        ("Vehicle_Damage=Yes", "Vehicle_Damage", "Yes"),
    ):  # fmt: skip
        made[name] = (frame[column] == level).astype(int)
    for name in ("Driving_License", "Region_Code", "Previously_Insured", "Policy_Sales_Channel"):
        made[name] = frame[name]
    features = engine_rows(pa.Table.from_pandas(made[list(spec.features.names)]), spec.features)
    by_hand = services.engine.mojos.predict(StoredModel(services.store, model).mojo(), features)
    np.testing.assert_allclose(
        scored.results["probability_1"].to_numpy(), by_hand["1"].to_numpy(), rtol=1e-9, atol=1e-12
    )


def test_the_command_scores_the_raw_file_alike(trained, tmp_path: Path) -> None:
    services, out = trained.services, tmp_path / "out.csv"
    done = subprocess.run(
        [sys.executable, "-m", "core", "score", "--data", trained.raw, "--out", out, "--model", trained.model.uri],
        cwd=ROOT, env={**os.environ, "BELLWETHER_HOME": str(services.settings.home)}, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["warnings"] == []
    scored = services.scorer.score_file(trained.raw, trained.raw.name, model_uri=trained.model.uri)
    with out.open(newline="") as file:
        found = [float(row["probability_1"]) for row in csv.DictReader(file)]
    np.testing.assert_allclose(found, scored.results["probability_1"].to_numpy(), rtol=1e-12)


def test_explanations_name_columns_as_people_know_them(trained) -> None:
    found = StoredModel(trained.services.store, trained.model).explanations
    assert found is not None
    known = {
        "Gender (code)", "Age (min-max)", "Driving_License", "Region_Code", "Previously_Insured", "Vehicle_Age",
        "Vehicle_Damage", "Annual_Premium (min-max)", "Policy_Sales_Channel", "Vintage (min-max)",
    }  # fmt: skip
    importance = {one.feature for one in found.variable_importance.data}
    assert {"Vehicle_Damage", "Age (min-max)"} & importance
    assert importance <= known
    assert found.shap_summary.data is not None, found.shap_summary.reason
    shap = {one.feature: one for one in found.shap_summary.data.features}
    assert set(shap) == known
    assert set(shap["Vehicle_Damage"].value) == {"No", "Yes"}
    assert found.partial_dependence.data is not None, found.partial_dependence.reason
    (damage,) = (one for one in found.partial_dependence.data if one.feature == "Vehicle_Damage")
    assert (damage.kind, damage.values) == ("category", ("No", "Yes"))
    no, yes = damage.lines[0].mean
    assert no < yes


def test_reasons_name_the_level_that_a_column_has(trained) -> None:
    scored = trained.services.scorer.score_file(trained.raw, trained.raw.name, model_uri=trained.model.uri, reasons=10)
    frame = pd.read_csv(trained.raw)
    names = [name for name in scored.results.column_names if name.startswith("reason_")]
    reasons = [[one for one in row.values() if one] for row in scored.results.select(names).to_pylist()]
    told = [next((one for one in row if one.startswith("Vehicle_Damage")), None) for row in reasons]
    assert sum(one is not None for one in told) > 250
    for damage, one in zip(frame["Vehicle_Damage"], told, strict=True):
        assert one is None or one.startswith(f"Vehicle_Damage = {damage} ")
    assert not any("=Yes" in reason or "_lt_1_Year" in reason for row in reasons for reason in row)


def test_the_command_trains_with_a_recipe_file_and_names_a_step_that_does_not_fit(trained, tmp_path: Path) -> None:
    wrong = json.loads(RECIPE.read_text())
    wrong["steps"][4]["columns"] = ["Age", "Anual_Premium"]
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(wrong))
    command = [sys.executable, "-m", "core", "train", "--data", trained.source, "--target", "Response", "--recipe"]
    env = {**os.environ, "BELLWETHER_HOME": str(trained.services.settings.home)}
    done = subprocess.run([*command, path], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "error[recipe.column_missing]: Step 5 (min_max): there is no column 'Anual_Premium'." in done.stderr
    assert "'Annual_Premium'" in done.stderr
