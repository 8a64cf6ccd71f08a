"""A GLM is as good whatever unit its target is in: H2O's own search predicts the mean of prices."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from core.domain.training import TrainingSettings
from core.engine.h2o import H2OEngine
from tests.fixtures_engine import finish, tiny_training, wait_for

pytestmark = pytest.mark.engine

N, FOLDS = 300, 3
NAMES = ("v", "w", "x", "y", "z", "is_a")


def signal() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 5))
    is_a = rng.integers(0, 3, N) == 0
    y = x @ [1, -0.8, 0.5, 0, 0.3] + is_a + rng.normal(size=N) * 0.5 + 3
    return np.column_stack([x, is_a]), y


def r2(y: np.ndarray, rmse: float) -> float:
    return 1 - rmse**2 / float(np.var(y))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e3, 1e6, 1e9])
def test_a_glm_is_as_good_as_least_squares_at_every_scale(engine: H2OEngine, tmp_path: Path, scale: float) -> None:
    x, y = signal()
    y = y * scale
    path = tmp_path / "rows.csv"
    np.savetxt(path, np.column_stack([x, y]), delimiter=",")
    frame = engine.frames.upload(path, [*((name, "Numeric") for name in NAMES), ("target", "Numeric")])
    settings: TrainingSettings = tiny_training(
        task="regression", positive=None, include_algos=("GLM",), max_models=1, nfolds=FOLDS
    )
    sd = float(np.std(y))
    project = f"scale_{scale:g}".replace("-", "m").replace("+", "")
    job = engine.automl.start(frame, settings, features=NAMES, project=project, holdout=None, target_sd=sd)
    (key,) = finish(engine, job).models
    plain = f"GLM_baseline_{project}"
    started = engine.baselines.start("GLM", frame, settings, features=NAMES, key=plain, target_sd=sd)
    wait_for(lambda: engine.baselines.poll(started, plain), lambda state: state.status != "running", 240)
    guess = cross_val_predict(LinearRegression(), x, y, cv=PredefinedSplit(np.arange(N) % FOLDS))
    least_squares = r2(y, float(np.sqrt(np.mean((guess - y) ** 2))))
    assert least_squares > 0.8
    for model in (key, plain):
        assert r2(y, engine.models.details(model).metrics["cv_rmse"]) == pytest.approx(least_squares, abs=0.01), model
