"""A modeling plan: the form of its steps, and what is said when a training ends without a model."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from core.domain.training import ALGORITHMS, TrainingSettings
from core.errors import TrainingSettingsError

MAX_PLAN_BYTES: Final = 1024**2
_PLAN_ALIASES: Final = ("all", "defaults", "grids")


def check_steps(plan: Sequence[Any], algorithms: Sequence[str]) -> None:
    """Check the form of a modeling plan; which parts an algorithm has is for the engine to know.

    Parameters
    ----------
    plan : sequence of mapping
        ``{"name": "GBM", "alias": "defaults"}`` or ``{"name": "GBM", "steps": [{"id": "def_1", "weight": 10}]}``.
    algorithms : sequence of str
        Those that the run may build.

    Raises
    ------
    TrainingSettingsError
        Naming the step.
    """
    for place, step in enumerate(plan, 1):
        problem = _plan_problem(step)
        if problem:
            raise TrainingSettingsError(
                f"Step {place} of the modeling plan {problem}.",
                hint='A step is {"name": "GBM", "alias": "defaults"} or {"name": "GBM", "steps": [{"id": "def_1"}]}.',
            )
        if step["name"] not in algorithms:
            raise TrainingSettingsError(
                f"Step {place} of the modeling plan builds {step['name']}, which is left out.",
                hint="Take the step out, or include the algorithm.",
            )


def _plan_problem(step: Any) -> str:
    if not isinstance(step, Mapping) or set(step) - {"name", "alias", "steps"}:
        return "is not an object with a name and an alias or steps"
    if step.get("name") not in ALGORITHMS:
        return f"names {str(step.get('name'))!r}, which is not one of {', '.join(ALGORITHMS)}"
    if "alias" in step and "steps" in step:
        return "has both an alias and steps"
    if "alias" in step and step["alias"] not in _PLAN_ALIASES:
        return f"has the alias {str(step['alias'])!r}, which is not one of {', '.join(_PLAN_ALIASES)}"
    return _steps_problem(step["steps"]) if "steps" in step else ""


def _steps_problem(steps: Any) -> str:
    if not isinstance(steps, list | tuple) or not steps:
        return "has no list of steps"
    for part in steps:
        if (
            not isinstance(part, Mapping)
            or not isinstance(part.get("id"), str)
            or set(part) - {"id", "weight", "group"}
        ):
            return "has a part that is not an object with an id and, optionally, a weight and a group"
        if not all(isinstance(part[key], int) and part[key] >= 0 for key in ("weight", "group") if key in part):
            return f"gives {part['id']!r} a weight or group that is not a whole number"
    return ""


def read_modeling_plan(content: bytes | str) -> tuple[dict[str, Any], ...]:
    """Read the JSON of a modeling plan, a list of steps.

    Raises
    ------
    TrainingSettingsError
        If it is no JSON list, or larger than 1 MiB.

    Examples
    --------
    >>> read_modeling_plan('[{"name": "GBM", "alias": "all"}]')
    ({'name': 'GBM', 'alias': 'all'},)
    """
    try:
        plan = json.loads(content) if len(content) <= MAX_PLAN_BYTES else None
    except ValueError as error:
        raise TrainingSettingsError(
            f"The modeling plan is not JSON: {error}.", hint='Write [{"name": "GBM", "alias": "defaults"}].'
        ) from error
    if not isinstance(plan, list):
        raise TrainingSettingsError(
            "The modeling plan is not a list of steps, or larger than 1 MiB.",
            hint='Write [{"name": "GBM", "alias": "defaults"}].',
        )
    return tuple(plan)


def no_model_error(settings: TrainingSettings, reason: str) -> tuple[str, str]:
    """Return message and hint for a training that ended without a model; `reason` is the engine's own."""
    what = reason.removeprefix("Empty leaderboard.").strip()
    if not settings.max_runtime_secs and reason != what:
        what = ""  # H2O puts it down to a time limit, of which there is none
    if settings.modeling_plan and not settings.max_runtime_secs:
        return (
            f"No model was built: {what or 'every step of the modeling plan failed.'}",
            "Check the steps of the modeling plan, or train without one; the event log says which were skipped.",
        )
    if settings.max_runtime_secs:
        share = f" and {settings.max_runtime_secs_per_model} s for each" if settings.max_runtime_secs_per_model else ""
        return (
            f"No model was built in {settings.max_runtime_secs} s{share}: {what or 'the time was too short for one.'}",
            "Allow more time (max_runtime_secs), ask for fewer folds (nfolds), or leave out slow algorithms.",
        )
    return (
        f"No model was built: {what or 'every model failed.'}",
        "Include more algorithms, or see the event log of the run for what went wrong with each.",
    )
