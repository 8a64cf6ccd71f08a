"""A run as a script: what it says, and that its arguments mean to H2O what the run's settings meant."""

import ast
import hashlib
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from core.domain.aliases import NO_ALIASES
from core.engine.rest.spec import Frames, build_spec
from core.errors import DataError, RunError
from core.training.plan.plan import make_plan
from core.training.proof import reproduce
from core.training.proof.reproduce import NOTEBOOK, SCRIPT, automl_arguments, expected, make_bundle, to_notebook
from tests.fixtures_runs import Home, run_to_end

pytestmark = pytest.mark.slow

SETTINGS = (
    {"task": "binary"},
    {
        "task": "binary", "balance_classes": True, "class_sampling_factors": (1.0, 3.0), "max_after_balance_size": 2.0,
        "sort_metric": "logloss", "exclude_algos": ("DeepLearning",), "max_runtime_secs": 60,
        "max_runtime_secs_per_model": 10, "stopping_metric": "logloss", "stopping_rounds": 2,
        "stopping_tolerance": 0.01, "weights_column": "w",
    },
    {
        "task": "regression", "distribution": "tweedie", "tweedie_power": 1.3, "exploitation_ratio": 0.1,
        "monotone_constraints": {"age": 1, "premium": -1}, "include_algos": ("GBM",), "fold_column": "f",
        "keep_cross_validation_models": True, "sort_metric": "mae",
    },
    {"task": "regression", "monotone_constraints": {"age": 1}},
    {"task": "regression", "distribution": "laplace", "modeling_plan": ({"name": "GBM", "alias": "defaults"},)},
    {
        "task": "multiclass",
        "modeling_plan": ({"name": "GBM", "steps": [{"id": "def_2", "weight": 10, "group": 1}]}, {"name": "DRF"}),
    },
)  # fmt: skip


@pytest.mark.parametrize("changes", SETTINGS)
def test_the_arguments_mean_to_h2o_what_the_settings_meant(
    fresh_home: Home, monkeypatch: pytest.MonkeyPatch, changes: dict
) -> None:
    from h2o.automl import H2OAutoML, _estimator

    settings = fresh_home.settings(**changes)
    classes = () if settings.task == "regression" else ("a", "b") if settings.task == "binary" else ("a", "b", "c")
    fold_column = "bellwether_fold" if settings.fold_column else None
    sd = 4e5 if settings.task == "regression" else None
    plan = SimpleNamespace(
        settings=settings, classes=classes, engine_classes=classes, fold_column=fold_column, aliases=NO_ALIASES,
        target_sd=sd,
    )  # fmt: skip
    options, columns = automl_arguments(plan)
    # H2OAutoML asks its server whether it knows AutoML, and nothing else, before it trains.
    monkeypatch.setattr(_estimator.h2o, "api", lambda *_, **__: None)
    rebuilt = H2OAutoML(project_name="p", **options)
    wanted = build_spec(settings, Frames("t", fold_column=fold_column, classes=classes, target_sd=sd), (), "p")
    assert _given(rebuilt.build_control) == _given(wanted["build_control"])
    assert _given(rebuilt.build_models) == _given(wanted["build_models"])
    assert rebuilt.input_spec["sort_metric"] == wanted["input_spec"].get("sort_metric", "AUTO")
    assert columns == {
        n: wanted["input_spec"][n] for n in ("fold_column", "weights_column") if n in wanted["input_spec"]
    }
    if settings.distribution.lower() == "tweedie":
        assert rebuilt.build_control["tweedie_power"] == 1.3


# What H2OAutoML says of its own accord where nothing was asked for, and H2O takes for the same.
_OWN = {
    "distribution": "auto", "max_after_balance_size": 5.0, "max_runtime_secs_per_model": 0, "stopping_metric": "AUTO",
    "exploitation_ratio": -1,
}  # fmt: skip


def _given(part: dict) -> dict:
    """Return the entries of a request that say anything other than H2O would do anyway."""
    found = {name: _given(value) if isinstance(value, dict) else value for name, value in part.items()}
    return {
        name: value
        for name, value in found.items()
        if value not in (None, {}, []) and str(value).lower() != str(_OWN.get(name)).lower()
    }


@pytest.fixture
def finished(fresh_home: Home) -> SimpleNamespace:
    run = run_to_end(fresh_home.services, fresh_home.settings(baselines=("constant",)), explain=False)
    return SimpleNamespace(home=fresh_home, services=fresh_home.services, run=run)


def bundle_of(finished: SimpleNamespace, folder: Path, run=None) -> reproduce.Bundle:
    services = finished.services
    folder.mkdir(exist_ok=True)
    return make_bundle(run or finished.run, services.store, services.datasets, services.settings, folder)


def constants(script: str) -> dict:
    """Return the constants that a script assigns, read without running it."""
    found = {}
    for node in ast.parse(script).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue  # an expression of the body
    return found


