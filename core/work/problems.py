"""One experiment, one problem: what would rank a number among classes is refused."""

import re
from collections.abc import Collection

from core.domain.runs import RunInfo
from core.domain.training import TrainingSettings
from core.errors import TrainingSettingsError
from core.store.mlflow import Store

_FORBIDDEN = re.compile(r"[/:\x00-\x1f\x7f]+")
_MOST_CHARS = 120


def check_problem(store: Store, wanted: TrainingSettings) -> None:
    """Refuse a run in an experiment whose models predict something else.

    A run that ended without a model ranks nowhere, so it does not count.

    Raises
    ------
    TrainingSettingsError
        Code ``experiment.problem``: a run has another target or task, and none has these; the hint names a free
        experiment.
    """
    runs = [
        run for run in store.list_runs(experiment=wanted.experiment, archived=None) if run.n_models or not run.is_final
    ]
    if not runs or any(_is_same(run, wanted) for run in runs):
        return
    other = runs[0].settings
    free = free_name(wanted, store.experiments())
    raise TrainingSettingsError(
        f"The experiment {wanted.experiment!r} predicts {other.target!r} ({other.task}); a model of "
        f"{wanted.target!r} ({wanted.task}) cannot be ranked among its models.",
        hint=f"Choose another experiment: {free!r} is free.",
        code="experiment.problem",
    )


def free_name(wanted: TrainingSettings, taken: Collection[str]) -> str:
    """Return a name for an experiment with another problem that none has.

    Examples
    --------
    >>> asked = TrainingSettings(dataset_id="d", target="a/b", experiment="shop", task="regression")
    >>> free_name(asked, ()), free_name(asked, {"shop a-b"}), free_name(asked, {"shop a-b", "shop a-b regression"})
    ('shop a-b', 'shop a-b regression', 'shop a-b regression 2')
    """
    known = {name.casefold() for name in taken}
    number, first = 1, f"{wanted.experiment} {wanted.target}"
    name = first
    while (found := _fitting(name)).casefold() in known:
        name = f"{first} {wanted.task}" + (f" {number}" if number > 1 else "")
        number += 1
    return found


def _fitting(name: str) -> str:
    """Cut a name in its middle, so that what makes it differ stays."""
    plain = _FORBIDDEN.sub("-", name)
    if len(plain) > _MOST_CHARS:
        plain = plain[: _MOST_CHARS // 2].rstrip() + plain[-_MOST_CHARS // 2 :]
    return plain.strip(" .")


def _is_same(run: RunInfo, wanted: TrainingSettings) -> bool:
    return (run.settings.target, run.settings.task) == (wanted.target, wanted.task)
