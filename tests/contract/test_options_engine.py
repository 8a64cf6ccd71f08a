"""Every option that H2O could refuse, on the real engine: small data, few models, one engine for all."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from core.domain.models import ModelDetails
from core.domain.runs import AutoMLState
from core.engine.h2o import H2OEngine
from core.errors import EngineError
from core.training.plan.plan import STOPPING_METRICS
from tests.fixtures_engine import COLUMNS, FEATURES, finish, tiny_training, two_classes, write_rows

pytestmark = pytest.mark.engine

N = 300
EXTRA = (("weight", "Numeric"), ("fold", "Numeric"))
WEIGHTS = np.array([1 + row % 3 for row in range(N)], dtype=float)
FOLDS = np.array([row % 7 % 3 for row in range(N)])
Train = Callable[..., tuple[AutoMLState, list[ModelDetails]]]


def amount(size: float, level: str, noise: float) -> str:
    return f"{max(0.0, size + (level == 'a,b')):.4f}"


def rows(path: Path, target: Callable[[float, str, float], str] = two_classes) -> np.ndarray:
    """Write the rows of `COLUMNS` with a weight, a fold and the target; return the targets."""
    targets = write_rows(path, target, N)
    lines = path.read_text(encoding="utf-8").splitlines()
    with path.open("w", encoding="utf-8") as file:
        for line, weight, fold, y in zip(lines, WEIGHTS, FOLDS, targets, strict=True):
            file.write(f"{line.removesuffix(y)}{weight:g},{fold},{y}\n")
    return np.array(targets)


@pytest.fixture
def train(engine: H2OEngine, tmp_path: Path, request: pytest.FixtureRequest) -> Train:
    """Train with some settings; return the end and what is known of each model."""

    def train_(
        *, fold_column: str | None = None, blending: bool = False, kind: str = "Enum", **changes: object
    ) -> tuple[AutoMLState, list[ModelDetails]]:
        path = tmp_path / "rows.csv"
        rows(path, two_classes if kind == "Enum" else amount)
        frame = engine.frames.upload(path, [*COLUMNS, *EXTRA, ("target", kind)])
        blend = engine.frames.upload(path, [*COLUMNS, *EXTRA, ("target", kind)]) if blending else None
        settings = tiny_training(**{"task": "binary" if kind == "Enum" else "regression", **changes})
        job = engine.automl.start(
            frame, settings, features=FEATURES, project=f"options_{request.node.name[:60]}_{id(settings)}",
            holdout=None, blending=blend, fold_column=fold_column, classes=("no", "yes"),
        )  # fmt: skip
        state = finish(engine, job)
        return state, [engine.models.details(key) for key in state.models]

    return train_


def predictions(engine: H2OEngine, model: ModelDetails) -> np.ndarray:
    assert model.cv_predictions_key
    return engine.frames.download(model.cv_predictions_key)["yes"].to_numpy()


def test_folds_and_weights_are_ours_and_the_measures_are_weighted(
    engine: H2OEngine, train: Train, tmp_path: Path
) -> None:
    _, models = train(fold_column="fold", weights_column="weight", exclude_algos=("StackedEnsemble",), include_algos=())
    actual = rows(tmp_path / "again.csv") == "yes"
    for model in models:
        # Neither weight nor fold is a feature, in whatever H2O tells of the model.
        assert {name for name, _ in model.variable_importance} <= set(FEATURES)
        p = predictions(engine, model)
        assert model.metrics["cv_logloss"] == pytest.approx(log_loss(actual, p, sample_weight=WEIGHTS), abs=1e-5)
        parts = [np.flatnonzero(np.equal(FOLDS, k)) for k in range(3)]
        by_fold = [roc_auc_score(actual[part], p[part], sample_weight=WEIGHTS[part]) for part in parts]
        assert model.metrics["cv_auc_mean"] == pytest.approx(np.mean(by_fold), abs=5e-3)
        assert model.metrics["cv_auc_sd"] == pytest.approx(np.std(by_fold, ddof=1), abs=5e-3)


def test_contributions_are_of_features_only(engine: H2OEngine, train: Train, tmp_path: Path) -> None:
    _, models = train(fold_column="fold", weights_column="weight", include_algos=("GLM", "GBM"))
    path = tmp_path / "few.csv"
    path.write_text("0.5,007,0.5,1\n-0.5,数据,0.1,2\n")
    frame = engine.frames.upload(path, COLUMNS)
    for model in models:
        found = engine.explanations.contributions(model.key, frame, background=frame)
        assert set(found.column_names) == {*FEATURES, "BiasTerm"}


def test_ensembles_are_judged_on_the_rows_for_blending(engine: H2OEngine, train: Train, tmp_path: Path) -> None:
    _, models = train(blending=True, fold_column="fold")
    ensemble = next(model for model in models if model.base_models)
    actual = rows(tmp_path / "again.csv") == "yes"
    p = predictions(engine, ensemble)
    assert model_logloss(actual, p) == pytest.approx(ensemble.metrics["cv_logloss"], abs=1e-4)


def model_logloss(actual: np.ndarray, p: np.ndarray) -> float:
    assert len(p) == N
    return float(log_loss(actual, p))


def test_a_feature_that_may_only_rise_does(engine: H2OEngine, train: Train, tmp_path: Path) -> None:
    _, models = train(monotone_constraints={FEATURES[0]: -1}, include_algos=("GBM",), max_models=1)
    path = tmp_path / "grid.csv"
    path.write_text("".join(f"{value},007,0.5,1\n" for value in np.linspace(-3, 3, 41)))
    frame = engine.frames.upload(path, COLUMNS)
    p = engine.models.predict(models[0].key, frame)["yes"].to_numpy()
    # Sizes go with "yes"; falling is against the data, and still kept.
    assert (np.diff(p) <= 1e-12).all()
    free = train(include_algos=("GBM",), max_models=1)[1][0]
    assert np.diff(engine.models.predict(free.key, frame)["yes"].to_numpy()).max() > 0.01


@pytest.mark.parametrize(
    ("distribution", "options"),
    [
        ("tweedie", {"tweedie_power": 1.3}),
        ("poisson", {}),
        ("laplace", {}),
        ("quantile", {"quantile_alpha": 0.9, "sort_metric": "deviance"}),
        ("huber", {"huber_alpha": 0.8}),
    ],
)
def test_the_distribution_reaches_gradient_boosting(
    engine: H2OEngine, train: Train, distribution: str, options: dict[str, object]
) -> None:
    _, models = train(kind="Numeric", include_algos=("GBM",), max_models=1, distribution=distribution, **options)
    assert models[0].parameters["distribution"] == distribution
    for name in ("tweedie_power", "quantile_alpha", "huber_alpha"):
        if name in options:
            assert float(models[0].parameters[name]) == options[name]


def test_a_quantile_leaves_its_share_of_rows_below(engine: H2OEngine, train: Train, tmp_path: Path) -> None:
    _, models = train(
        kind="Numeric", include_algos=("GBM",), max_models=1, distribution="quantile", quantile_alpha=0.8,
        sort_metric="deviance",
    )  # fmt: skip
    actual = rows(tmp_path / "again.csv", amount).astype(float)
    assert models[0].cv_predictions_key
    p = engine.frames.download(models[0].cv_predictions_key)["predict"].to_numpy()
    assert (actual <= p).mean() == pytest.approx(0.8, abs=0.08)


@pytest.mark.parametrize("metric", [name for name in STOPPING_METRICS["binary"] if name != "AUTO"])
def test_each_stopping_metric_is_one_of_h2o(train: Train, metric: str) -> None:
    _, models = train(
        stopping_metric=metric, stopping_rounds=1, stopping_tolerance=0.2, include_algos=("GBM",), max_models=1
    )
    assert models[0].parameters["stopping_metric"].lower() == metric


def test_a_modeling_plan_is_followed(train: Train) -> None:
    plan = ({"name": "GLM", "steps": [{"id": "def_1"}]}, {"name": "GBM", "steps": [{"id": "def_2"}]})
    _, models = train(modeling_plan=plan, include_algos=(), max_models=5)
    assert sorted(model.algo for model in models) == ["GBM", "GLM"]


def test_a_modeling_plan_of_unknown_steps_ends_without_a_model_and_says_which(train: Train) -> None:
    state, models = train(modeling_plan=({"name": "GLM", "steps": [{"id": "nonsense"}]},), include_algos=())
    assert models == []
    assert any("nonsense" in message for _, _, message in state.events)


def test_balanced_classes_with_factors_and_the_other_options_are_taken(train: Train) -> None:
    _, models = train(
        balance_classes=True, class_sampling_factors=(1.0, 2.0), max_after_balance_size=3.0, include_algos=("GBM",),
        max_models=1, keep_cross_validation_models=True, keep_cross_validation_fold_assignment=True,
        exploitation_ratio=0.1, max_runtime_secs_per_model=30,
    )  # fmt: skip
    assert models[0].parameters["balance_classes"] == "true"
    assert "2.0" in models[0].parameters["class_sampling_factors"]


def test_models_with_target_encoding_cannot_be_exported_which_is_why_it_is_refused(
    engine: H2OEngine, tmp_path: Path
) -> None:
    random = np.random.default_rng(3)
    level, size = random.integers(0, 30, 600), random.normal(size=600)
    bought = np.where(size + level % 3 + random.normal(scale=0.5, size=600) > 1, "yes", "no")
    path = tmp_path / "levels.csv"
    path.write_text("".join(f"{x},k{k:02d},{y}\n" for x, k, y in zip(size, level, bought, strict=True)))
    frame = engine.frames.upload(path, [("size", "Numeric"), ("level", "Enum"), ("target", "Enum")])
    settings = tiny_training(target_encoding=True, include_algos=("GBM",), max_models=1)
    job = engine.automl.start(frame, settings, features=("size", "level"), project="options_encoding", holdout=None)
    state = finish(engine, job)
    # When this fails, H2O has learned it, and the rule in core/training/plan/options.py can go.
    with pytest.raises(EngineError, match="MOJO"):
        engine.models.save_mojo(state.models[0], tmp_path / "model.zip")
