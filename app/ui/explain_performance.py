"""The Performance view of the Explain page: how well the model does on rows it had not seen."""

import streamlit as st

from app.ui import explain_view, model_widgets, widgets
from app.ui.explain_view import Opened, method, no_data
from core import charts_models
from core.explanations import Explanations
from core.types import ORIGIN_NAMES

_ORDER = ("auc", "aucpr", "logloss", "precision", "recall", "f1", "rmse", "mae", "r2", "accuracy")
_FEW_CLASSES = 4


def draw(opened: Opened) -> None:
    """Draw curves and confusion of a classifier, or residuals of a regression."""
    found = explain_view.need(opened)
    if found.task == "regression":
        st.caption("Actual minus predicted value on rows the model had not seen; a cloud without shape is good.")
        residuals(found)
    else:
        st.caption("How well the model tells classes apart on rows it had not seen.")
        performance(found)


def origin_choice(found: Explanations) -> str:
    """Draw a choice of origin where there are several; return the chosen one."""
    known = [origin for origin in ("cv", "holdout") if origin in found.metrics]
    if len(known) < 2:
        return known[0] if known else "cv"
    return st.segmented_control(
        "Measured on", known, key="explain_origin", default=known[0], required=True,
        format_func=lambda origin: ORIGIN_NAMES[origin].capitalize(),
    )  # fmt: skip


def metrics(found: Explanations) -> None:
    """Draw the metrics that Bellwether computed over all stored predictions, one column per origin."""
    origins = [origin for origin in ORIGIN_NAMES if origin in found.metrics]
    names = sorted({name for origin in origins for name in found.metrics[origin]}, key=_place)
    records = [
        {"Metric": model_widgets.metric_name(name)}
        | {ORIGIN_NAMES[origin].capitalize(): found.metrics[origin].get(name) for origin in origins}
        for name in names
    ]
    shape = st.column_config.NumberColumn(format="%.5g")
    st.dataframe(
        records,
        hide_index=True,
        column_config={ORIGIN_NAMES[origin].capitalize(): shape for origin in origins},
        height="content",
        key="explain_metrics",
        alt="Metrics over all stored predictions, by origin",
    )
    if found.threshold is not None:
        st.caption(f"Precision, recall, F1 and accuracy at the threshold {found.threshold:.4f}.")


def _place(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def performance(found: Explanations) -> None:
    """Draw metrics, ROC and precision-recall curves and the confusion matrix."""
    origin = origin_choice(found)
    dark = widgets.is_dark()
    left, right = st.columns(2)
    with left:
        if not no_data(found.roc[origin]):
            figure = charts_models.roc(found.roc[origin], threshold=found.threshold, dark=dark)
            widgets.chart(figure, key="explain_roc", alt="ROC curve: true against false positive rate")
    with right:
        if not no_data(found.precision_recall[origin]):
            figure = charts_models.precision_recall(
                found.precision_recall[origin], threshold=found.threshold, dark=dark
            )
            widgets.chart(figure, key="explain_pr", alt="Precision against recall")
    few = len(found.classes) <= _FEW_CLASSES
    left, right = st.columns(2) if few else (st.container(), st.container())
    with left:
        if not no_data(found.confusion[origin]):
            figure = charts_models.confusion_matrix(found.confusion[origin], dark=dark)
            widgets.chart(figure, key="explain_confusion", alt="Confusion matrix: actual by predicted class")
            method(found.confusion[origin])
    with right:
        metrics(found)


def residuals(found: Explanations) -> None:
    """Draw metrics and residuals of a regression."""
    origin = origin_choice(found)
    item = found.residuals[origin]
    if not no_data(item):
        left, right = st.columns(2)
        with left:
            figure = charts_models.predicted_actual(item, target=found.target, dark=widgets.is_dark())
            widgets.chart(figure, key="explain_actual", alt="Predicted against actual values")
        with right:
            figure = charts_models.residuals(item, target=found.target, dark=widgets.is_dark())
            widgets.chart(figure, key="explain_residuals", alt="Residuals against predicted values")
        method(item)
    metrics(found)
