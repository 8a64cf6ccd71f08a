"""The Performance view of the Explain page: how well the model does on rows it had not seen."""

from collections.abc import Callable

import streamlit as st

from app.ui.errors import guard
from app.ui.explain import cached as explain_data
from app.ui.explain.opened import Opened, weights_note
from app.ui.explain.quality import residuals as explain_numbers
from app.ui.widgets.layout import chart
from app.ui.widgets.models.metrics import metric_name
from app.ui.widgets.pickers import follow, switch
from app.ui.widgets.tables import written
from app.ui.widgets.text import escape_markdown
from core.charts import models as charts_models
from core.domain.models import ORIGIN_NAMES, ModelInfo, Origin
from core.explanations.answers import good_words
from core.explanations.items import ClassPrecisionRecall, ClassRoc, Item
from core.metrics import curves
from core.wording import percent_text

_ORDER = (
    "auc",
    "average_precision",
    "aucpr",
    "logloss",
    "brier",
    "precision",
    "recall",
    "f1",
    "rmse",
    "mae",
    "r2",
    "accuracy",
)
_FEW_CLASSES = 4
_CONSTANT = "Constant"
SUMMARY, CURVES, GAINS = "Summary", "Curves", "Gains and lift"
CALIBRATION, SCORES, TABLE = "Calibration", "Separation", "Thresholds"
_HELP = {
    SUMMARY: "",  # which begins with its answer
    CURVES: "Every threshold at once: what is found against what is wrongly found, and how right the finds are.",
    GAINS: "Rows sorted by probability: how many of the wanted ones are among the first, and how many times more than"
    " among all rows.",
    CALIBRATION: "Of the rows given 20%, are 20% positive? On the dotted line they are. Bins hold equal counts of"
    " rows; ECE is the mean distance from the line.",
    SCORES: "How far apart the probabilities of the two sides lie.",
    TABLE: "What single thresholds lead to; each selects about the share of rows given beside it.",
}


def draw(opened: Opened) -> None:
    """Draw curves and confusion of a classifier, or the errors of a regression."""
    weights_note(opened)
    model = opened.model
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        origin = explain_data.origin_choice(model)
        if origin is None:
            return
        if model.task == "regression":
            kind, name = explain_numbers.kind_choice(), ""
        else:
            kind = switch("Show", tuple(_HELP), key="explain_performance", param="show")
            name = class_choice(model) if kind != SUMMARY else ""
    if kind in (SUMMARY, explain_numbers.ALL):
        _answer(model, origin)
    if model.task == "regression":
        explain_numbers.draw(model, origin, kind)
        metrics(model, origin)
        return
    if _HELP[kind]:
        st.caption(_HELP[kind])
    with guard(stop=False):
        _DRAW[kind](model, origin, name)


def _answer(model: ModelInfo, origin: Origin) -> None:
    """Say how good the model is beside a constant predictor."""
    decided = explain_data.decision(model)
    found = explain_data.metrics(model.id, origin, decided.threshold, explain_data.method_of(decided))
    st.markdown(good_words(found, explain_data.constant_metrics(model.id, origin), ORIGIN_NAMES[origin]))


def class_choice(model: ModelInfo) -> str:
    """Draw a choice of class where there are more than two; return the class to look at."""
    spec = explain_data.spec(model.id)
    if spec.positive is not None:
        return spec.positive
    follow("explain_class", spec.classes, param="class")
    return st.selectbox("Class, against all others", spec.classes, key="explain_class", width=240)


def origin_words(model: ModelInfo, origin: Origin, name: str) -> str:
    """Return the rows and the class that a figure is about."""
    return f"{explain_data.predictions(model.id, origin).words}; {name} against the rest"


def has_curve(model: ModelInfo, origin: Origin, name: str) -> bool:
    """Whether rows of the class and others occur; else say so."""
    found = explain_data.ranking(model.id, origin, name)
    if not found.has_two_classes:
        which = "none" if found.n_positive == 0 else "every one"
        st.info(
            f"Of these {found.n_rows:,} rows {which} is {escape_markdown(name)}, so there is no curve to draw:"
            " all are of one class. Choose the other rows.",
            icon=":material/info:",
        )
    return found.has_two_classes


