"""The Report view of the Explain page: the model card, and the whole report to hand on."""

from app.ui.explain.opened import Opened
from app.ui.widgets import report as report_view


def draw(opened: Opened) -> None:
    """Draw the report of the model that is open."""
    report_view.draw(opened.model, key="explain_report")
