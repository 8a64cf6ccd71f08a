"""The options of `train`: each becomes the setting of its name, on top of a preset or the target's proposal."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.cli.commands.train import add_arguments, factor_words, given
from core.data.datasets.registry import Datasets
from core.domain.training import TrainingSettings
from core.errors import TrainingSettingsError
from core.settings import Settings

REQUIRED = ["--data", "d", "--target", "y"]
VALUES = {
    "--max-models": ("7", "max_models", 7),
    "--max-runtime-secs": ("60", "max_runtime_secs", 60),
    "--max-runtime-secs-per-model": ("9", "max_runtime_secs_per_model", 9),
    "--seed": ("5", "seed", 5),
    "--nfolds": ("3", "nfolds", 3),
    "--holdout": ("0.2", "holdout_share", 0.2),
    "--split": ("group", "split", "group"),
    "--split-column": ("store", "split_column", "store"),
    "--fold-column": ("part", "fold_column", "part"),
    "--weights-column": ("w", "weights_column", "w"),
    "--sort-metric": ("logloss", "sort_metric", "logloss"),
    "--include-algos": ("gbm, GLM", "include_algos", ("GBM", "GLM")),
    "--exclude-algos": ("deeplearning", "exclude_algos", ("DeepLearning",)),
    "--monotone": ("age=+1", "monotone_constraints", {"age": 1}),
    "--exploitation-ratio": ("0.1", "exploitation_ratio", 0.1),
    "--blending-share": ("0.1", "blending_share", 0.1),
    "--class-sampling-factors": ("1,2.5", "class_sampling_factors", (1.0, 2.5)),
    "--max-after-balance-size": ("2", "max_after_balance_size", 2.0),
    "--distribution": ("tweedie", "distribution", "tweedie"),
    "--tweedie-power": ("1.7", "tweedie_power", 1.7),
    "--quantile-alpha": ("0.9", "quantile_alpha", 0.9),
    "--huber-alpha": ("0.8", "huber_alpha", 0.8),
    "--stopping-metric": ("auc", "stopping_metric", "auc"),
    "--stopping-rounds": ("0", "stopping_rounds", 0),
    "--stopping-tolerance": ("0.01", "stopping_tolerance", 0.01),
    "--positive": ("1", "positive", "1"),
    "--baselines": ("glm, Constant", "baselines", ("GLM", "constant")),
    "--ignore": ("id", "ignored", ("id",)),
}
FLAGS = {
    "--balance-classes": "balance_classes",
    "--target-encoding": "target_encoding",
    "--keep-cross-validation-models": "keep_cross_validation_models",
    "--keep-cross-validation-fold-assignment": "keep_cross_validation_fold_assignment",
}
ELSEWHERE = {"dataset_id", "target", "experiment", "task", "recipe", "preset", "modeling_plan", "baselines", "backtest"}


def read(*options: str) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return given(parser.parse_args([*REQUIRED, *options]))


def test_what_is_not_given_overrides_nothing() -> None:
    assert read() == {}


@pytest.mark.parametrize("option", VALUES)
def test_each_option_is_the_setting_of_its_name(option: str) -> None:
    text, name, value = VALUES[option]
    assert read(option, text)[name] == value


@pytest.mark.parametrize("option", FLAGS)
def test_each_flag_is_the_setting_of_its_name(option: str) -> None:
    assert read(option) == {FLAGS[option]: True}


def test_a_backtest_is_left_out_when_asked() -> None:
    assert read("--no-backtest") == {"backtest": False}


def test_no_setting_is_without_an_option() -> None:
    settings = {name for _, name, _ in VALUES.values()} | set(FLAGS.values()) | ELSEWHERE
    assert settings == set(TrainingSettings.__dataclass_fields__)


def test_a_time_alone_is_the_limit_but_not_with_a_preset() -> None:
    assert read("--max-runtime-secs", "60") == {"max_runtime_secs": 60, "max_models": 0}
    assert read("--max-runtime-secs", "60", "--preset", "quick") == {"max_runtime_secs": 60}


def test_included_algorithms_override_those_that_a_preset_excludes() -> None:
    assert read("--include-algos", "GBM")["exclude_algos"] == ()


def test_a_name_with_an_equals_sign_can_be_constrained() -> None:
    assert read("--monotone", "city=Bonn=-1", "--monotone", "age=1")["monotone_constraints"] == {
        "city=Bonn": -1,
        "age": 1,
    }


def test_a_modeling_plan_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps([{"name": "GBM", "alias": "all"}]))
    assert read("--modeling-plan", str(path)) == {"modeling_plan": ({"name": "GBM", "alias": "all"},)}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--monotone", "age"), "'age' is not a constraint"),
        (("--monotone", "age=up"), "'age=up' is not a constraint"),
        (("--class-sampling-factors", "1;2"), "'1;2' is not a list"),
        (("--modeling-plan", "nowhere.json"), "no modeling plan 'nowhere.json'"),
    ],
)
def test_what_cannot_be_read_is_said(options: tuple[str, str], words: str) -> None:
    with pytest.raises(TrainingSettingsError, match=words) as caught:
        read(*options)
    assert caught.value.hint


@pytest.mark.parametrize("content", ["{", '{"name": "GBM"}', "[" + " " * 1024**2 + "]"])
def test_a_file_that_is_no_plan_is_said(tmp_path: Path, content: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(content)
    with pytest.raises(TrainingSettingsError, match="modeling plan is not"):
        read("--modeling-plan", str(path))


def test_factors_are_said_by_class_for_text_sorts_ten_before_two(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("x,y\n" + "".join(f"{n},{(1, 2, 10)[n % 3]}\n" for n in range(30)))
    datasets = Datasets(settings)
    wanted = TrainingSettings(
        dataset_id=datasets.add(path, path.name).id, target="y", experiment="e", task="multiclass",
        balance_classes=True, class_sampling_factors=(1.0, 2.0, 0.5),
    )  # fmt: skip
    assert factor_words(wanted, datasets) == ["Class sampling factors, by class sorted as text: 1 1, 10 2, 2 0.5."]
    assert factor_words(replace(wanted, class_sampling_factors=()), datasets) == []
