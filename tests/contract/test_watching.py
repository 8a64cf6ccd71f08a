"""Watching a real training: nothing is missed by looking cheaply, and a model has a threshold at once."""

import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from core.domain.runs import AutoMLState
from core.engine.h2o import H2OEngine
from core.engine.protocol import Engine
from core.training.events import plain_events
from tests.fixtures_engine import COLUMNS, FEATURES, Trained, tiny_training, two_classes, write_rows

TRAINING_S = 120.0


@pytest.mark.engine  # how fast models come and what H2O says meanwhile is of H2O alone
def test_looking_with_the_last_look_misses_no_model(engine: H2OEngine, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    write_rows(path, two_classes)
    frame = engine.frames.upload(path, [*COLUMNS, ("target", "Enum")])
    settings = tiny_training(max_models=6, include_algos=("GBM", "GLM", "StackedEnsemble"))
    job = engine.automl.start(frame, settings, features=FEATURES, project="watching", holdout=None)
    state: AutoMLState | None = None
    counts: list[int] = []
    deadline = time.monotonic() + TRAINING_S
    while state is None or state.status == "running":
        assert time.monotonic() < deadline
        state = engine.automl.poll(job, state)
        counts.append(len(state.models))
    assert state.models == engine.automl.poll(job).models
    assert len(state.models) == 8  # six and two ensembles
    assert counts == sorted(counts)
    assert len(set(counts)) >= 4  # they were seen as they came, not all at the end
    words = [event.words for event in plain_events(state.events)]
    assert words[0] == "The engine has the data: 600 rows."
    assert sum(text.startswith("Building ") and "them" not in text for text in words) == 8
    assert not any("AutoML" in text for text in words)  # every message of a real run has words
    engine.delete([*state.models, job.dest_key, frame])


@pytest.mark.parametrize("algorithm", ["GLM", "GBM", "StackedEnsemble"])
def test_the_engines_threshold_is_nearly_the_best_f1(
    each_engine: Engine, each_trained: Trained, algorithm: str
) -> None:
    details = each_engine.models.details(each_trained.model(algorithm))
    assert details.cv_threshold is not None
    assert details.cv_predictions_key is not None
    p = each_engine.frames.download(details.cv_predictions_key)["no"].to_numpy()
    actual = np.array(each_trained.targets) == "no"
    best = max(f1_score(actual, p >= cut) for cut in np.unique(p))
    assert f1_score(actual, p >= details.cv_threshold) == pytest.approx(best, abs=0.01)
