"""The Learning view of the Explain page: how the metric moved while the model was built."""

import streamlit as st

from app.ui.explain import opened as explain_view
from app.ui.explain.opened import Opened, method, no_data
from app.ui.widgets.layout import chart
from core.charts import models as charts_models


def draw(opened: Opened) -> None:
    """Draw the learning curve."""
    item = explain_view.need(opened).learning_curve
    st.caption("How the metric moved while the model was built; curves that drift apart hint at overfitting.")
    if not no_data(item):
        figure = charts_models.learning_curve(item)
        chart(figure, key="explain_learning", alt="The metric while the model was built")
        method(item)
