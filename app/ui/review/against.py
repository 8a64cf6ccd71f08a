"""A model beside the one in use: what the difference between them comes to, in a sentence, and the way to compare."""

import math
from collections.abc import Sequence

import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.widgets.models.card import shown_name
from app.ui.widgets.models.metrics import headline_metric
from core.domain.models import ORIGIN_NAMES, ModelInfo, metric_in_words
from core.metrics.ties import BY_THRESHOLD
from core.models.standing import difference_texts, tested_metric
from core.review.difference import compare_with_champion
from core.wording import list_text


def draw(model: ModelInfo, metric: str, *, called: str = "This model") -> None:
    """Say which other model is in use, lead to the comparison with it, and say what that comes to.

    Parameters
    ----------
    metric : str
        The metric by which the models of its run are ranked.
    called : str
        The model at the beginning of a sentence.
    """
    with guard(stop=False):
        services = get_services()
        champion = services.store.champion(model.experiment)
        if champion is None or champion.id == model.id:
            return
        mark = services.store.get_run(champion.run_id).mark or champion.run_id[:8]
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(
                f"The champion is version {champion.version}: {shown_name(champion)} of run {mark},"
                f" {headline_metric(champion)}.",
                width="content",
            )
            navigation.link("compare", "Compare the two", model=[champion.id, model.id])
        if not (champion.has_files and model.has_files):
            return
        policies = [policy.id for one in (champion, model) for policy in services.ledger.policies(one.id)[:1]]
        st.markdown(_difference(champion, model, metric, policies, called))


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs={ModelInfo: lambda model: model.id})
def _difference(champion: ModelInfo, model: ModelInfo, metric: str, policies: Sequence[int], called: str) -> str:
    """Say whether more than chance tells a model from the one in use; `policies` are those in force for both."""
    services = get_services()
    found = compare_with_champion(services.store, services.ledger, champion, model)
    main = found.headline(tested_metric(metric, model))
    if main is None or found.origin is None or not math.isfinite(main.high - main.low):
        return f":gray[{found.reason}]" if found.reason else ""
    worse = found.worse()
    how = "tied with" if main.is_tied else "worse than" if main in worse else "better than"
    value, interval = difference_texts(main)
    by_threshold = BY_THRESHOLD.get(model.task, frozenset())  # of which each model has its own
    others = [one.metric for one in worse if one is not main and one.metric not in by_threshold]
    rows, by = ORIGIN_NAMES[found.origin], metric_in_words(main.metric)
    said = f"{called} is **{how} the champion** by {by} on the same {rows} rows: {value} (95% interval {interval})."
    if main.is_tied:
        is_all_tied = all(one.is_tied or one.metric in by_threshold for one in found.differences)
        said += " Chance could explain that"
        said += ": what is left to decide by is how simple and fast they are." if is_all_tied else "."
    return f"{said} It is worse by {list_text(map(metric_in_words, others), 3)}, beyond chance." if others else said
