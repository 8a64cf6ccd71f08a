"""Rules of the options that need no data: each broken one is said with what to change."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from core.domain.training import ALGORITHMS, TrainingSettings
from core.errors import TrainingSettingsError
from core.settings import Settings
from core.training.plan.plan import algorithms, check_settings, no_model_error, resolve

BINARY = TrainingSettings(dataset_id="d", target="y", experiment="e", task="binary")
NUMBER = replace(BINARY, task="regression")
CLASSES = replace(BINARY, task="multiclass")

BROKEN: Mapping[str, tuple[TrainingSettings, Mapping[str, object], str]] = {
    "a model longer than the run": (BINARY, {"max_runtime_secs": 10, "max_runtime_secs_per_model": 20}, "20 s"),
    "time of a model negative": (BINARY, {"max_runtime_secs_per_model": -1}, "per_model is -1"),
    "no limit at all": (BINARY, {"max_models": 0}, "Neither"),
    "unknown split": (BINARY, {"split": "stratified"}, "'stratified'"),
    "time without a column": (BINARY, {"split": "time"}, "needs the column"),
    "random with a column": (BINARY, {"split_column": "day"}, "random split"),
    "folds twice": (BINARY, {"split": "group", "split_column": "g", "fold_column": "f"}, "so does the fold column"),
    "target as weights": (BINARY, {"weights_column": "y"}, "both the target and the weights"),
    "folds as weights": (BINARY, {"fold_column": "a", "weights_column": "a"}, "both the fold column and the weights"),
    "weights as group": (BINARY, {"weights_column": "a", "split": "group", "split_column": "a"}, "the weights and"),
    "balance a number": (NUMBER, {"balance_classes": True}, "no classes"),
    "factors without balance": (BINARY, {"class_sampling_factors": (1.0, 2.0)}, "do nothing"),
    "factor of 0": (BINARY, {"balance_classes": True, "class_sampling_factors": (0.0, 1.0)}, "factors are 0, 1"),
    "balanced size of 0": (BINARY, {"balance_classes": True, "max_after_balance_size": 0.0}, "balance_size is 0"),
    "distribution of numbers for classes": (BINARY, {"distribution": "poisson"}, "'poisson'"),
    "distribution of classes for numbers": (NUMBER, {"distribution": "bernoulli"}, "'bernoulli'"),
    "tweedie power 2": (NUMBER, {"distribution": "tweedie", "tweedie_power": 2.0}, "power is 2"),
    "quantile of 1": (NUMBER, {"distribution": "quantile", "quantile_alpha": 1.0}, "quantile_alpha is 1"),
    "huber of 0": (NUMBER, {"distribution": "huber", "huber_alpha": 0.0}, "huber_alpha is 0"),
    "deviances that differ": (NUMBER, {"distribution": "gamma", "sort_metric": "deviance"}, "cannot be compared"),
    "a quantile sorted by rmse": (NUMBER, {"distribution": "quantile", "sort_metric": "rmse"}, "near a mean"),
    "a quantile by forests": (NUMBER, {"distribution": "quantile", "include_algos": ("DRF",)}, "DRF does not know"),
    "nothing left for a quantile": (
        NUMBER, {"distribution": "quantile", "exclude_algos": ("GBM", "DeepLearning")}, "no algorithm is left",
    ),
    "stopping by a metric of numbers": (BINARY, {"stopping_metric": "mae"}, "stopped by 'mae'"),
    "rounds negative": (BINARY, {"stopping_rounds": -1}, "stopping_rounds is -1"),
    "tolerance of 1": (BINARY, {"stopping_tolerance": 1.0}, "tolerance is 1.0"),
    "exploitation over 1": (BINARY, {"exploitation_ratio": 1.5}, "ratio is 1.5"),
    "a constraint of 2": (BINARY, {"monotone_constraints": {"age": 2}}, "'age' is 2"),
    "constraints with classes": (CLASSES, {"monotone_constraints": {"a": 1}}, "several classes"),
    "constraints with poisson": (NUMBER, {"monotone_constraints": {"a": 1}, "distribution": "poisson"}, "poisson"),
    "constraints by GLM": (BINARY, {"monotone_constraints": {"a": 1}, "include_algos": ("GLM",)}, "GLM would"),
    "ensembles by weights": (BINARY, {"weights_column": "w", "include_algos": ALGORITHMS}, "without weights"),
    "blending for nothing": (BINARY, {"blending_share": 0.1, "exclude_algos": ("StackedEnsemble",)}, "no ensemble"),
    "blending with weights": (BINARY, {"blending_share": 0.1, "weights_column": "w"}, "no ensemble"),
    "blending of all": (BINARY, {"blending_share": 0.9}, "share is 0.9"),
    "target encoding": (BINARY, {"target_encoding": True}, "MOJO"),
    "a plan of words": (BINARY, {"modeling_plan": ("GBM",)}, "Step 1 of the modeling plan is not an object"),
    "a plan of nobody": (BINARY, {"modeling_plan": ({"name": "Cat"},)}, "'Cat'"),
    "a plan of two kinds": (BINARY, {"modeling_plan": ({"name": "GBM", "alias": "all", "steps": []},)}, "both an"),
    "an unknown alias": (BINARY, {"modeling_plan": ({"name": "GBM", "alias": "some"},)}, "'some'"),
    "a step without id": (BINARY, {"modeling_plan": ({"name": "GLM"}, {"name": "GBM", "steps": [{}]})}, "Step 2"),
    "a weight of words": (
        BINARY, {"modeling_plan": ({"name": "GBM", "steps": [{"id": "def_1", "weight": "much"}]},)}, "whole number",
    ),
    "a plan of what is left out": (
        BINARY, {"modeling_plan": ({"name": "GBM"},), "exclude_algos": ("GBM",)}, "which is left out",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN, ids=BROKEN.keys())
def test_a_broken_rule_names_the_option_and_what_to_change(case: str, settings: Settings) -> None:
    base, changes, words = BROKEN[case]
    check_settings(base, settings)
    with pytest.raises(TrainingSettingsError, match=words) as caught:
        check_settings(replace(base, **changes), settings)
    assert caught.value.hint


FINE: tuple[tuple[TrainingSettings, Mapping[str, object]], ...] = (
    (BINARY, {"max_runtime_secs_per_model": 20, "max_runtime_secs": 60}),
    (BINARY, {"split": "time", "split_column": "day", "weights_column": "w"}),
    (BINARY, {"balance_classes": True, "class_sampling_factors": (0.5, 2.0), "max_after_balance_size": 0.5}),
    (NUMBER, {"distribution": "tweedie", "tweedie_power": 1.2, "sort_metric": "mae"}),
    (NUMBER, {"distribution": "quantile", "quantile_alpha": 0.9}),
    (NUMBER, {"distribution": "huber", "include_algos": ("GBM",), "sort_metric": "deviance"}),
    (BINARY, {"monotone_constraints": {"age": -1}, "include_algos": ("GBM", "StackedEnsemble")}),
    (
        BINARY,
        {"modeling_plan": ({"name": "GBM", "steps": [{"id": "def_1", "weight": 5, "group": 1}]}, {"name": "GLM"})},
    ),
    (BINARY, {"blending_share": 0.2, "fold_column": "f"}),
    (BINARY, {"stopping_metric": "lift_top_group", "stopping_rounds": 0, "stopping_tolerance": 0.01}),
)


@pytest.mark.parametrize(
    ("base", "changes"), FINE, ids=lambda value: ", ".join(value) if isinstance(value, dict) else ""
)
def test_options_that_go_together_are_taken(
    base: TrainingSettings, changes: Mapping[str, object], settings: Settings
) -> None:
    check_settings(replace(base, **changes), settings)


def test_algorithms_that_nobody_chose_give_way() -> None:
    assert algorithms(resolve(replace(NUMBER, distribution="laplace"))) == ("GBM", "DeepLearning")
    assert algorithms(resolve(replace(BINARY, monotone_constraints={"a": 1}))) == ("XGBoost", "GBM", "StackedEnsemble")
    by_weight = resolve(replace(BINARY, weights_column="w", exclude_algos=("DRF",)))
    assert by_weight.exclude_algos == ("DRF", "StackedEnsemble")
    assert resolve(BINARY) == BINARY


def test_a_quantile_is_ranked_by_its_own_deviance() -> None:
    assert resolve(replace(NUMBER, distribution="quantile")).sort_metric == "deviance"
    assert resolve(replace(NUMBER, distribution="huber")).sort_metric == "AUTO"


@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        ({"max_runtime_secs": 1}, "in 1 s", "more time"),
        ({"max_runtime_secs": 9, "max_runtime_secs_per_model": 2}, "in 9 s and 2 s for each", "more time"),
        ({"modeling_plan": ({"name": "GBM", "steps": [{"id": "def_99"}]},)}, "step", "steps of the modeling plan"),
        ({}, "every model failed", "event log"),
    ],
)
def test_an_end_without_a_model_says_what_to_change(changes: Mapping[str, object], message: str, hint: str) -> None:
    found = no_model_error(replace(BINARY, **changes), "")
    assert message in found[0]
    assert hint in found[1]


def test_the_reason_of_the_engine_is_kept() -> None:
    reason = "Empty leaderboard.\nAutoML was not able to build any model within a limit of 1 seconds."
    message, _ = no_model_error(replace(BINARY, max_runtime_secs=1), reason)
    assert message == ("No model was built in 1 s: AutoML was not able to build any model within a limit of 1 seconds.")
