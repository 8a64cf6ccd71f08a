"""What is made of H2O's answers: importance and contributions per feature, metrics, the build request. No JVM."""

from dataclasses import replace
from typing import ClassVar

import pyarrow as pa
import pytest

from core.domain.training import TrainingSettings
from core.engine.encoded import feature_of, fold, fold_contributions
from core.engine.rest.automl import _build, number
from core.engine.rest.models import read_metrics
from core.engine.rest.spec import Frames, build_spec
from core.errors import EngineError

FEATURES = {"age": (), "size": ("L", "S"), "a.b": ("x",), "a": ("b.x", "c"), "名": ("是",)}


@pytest.mark.parametrize(
    ("name", "feature"),
    [
        ("age", "age"),
        ("size.S", "size"),
        ("size.missing(NA)", "size"),
        ("a.b", "a.b"),
        ("a.b.x", "a.b"),  # also a level `b.x` of `a`: the longer feature wins
        ("a.c", "a"),
        ("a.b.new", "a.b"),
        ("名.是", "名"),
        ("other", "other"),
    ],
)
def test_feature_of(name: str, feature: str) -> None:
    assert feature_of(name, FEATURES) == feature


def test_fold_sums_and_scales() -> None:
    found = fold([("age", 2.0), ("size.S", 1.0), ("size.L", 3.0), ("a.c", -0.5)], FEATURES)
    assert found == (("size", 1.0), ("age", 0.5), ("a", 0.0))
    assert fold([], FEATURES) == ()
    assert fold([("age", 0.0)], FEATURES) == (("age", 0.0),)


def test_fold_contributions_keeps_row_sums() -> None:
    found = pa.table({"size.S": [1.0, -1.0], "age": [0.5, 0.5], "size.L": [0.25, 2.0], "BiasTerm": [3.0, 3.0]})
    folded = fold_contributions(found, {"age": (), "size": ("L", "S"), "constant": ()})
    assert folded.to_pydict() == {
        "age": [0.5, 0.5],
        "size": [1.25, 1.0],
        "constant": [0.0, 0.0],
        "BiasTerm": [3.0, 3.0],
    }


@pytest.mark.parametrize(
    ("value", "expected"), [(1, 1.0), ("0.5", 0.5), ("NaN", None), ("Infinity", None), (None, None), ("", None)]
)
def test_number(value: object, expected: float | None) -> None:
    assert number(value) == expected


def test_read_metrics_takes_finite_ones_under_leaderboard_names() -> None:
    found = {"AUC": 0.9, "pr_auc": "NaN", "RMSE": 0.3, "MSE": 0.09, "Gini": 0.8, "mean_residual_deviance": None}
    assert read_metrics(found) == {"auc": 0.9, "rmse": 0.3, "mse": 0.09}
    assert read_metrics(None) == {}


def test_build_spec_is_explicit_and_never_ranks_by_the_holdout() -> None:
    settings = TrainingSettings(
        dataset_id="d", target="y", experiment="e", task="binary", max_models=0, max_runtime_secs=60, seed=5
    )
    spec = build_spec(settings, Frames("f"), ["id"], "p")
    assert spec["build_control"]["stopping_criteria"] == {
        "max_models": 0, "max_runtime_secs": 60, "max_runtime_secs_per_model": 0, "seed": 5, "stopping_rounds": 3
    }  # fmt: skip
    assert spec["build_control"]["keep_cross_validation_predictions"] is True
    assert spec["input_spec"] == {"training_frame": "f", "response_column": "y", "ignored_columns": ["id"]}
    assert spec["build_models"] == {}


def test_build_spec_passes_choices_on() -> None:
    settings = TrainingSettings(
        dataset_id="d",
        target="y",
        experiment="e",
        task="binary",
        sort_metric="AUCPR",
        exclude_algos=("DRF",),
        balance_classes=True,
    )
    spec = build_spec(settings, Frames("f"), [], "p")
    assert spec["input_spec"]["sort_metric"] == "aucpr"
    assert spec["build_models"] == {"exclude_algos": ["DRF"]}
    assert spec["build_control"]["balance_classes"] is True


