"""The Features view of the Explain page: what the model relies on, and how the prediction moves with it."""

import streamlit as st

from app.ui.explain import opened as explain_view
from app.ui.explain.dependence import dependence
from app.ui.explain.opened import Opened, method, no_data
from app.ui.widgets.layout import chart
from app.ui.widgets.pickers import switch
from app.ui.widgets.text import bold
from core.charts import models as charts_models
from core.explanations.answers import moved_words, relied_words
from core.explanations.items import Explanations

IMPORTANCE, SHAP, DEPENDENCE = "Importance", "SHAP", "Partial dependence"
_HELP = {
    IMPORTANCE: "How much the model relies on each feature, relative to the first. It says nothing about cause.",
    SHAP: "Each point is one row: how far the feature moved its prediction, up to the right, down to the left.",
    DEPENDENCE: "How the prediction moves with a feature. It shows what the model does, not what would happen.",
}


def draw(opened: Opened) -> None:
    """Draw the chosen explanation of the features."""
    found = explain_view.need(opened)
    kind = switch("Explanation", tuple(_HELP), key="explain_features", param="show", is_labelled=False)
    if kind != DEPENDENCE and (words := _answer(found)):
        st.markdown(words)
    st.caption(_HELP[kind])
    if kind == IMPORTANCE:
        importance(found)
    elif kind == SHAP:
        shap(found)
    else:
        dependence(opened, found)


def _answer(found: Explanations) -> str:
    """Say which features carry most of the importance, and which of their values move predictions which way."""
    ranked, summary = found.variable_importance.data, found.shap_summary.data
    parts = [relied_words(ranked, bold) if ranked else "", moved_words(summary, bold) if summary else ""]
    return "  \n".join(filter(None, parts))


def importance(found: Explanations) -> None:
    """Draw the importance of the features."""
    item = found.variable_importance
    if not no_data(item):
        figure = charts_models.variable_importance(item)
        chart(figure, key="explain_importance", alt="Features by importance, the most important one first")
        method(item)
    if found.members.data is not None:
        left, right = st.columns(2)
        with left:
            figure = charts_models.members(found.members)
            chart(figure, key="explain_members", alt="Share of each member of the ensemble")
        with right:
            figure = charts_models.members_importance(found.members)
            chart(figure, key="explain_members_importance", alt="Features by importance in the members")
        method(found.members)


def shap(found: Explanations) -> None:
    """Draw the SHAP summary."""
    item = found.shap_summary
    if not no_data(item):
        figure = charts_models.shap_summary(item)
        chart(figure, key="explain_shap", alt="Contributions of the most important features to each prediction")
        method(item)
