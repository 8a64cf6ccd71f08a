"""How the prediction moves with the features: the mean, single rows, two features at once."""

import streamlit as st

from app.ui.explain import more as explain_more
from app.ui.explain.opened import Opened, method, no_data
from app.ui.widgets.layout import chart
from app.ui.widgets.pickers import follow, switch
from core.charts import models as charts_models
from core.explanations.items import Explanations

MEAN, ROWS, PAIR = "Mean", "Single rows", "Two features"
_HELP = {
    MEAN: "The mean prediction when this one feature is set to each value and all others stay as they are.",
    ROWS: "The prediction of eleven rows, from the lowest to the highest, when this one feature is set to each value.",
    PAIR: "The mean prediction when two features are set to each pair of values and all others stay as they are.",
}


def dependence(opened: Opened, found: Explanations) -> None:
    """Draw how the prediction moves with a feature of the person's choice."""
    if found.partial_dependence.data is None:
        no_data(found.partial_dependence)
        return
    kind = switch("Shown", tuple(_HELP), key="explain_dependence_kind", param="part", is_labelled=False)
    st.caption(_HELP[kind])
    if kind == MEAN:
        _mean(opened, found)
    elif kind == ROWS:
        _rows(found)
    else:
        _pair(opened, found)


def _feature(names: list[str]) -> str:
    follow("explain_feature", names, param="feature")
    chosen: str = st.selectbox(
        "Feature", names, key="explain_feature", width=420,
        help="The features that were computed, the most important ones first.",
    )  # fmt: skip
    return chosen


def _class(names: tuple[str, ...]) -> str:
    """Draw a choice of class where there are several; return the chosen one."""
    if len(names) < 2:
        return names[0]
    follow("explain_class", names, param="class")
    chosen: str = st.selectbox("Class", names, key="explain_class", width=240)
    return chosen


def _mean(opened: Opened, found: Explanations) -> None:
    item = found.partial_dependence
    known = item.data or ()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        feature = _feature([one.feature for one in known])
        explain_more.features(opened, found)
    figure = charts_models.partial_dependence(
        item,
        feature,
        predicted=charts_models.predicted_words(found),
        y_range=charts_models.dependence_range(known),
    )
    chart(figure, key="explain_dependence", alt="Mean prediction by value of the chosen feature")
    method(item)


def _rows(found: Explanations) -> None:
    item = found.ice
    if item.data is None:
        no_data(item)
        return
    with st.container(horizontal=True):
        feature = _feature([one.feature for one in item.data])
        one = next(one for one in item.data if one.feature == feature)
        name = _class(tuple(each.name for each in one.classes))
    figure = charts_models.ice(
        item,
        feature,
        predicted=charts_models.of_class(charts_models.predicted_words(found), name),
        class_name=name,
        mean=next((d for d in found.partial_dependence.data or () if d.feature == feature), None),
    )
    chart(figure, key="explain_ice", alt="Predictions of single rows by value of the chosen feature")
    method(item)


def _pair(opened: Opened, found: Explanations) -> None:
    item = found.pairs
    if item.data is None:
        no_data(item)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = [f"{pair.first} and {pair.second}" for pair in item.data]
        place = st.selectbox(
            "Features", list(range(len(names))), key="explain_pair", width=420, format_func=names.__getitem__
        )
        explain_more.pair(opened, found)
        pair = item.data[place]
        name = _class(tuple(each.name for each in pair.classes))
    figure = charts_models.pair_dependence(
        pair,
        predicted=charts_models.of_class(charts_models.predicted_words(found), name),
        class_name=name,
        origin=item.origin,
    )
    chart(figure, key="explain_pairs", alt="Mean prediction over a grid of two features")
    method(item)
