"""The backtest through the real engine: the numbers of models trained by hand, and worse where the data drift."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from core.cli.commands.train import run_result
from core.domain.baselines import CONSTANT
from core.engine.h2o import H2OEngine
from core.engine.protocol import Engine
from core.engine.rest.models import describe
from core.errors import EngineError
from core.models.backtest import view_backtest
from core.models.opened import find_backtest
from core.services import build
from core.settings import Settings
from core.training.plan.plan import make_plan, propose
from core.training.trainer import Trainer
from tests.fixtures_engine import Trained, wait_for

N, FOLDS = 1600, 4
CLEARLY = 0.05  # more than three standard errors of an AUC of so many rows
COLUMNS = [("size", "Numeric"), ("kind", "Enum"), ("noise", "Numeric"), ("bought", "Enum")]


def drifting(folder: Path) -> pd.DataFrame:
    """Write visits to products that come and go: new in one stretch, old in the next, each with a rate of its own.

    Who judges a stretch after learning from the next one knows the new products already.
    """
    random = np.random.default_rng(4)
    stretch = np.arange(N) * FOLDS // N
    is_old = np.where(stretch == 0, False, np.where(stretch == FOLDS - 1, True, random.random(N) < 0.25))
    is_liked = random.random(N) < 0.5
    product = [f"{number}{'ab'[int(liked)]}" for number, liked in zip(stretch - is_old, is_liked, strict=True)]
    size = random.normal(size=N)
    bought = np.where(2 * is_liked - 1 + 0.2 * size + random.normal(scale=0.5, size=N) > 0, "yes", "no")
    days = (pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(N) // 4, unit="D")).strftime("%Y-%m-%d")
    table = pd.DataFrame({"day": days, "size": size, "kind": product, "noise": random.random(N), "bought": bought})
    table.to_csv(folder / "visits.csv", index=False)
    return table


@pytest.fixture(scope="module")
def run(engine: H2OEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A finished run of GLM and GBM on those visits; its models are still in the engine."""
    folder = tmp_path_factory.mktemp("drift")
    table = drifting(folder)
    services = build(Settings(home=folder / "home", min_free_bytes=1024**2), engine=engine)
    dataset = services.datasets.add(folder / "visits.csv", "visits.csv")
    wanted = replace(
        propose(services.datasets.open(dataset.id), "bought", experiment="visits"),
        max_models=2, nfolds=FOLDS, include_algos=("GLM", "GBM"), split="time", split_column="day",
    )  # fmt: skip
    plan = make_plan(wanted, services.datasets, services.settings)
    run_id = services.jobs.submit(wanted)
    trainer = Trainer(services.settings, services.datasets, services.store, services.ledger, engine)
    found = trainer.run(run_id, lambda: False)
    assert found.status == "finished", found.error
    yield SimpleNamespace(
        services=services, run=found, plan=plan, table=table, backtest=find_backtest(services.store, run_id)
    )
    trainer.release(found)


def by_hand(engine: H2OEngine, key: str, past: pd.DataFrame, block: pd.DataFrame, folder: Path) -> float:
    """Train what a model is by H2O's own interface on rows that are written here; return the AUC on a block."""
    client = engine._server.client()
    model = describe(client, key)
    frames = []
    for name, rows in (("past", past), ("block", block)):
        path = folder / f"{name}.csv"
        rows[[name for name, _ in COLUMNS]].to_csv(path, index=False, header=False)
        frames.append(engine.frames.upload(path, COLUMNS))
    known = {entry["name"]: entry["actual_value"] for entry in model["parameters"]}
    if model["algo"] == "glm":
        options = {
            "family": "binomial", "alpha": [model["output"]["alpha_best"]], "lambda": [model["output"]["lambda_best"]],
            "seed": known["seed"],
        }  # fmt: skip
    else:
        names = (
            "ntrees", "max_depth", "min_rows", "sample_rate", "col_sample_rate", "col_sample_rate_per_tree", "seed",
            "learn_rate", "min_split_improvement", "histogram_type", "distribution", "score_tree_interval",
        )  # fmt: skip
        options = {name: known[name] for name in names}
    answer = client.post(
        f"/3/ModelBuilders/{model['algo']}", model_id="by_hand", training_frame=frames[0], response_column="bought",
        **options,
    )  # fmt: skip
    client.wait(answer)
    said = engine.models.predict("by_hand", frames[1])
    engine.delete(["by_hand", *frames])
    return float(roc_auc_score(block["bought"] == "yes", said["yes"].to_numpy()))


