"""Names that mean something to H2O give the models, explanations and labels that plain names give."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from core.engine.h2o import H2OEngine
from core.models.opened import StoredModel
from core.services import build
from core.settings import Settings
from core.training.plan.plan import propose

pytestmark = pytest.mark.engine

# Plain name -> hostile name; the twins have the same rows in the same order.
COLUMNS = {
    "c": "[columns]", "i": "[info]", "bias": "BiasTerm", "rooms": "# rooms", "type": "type", "other": "type.1",
    "age": "Age", "age2": "age", "cut": "Intercept",
}  # fmt: skip
# Sorted alike: H2O takes the classes in the order of their names there.
CLASSES = {
    "binary": ({"bno": "no", "byes": "predict"}, "y"),
    "multiclass": ({"a": "ant", "bw1": "StdDev", "bw2": "p0", "bw3": "predict"}, "[domains]"),
    "regression": ({}, "predict"),
}
N_ROWS = 160


def write(path: Path, task: str, columns: dict[str, str], classes: dict[str, str], target: str) -> None:
    chance = np.random.default_rng(5)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([columns[name] for name in COLUMNS] + [target])
        names = sorted(CLASSES[task][0])
        for _ in range(N_ROWS):
            numbers = chance.normal(size=8).round(4)
            kind = str(chance.integers(0, 2))
            score = numbers[2] * 2 + (kind == "1") + numbers[5] + 0.3 * chance.normal()
            place = int(np.clip(score + len(names) / 2, 0, len(names) - 1)) if names else 0
            label = classes[names[place]] if names else round(float(score), 5)
            writer.writerow([*numbers[:4], kind, *numbers[4:], label])


@pytest.fixture(scope="module")
def services(engine: H2OEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    settings = Settings(home=tmp_path_factory.mktemp("names") / "home", min_free_bytes=1024**2)
    services = build(settings, engine=engine)
    services.jobs.start()
    yield services
    services.jobs.stop()
    services.jobs.join()


def train(services, path: Path, task: str, target: str) -> SimpleNamespace:
    data = services.datasets.set_type(services.datasets.add(path, path.name).id, "type", "category")
    wanted = replace(
        propose(services.datasets.open(data.id), target, experiment=path.stem), task=task, max_models=2, nfolds=2,
        include_algos=("GLM", "GBM"), positive=None,
    )  # fmt: skip
    run = services.jobs.wait(services.jobs.submit(wanted), until_explained=True)
    assert run.status == "finished", run.error
    models = {model.algo: StoredModel(services.store, model) for model in services.store.models(run_id=run.run_id)}
    scored = {
        algo: services.scorer.score_file(
            path, path.name, model_uri=model.info.uri, reasons=0 if task == "multiclass" else 2
        )
        for algo, model in models.items()
    }
    return SimpleNamespace(models=models, scored=scored)


@pytest.mark.parametrize("task", list(CLASSES))
def test_hostile_names_change_nothing(services, tmp_path: Path, task: str) -> None:
    classes, target = CLASSES[task]
    write(tmp_path / f"plain_{task}.csv", task, {name: name for name in COLUMNS}, {n: n for n in classes}, "target")
    write(tmp_path / f"hostile_{task}.csv", task, COLUMNS, classes, target)
    plain = train(services, tmp_path / f"plain_{task}.csv", task, "target")
    hostile = train(services, tmp_path / f"hostile_{task}.csv", task, target)
    assert set(plain.models) == set(hostile.models) == {"GLM", "GBM"}
    for algo, twin in plain.models.items():
        model = hostile.models[algo]
        assert model.spec.classes == tuple(sorted(classes.values())) or task == "binary"
        ours, theirs = hostile.scored[algo].results, plain.scored[algo].results
        for name, odd in classes.items():
            assert ours[f"probability_{odd}"].to_numpy() == pytest.approx(
                theirs[f"probability_{name}"].to_numpy(), abs=1e-6
            )
        if not classes:
            assert ours["prediction"].to_numpy() == pytest.approx(theirs["prediction"].to_numpy(), abs=1e-6)
        assert set(ours["prediction"].to_pylist()) <= set(classes.values()) or not classes
        known = {COLUMNS[one.feature]: one.importance for one in twin.explanations.variable_importance.data}
        found = {one.feature: one.importance for one in model.explanations.variable_importance.data}
        assert found == pytest.approx(known, abs=1e-5)
        if task != "multiclass":
            shap = {COLUMNS[f.feature]: f.mean_absolute for f in twin.explanations.shap_summary.data.features}
            assert {f.feature: f.mean_absolute for f in model.explanations.shap_summary.data.features} == pytest.approx(
                shap, abs=1e-5
            )
            if "reason_1" in theirs.column_names:
                assert ours["reason_1"].null_count == theirs["reason_1"].null_count
        assert hostile.scored[algo].metrics == pytest.approx(plain.scored[algo].metrics, abs=1e-5)