def test_build_spec_says_every_option_in_the_words_of_h2o() -> None:
    settings = TrainingSettings(
        dataset_id="d", target="y", experiment="e", task="regression", max_runtime_secs_per_model=7, stopping_rounds=2,
        stopping_metric="mae", stopping_tolerance=0.01, exploitation_ratio=0.1, weights_column="w",
        distribution="tweedie", tweedie_power=1.7, monotone_constraints={"age": 1, "bmi": -1},
        keep_cross_validation_models=True, keep_cross_validation_fold_assignment=True, target_encoding=True,
        modeling_plan=({"name": "GBM", "alias": "defaults"},),
    )  # fmt: skip
    spec = build_spec(settings, Frames("f", holdout="h", blending="b", fold_column="folds"), [], "p")
    control = spec["build_control"]
    assert control["stopping_criteria"] == {
        "max_models": 10, "max_runtime_secs": 0, "max_runtime_secs_per_model": 7, "seed": 1, "stopping_rounds": 2,
        "stopping_metric": "mae", "stopping_tolerance": 0.01,
    }  # fmt: skip
    assert (control["distribution"], control["tweedie_power"], control["nfolds"]) == ("tweedie", 1.7, 0)
    assert "quantile_alpha" not in control
    assert control["keep_cross_validation_models"] is control["keep_cross_validation_fold_assignment"] is True
    assert spec["input_spec"] == {
        "training_frame": "f", "response_column": "y", "ignored_columns": [], "fold_column": "folds",
        "weights_column": "w", "blending_frame": "b",
    }  # fmt: skip
    assert spec["build_models"] == {
        "exploitation_ratio": 0.1,
        "preprocessing": [{"type": "targetencoding"}],
        "algo_parameters": [
            {
                "scope": "any",
                "name": "monotone_constraints",
                "value": [{"key": "age", "value": 1}, {"key": "bmi", "value": -1}],
            }
        ],
        "modeling_plan": [{"name": "GBM", "alias": "defaults"}],
    }


def test_build_spec_says_how_a_glm_is_fitted_only_where_the_scale_of_the_target_asks_for_it() -> None:
    settings = TrainingSettings(
        dataset_id="d", target="y", experiment="e", task="regression", monotone_constraints={"a": 1}
    )

    def parameters(sd: float, distribution: str = "AUTO") -> list[dict[str, object]]:
        spec = build_spec(replace(settings, distribution=distribution), Frames("f", target_sd=sd), [], "p")
        return spec["build_models"]["algo_parameters"]

    assert [found["name"] for found in parameters(1.0)] == ["monotone_constraints"]
    assert [found["name"] for found in parameters(1e5, "poisson")] == ["monotone_constraints"]
    found = (parameters(sd) for sd in (79_442.0, 2e-6))
    large, small = ({one["name"]: one["value"] for one in each if one["scope"] == "GLM"} for each in found)
    assert (large["lambda"][0], large["lambda"][-1]) == (pytest.approx(1e6), pytest.approx(1e-5))
    assert (small["lambda"][0], small["lambda"][-1]) == (pytest.approx(10), pytest.approx(1e-11))
    assert (large["beta_epsilon"], small["beta_epsilon"]) == (10.0, pytest.approx(1e-10))


def test_a_cluster_that_lets_nothing_be_said_of_single_algorithms_trains_without() -> None:
    class Cluster:
        asked: ClassVar[list[dict]] = []

        def post_json(self, path: str, body: dict) -> dict:
            self.asked.append(body["build_models"]["algo_parameters"])
            if any(parameter["scope"] == "GLM" for parameter in self.asked[-1]):
                raise EngineError("Illegal value for field: algo_parameters: lambda")
            return {"job": path}

    settings = TrainingSettings(dataset_id="d", target="y", experiment="e", task="regression")
    _build(Cluster(), build_spec(settings, Frames("f", target_sd=1e5), [], "p"))  # type: ignore[arg-type]
    assert [len(parameters) for parameters in Cluster.asked] == [3, 0]


def test_build_spec_brings_class_factors_into_the_order_of_the_frame() -> None:
    settings = TrainingSettings(
        dataset_id="d", target="y", experiment="e", task="binary", balance_classes=True,
        class_sampling_factors=(1.0, 3.0), max_after_balance_size=2.0,
    )  # fmt: skip
    # The positive class "no" comes last in the frame, but first when sorted.
    spec = build_spec(settings, Frames("f", classes=("yes", "no")), [], "p")
    assert spec["build_control"]["class_sampling_factors"] == [3.0, 1.0]
    assert spec["build_control"]["max_after_balance_size"] == 2.0