def test_the_data_are_the_rows_that_the_run_trained_on(finished: SimpleNamespace, tmp_path: Path) -> None:
    bundle = bundle_of(finished, tmp_path / "b")
    known = constants(bundle.script)
    plan = make_plan(finished.run.settings, finished.services.datasets, finished.services.settings)
    table = finished.services.datasets.open(plan.dataset.id).typed().to_pandas()
    for part, rows in (("train", plan.train_rows), ("holdout", plan.holdout_rows)):
        file = known["FILES"][part]
        path = bundle.frames[file["name"]]
        assert file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        names = [name for name, _ in file["columns"]]
        assert names == ["age", "city", "premium", "buys"]
        assert dict(file["columns"]) == {"age": "numeric", "city": "enum", "premium": "numeric", "buys": "enum"}
        read = pd.read_csv(path, names=names)
        assert len(read) == file["rows"] == len(rows)
        assert np.array_equal(read["age"], table["age"].to_numpy()[rows])
        assert read["city"].tolist() == table["city"].astype(str).to_numpy()[rows].tolist()
    assert known["FIRST_CLASS"] == "no"
    assert known["FEATURES"] == ["age", "city", "premium"]
    assert set(known["EXPECTED"]) == {m.model_key.split("_AutoML_")[0] for m in _models(finished) if not m.baseline}
    assert "constant" in bundle.script.split("# %%")[0], "says that baselines are not rebuilt"


def _models(finished: SimpleNamespace) -> tuple:
    return finished.services.store.models(run_id=finished.run.run_id)


def test_the_expected_metrics_are_those_of_the_run(finished: SimpleNamespace) -> None:
    for model in _models(finished):
        if not model.baseline:
            known = expected([model])[model.model_key.split("_AutoML_")[0]]
            assert known["logloss"] == model.metrics["cv_logloss"]


def test_data_cannot_put_code_into_the_script(fresh_home: Home, tmp_path: Path) -> None:
    services = fresh_home.services
    nasty = 'x"""\nraise SystemExit("owned")\n# %%\n\\'
    source = tmp_path / "nasty.csv"
    lines = ['"a",' + '"' + nasty.replace('"', '""') + '"', *(f"{n},{n % 7}" for n in range(60))]
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    dataset = services.datasets.add(source, source.name, name='n"""; import os; """')
    target = dataset.schema.names[-1]
    wanted = replace(
        fresh_home.settings(), dataset_id=dataset.id, target=target, task="regression", ignored=(), holdout_share=0.0
    )
    run = run_to_end(services, wanted, explain=False)
    script = bundle_of(SimpleNamespace(services=services, run=run), tmp_path / "b").script
    assert constants(script)["TARGET"] == target
    header, settings, *_ = script.split("# %%\n")
    assert not ast.parse(header).body
    assert all(isinstance(node, ast.Assign) for node in ast.parse(settings).body)


def test_the_zip_and_the_folder_hold_the_same(finished: SimpleNamespace, tmp_path: Path) -> None:
    bundle = bundle_of(finished, tmp_path / "b")
    written = bundle.write(tmp_path / "b")
    bundle.zip_to(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {p.name: p.read_bytes() for p in written}
    assert {path.name for path in written} == {SCRIPT, NOTEBOOK, "train.csv", "holdout.csv"}


def test_the_notebook_has_the_cells_of_the_script_and_the_form_of_nbformat(tmp_path: Path) -> None:
    notebook = json.loads(to_notebook("# head\n# %%\nA = 1\n\n# %%\nprint(A)\n"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    kinds = [cell["cell_type"] for cell in notebook["cells"]]
    assert kinds == ["markdown", "code", "code", "code"]
    assert ["".join(cell["source"]) for cell in notebook["cells"]][1:] == ["# head", "A = 1", "print(A)"]
    assert len({cell["id"] for cell in notebook["cells"]}) == 4
    for cell in notebook["cells"]:
        wanted = {"cell_type", "id", "metadata", "source"}
        assert set(cell) == wanted | ({"execution_count", "outputs"} if cell["cell_type"] == "code" else set())


def test_the_body_compiles_and_imports_nothing_of_ours(finished: SimpleNamespace, tmp_path: Path) -> None:
    tree = ast.parse(bundle_of(finished, tmp_path / "b").script)
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {name.split(".")[0] for name in names} == {"hashlib", "os", "socket", "sys", "pathlib", "h2o", "mlflow"}


def test_a_run_that_did_not_finish_has_no_script(finished: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="finished"):
        bundle_of(finished, tmp_path / "b", replace(finished.run, status="cancelled"))


def test_a_run_on_data_of_a_cluster_has_no_script(
    finished: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = SimpleNamespace(dataset=SimpleNamespace(remote="/mnt/lake/all.csv"))
    monkeypatch.setattr(reproduce, "make_plan", lambda *_: plan)
    with pytest.raises(DataError, match="stay with the cluster") as caught:
        bundle_of(finished, tmp_path / "b")
    assert (caught.value.code, "core verify" in caught.value.hint) == ("cluster.reproduce", True)
