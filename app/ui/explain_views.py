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
    """One view: the icon of its button, what draws it, and the tasks that have it."""

    icon: str
    draw: Callable[[Opened], None]
    tasks: tuple[Task, ...] = TASKS


VIEWS: dict[str, View] = {
    "Overview": View(":material/dashboard:", explain_overview.draw),
    "Features": View(":material/bar_chart:", explain_features.draw),
    "One case": View(":material/person_search:", explain_case.draw),
    "Performance": View(":material/target:", explain_performance.draw),
    "Decision": View(":material/rule:", explain_decision.draw, ("binary",)),
    "Weak spots": View(":material/troubleshoot:", explain_segments.draw),
    "Fairness": View(":material/balance:", explain_fairness.draw, ("binary",)),
    "Models": View(":material/compare:", explain_models.draw),
    "Learning": View(":material/show_chart:", explain_learning.draw),
    "Report": View(":material/description:", explain_report.draw),
}


def views_of(task: Task) -> tuple[str, ...]:
    """Return the views that a task has, in order."""
    return tuple(name for name, view in VIEWS.items() if task in view.tasks)


def label(name: str) -> str:
    """Return what stands on the button of a view."""
    return f"{VIEWS[name].icon} {name}"
