"""The Overview of the Explain page, and the Learning view: the model's metrics, what it relies on, how it learned."""

import streamlit as st

from app.ui.errors import guard
from app.ui.explain import cached as explain_data
from app.ui.explain import features as explain_features
from app.ui.explain import opened as explain_view
from app.ui.explain.opened import Opened, method, no_data
from app.ui.explain.quality.decision import in_people_words
from app.ui.services import get_services
from app.ui.widgets.layout import chart
from app.ui.widgets.models import checklist
from app.ui.widgets.models.metrics import main_metric, metric_cards, metric_name, split_metric
from app.ui.widgets.text import bold
from core.charts import models as charts_models
from core.domain.models import ORIGIN_NAMES, ModelInfo
from core.explanations.answers import learned_words
from core.explanations.items import Explanations
from core.metrics.threshold import outcomes_at
from core.wording import list_text, metric_text, percent_text

_NAMED = 3
_CHECKED_CELLS = 1_000_000  # of more, filling in the checklist would slow down for seconds whoever is at work here
_ASKED = "explain.checklist"


def draw(opened: Opened) -> None:
    """Draw what can be said in a sentence, the metrics by origin, the importance of the features, and the checklist."""
    found = explain_view.need(opened)
    st.markdown(_in_short(opened, found))
    decided = st.container()
    metric_cards(opened.model, opened.run, exact=_exact(opened, found))
    explain_view.head(opened, found)
    checked, relies = st.columns([5, 7], gap="large")  # on a telephone what speaks against it comes first
    with relies:
        explain_features.importance(found)
    dataset = get_services().datasets.find_id(opened.run.settings.dataset_id)
    is_large = dataset is not None and dataset.n_rows * dataset.n_columns > _CHECKED_CELLS
    with checked:
        st.markdown("**What to know before relying on it**")
        _checklist(opened, is_large=is_large)
    if opened.model.task == "binary" and not is_large:
        with decided, guard(stop=False):
            _decided(opened.model)


def _checklist(opened: Opened, *, is_large: bool) -> None:
    """Draw the checklist: at once where the data are small, else when it is asked for."""
    if is_large and st.session_state.get(_ASKED) != opened.model.id:
        st.caption("Leaks, calibration, weak parts, drift and more are looked at: on that many rows it takes a while.")
        st.button("Fill in the checklist", key="explain_checklist", icon=":material/checklist:",
                  on_click=_ask, args=(opened.model.id,))  # fmt: skip
    else:
        checklist.draw(opened.model, waits=False)


def _ask(model_id: str) -> None:
    st.session_state[_ASKED] = model_id


def _in_short(opened: Opened, found: Explanations) -> str:
    """Say how good the model is beside one that says the same of every row, and what it relies on most."""
    model, name = opened.model, main_metric(opened.model)
    origin, plain = split_metric(name)
    value = _exact(opened, found).get(name, model.metrics.get(name))
    words = f"{metric_name(plain)} is **{metric_text(value)}** ({ORIGIN_NAMES[origin]})"
    constant = opened.run.constant.get(name)
    words += f", where a constant predictor has {metric_text(constant)}" if constant is not None else ""
    beside = f"{origin}_logloss"
    loss, usual = _exact(opened, found).get(beside, model.metrics.get(beside)), opened.run.constant.get(beside)
    if plain == "auc" and loss is not None and constant is not None and usual is not None:
        words += f"; log loss is {metric_text(loss)}, where it has {metric_text(usual)}"
    if plain == "auc" and value is not None:
        words += f". Of all pairs of a positive and a negative row it ranks {percent_text(value)} the right way round"
    most = [one.feature for one in (found.variable_importance.data or ())][:_NAMED]
    relies = f" It relies most on {list_text(most, show=bold)}." if most else ""
    return f"{words}.{relies}"


def _decided(model: ModelInfo) -> None:
    """Draw in a sentence what the threshold in force does to rows that the model had not seen; nothing without one."""
    decided, origin = explain_data.decision(model), split_metric(main_metric(model))[0]
    if decided.threshold is None or origin not in explain_data.origins(model.id):
        return
    positive = str(explain_data.spec(model.id).positive)
    ranking = explain_data.ranking(model.id, origin, positive, explain_data.method_of(decided))
    if words := in_people_words(outcomes_at(ranking, decided.threshold), positive):
        st.markdown(f":material/rule: At the threshold {decided.threshold:.4f} ({ORIGIN_NAMES[origin]}): {words}")


def _exact(opened: Opened, found: Explanations) -> dict[str, float]:
    """Return what was counted over every stored prediction, named by origin; nothing of a run with weights.

    The constant predictor that it stands beside, and the leaderboard, have the weighted metrics then.
    """
    if opened.run.settings.weights_column is not None:
        return {}
    return {f"{origin}_{name}": value for origin, own in found.metrics.items() for name, value in own.items()}


def learning(opened: Opened) -> None:
    """Draw the learning curve."""
    item = explain_view.need(opened).learning_curve
    words = learned_words(item.data, opened.model.algo) if item.data else ""
    st.markdown(words or "How the metric moved while the model was built; curves that drift apart hint at overfitting.")
    if not no_data(item):
        figure = charts_models.learning_curve(item)
        chart(figure, key="explain_learning", alt="The metric while the model was built")
        method(item)
