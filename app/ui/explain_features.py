"""The Features view of the Explain page: what the model looks at, and how the prediction moves with it."""

import streamlit as st

from app.ui import explain_view, widgets
from app.ui.explain_view import Opened, method, no_data
from core import charts_models
from core.explanations import Explanations

IMPORTANCE, SHAP, DEPENDENCE = "Importance", "SHAP", "Partial dependence"
_HELP = {
    IMPORTANCE: "How much the model relies on each feature, relative to the first. It says nothing about cause.",
    SHAP: "Each point is one row: how far the feature moved its prediction, up to the right, down to the left.",
    DEPENDENCE: "The mean prediction when this one feature is set to each value and all others stay as they are.",
}


def draw(opened: Opened) -> None:
    """Draw the chosen explanation of the features."""
    found = explain_view.need(opened)
    kind = st.segmented_control(
        "Explanation", tuple(_HELP), key="explain_features", default=IMPORTANCE, required=True,
        label_visibility="collapsed", wrap=True, format_func=widgets.choice_labels(str),
    )  # fmt: skip
    st.caption(_HELP[kind])
    if kind == IMPORTANCE:
        importance(found)
    elif kind == SHAP:
        shap(found)
    else:
        dependence(found)


def importance(found: Explanations) -> None:
    """Draw the variable importance."""
    item = found.variable_importance
    if not no_data(item):
        figure = charts_models.variable_importance(item, dark=widgets.is_dark())
        widgets.chart(figure, key="explain_importance", alt="Features by importance, the most important one first")
        method(item)


def shap(found: Explanations) -> None:
    """Draw the SHAP summary."""
    item = found.shap_summary
    if not no_data(item):
        figure = charts_models.shap_summary(item, dark=widgets.is_dark())
        widgets.chart(figure, key="explain_shap", alt="Contributions of the most important features to each prediction")
        method(item)


def dependence(found: Explanations) -> None:
    """Draw the partial dependence on a feature of the person's choice."""
    item = found.partial_dependence
    if item.data is None:
        no_data(item)
        return
    feature = st.selectbox(
        "Feature", [one.feature for one in item.data], key="explain_feature", width=420,
        help="The features that were computed, the most important ones first.",
    )  # fmt: skip
    figure = charts_models.partial_dependence(
        item,
        feature,
        predicted=charts_models.predicted_words(found),
        y_range=charts_models.dependence_range(item.data),
        dark=widgets.is_dark(),
    )
    widgets.chart(figure, key="explain_dependence", alt="Mean prediction by value of the chosen feature")
    method(item)