def roc_and_precision(model: ModelInfo, origin: Origin, name: str) -> None:
    """Draw the ROC and the precision-recall curve."""
    if not has_curve(model, origin, name):
        return
    roc, precision = explain_data.curves(model.id, origin, name)
    words = origin_words(model, origin, name)
    decided = explain_data.decision(model)
    threshold = decided.threshold if decided.calibration is None else None
    left, right = st.columns(2)
    with left:
        figure = charts_models.roc(Item((ClassRoc(name, roc),), origin=words), threshold=threshold)
        chart(figure, key="explain_roc", alt="ROC curve: true against false positive rate")
    with right:
        item: Item[tuple[ClassPrecisionRecall, ...]] = Item((ClassPrecisionRecall(name, precision),), origin=words)
        figure = charts_models.precision_recall(item, threshold=threshold)
        chart(figure, key="explain_pr", alt="Precision against recall")


def gains(model: ModelInfo, origin: Origin, name: str) -> None:
    """Draw cumulative gains and lift."""
    if not has_curve(model, origin, name):
        return
    found, _ = explain_data.gains(model.id, origin, name)
    words = origin_words(model, origin, name)
    left, right = st.columns(2)
    with left:
        figure = charts_models.cumulative_gains(found, name, origin=words)
        chart(figure, key="explain_gains", alt="Share of the class found against share of rows selected")
    with right:
        figure = charts_models.lift(found, name, origin=words)
        chart(figure, key="explain_lift", alt="Lift against share of rows selected")


def calibration(model: ModelInfo, origin: Origin, name: str) -> None:
    """Draw how reliable the probabilities are, and how they are distributed."""
    from core.metrics.performance import calibration_words

    decided = explain_data.decision(model)
    method = explain_data.method_of(decided)
    found = explain_data.reliability(model.id, origin, name)
    after = explain_data.reliability(model.id, origin, name, method) if method else None
    words = origin_words(model, origin, name)
    left, right = st.columns(2)
    with left:
        figure = charts_models.calibration_curve(found, name, origin=words, calibrated=after)
        chart(figure, key="explain_calibration", alt="Share of positive rows by predicted probability")
    with right:
        threshold = decided.threshold if method is None and model.task == "binary" else None
        spread = explain_data.spread(model.id, origin, name)
        figure = charts_models.spread_by_class(spread, origin=words, threshold=threshold)
        chart(figure, key="explain_spread", alt="How the probability is distributed within each class")
    st.markdown(calibration_words(found, can_calibrate=model.task == "binary" and method is None))
    st.caption(
        f"ECE **{found.ece:.4f}** over {len(found.bins)} bins of equal counts, Brier score **{found.brier:.4f}**."
        " Intervals are Wilson's, 95%; of right ones one in 20 misses."
    )


def separation(model: ModelInfo, origin: Origin, name: str) -> None:
    """Draw the two cumulative distributions with their largest distance."""
    if not has_curve(model, origin, name):
        return
    _, found = explain_data.gains(model.id, origin, name)
    figure = charts_models.separation(found, name, origin=origin_words(model, origin, name))
    chart(figure, key="explain_ks", alt="Share of each side at or above each probability")


def thresholds(model: ModelInfo, origin: Origin, name: str) -> None:
    """Draw the table of thresholds."""
    from core.metrics.performance import threshold_table

    decided = explain_data.decision(model)
    method = explain_data.method_of(decided)
    also = [decided.threshold] if decided.threshold is not None else []
    rows = threshold_table(explain_data.ranking(model.id, origin, name, method), also=also)
    records = [
        {
            "Threshold": one.threshold,
            "Selected": one.outcomes.selected,
            "Share": one.outcomes.selected_share,
            "Precision": one.outcomes.precision,
            "Recall": one.outcomes.recall,
            "Specificity": one.outcomes.specificity,
            "F1": one.outcomes.f1,
            "Accuracy": one.outcomes.accuracy,
            "MCC": one.outcomes.mcc,
            "Note": "in force" if one.threshold == decided.threshold else "",
        }
        for one in rows
    ]
    percent = st.column_config.NumberColumn(format="percent")
    st.dataframe(
        records,
        hide_index=True,
        placeholder="–",
        height="content",
        column_config={"Threshold": st.column_config.NumberColumn(format="%.4f")}
        | {"Selected": st.column_config.NumberColumn("Selected (rows)", format="localized")}
        | dict.fromkeys(("Share", "Precision", "Recall", "Specificity", "Accuracy"), percent)
        | dict.fromkeys(("F1", "MCC"), st.column_config.NumberColumn(format="%.4f")),
        key="explain_thresholds",
        alt="What single thresholds lead to",
    )


