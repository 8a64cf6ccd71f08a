"""The views of the Explain page: each draws one explanation, or says why there is none."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from app.ui import model_widgets, widgets
from app.ui.errors import guard
from app.ui.services import get_services
from core import charts_models
from core.explanations import Explanations, Item
from core.types import ORIGIN_NAMES, ModelInfo, Task

if TYPE_CHECKING:
    from core.store import Store

IMPORTANCE, SHAP, DEPENDENCE, PERFORMANCE, RESIDUALS, LEARNING = (
    "Importance",
    "SHAP",
    "Partial dependence",
    "Performance",
    "Residuals",
    "Learning curve",
)
VIEWS: Mapping[Task, tuple[str, ...]] = {
    "binary": (IMPORTANCE, SHAP, DEPENDENCE, PERFORMANCE, LEARNING),
    "multiclass": (IMPORTANCE, SHAP, DEPENDENCE, PERFORMANCE, LEARNING),
    "regression": (IMPORTANCE, SHAP, DEPENDENCE, RESIDUALS, LEARNING),
}
_HELP: Mapping[str, str] = {
    IMPORTANCE: "How much the model relies on each feature, relative to the first. It says nothing about cause.",
    SHAP: "Each point is one row: how far the feature moved its prediction, up to the right, down to the left.",
    DEPENDENCE: "The mean prediction when this one feature is set to each value and all others stay as they are.",
    PERFORMANCE: "How well the model tells classes apart on rows it had not seen.",
    RESIDUALS: "Actual minus predicted value on rows the model had not seen; a cloud without shape around 0 is good.",
    LEARNING: "How the metric moved while the model was built; curves that drift apart hint at overfitting.",
}
_ORDER = ("auc", "aucpr", "logloss", "precision", "recall", "f1", "rmse", "mae", "r2", "accuracy")
_FEW_CLASSES = 4
_LINKED = "explain.linked"


def stored_models(store: "Store") -> dict[str, ModelInfo]:
    """Return the models that can be explained, by id: newest experiment first, champions and leaders first in each."""
    found = [model for model in store.models(limit=10_000) if model.has_files]
    newest = {name: place for place, name in enumerate(dict.fromkeys(model.experiment for model in found))}
    found.sort(key=lambda model: (newest[model.experiment], not model.is_champion, model.rank or 999))
    return {model.id: model for model in found}


def seed_model(store: "Store", models: Mapping[str, ModelInfo]) -> None:
    """Choose the model of `?model=`, or the leader of `?run=`, once per address; else the one chosen before.

    Raises
    ------
    ModelNotFoundError, RunNotFoundError
        If there is no such thing.
    """
    session, query = st.session_state, st.query_params
    linked = (query.get("model"), query.get("run"))
    if any(linked) and session.get(_LINKED) != linked:
        session[_LINKED] = linked
        wanted = (
            store.resolve(model_widgets.model_uri(linked[0])).id if linked[0] else store.get_run(linked[1]).leader_id
        )
        if wanted in models:
            session["explain_model"] = wanted
        else:
            st.warning("This model's files were not kept, so it cannot be explained.", icon=":material/link_off:")
    if session.get("explain_model") not in models:
        session["explain_model"] = next(iter(models))


def keep_link(model: ModelInfo) -> None:
    """Put the chosen model into the address."""
    st.query_params.pop("run", None)
    if st.query_params.get("model") != model.id:
        st.query_params["model"] = model.id
    st.session_state[_LINKED] = (model.id, None)


def label(model: ModelInfo) -> str:
    """Return how a model is called in the list."""
    return f"{model.experiment} · {model_widgets.model_label(model)}"


@st.fragment(run_every="3s")
def waiting(model: ModelInfo) -> None:
    """Say that explanations are being computed; the page is drawn again when they are there."""
    from core import explain

    with guard():
        store = get_services().store
        run = store.get_run(model.run_id)
        if run.explanations != "computing" or explain.load(store, model) is not None:
            st.rerun()
    st.status("Computing in the background: importance, SHAP values, partial dependence", state="running")
    st.caption("This takes up to a minute after training. The page shows them as soon as they are there.")
    st.skeleton(height=280)


def offer(model: ModelInfo, reason: str) -> None:
    """Draw what to do when there are no explanations yet, and do it."""
    from core import explain

    box = widgets.empty_state("There are no explanations of this model yet", reason, icon=":material/lightbulb:")
    if box.button("Compute them now", key="explain_compute", type="primary", icon=":material/play_arrow:"):
        services = get_services()
        with guard(), st.status("Starting the engine") as status:
            explain.compute(
                services.engine, services.store, services.datasets, model,
                progress=lambda share, words: status.update(label=f"{words} ({share:.0%})"),
            )  # fmt: skip
            status.update(label="Done", state="complete")
            st.rerun()


def head(found: Explanations) -> None:
    """Draw what was explained: threshold and metrics by origin."""
    parts = [f"Target **{widgets.escape_markdown(found.target)}**"]
    if found.positive is not None:
        parts.append(f"positive class **{widgets.escape_markdown(found.positive)}**")
    if found.threshold is not None:
        parts.append(f"threshold {found.threshold:.4f} ({widgets.escape_markdown(found.threshold_origin)})")
    st.caption(" · ".join(parts))


def draw(view: str, found: Explanations) -> None:
    """Draw one view."""
    st.caption(_HELP[view])
    if view == IMPORTANCE:
        importance(found)
    elif view == SHAP:
        shap(found)
    elif view == DEPENDENCE:
        dependence(found)
    elif view == PERFORMANCE:
        performance(found)
    elif view == RESIDUALS:
        residuals(found)
    else:
        learning(found)


def no_data(item: Item) -> bool:
    """Say why there is no data, if there is none."""
    if item.data is None:
        st.info(widgets.escape_markdown(item.reason or "It was not computed."), icon=":material/info:")
    return item.data is None


def method(item: Item) -> None:
    """Say how an explanation was made."""
    words = " · ".join(part for part in (item.method, item.origin) if part)
    if words:
        st.caption(f":small[Method: {widgets.escape_markdown(words)}]")


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


def origin_choice(found: Explanations) -> str:
    """Draw a choice of origin where there are several; return the chosen one."""
    known = [origin for origin in ("cv", "holdout") if origin in found.metrics]
    if len(known) < 2:
        return known[0] if known else "cv"
    return st.segmented_control(
        "Measured on", known, key="explain_origin", default=known[0], required=True,
        format_func=widgets.choice_labels(lambda origin: ORIGIN_NAMES[origin].capitalize()),
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


def learning(found: Explanations) -> None:
    """Draw the learning curve."""
    item = found.learning_curve
    if not no_data(item):
        figure = charts_models.learning_curve(item, dark=widgets.is_dark())
        widgets.chart(figure, key="explain_learning", alt="The metric while the model was built")
        method(item)
