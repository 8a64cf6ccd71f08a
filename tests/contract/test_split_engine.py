"""A run split by time, with rows for blending, through the real engine: who trains, who is judged, what is stored."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from core.engine.h2o import H2OEngine
from core.services import build
from core.settings import Settings
from core.training.plan.plan import make_plan, propose

pytestmark = pytest.mark.engine
N = 800


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A finished run on made-up visits: GLM, GBM and an ensemble of both."""
    folder = tmp_path_factory.mktemp("split")
    settings = Settings(
        home=folder / "home", h2o_memory_bytes=2 * 1024**3, h2o_start_timeout_s=60, min_free_bytes=1024**2
    )
    services = build(settings, engine=H2OEngine(settings))
    random = np.random.default_rng(4)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 120, N), unit="D")
    size = random.normal(size=N)
    bought = np.where(size + random.normal(scale=0.8, size=N) > 0.3, "yes", "no")
    source = folder / "visits.csv"
    table = pd.DataFrame({"day": days.strftime("%Y-%m-%d"), "size": size, "noise": random.random(N), "bought": bought})
    table.to_csv(source, index=False)
    dataset = services.datasets.add(source, source.name)
    wanted = replace(
        propose(services.datasets.open(dataset.id), "bought", experiment="visits"),
        max_models=2, nfolds=3, include_algos=("GLM", "GBM", "StackedEnsemble"), holdout_share=0.2, blending_share=0.2,
        split="time", split_column="day",
    )  # fmt: skip
    plan = make_plan(wanted, services.datasets, settings)
    run_id = services.jobs.submit(wanted)
    services.jobs.start()
    run = services.jobs.wait(run_id, until_explained=True)
    assert (run.status, run.explanations) == ("finished", "done"), run.error
    yield SimpleNamespace(services=services, run=run, plan=plan, table=table)
    services.close()


def test_the_latest_rows_are_held_out_and_the_next_latest_fit_the_ensembles(trained) -> None:
    plan, day = trained.plan, trained.table["day"]
    assert day[plan.train_rows].max() < day[plan.blending_rows].min()
    assert day[plan.blending_rows].max() < day[plan.holdout_rows].min()


def test_every_model_is_judged_by_the_rows_that_were_kept_from_it(trained) -> None:
    services, plan = trained.services, trained.plan
    models = services.store.models(run_id=trained.run.run_id)
    assert {model.algo for model in models} == {"GLM", "GBM", "StackedEnsemble"}
    for model in models:
        for part in ("cv", "holdout"):
            path = services.store.artifact(trained.run.run_id, f"predictions/{model.model_key}/{part}.parquet")
            found = pd.read_parquet(path)
            expected = plan.holdout_rows
            if part == "cv":
                expected = plan.blending_rows if model.algo == "StackedEnsemble" else plan.train_rows
            assert np.array_equal(found["row"], expected)
            actual = trained.table["bought"][found["row"]].to_numpy()
            assert (found["actual"].to_numpy() == actual).all()
            loss = log_loss(actual == "yes", found["p_yes"])
            assert loss == pytest.approx(model.metrics[f"{part}_logloss"], abs=1e-5)
        assert model.metrics["cv_logloss_sd"] > 0
        assert model.metrics["cv_logloss_mean"] == pytest.approx(model.metrics["cv_logloss"], abs=0.1)


def test_the_time_is_not_asked_for_when_scoring(trained, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    trained.table[["size", "noise"]].head(5).to_csv(path, index=False)
    scored = trained.services.scorer.score_file(path, path.name, model_uri=f"models:/{trained.run.leader_id}")
    assert scored.n_rows == 5
    assert scored.warnings == ()
