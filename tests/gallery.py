"""Every figure that a model's explanations hold, for tests that look at all of them."""

import plotly.graph_objects as go

from core.charts.models import features, look, performance, rates, shapes
from core.charts.models.several import compare, progress
from core.explanations.items import Explanations

_ORIGINS = ("cv", "holdout")


def figures(found: Explanations) -> dict[str, go.Figure]:
    """Draw everything that has data, in the order to read it; what has none is left out.

    Returns
    -------
    dict of str to Figure
        ``variable_importance``, ``members``, ``shap_summary``, ``partial_dependence_1`` …, ``ice_1`` …, ``pairs_1`` …,
        ``confusion_cv``, ``roc_holdout`` …
    """
    drawn: dict[str, go.Figure] = {}
    if found.variable_importance.data:
        drawn["variable_importance"] = features.variable_importance(found.variable_importance)
    if found.members.data is not None:
        drawn["members"] = compare.members(found.members)
        drawn["members_importance"] = compare.members_importance(found.members)
    if found.shap_summary.data is not None:
        drawn["shap_summary"] = features.shap_summary(found.shap_summary)
    if found.partial_dependence.data:
        shared = features.dependence_range(found.partial_dependence.data)
        for place, one in enumerate(found.partial_dependence.data, start=1):
            drawn[f"partial_dependence_{place}"] = features.partial_dependence(
                found.partial_dependence, one.feature, predicted=look.predicted_words(found), y_range=shared
            )
    drawn |= _shapes(found) | _performance(found)
    if found.learning_curve.data is not None:
        drawn["learning_curve"] = progress.learning_curve(found.learning_curve)
    return drawn


def _shapes(found: Explanations) -> dict[str, go.Figure]:
    """Draw the lines and maps of the class that matters: the positive one, or the first."""
    drawn: dict[str, go.Figure] = {}
    means = {one.feature: one for one in found.partial_dependence.data or ()}
    words = look.predicted_words(found)
    for place, one in enumerate(found.ice.data or (), start=1):
        name = one.classes[0].name
        drawn[f"ice_{place}"] = shapes.ice(
            found.ice,
            one.feature,
            predicted=look.of_class(words, name),
            class_name=name,
            mean=means[one.feature],
        )
    for place, pair in enumerate(found.pairs.data or (), start=1):
        name = pair.classes[0].name
        drawn[f"pairs_{place}"] = shapes.pair_dependence(
            pair, predicted=look.of_class(words, name), class_name=name, origin=found.pairs.origin
        )
    return drawn


def _performance(found: Explanations) -> dict[str, go.Figure]:
    drawn: dict[str, go.Figure] = {}
    for origin in _ORIGINS:
        confusion, residuals = found.confusion.get(origin), found.residuals.get(origin)
        roc, precision_recall = found.roc.get(origin), found.precision_recall.get(origin)
        if confusion is not None and confusion.data is not None:
            drawn[f"confusion_{origin}"] = performance.confusion_matrix(confusion)
        if roc is not None and roc.data is not None:
            drawn[f"roc_{origin}"] = rates.roc(roc, threshold=found.threshold)
        if precision_recall is not None and precision_recall.data is not None:
            drawn[f"precision_recall_{origin}"] = rates.precision_recall(precision_recall, threshold=found.threshold)
        if residuals is not None and residuals.data is not None:
            drawn[f"predicted_actual_{origin}"] = performance.predicted_actual(residuals, target=found.target)
            drawn[f"residuals_{origin}"] = performance.residuals(residuals, target=found.target)
    return drawn
