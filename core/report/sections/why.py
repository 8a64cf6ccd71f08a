"""A part of a report: what the model looks at, from the explanations stored with its run."""

from collections.abc import Iterator

import plotly.graph_objects as go
from markupsafe import Markup

from core.charts import models as charts_models
from core.explanations.items import Explanations, Item
from core.report.frame import ON_PAPER
from core.report.markup import beyond_paper, bullets, figures, heading, join, paragraph, say, section

MAX_ICE = 3
_MOST_POINTS = 150  # of each feature: more look the same in print, and weigh more


def why(found: Explanations | None) -> Markup:
    """Return importance, contributions and how the prediction moves with features, each with its method."""
    if found is None:
        reason = "Explanations were not computed for this model yet; the Explain page computes them."
        return section("why", "What it looks at", paragraph(reason))
    parts = [part for part in (_importance(found), _dependence(found), _single_rows(found), _learning(found)) if part]
    return section("why", "What it looks at", *parts, _missing(found))


def _method(*items: Item) -> Markup:  # type: ignore[type-arg]  # items of any data
    said = dict.fromkeys(" · ".join(part for part in (one.method, one.origin) if part) for one in items if one.data)
    return paragraph("Method: " + "; ".join(words for words in said if words) + ".", "small") if any(said) else Markup()


def _importance(found: Explanations) -> Markup:
    drawn: list[go.Figure] = []
    if found.variable_importance.data:
        drawn.append(charts_models.variable_importance(found.variable_importance))
    if found.shap_summary.data is not None:
        drawn.append(charts_models.shap_summary(found.shap_summary, most=_MOST_POINTS))
    if found.members.data is not None:
        drawn += [charts_models.members(found.members), charts_models.members_importance(found.members)]
    if not drawn:
        return Markup()
    said: list[str] = ["Importance says how much the model relies on a column, over all rows."]
    if found.shap_summary.data is not None:
        said.append(
            " Each point of the contributions is a row: right of the middle the column raised the prediction, left of "
            "it lowered it."
        )
    return join(
        heading("Which columns matter"), paragraph(join(*said)), figures(drawn),
        _method(found.variable_importance, found.shap_summary, found.members),
    )  # fmt: skip


def _dependence(found: Explanations) -> Markup:
    item = found.partial_dependence
    if not item.data:
        return Markup()
    shared = charts_models.dependence_range(item.data)
    words = charts_models.predicted_words(found)
    drawn = [charts_models.partial_dependence(item, one.feature, predicted=words, y_range=shared) for one in item.data]
    return join(
        heading("How the prediction changes with a column"),
        paragraph(
            "The mean prediction when this one column is set to each value and all others stay as they are. All "
            "figures share one scale. Below (or beside the level) stands where the rows are."
            + (f" On paper: the first {ON_PAPER} of {len(drawn)}." if len(drawn) > ON_PAPER else "")
        ),
        figures(drawn, few_on_paper=True),
        _method(item),
    )


def _single_rows(found: Explanations) -> Markup:
    drawn = list(_lines(found))
    if not drawn:
        return Markup()
    return join(
        heading("Single rows, and two columns at once"),
        beyond_paper(
            "These figures are in the file.",
            paragraph(
                "Where the lines of single rows cross or part, the column works differently for different rows. The "
                "maps show the mean prediction over pairs of values."
            ),
            figures(drawn),
            _method(found.ice, found.pairs),
        ),
    )


def _lines(found: Explanations) -> Iterator[go.Figure]:
    means = {one.feature: one for one in found.partial_dependence.data or ()}
    words = charts_models.predicted_words(found)
    for one in (found.ice.data or ())[:MAX_ICE]:
        name = one.classes[0].name
        predicted = charts_models.of_class(words, name)
        mean = means.get(one.feature)
        yield charts_models.ice(found.ice, one.feature, predicted=predicted, class_name=name, mean=mean)
    for pair in found.pairs.data or ():
        name = pair.classes[0].name
        predicted = charts_models.of_class(words, name)
        yield charts_models.pair_dependence(pair, predicted=predicted, class_name=name, origin=found.pairs.origin)


def _learning(found: Explanations) -> Markup:
    if found.learning_curve.data is None:
        return Markup()
    return join(
        heading("How it learned"), figures([charts_models.learning_curve(found.learning_curve)], two=False),
        _method(found.learning_curve),
    )  # fmt: skip


def _missing(found: Explanations) -> Markup:
    """Return what cannot be had, with the reason, without what makes no sense for the task."""
    reasons: dict[str, list[str]] = {}
    for name, reason in found.missing().items():
        reasons.setdefault(reason, []).append(name.replace("_", " ").replace("shap", "SHAP"))
    if not reasons:
        return Markup()
    items = [say("{names}: {reason}", names=", ".join(names), reason=reason) for reason, names in reasons.items()]
    return join(heading("What is not here, and why"), bullets(items))
