"""Stored models opened by MLflow's own tools give what the app gives: labels, probabilities and numbers to 1e-6."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import h2o
import mlflow
import numpy as np
import pandas as pd
import pytest
import requests
from mlflow import MlflowClient

from core.domain.models import ModelInfo
from core.engine.h2o import H2OEngine
from core.engine.jvm.launch import free_port
from core.features.engine_input import engine_csv
from core.features.matching import prepare
from core.models.opened import StoredModel
from core.services import Services, build
from core.settings import Settings
from core.training.plan.plan import propose
from tests.fixtures_runs import run_to_end

pytestmark = pytest.mark.engine

TARGETS = {"binary": "buys", "multiclass": "plan", "regression": "spent"}
RECIPE = {
    "recipe_version": 1,
    "name": "scaled",
    "steps": [{"kind": "one_hot", "columns": ["city"]}, {"kind": "min_max", "columns": ["age", "premium"]}],
}
CASES = [(task, has_recipe) for task in TARGETS for has_recipe in (False, True)]
# What a colleague does on a machine without Bellwether: the two lines, for each model.
SCRIPT = """
import importlib.util, json, sys
import mlflow, pandas as pd
for uri, out in json.loads(sys.argv[2]).items():
    model = mlflow.pyfunc.load_model(uri)
    model.predict(pd.read_csv(sys.argv[1])).to_parquet(out)
assert importlib.util.find_spec("core") is None, "Bellwether can be imported here: nothing is proved"
"""


def write_rows(path: Path, n_rows: int = 300) -> Path:
    """Write people with a code that looks like a number, a date, gaps and a target for each task."""
    random = np.random.default_rng(11)
    age, city = random.integers(18, 80, n_rows), random.choice(["Bonn", "Oslo", "Turin"], n_rows)
    premium = random.normal(500, 80, n_rows).round(2)
    score = age / 80 + (city == "Oslo") * 0.4 + random.normal(0, 0.2, n_rows)
    frame = pd.DataFrame(
        {
            "id": np.arange(n_rows) + 1000,
            "age": age,
            "city": np.where(random.random(n_rows) < 0.05, None, city),
            "premium": np.where(random.random(n_rows) < 0.05, np.nan, premium),
            "since": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 600, n_rows), "D"),
            "buys": np.where(score > 0.85, "yes", "no"),
            "plan": np.digitize(score, [0.6, 0.9]),
            "spent": (score * 100).round(3),
        }
    )
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def home(engine: H2OEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A champion of each case, and one file that all of them score."""
    folder = tmp_path_factory.mktemp("served")
    settings = Settings(home=folder / "home", h2o_memory_bytes=2 * 1024**3, min_free_bytes=1024**2)
    services = build(settings, engine=engine)
    source = write_rows(folder / "people.csv")
    dataset = services.datasets.add(source, source.name)
    uri = f"sqlite:///{settings.mlruns_dir / 'mlflow.db'}"
    found = SimpleNamespace(services=services, folder=folder, source=source, uri=uri, models={})
    for task, has_recipe in CASES:
        name = f"{task}-{'recipe' if has_recipe else 'raw'}"
        others = tuple(target for other, target in TARGETS.items() if other != task)
        wanted = propose(
            services.datasets.open(dataset.id), TARGETS[task], experiment=name, recipe=RECIPE if has_recipe else None
        )
        wanted = replace(
            wanted, task=task, ignored=("id", *others), max_models=1, nfolds=2,
            include_algos=("GBM",) if has_recipe else ("GLM",),
        )  # fmt: skip
        run = run_to_end(services, wanted, explain=False)
        assert run.status == "finished", run.error
        found.models[task, has_recipe] = services.store.champion(name)
    yield found
    mlflow.set_tracking_uri(None)


def by_app(services: Services, source: Path, model: ModelInfo) -> pd.DataFrame:
    """Return what the app says of each row."""
    results = services.scorer.score_file(source, source.name, model_uri=model.uri).results
    kept = [name for name in results.column_names if name == "prediction" or name.startswith("probability_")]
    return results.select(kept).to_pandas()


