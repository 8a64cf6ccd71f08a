"""Settings in words: what matters always, the rest only where somebody changed it."""

from dataclasses import replace

from core.domain.training import TrainingSettings
from core.training.plan.presets import with_preset
from core.training.wording import setting_words

SETTINGS = {"dataset_id": "d", "target": "y", "experiment": "e", "task": "binary"}


def test_defaults_are_left_out_but_for_those_that_matter() -> None:
    assert setting_words(TrainingSettings(**SETTINGS)) == {
        "Target": "y", "Task": "two classes", "Maximum models": "10", "Folds": "5", "Seed": "1",
        "Ranked by": "AUC (default)",
    }  # fmt: skip


def test_a_preset_says_whether_it_was_changed_and_metrics_and_algorithms_have_their_names() -> None:
    balanced = with_preset(TrainingSettings(**SETTINGS), "balanced")
    assert setting_words(balanced)["Preset"] == "Balanced"
    changed = replace(balanced, nfolds=3, sort_metric="logloss", exclude_algos=("DeepLearning", "DRF"))
    told = setting_words(changed)
    assert told["Preset"] == "Balanced, changed"
    assert told["Ranked by"] == "log loss"
    assert told["Without these algorithms"] == "Deep learning, Random forest"


def test_what_was_changed_is_told_in_units_that_people_read() -> None:
    told = setting_words(
        TrainingSettings(
            **SETTINGS,
            positive="yes",
            ignored=("id", "name"),
            holdout_share=0.25,
            balance_classes=True,
            monotone_constraints={"age": 1},
            modeling_plan=(
                {"name": "GBM", "alias": "all"},
                {"name": "GLM", "steps": [{"id": "def_1"}, {"id": "def_2"}]},
                {"name": "DRF"},
            ),
            preset="no longer there",
            recipe={"name": "clean", "version": 2},
        )
    )
    assert told["Positive class"] == "yes"
    assert told["Columns left out"] == "id, name"
    assert told["Holdout share"] == "25%"
    assert told["Balanced classes"] == "Yes"
    assert told["Monotonic constraints"] == "age: 1"
    assert told["Modeling plan"] == "GBM all; GLM def_1, def_2; DRF"
    assert told["Preset"] == "no longer there"
    assert told["Recipe"] == "clean, version 2"
