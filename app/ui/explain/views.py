"""The views of the Explain page, in the order of their questions: how good, driven by what, weak where, what now."""

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
from app.ui.widgets.models import report as report_view
from core.domain.training import TASKS, Task


@dataclass(frozen=True)
class ExplainView:
    """One view: the question that it answers, what draws it, and the tasks that have it."""

    question: str
    draw: Callable[[Opened], None]
    tasks: tuple[Task, ...] = TASKS


VIEWS: dict[str, ExplainView] = {
    "Overview": ExplainView("How good is it, and what does it rely on?", explain_overview.draw),
    "Performance": ExplainView("How good is it on rows it had not seen?", explain_performance.draw),
    "Learning": ExplainView("Did it learn enough, and not overfit?", explain_overview.learning),
    "Features": ExplainView("What drives its predictions?", explain_features.draw),
    "One case": ExplainView("Why this prediction, and what would change it?", explain_case.draw),
    "Weak spots": ExplainView("Where is it weak?", explain_segments.draw),
    "Fairness": ExplainView("Does it treat groups alike?", explain_fairness.draw, ("binary",)),
    "Decision": ExplainView("At what probability is it a yes?", explain_decision.draw, ("binary",)),
    "Models": ExplainView("How do the models of this run differ?", explain_models.draw),
    "Report": ExplainView(
        "What can be shared or printed?", lambda opened: report_view.draw(opened.model, key="explain_report")
    ),
}


def views_of(task: Task) -> tuple[str, ...]:
    """Return the views that a task has, in order."""
    return tuple(name for name, view in VIEWS.items() if task in view.tasks)
