"""The Report view of the Explain page: the model card, and the whole report to hand on."""

from app.ui import report_view
from app.ui.explain_view import Opened


def draw(opened: Opened) -> None:
    """Draw the report of the model that is open."""
    report_view.draw(opened.model, key="explain_report")
