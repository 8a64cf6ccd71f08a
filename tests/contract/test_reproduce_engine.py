"""A run on real data, rebuilt by its own script in a bare H2O, and trained again by "re-run and verify"."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from core.engine.h2o import H2OEngine
from core.engine.jvm.java import find_java
from core.services import build
from core.settings import Settings
from core.training.plan.plan import propose
from core.training.plan.presets import with_preset
from core.training.proof.reproduce import NOTEBOOK, SCRIPT, make_bundle

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def credit(engine: H2OEngine, tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> Iterator[SimpleNamespace]:
    """A finished run with the settings of the preset, but fewer models: trees that sample rows, GLM, an ensemble."""
    folder = tmp_path_factory.mktemp("reproduce")
    services = build(Settings(home=folder / "home", min_free_bytes=1024**2), engine=engine)
    source = test_data / "credit_g.csv"
    dataset = services.datasets.add(source, source.name)
    wanted = replace(
        with_preset(propose(services.datasets.open(dataset.id), "class", experiment="credit"), "reproducible"),
        max_models=2, nfolds=2, holdout_share=0.2, exclude_algos=(), include_algos=("GLM", "GBM", "StackedEnsemble"),
        baselines=("constant",),
    )  # fmt: skip
    services.jobs.start()
    run = services.jobs.wait(services.jobs.submit(wanted), until_explained=True)
    assert run.status == "finished", run.error
    yield SimpleNamespace(services=services, run=run, folder=folder)
    services.jobs.stop()
    services.jobs.join()


def test_the_script_rebuilds_the_run_in_a_bare_h2o(credit: SimpleNamespace) -> None:
    services, folder = credit.services, credit.folder / "rebuilt"
    folder.mkdir()
    bundle = make_bundle(credit.run, services.store, services.datasets, services.settings, folder)
    bundle.write(folder)
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment["H2O_JAVA_HOME"] = str(find_java().path.parent.parent)
    # A folder of its own as the current one: nothing of this repository can be imported by chance.
    done = subprocess.run(
        [sys.executable, SCRIPT], cwd=folder, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The leaderboard is the same as the run's." in done.stdout
    rebuilt = pd.read_csv(folder / "leaderboard.csv")
    stored = {model.model_key: model.metrics for model in services.store.models(run_id=credit.run.run_id)}
    ours = sorted(metrics["cv_logloss"] for key, metrics in stored.items() if "_baseline_" not in key)
    assert sorted(rebuilt["logloss"]) == pytest.approx(ours, abs=1e-9)
    assert len(ours) >= 3
    assert list(folder.glob("*.zip")), "the leader's MOJO is among what it leaves"
    _check_mlflow(folder, credit.run.run_id)


def _check_mlflow(folder: Path, run_id: str) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    (experiment,) = [found for found in client.search_experiments() if found.name == "credit"]
    (logged,) = client.search_runs([experiment.experiment_id])
    assert logged.data.tags["bellwether.rebuilds"] == run_id
    assert logged.data.tags["same"] == "True"
    assert {"cv_auc", "cv_logloss", "holdout_rmse"} <= set(logged.data.metrics)


def test_the_script_refuses_other_data(credit: SimpleNamespace) -> None:
    services, folder = credit.services, credit.folder / "tampered"
    folder.mkdir()
    bundle = make_bundle(credit.run, services.store, services.datasets, services.settings, folder)
    namespace: dict[str, object] = {}
    constants, rest = bundle.script.split("# %%\nimport hashlib", 1)
    exec(constants, namespace)
    (folder / "train.csv").write_bytes((folder / "train.csv").read_bytes().replace(b"good", b"bad", 1))
    reader = "def read(file)" + rest.split("def read(file)", 1)[1].split("\n\n\n", 1)[0]
    namespace |= {"FOLDER": folder, "hashlib": __import__("hashlib"), "sys": sys}
    exec(reader, namespace)
    with pytest.raises(SystemExit, match="not the file that belongs to this run"):
        namespace["read"](namespace["FILES"]["train"])


def test_training_again_gives_the_same_leaderboard_and_publishes_nothing(credit: SimpleNamespace) -> None:
    services = credit.services
    versions = [model.version for model in services.store.models(experiment="credit") if model.version]
    again = services.jobs.wait(
        services.jobs.submit(credit.run.settings, verifies=credit.run.run_id), until_explained=True
    )
    assert again.status == "finished", again.error
    verdict = services.store.get_run(credit.run.run_id).verification
    assert verdict is not None
    assert verdict.is_same, verdict.differences
    assert verdict.reasons == ()
    assert verdict.largest <= 1e-9
    assert (verdict.run_id, verdict.rerun_id) == (credit.run.run_id, again.run_id)
    assert verdict.n_models == len(services.store.models(run_id=again.run_id))
    assert again.verification == verdict
    assert [model.version for model in services.store.models(experiment="credit") if model.version] == versions


def test_the_notebook_is_the_script(credit: SimpleNamespace) -> None:
    services, folder = credit.services, credit.folder / "notebook"
    folder.mkdir()
    bundle = make_bundle(credit.run, services.store, services.datasets, services.settings, folder)
    bundle.write(folder)
    notebook = json.loads((folder / NOTEBOOK).read_text(encoding="utf-8"))
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert "\n".join(code).split() == bundle.script.replace("# %%\n", "").split()
