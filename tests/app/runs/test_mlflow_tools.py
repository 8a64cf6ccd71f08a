"""MLflow's own server on a home's store shows what Bellwether made, and what others log there breaks nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from mlflow import MlflowClient

from bench.many_models import mlflow_server
from core.errors import ForeignModelError
from core.settings import Settings
from core.store.mlflow import Store
from tests.fixtures_runs import Home, make_home, run_to_end, shown

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def own_home(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Home:
    """A home with a finished run, for all tests here: a server takes seconds to start."""
    return make_home(tmp_path_factory.mktemp("tools"), migrated_database, n_runs=1, explain=False)


@pytest.fixture(scope="module")
def url(own_home: Home) -> Iterator[str]:
    """The address of a real MLflow server on the home's store."""
    with mlflow_server(own_home.services.settings.mlruns_dir) as found:
        yield found


def log_by_others(client: MlflowClient, name: str) -> str:
    """Log a run, a model and a champion as somebody without Bellwether does; return the version."""
    known = client.get_experiment_by_name(name)
    experiment = known.experiment_id if known else client.create_experiment(name)
    run = client.create_run(experiment, run_name="their run")
    client.log_metric(run.info.run_id, "auc", 0.99)
    client.set_terminated(run.info.run_id)
    model = client.create_logged_model(experiment, "their-model", run.info.run_id)
    client.finalize_logged_model(model.model_id, "READY")
    if not known:
        client.create_registered_model(name)
    version = client.create_model_version(
        name, model.artifact_location, run.info.run_id, model_id=model.model_id
    ).version
    client.set_registered_model_alias(name, "champion", version)
    return str(version)


def test_mlflows_server_shows_runs_models_and_versions(own_home: Home, url: str) -> None:
    (run,), champion = own_home.runs, own_home.services.store.champion("customers")

    def get(path: str, **query: str) -> dict:
        answer = requests.get(f"{url}/api/2.0/mlflow/{path}", params=query, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    experiment = get("experiments/get-by-name", experiment_name="customers")["experiment"]
    assert {"key": "mlflow.experimentKind", "value": "custom_model_development"} in experiment["tags"]
    seen = get("runs/get", run_id=run.run_id)["run"]
    assert seen["info"]["status"] == "FINISHED"
    stored = {model.id for model in own_home.services.store.models(run_id=run.run_id)}
    assert {one["model_id"] for one in seen["outputs"]["model_outputs"]} == stored
    dataset = seen["inputs"]["dataset_inputs"][0]["dataset"]
    columns = {one["name"]: one["type"] for one in json.loads(dataset["schema"])["mlflow_colspec"]}
    assert columns == {
        "customer_id": "string", "age": "double", "city": "string", "premium": "double", "buys": "string",
    } | {"customer_id": columns["customer_id"]}  # fmt: skip
    assert json.loads(dataset["profile"])["num_rows"] == 240
    model = get(f"logged-models/{champion.id}")["model"]["info"]
    assert model["model_type"] == champion.algo
    linked = next(tag["value"] for tag in model["tags"] if tag["key"] == "mlflow.modelVersions")
    assert json.loads(linked) == [{"name": "customers", "version": "1"}]
    version = get("registered-models/alias", name="customers", alias="champion")["model_version"]
    assert (version["version"], version["run_id"], version["source"]) == ("1", run.run_id, model["artifact_uri"])


def test_what_others_log_is_listed_as_theirs_and_their_champion_is_named(own_home: Home, url: str, visit) -> None:
    services, client = own_home.services, MlflowClient(url, url)
    before = (services.store.list_runs(), services.store.models(), services.store.experiments())
    version = log_by_others(client, "theirs")
    remote = Store(Settings(home=services.settings.home / "other", mlflow_uri=url))
    for store in (services.store, remote):
        found = {(item.kind, item.experiment, item.name) for item in store.foreign().items}
        assert found == {
            ("run", "theirs", "their run"), ("model", "theirs", "their-model"), ("version", "theirs", version),
        }  # fmt: skip
        assert (store.list_runs(), store.models(), store.experiments()) == before
        assert store.champion("theirs") is None
        for uri in ("models:/theirs@champion", f"models:/theirs/{version}"):
            with pytest.raises(ForeignModelError, match=f"Version {version} of theirs was registered by another tool"):
                store.resolve(uri)
    with pytest.raises(ForeignModelError):
        services.scorer.choose_model(None, "theirs")
    for page in ("runs", "leaderboard"):
        app = visit(services, page)
        assert not app.exception
        assert "Logged by other tools" in [expander.label for expander in app.expander]
    assert "their" not in shown(app)


def test_a_training_leaves_a_foreign_champion_alone_and_a_person_may_replace_it(own_home: Home, url: str) -> None:
    services, client = own_home.services, MlflowClient(url, url)
    version = log_by_others(client, "customers")
    assert services.store.champion("customers") is None
    run = run_to_end(services, own_home.settings(seed=9), explain=False)
    assert run.status == "finished"
    assert str(client.get_model_version_by_alias("customers", "champion").version) == version
    leader = services.store.resolve(f"models:/{run.leader_id}")
    assert leader.version == int(version) + 1
    services.store.set_champion("customers", leader.version, instead_of=None)
    assert services.store.champion("customers").id == run.leader_id
    assert services.store.foreign_champion("customers") is None
