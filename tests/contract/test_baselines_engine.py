"""Baselines, in both engines: AutoML's folds, the best of a search, and a search that is stopped."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domain.training import TrainingSettings
from core.engine.protocol import BaselineState, Engine
from core.errors import EngineError
from tests.fixtures_engine import COLUMNS, FEATURES, Trained, tiny_training, two_classes, wait_for, write_rows


@pytest.fixture
def frame_with_folds(each_engine: Engine, tmp_path: Path) -> Iterator[str]:
    """The rows of `trained` with a column that says the fold of each."""
    path = tmp_path / "rows.csv"
    write_rows(path, two_classes)
    with path.open(encoding="utf-8", newline="") as file:
        rows = [[*row, number % 2] for number, row in enumerate(csv.reader(file))]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    raw = each_engine.frames.upload(path, [*COLUMNS, ("target", "Enum"), ("fold", "Numeric")])
    key = each_engine.frames.relevel(raw, "target", "yes")
    yield key
    each_engine.delete([raw, key])


def train(engine: Engine, name: str, frame: str, settings: TrainingSettings, key: str, **options: str) -> BaselineState:
    job = engine.baselines.start(name, frame, settings, features=FEATURES, key=key, **options)
    return wait_for(lambda: engine.baselines.poll(job, key), lambda state: state.status != "running", 240)


def test_the_glm_is_cross_validated_in_the_folds_of_the_automl(
    each_engine: Engine, each_trained: Trained, frame_with_folds: str
) -> None:
    assert each_engine.models.details(each_trained.model("GBM")).parameters["fold_assignment"] == "Modulo"
    dealt = train(each_engine, "GLM", each_trained.frame, tiny_training(), "GLM_baseline_dealt")
    told = train(each_engine, "GLM", frame_with_folds, tiny_training(), "GLM_baseline_told", fold_column="fold")
    assert (dealt.status, dealt.models) == ("done", ("GLM_baseline_dealt",))
    ours, theirs = (each_engine.models.details(state.models[0]) for state in (dealt, told))
    assert ours.algo == "GLM"
    assert {name for name, _ in ours.variable_importance} == set(FEATURES)
    for name in ("cv_logloss", "cv_auc", "train_logloss"):
        assert ours.metrics[name] == pytest.approx(theirs.metrics[name], abs=1e-9)
    assert ours.cv_predictions_key
    assert ours.training_time_s > 0
    each_engine.delete([*dealt.models, *told.models])


def test_a_search_builds_as_many_models_as_asked_and_goes_with_its_key(
    each_engine: Engine, each_trained: Trained
) -> None:
    if not each_engine.has_xgboost():
        pytest.skip("XGBoost's native library does not load here")
    key = "XGBoost_baseline_search"
    state = train(each_engine, "XGBoost", each_trained.frame, tiny_training(max_models=2), key)
    assert state.status == "done"
    assert len(state.models) == 2
    found = [each_engine.models.details(model) for model in state.models]
    assert {details.algo for details in found} == {"XGBoost"}
    assert len({details.metrics["cv_logloss"] for details in found}) == 2
    assert all(details.cv_predictions_key for details in found)
    each_engine.delete([key])
    with pytest.raises(EngineError):
        each_engine.models.details(state.models[0])


def test_a_search_that_is_cancelled_says_so(each_engine: Engine, each_trained: Trained) -> None:
    if not each_engine.has_xgboost():
        pytest.skip("XGBoost's native library does not load here")
    key = "XGBoost_baseline_cancelled"
    job = each_engine.baselines.start(
        "XGBoost", each_trained.frame, tiny_training(max_models=900), features=FEATURES, key=key
    )
    wait_for(lambda: each_engine.baselines.poll(job, key), lambda state: len(state.models) >= 1, 240)
    each_engine.baselines.cancel(job)
    state = wait_for(lambda: each_engine.baselines.poll(job, key), lambda state: state.status != "running", 60)
    assert state.status == "cancelled"
    assert 1 <= len(state.models) < 900
    each_engine.delete([key])


def test_the_engine_says_what_it_is_made_of(each_engine: Engine) -> None:
    about = each_engine.describe()
    assert about.version.startswith("3.46.")
    assert (about.n_nodes, about.n_threads >= 2) == (1, True)
