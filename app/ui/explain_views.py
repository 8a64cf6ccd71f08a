"""The views of the Explain page: one module each, in the order of the switch."""

from collections.abc import Callable
from dataclasses import dataclass

from app.ui import (
    explain_case,
    explain_decision,
    explain_fairness,
    explain_features,
    explain_learning,
    explain_models,
    explain_overview,
    explain_performance,
    explain_report,
    explain_segments,
)
from app.ui.explain_view import Opened
from core.types import TASKS, Task


@dataclass(frozen=True)
class View:
    """One view: what draws it, and the tasks that have it."""

    draw: Callable[[Opened], None]
    tasks: tuple[Task, ...] = TASKS


VIEWS: dict[str, View] = {
    "Overview": View(explain_overview.draw),
    "Features": View(explain_features.draw),
    "One case": View(explain_case.draw),
    "Performance": View(explain_performance.draw),
    "Decision": View(explain_decision.draw, ("binary",)),
    "Weak spots": View(explain_segments.draw),
    "Fairness": View(explain_fairness.draw, ("binary",)),
    "Models": View(explain_models.draw),
    "Learning": View(explain_learning.draw),
    "Report": View(explain_report.draw),
}


def views_of(task: Task) -> tuple[str, ...]:
    """Return the views that a task has, in order."""
    return tuple(name for name, view in VIEWS.items() if task in view.tasks)
