"""The Overview of the Explain page: the model's metrics and what it looks at most."""

from app.ui import explain_features, explain_view, model_widgets
from app.ui.explain_view import Opened


def draw(opened: Opened) -> None:
    """Draw the main metrics by origin, what was explained and the variable importance."""
    model_widgets.metric_cards(opened.model, opened.run)
    found = explain_view.need(opened)
    explain_view.head(opened, found)
    explain_features.importance(found)
