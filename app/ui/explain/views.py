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
class ExplainView:
    """One view: what draws it, and the tasks that have it."""

    draw: Callable[[Opened], None]
    tasks: tuple[Task, ...] = TASKS


VIEWS: dict[str, ExplainView] = {
    "Overview": ExplainView(explain_overview.draw),
    "Features": ExplainView(explain_features.draw),
    "One case": ExplainView(explain_case.draw),
    "Performance": ExplainView(explain_performance.draw),
    "Decision": ExplainView(explain_decision.draw, ("binary",)),
    "Weak spots": ExplainView(explain_segments.draw),
    "Fairness": ExplainView(explain_fairness.draw, ("binary",)),
    "Models": ExplainView(explain_models.draw),
    "Learning": ExplainView(explain_overview.learning),
    "Report": ExplainView(lambda opened: report_view.draw(opened.model, key="explain_report")),
}


def views_of(task: Task) -> tuple[str, ...]:
    """Return the views that a task has, in order."""
    return tuple(name for name, view in VIEWS.items() if task in view.tasks)
