"""Forms for more detail: features and pairs of features that were not computed right after training."""

from collections.abc import Callable

import streamlit as st

from app.ui.errors import guard
from app.ui.explain.opened import Opened
from app.ui.services import get_services
from app.ui.widgets.text import escape_markdown
from core.explanations.items import Explanations

MAX_AT_ONCE = 10
Compute = Callable[..., Explanations]


def features(opened: Opened, found: Explanations) -> None:
    """Draw the choice of further features, and compute them."""
    known = {one.feature for one in found.partial_dependence.data or ()}
    ranked = [one.feature for one in found.variable_importance.data or ()]
    left = [name for name in ranked if name not in known]
    if not left:
        return
    with st.popover("More features", icon=":material/add_chart:", key="explain_more_features"):
        chosen = st.multiselect(
            "Features to compute", left, key="explain_more_names", max_selections=MAX_AT_ONCE,
            help="The results are kept with the run.",
        )  # fmt: skip
        if st.button("Compute", key="explain_more_start", disabled=not chosen, type="primary"):
            _run(get_services().explainer.add_features, opened, found, chosen)


def pair(opened: Opened, found: Explanations) -> None:
    """Draw the choice of two features, and compute their map."""
    names = [one.feature for one in found.partial_dependence.data or ()]
    known = {frozenset((one.first, one.second)) for one in found.pairs.data or ()}
    with st.popover("Another pair", icon=":material/add_chart:", key="explain_more_pair"):
        first = st.selectbox("First feature", names, key="explain_pair_first")
        second = st.selectbox("Second feature", [name for name in names if name != first], key="explain_pair_second")
        is_known = frozenset((first, second)) in known
        if is_known:
            st.caption("This pair has been computed already.")
        if st.button("Compute", key="explain_pair_start", disabled=is_known or second is None, type="primary"):
            _run(get_services().explainer.add_pair, opened, found, first, second)


def _run(compute: Compute, opened: Opened, found: Explanations, *what: object) -> None:
    """Compute with progress; any click interrupts it, and the button to cancel says so."""
    bar = st.progress(0.0, "Reading training rows")
    st.button("Cancel", key="explain_more_cancel", icon=":material/cancel:")

    def say(share: float, words: str) -> None:
        bar.progress(share, escape_markdown(words))

    with guard():
        compute(opened.model, found, *what, progress=say)
        st.rerun()