def summary(model: ModelInfo, origin: Origin, _name: str) -> None:
    """Draw the confusion matrix, the metrics, and for several classes each one's own."""
    from core.metrics.measures import Confusion, class_metrics

    decided = explain_data.decision(model)
    found = explain_data.judged(model.id, origin, explain_data.method_of(decided))
    table = curves.coded_confusion(found.codes, found.decided(decided.threshold), found.classes)
    few = len(found.classes) <= _FEW_CLASSES
    left, right = st.columns(2) if few else (st.container(), st.container())
    with left:
        item: Item[Confusion] = Item(table, origin=found.words)
        figure = charts_models.confusion_matrix(item)
        chart(figure, key="explain_confusion", alt="Confusion matrix: actual by predicted class")
        if decided.threshold is not None:
            words = escape_markdown(decided.words)
            st.caption(f":small[At the threshold {decided.threshold:.4f}: {words}]")
    with right:
        metrics(model, origin)
    if model.task == "multiclass":
        records = [
            {"Class": one.name, "Rows": one.n_rows, "Recall": one.recall, "Precision": one.precision, "F1": one.f1}
            for one in class_metrics(table)
        ]
        shape = st.column_config.NumberColumn(format="%.4f")
        st.dataframe(
            records, hide_index=True, placeholder="–", height="content" if few else 380, key="explain_by_class",
            column_config=dict.fromkeys(("Recall", "Precision", "F1"), shape), alt="Metrics of each class",
        )  # fmt: skip


def metrics(model: ModelInfo, origin: Origin) -> None:
    """Draw the metrics over all stored predictions, one column per origin, and what says the same of every row."""
    decided = explain_data.decision(model)
    known = explain_data.origins(model.id)
    method = explain_data.method_of(decided)
    found = {origin: explain_data.metrics(model.id, origin, decided.threshold, method) for origin in known}
    names = sorted({name for one in found.values() for name in one}, key=_place)
    constant = explain_data.constant_metrics(model.id, origin)
    titles = {one: ORIGIN_NAMES[one].capitalize() for one in known}
    usual = _CONSTANT if len(known) == 1 else f"{_CONSTANT}, {ORIGIN_NAMES[origin]}"
    records = [
        {"Metric": metric_name(name)}
        | {title: found[one].get(name) for one, title in titles.items()}
        | {usual: constant.get(name)}
        for name in names
    ]
    shown, config = written(records, [*titles.values(), usual])
    st.dataframe(
        shown,
        hide_index=True,
        column_config=config,
        height="content",
        placeholder="–",
        key="explain_metrics",
        alt="Metrics over all stored predictions, by origin",
    )
    own, always = found[origin].get("accuracy"), constant.get("accuracy")
    if own is not None and always is not None and own < always:
        st.caption(
            f"Accuracy says little here: the same answer for every row is right in {percent_text(always, 1)}"
            f"{', and finds none of the rows looked for' if constant.get('recall') == 0 else ''}."
        )
    with st.expander("How these are counted", key="explain_metrics_how"):
        st.markdown("\n".join(f"- {note}" for note in _notes(model, origin, decided.threshold)))


def _notes(model: ModelInfo, origin: Origin, threshold: float | None) -> list[str]:
    """Return how the metrics were counted."""
    notes = ["Over every stored prediction, by Bellwether."]
    if threshold is not None:
        notes.append(f"Precision and what stands below it depend on the threshold, here {threshold:.4f}.")
    notes.append(
        f"The constant predictor knows the target of the {ORIGIN_NAMES[origin]} rows and nothing else: it says the same"
        " of each."
    )
    if model.task == "binary":
        notes.append(
            "The leaderboard shows H2O's AUC, taken from at most 400 thresholds, so its last digits may differ."
        )
    return notes


def _place(name: str) -> tuple[int, str]:
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)


_DRAW: dict[str, Callable[[ModelInfo, Origin, str], None]] = {
    SUMMARY: summary,
    CURVES: roc_and_precision,
    GAINS: gains,
    CALIBRATION: calibration,
    SCORES: separation,
    TABLE: thresholds,
}