@pytest.mark.engine
def test_its_numbers_are_those_of_models_trained_by_hand_on_the_same_rows(
    run: SimpleNamespace, engine: H2OEngine, tmp_path: Path
) -> None:
    found, plan = run.backtest, run.plan
    assert {key.partition("_")[0] for key in found.models} == {"GLM", "GBM", CONSTANT}
    judged = 0
    for number, step in enumerate(found.steps, 1):
        past, block = (run.table.iloc[plan.train_rows[at]] for at in (plan.folds < number, plan.folds == number))
        assert past["day"].max() < block["day"].min()
        assert (step.learned.n_rows, step.judged.n_rows) == (len(past), len(block))
        for key in found.models:
            if key == CONSTANT or key in step.missing:
                continue
            # H2O's own AUC counts 400 thresholds.
            assert step.metrics[key]["auc"] == pytest.approx(by_hand(engine, key, past, block, tmp_path), abs=2e-3)
            judged += 1
    assert judged == 2 * (FOLDS - 1)


@pytest.mark.engine
def test_where_the_relation_drifts_it_is_clearly_worse_than_cross_validation(run: SimpleNamespace) -> None:
    models = run.services.store.models(run_id=run.run.run_id)
    view = view_backtest(run.backtest, models, run.run.constant, run.run.settings)
    assert view.metric == "auc"
    assert view.main.key == run.backtest.leader
    for line in view.lines:
        if line.key != CONSTANT:
            assert line.mean < line.cv - CLEARLY
    told = run_result(run.services, run.run)["backtest"]
    assert told["metric"] == "auc"
    assert [(one["model_id"], one["mean"]) for one in told["models"]] == [(line.key, line.mean) for line in view.lines]
    assert len(told["models"][0]["steps"]) == FOLDS - 1
    # The last stretch has no new products.
    assert view.main.values[-1] > max(view.main.values[:-1]) + CLEARLY


@pytest.mark.engine
def test_nothing_of_it_stays_in_the_engine(run: SimpleNamespace, engine: H2OEngine) -> None:
    client = engine._server.client()
    assert not [
        m["model_id"]["name"] for m in client.get("/3/Models")["models"] if "_backtest_" in m["model_id"]["name"]
    ]


def test_a_single_model_is_built_again_alike_and_an_ensemble_is_not(each_engine: Engine, each_trained: Trained) -> None:
    key = each_trained.model("GLM")
    job = each_engine.models.rebuild(key, each_trained.frame, key="GLM_1_backtest_again")
    state = wait_for(
        lambda: each_engine.baselines.poll(job, "GLM_1_backtest_again"), lambda seen: seen.status != "running", 120
    )
    assert (state.status, state.models) == ("done", ("GLM_1_backtest_again",))
    first = each_engine.models.holdout_metrics(key, each_trained.frame)
    again = each_engine.models.holdout_metrics("GLM_1_backtest_again", each_trained.frame)
    assert again["logloss"] == pytest.approx(first["logloss"], abs=1e-3)
    each_engine.delete(["GLM_1_backtest_again"])
    with pytest.raises(EngineError, match="no ensembles"):
        each_engine.models.rebuild(each_trained.model("StackedEnsemble"), each_trained.frame, key="none")
