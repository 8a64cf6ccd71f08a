"""A run with weights, groups and rows for blending: what the engine gets, what is stored, and what scoring needs."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from core.domain.runs import RunInfo
from core.models.opened import SPEC
from core.training.trainer import Trainer
from tests.fixtures_runs import Home, run_to_end

pytestmark = pytest.mark.slow
GROUPED = {"split": "group", "split_column": "age", "weights_column": "premium", "nfolds": 3}


def frame_of(home: Home, key: str) -> pd.DataFrame:
    return home.services.engine.frames.held[key].table.to_pandas()


def source(home: Home) -> pd.DataFrame:
    return home.services.datasets.open(home.dataset.id).typed().to_pandas()


def stored(home: Home, run: RunInfo, part: str) -> pd.DataFrame:
    leader = next(model for model in home.services.store.models(run_id=run.run_id) if model.id == run.leader_id)
    return pq.read_table(
        home.services.store.artifact(run.run_id, f"predictions/{leader.model_key}/{part}.parquet")
    ).to_pandas()


def test_the_engine_gets_weights_and_folds_that_keep_groups_whole(fresh_home: Home) -> None:
    run = run_to_end(fresh_home.services, fresh_home.settings(**GROUPED), explain=False)
    assert run.status == "finished", run.error
    (started,) = fresh_home.services.engine.automl.started
    sent, rows = frame_of(fresh_home, started["frame"]), source(fresh_home)
    assert sent.columns.tolist() == ["city", "premium", "bellwether_fold", "buys"]
    assert started["fold_column"] == "bellwether_fold"
    train = stored(fresh_home, run, "cv")
    assert np.array_equal(sent["premium"], rows["premium"][train["row"]])
    ages = rows["age"][train["row"]].to_numpy()
    assert sent.groupby(ages)["bellwether_fold"].nunique().max() == 1
    assert sorted(sent["bellwether_fold"].unique()) == [0, 1, 2]
    holdout = stored(fresh_home, run, "holdout")
    assert not set(rows["age"][holdout["row"]]) & set(ages)
    assert started["settings"].exclude_algos == ("StackedEnsemble",)


def test_predictions_are_stored_with_their_weights_and_the_threshold_says_that_it_has_none(fresh_home: Home) -> None:
    run = run_to_end(fresh_home.services, fresh_home.settings(**GROUPED), explain=False)
    rows = source(fresh_home)
    for part in ("cv", "holdout"):
        table = stored(fresh_home, run, part)
        assert np.array_equal(table["weight"], rows["premium"][table["row"]])
    path, _ = fresh_home.services.store.model_file(run.leader_id, SPEC)
    spec = json.loads(path.read_text())
    assert spec["threshold_origin"].endswith("each row counted once")


def test_scoring_needs_neither_weight_nor_group(fresh_home: Home, tmp_path: Path) -> None:
    run = run_to_end(fresh_home.services, fresh_home.settings(**GROUPED), explain=False)
    path = tmp_path / "new.csv"
    path.write_text("city\nBonn\nOslo\n")
    scored = fresh_home.services.scorer.score_file(path, path.name, model_uri=f"models:/{run.leader_id}")
    assert scored.n_rows == 2
    assert scored.warnings == ()


def test_rows_for_blending_are_sent_apart_and_freed_at_the_end(fresh_home: Home) -> None:
    services = fresh_home.services
    run = run_to_end(services, fresh_home.settings(blending_share=0.25), explain=False)
    (started,) = services.engine.automl.started
    train, blend = frame_of(fresh_home, started["frame"]), frame_of(fresh_home, started["blending"])
    assert len(train) + len(blend) == 192
    assert len(blend) == pytest.approx(48, abs=1)
    assert blend.columns.tolist() == train.columns.tolist() == ["age", "city", "premium", "buys"]
    trainer = Trainer(services.settings, services.datasets, services.store, services.ledger, services.engine)
    trainer.release(run)
    assert not {started["frame"], started["blending"]} & set(services.engine.frames.held)


def test_xgboost_that_cannot_be_trained_is_refused_only_where_it_was_asked_for(
    fresh_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh_home.services.engine, "has_xgboost", lambda: False)
    refused = run_to_end(fresh_home.services, fresh_home.settings(include_algos=("XGBoost", "GLM")), explain=False)
    assert refused.status == "failed"
    assert "XGBoost cannot be trained on this machine" in refused.error["message"]
    assert run_to_end(fresh_home.services, fresh_home.settings(), explain=False).status == "finished"
