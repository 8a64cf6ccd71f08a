"""The views of the Explain page: in the order of the switch."""

from collections.abc import Callable
from dataclasses import dataclass

from app.ui.explain import features as explain_features
from app.ui.explain import models as explain_models
from app.ui.explain import overview as explain_overview
from app.ui.explain.case import view as explain_case
from app.ui.explain.opened import Opened
from app.ui.explain.quality import decision as explain_decision
from app.ui.explain.quality import fairness as explain_fairness
from app.ui.explain.quality import performance as explain_performance
from app.ui.explain.quality import weak_spots as explain_segments
from app.ui.widgets import report as report_view
from core.domain.training import TASKS, Task


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
    "Learning": View(explain_overview.learning),
    "Report": View(lambda opened: report_view.draw(opened.model, key="explain_report")),
}


def views_of(task: Task) -> tuple[str, ...]:
    """Return the views that a task has, in order."""
    return tuple(name for name, view in VIEWS.items() if task in view.tasks)
