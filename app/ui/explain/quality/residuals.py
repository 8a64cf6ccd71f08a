"""The Performance view of a model that predicts a number: residuals, by feature and by size of the prediction."""

import streamlit as st

from app.ui.errors import guard
from app.ui.explain import cached as explain_data
from app.ui.widgets.layout import chart
from app.ui.widgets.pickers import switch
from app.ui.widgets.tables import written
from core.charts import models as charts_models
from core.domain.models import ModelInfo, Origin
from core.explanations.items import Item
from core.metrics import curves

ALL, FEATURE, SIZE = "Residuals", "By feature", "By size"
_HELP = {
    ALL: "Actual minus predicted value on rows the model had not seen; a shapeless cloud around 0 is good.",
    FEATURE: "Residuals in each level or bin of a column: the box is the middle half, the line nine rows of ten, the"
    " diamond the mean. Away from 0, the model is wrong in one direction there.",
    SIZE: "Ten bins of about equal counts, by the size of the prediction: where the model is furthest off.",
}


def kind_choice() -> str:
    """Draw the choice of what to show."""
    return switch("Show", tuple(_HELP), key="explain_performance", param="show")


def draw(model: ModelInfo, origin: Origin, kind: str) -> None:
    """Draw one view of the errors."""
    st.caption(_HELP[kind])
    with guard(stop=False):
        if kind == ALL:
            residuals(model, origin)
        elif kind == FEATURE:
            by_feature(model, origin)
        else:
            by_size(model, origin)


def residuals(model: ModelInfo, origin: Origin) -> None:
    """Draw predicted against actual values, and the residuals."""
    found = explain_data.predictions(model.id, origin)
    item = Item(curves.residuals(found.actual, found.predicted), origin=found.words)
    target = explain_data.spec(model.id).target
    left, right = st.columns(2)
    with left:
        figure = charts_models.predicted_actual(item, target=target)
        chart(figure, key="explain_actual", alt="Predicted against actual values")
    with right:
        figure = charts_models.residuals(item, target=target)
        chart(figure, key="explain_residuals", alt="Residuals against predicted values")


def by_feature(model: ModelInfo, origin: Origin) -> None:
    """Draw the residuals by the values of a column."""
    known = explain_data.schema(model.id)
    name = st.selectbox("Column", known.names, key="explain_residual_column", width=320)
    groups = explain_data.residual_groups(model.id, origin, name)
    words = explain_data.predictions(model.id, origin).words
    figure = charts_models.residual_groups(groups, name, origin=words)
    chart(figure, key="explain_by_feature", alt="Residuals by value of the chosen column")


def by_size(model: ModelInfo, origin: Origin) -> None:
    """Draw the error in bins of the prediction."""
    from core.metrics.groups.errors import error_by_prediction

    found = explain_data.predictions(model.id, origin)
    bins = error_by_prediction(found.actual, found.predicted)
    figure = charts_models.errors_by_prediction(bins, target=explain_data.spec(model.id).target, origin=found.words)
    chart(figure, key="explain_by_size", alt="Error by size of the prediction")
    records = [
        {
            "From": one.low,
            "To": one.high,
            "Rows": one.n_rows,
            "Mean predicted": one.predicted,
            "Mean actual": one.actual,
            "MAE": one.mae,
            "RMSE": one.rmse,
        }
        for one in bins
    ]
    shown, config = written(records, [name for name in records[0] if name != "Rows"])
    st.dataframe(
        shown, hide_index=True, height="content", key="explain_size_table", alt="Error by size of the prediction",
        placeholder="–",
        column_config=config,
    )  # fmt: skip
