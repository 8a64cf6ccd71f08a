"""The Models view of the Explain page: the models of the run side by side."""

import streamlit as st

from app.ui.explain.opened import Opened, method, no_data
from app.ui.services import get_services
from app.ui.widgets.layout import chart
from app.ui.widgets.pickers import switch
from app.ui.widgets.text import bold
from core.charts import models as charts_models
from core.domain.models import ModelInfo, model_name
from core.explain import load_comparison
from core.explanations.answers import apart_words
from core.explanations.items import Dependence
from core.explanations.models import ModelComparison
from core.models.leaderboard import DEFAULT_METRIC
from core.models.opened import StoredModel

IMPORTANCE, AGREEMENT, DEPENDENCE, PARETO = "Importance", "Agreement", "Partial dependence", "Speed and metric"
_HELP = {
    IMPORTANCE: "What each model of the run relies on: one column per model; the darker, the more important.",
    AGREEMENT: "Where models agree, one can stand for the other; an ensemble gains from members that differ.",
    DEPENDENCE: "The same feature in several models: where they differ, the data leaves the answer open.",
    PARETO: "Models on the line are the best for their speed; each of the others is beaten on both.",
}


def draw(opened: Opened) -> None:
    """Draw the chosen comparison."""
    kind = switch("Comparison", tuple(_HELP), key="explain_models", param="show", is_labelled=False)
    st.caption(_HELP[kind])
    models = get_services().store.models(run_id=opened.model.run_id)
    if kind == DEPENDENCE:
        _dependence(opened, models)
    elif kind == PARETO:
        _pareto(opened, models)
    else:
        _comparison(kind, _compared(opened.model.run_id))


def _compared(run_id: str) -> ModelComparison:
    """Return the comparison stored with the run, made now where an older version made none."""
    return load_comparison(get_services().store, run_id) or get_services().explainer.compare(run_id)


def _comparison(kind: str, found: ModelComparison) -> None:
    if kind == IMPORTANCE and not no_data(found.importance):
        if found.importance.data and (words := apart_words(found.importance.data, bold)):
            st.markdown(words)
        figure = charts_models.importance_map(found.importance)
        chart(figure, key="explain_importance_map", alt="Importance of each feature in each model")
        method(found.importance)
    elif kind == AGREEMENT and not no_data(found.agreement):
        figure = charts_models.agreement(found.agreement)
        chart(figure, key="explain_agreement", alt="How often each pair of models agrees")
        method(found.agreement)


def _dependence(opened: Opened, models: tuple[ModelInfo, ...]) -> None:
    store = get_services().store
    kept = [model for model in models if model.has_files]
    loaded = [(model, StoredModel(store, model).explanations) for model in kept]
    lines: dict[str, list[tuple[str, Dependence]]] = {}
    for model, found in loaded:
        for one in (found.partial_dependence.data if found else None) or ():
            lines.setdefault(one.feature, []).append((model_name(model.model_key), one))
    shared = {feature: found for feature, found in lines.items() if len(found) > 1}
    if not shared:
        st.info("No two models of this run have a partial dependence on the same feature.", icon=":material/info:")
        return
    with st.container(horizontal=True):
        feature = st.selectbox("Feature", tuple(shared), key="explain_models_feature", width=420)
        names = [line.name for line in shared[feature][0][1].lines]
        name = names[0] if len(names) == 1 else st.selectbox("Class", names, key="explain_models_class", width=240)
    known = opened.found or next(found for _, found in loaded if found)
    origin = f"{len(shared[feature])} models, {known.partial_dependence.origin}"
    words = charts_models.of_class(charts_models.predicted_words(known), name)
    figure = charts_models.dependence_of_models(shared[feature], name, predicted=words, origin=origin)
    chart(figure, key="explain_models_dependence", alt="Mean prediction by value of a feature, by model")
    method(known.partial_dependence)


def _pareto(opened: Opened, models: tuple[ModelInfo, ...]) -> None:
    name = DEFAULT_METRIC[opened.model.task]
    metric = name if "_" in name and name.split("_")[0] in ("cv", "holdout") else f"cv_{name}"
    if not any(model.predict_time_per_row_s and metric in model.metrics for model in models):
        st.info("Prediction times are measured after the explanations; this run has none yet.", icon=":material/info:")
        return
    figure = charts_models.pareto(models, metric)
    chart(figure, key="explain_pareto", alt="Prediction time against metric, by model")
    st.caption(":small[Method: H2O's prediction time per row over the training rows, measured once after training.]")
