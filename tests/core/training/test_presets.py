"""Presets: valid by themselves, overridden by what is set afterwards, and what Reproducible promises."""

from dataclasses import replace

import pytest

from core.domain.training import ALGORITHMS, TASKS, TrainingSettings
from core.errors import TrainingSettingsError
from core.settings import Settings
from core.training.plan.plan import check_settings
from core.training.plan.presets import DEFAULT_PRESET, PRESETS, with_preset

BASE = TrainingSettings(dataset_id="d", target="y", experiment="e", task="binary")


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("task", TASKS)
def test_every_preset_is_valid_for_every_task(name: str, task: str, settings: Settings) -> None:
    made = with_preset(replace(BASE, task=task), name)
    check_settings(made, settings)
    assert made.preset == name
    assert all(getattr(made, field) == value for field, value in PRESETS[name].settings.items())


def test_the_default_preset_changes_no_default() -> None:
    assert replace(with_preset(BASE, DEFAULT_PRESET), preset=None) == BASE


def test_what_is_set_afterwards_overrides() -> None:
    made = replace(with_preset(BASE, "thorough"), max_models=4, target="z")
    assert (made.max_models, made.holdout_share) == (4, 0.1)


def test_reproducible_has_nothing_that_depends_on_time_or_chance() -> None:
    made = with_preset(replace(BASE, max_runtime_secs=5, include_algos=ALGORITHMS), "reproducible")
    assert (made.max_runtime_secs, made.max_runtime_secs_per_model) == (0, 0)
    assert "DeepLearning" in made.exclude_algos
    assert not made.include_algos


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(TrainingSettingsError) as caught:
        with_preset(BASE, "fastest")
    assert all(name in caught.value.hint for name in PRESETS)
