"""Presets: settings that go together, each with a line that says what it does."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from core.domain.training import TrainingSettings
from core.errors import TrainingSettingsError


@dataclass(frozen=True)
class Preset:
    """Some settings to start from.

    Attributes
    ----------
    title : str
        What people call it.
    about : str
        What it does, in one or two sentences.
    settings : mapping of str to object
        Fields of `TrainingSettings`.
    """

    title: str
    about: str
    settings: Mapping[str, Any]


DEFAULT_PRESET: Final = "balanced"
PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        "quick": Preset(
            "Quick",
            "A first look: 5 models, each checked in 3 folds, and it stops after 5 minutes at the latest.",
            {"max_models": 5, "max_runtime_secs": 300, "nfolds": 3, "holdout_share": 0.0},
        ),
        "balanced": Preset(
            "Balanced",
            "What most problems need: 10 models of all kinds, each checked in 5 folds, for as long as they take.",
            {"max_models": 10, "max_runtime_secs": 0, "nfolds": 5, "holdout_share": 0.0},
        ),
        "thorough": Preset(
            "Thorough",
            "For the best result: 30 models in 5 folds, and a final test on a tenth of the rows, unseen until then.",
            {"max_models": 30, "max_runtime_secs": 0, "nfolds": 5, "holdout_share": 0.1},
        ),
        "reproducible": Preset(
            "Reproducible",
            "The same data gives the same leaderboard again: 10 models, a fixed seed, no limit in time, and no neural"
            " networks, whose result depends on chance.",
            {
                "max_models": 10,
                "max_runtime_secs": 0,
                "max_runtime_secs_per_model": 0,
                "nfolds": 5,
                "holdout_share": 0.0,
                "seed": 1,
                "include_algos": (),
                "exclude_algos": ("DeepLearning",),
            },
        ),
    }
)


def get_preset(name: str) -> Preset:
    """Return a preset (TrainingSettingsError if there is none of that name)."""
    if name not in PRESETS:
        raise TrainingSettingsError(f"There is no preset {name!r}.", hint=f"Use one of {', '.join(PRESETS)}.")
    return PRESETS[name]


def with_preset(settings: TrainingSettings, name: str) -> TrainingSettings:
    """Return the settings with those of a preset; what is set afterwards overrides it.

    TrainingSettingsError if there is none of that name.
    """
    return replace(settings, **get_preset(name).settings, preset=name)
