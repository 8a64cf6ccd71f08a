"""The Overview of the Explain page, and the Learning view: the model's metrics, what it relies on, how it learned."""

import streamlit as st

from app.ui.explain import features as explain_features
from app.ui.explain import opened as explain_view
from app.ui.explain.opened import Opened, method, no_data
from app.ui.widgets.layout import chart
from app.ui.widgets.metrics import metric_cards
from core.charts import models as charts_models


def draw(opened: Opened) -> None:
    """Draw the main metrics by origin, what was explained and the variable importance."""
    metric_cards(opened.model, opened.run)
    found = explain_view.need(opened)
    explain_view.head(opened, found)
    explain_features.importance(found)


def learning(opened: Opened) -> None:
    """Draw the learning curve."""
    item = explain_view.need(opened).learning_curve
    st.caption("How the metric moved while the model was built; curves that drift apart hint at overfitting.")
    if not no_data(item):
        figure = charts_models.learning_curve(item)
        chart(figure, key="explain_learning", alt="The metric while the model was built")
        method(item)