@pytest.fixture(scope="module")
def elsewhere(home: SimpleNamespace) -> dict[tuple[str, bool], pd.DataFrame]:
    """What a program without Bellwether gets."""
    cases = {f"models:/{m.experiment}@champion": str(home.folder / f"{m.id}.parquet") for m in home.models.values()}
    done = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT, home.source, json.dumps(cases)],
        cwd=home.folder, env={**os.environ, "MLFLOW_TRACKING_URI": home.uri}, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {case: pd.read_parquet(home.folder / f"{model.id}.parquet") for case, model in home.models.items()}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_pyfunc_gives_what_the_app_gives(home: SimpleNamespace, elsewhere: dict, case: tuple[str, bool]) -> None:
    expected = by_app(home.services, home.source, home.models[case])
    found = elsewhere[case]
    assert list(found.columns) == list(expected.columns)
    assert len(expected.columns) == {"binary": 3, "multiclass": 4, "regression": 1}[case[0]]
    if case[0] != "regression":
        assert found["prediction"].tolist() == expected["prediction"].tolist()
        assert expected["prediction"].nunique() > 1
    numbers = [name for name in expected.columns if case[0] == "regression" or name != "prediction"]
    assert expected[numbers].nunique().min() > 10
    np.testing.assert_allclose(found[numbers], expected[numbers], rtol=0, atol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_h2o_flavor_gives_what_the_app_gives(
    home: SimpleNamespace, engine: H2OEngine, case: tuple[str, bool], tmp_path: Path
) -> None:
    model = home.models[case]
    spec = StoredModel(home.services.store, model).spec
    server = engine._server._jvm.address
    h2o.connect(url=server.url, auth=(server.user, server.password), verbose=False)
    mlflow.set_tracking_uri(home.uri)
    opened = mlflow.h2o.load_model(f"models:/{model.experiment}@champion")
    # H2O's own file knows the columns that the recipe made, not the raw ones.
    features, _ = prepare(home.services.datasets.open(spec.dataset_id).source(), spec)
    columns = engine_csv(features, spec.features, tmp_path / "rows.csv", spec.aliases)
    frame = engine.frames.upload(tmp_path / "rows.csv", columns)
    raw = engine.models.predict(opened.model_id, frame).to_pandas()
    engine.delete([frame, opened.model_id])
    h2o.connection().close()
    expected = by_app(home.services, home.source, model)
    if case[0] == "regression":
        np.testing.assert_allclose(raw["predict"], expected["prediction"], rtol=0, atol=1e-6)
    for name in spec.classes:
        np.testing.assert_allclose(raw[name], expected[f"probability_{name}"], rtol=0, atol=1e-6)


def test_a_served_model_gives_what_the_app_gives(home: SimpleNamespace) -> None:
    model, port = home.models["binary", True], free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"models:/{model.experiment}@champion"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow starts uvicorn by its name
    log = (home.folder / "serve.log").open("w")
    process = subprocess.Popen(
        [*command, "--env-manager", "local", "-p", str(port), "-h", "127.0.0.1"],
        cwd=home.folder, env={**os.environ, "MLFLOW_TRACKING_URI": home.uri, "PATH": path}, stdout=log, stderr=log,
        start_new_session=True,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        assert wait_for(f"{url}/ping", process), (home.folder / "serve.log").read_text()
        rows = pd.read_csv(home.source).drop(columns=["id", *TARGETS.values()])
        body = {"dataframe_split": json.loads(rows.to_json(orient="split", index=False, date_format="iso"))}
        answer = requests.post(f"{url}/invocations", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        refused = requests.post(f"{url}/invocations", json={"dataframe_records": [{"age": 3}]}, timeout=60)
        assert (refused.status_code, "city" in refused.text) == (400, True)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
        log.close()
    found, expected = pd.DataFrame(answer.json()["predictions"]), by_app(home.services, home.source, model)
    assert found["prediction"].tolist() == expected["prediction"].tolist()
    np.testing.assert_allclose(found["probability_yes"], expected["probability_yes"], rtol=0, atol=1e-6)


def wait_for(url: str, process: subprocess.Popen, timeout_s: float = 120) -> bool:
    """Return whether a server answers before it ends or the time is over."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return requests.get(url, timeout=5).ok
        except requests.ConnectionError:
            time.sleep(0.2)
    return False


def test_versions_are_linked_to_their_models(home: SimpleNamespace) -> None:
    client = MlflowClient(home.uri, home.uri)
    for model in home.models.values():
        version = client.get_model_version_by_alias(model.experiment, "champion")
        logged = client.get_logged_model(model.id)
        assert version.run_id == model.run_id
        assert version.source == logged.artifact_location  # MLflow's database has no place for the model's id
        assert json.loads(logged.tags["mlflow.modelVersions"]) == [{"name": model.experiment, "version": "1"}]
        assert logged.model_type == model.algo


def test_a_model_folder_holds_no_pickle_and_no_path_of_this_machine(home: SimpleNamespace) -> None:
    for model in home.models.values():
        mojo, _ = StoredModel(home.services.store, model).mojo()
        names = {path.name for path in mojo.parent.iterdir() if path.is_file()}
        assert {"MLmodel", "served_model.py", "requirements.txt", "input_example.json", "model.bin"} <= names
        assert not [name for name in names if name.endswith((".pkl", ".pickle"))]
        assert str(home.folder) not in (mojo.parent / "MLmodel").read_text()
        example = json.loads((mojo.parent / "serving_input_example.json").read_text())
        assert example["dataframe_split"]["columns"] == list(StoredModel(home.services.store, model).spec.needed.names)
