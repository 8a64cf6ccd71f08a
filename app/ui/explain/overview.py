"""The Overview of the Explain page: the model's metrics and what it looks at most."""

from app.ui.explain import features as explain_features
from app.ui.explain import opened as explain_view
from app.ui.explain.opened import Opened
from app.ui.widgets.metrics import metric_cards


def draw(opened: Opened) -> None:
    """Draw the main metrics by origin, what was explained and the variable importance."""
    metric_cards(opened.model, opened.run)
    found = explain_view.need(opened)
    explain_view.head(opened, found)
    explain_features.importance(found)
