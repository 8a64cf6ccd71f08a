"""Compare: two to ten models or runs side by side, on the rows they were judged on and on a file."""

import streamlit as st

from app.ui import navigation
from app.ui.compare import chosen as compare_chosen
from app.ui.compare import file as compare_file
from app.ui.compare import view as compare_view
from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.widgets.layout import choice_labels, empty_state, page_title
from app.ui.widgets.pickers import choose
from core.wording import count_text

page_title(
    "Compare", "Models or runs side by side, measured on the same rows. To share what you see, copy the page's address."
)
with guard():
    services = get_services()
    runs = [run for run in services.store.list_runs() if run.n_models]
if not runs:
    with empty_state(
        "Nothing to compare yet", "Train some models; two of them can be compared here.", icon=":material/compare:"
    ):
        navigation.link("train", "Open Train")
    st.stop()

with guard():
    n_gone = compare_chosen.follow_link(services.store)
if n_gone:
    st.warning(
        "Deleted, without a model, or the address is not complete. Choose others below.",
        title=f"{count_text(n_gone, 'model or run', 'models or runs')} of this address cannot be compared",
        icon=":material/link_off:",
    )
head = st.columns([1, 2, 4])
with head[0]:
    kind = compare_chosen.choose_kind()
with guard():
    choice = compare_chosen.choose_items(services.store, runs, kind, head[1], head[2])
if choice is None:
    st.caption(f":material/touch_app: Choose two to ten {kind}, here or on the Leaderboard.")
    navigation.link("leaderboard", "Leaderboard")
    st.stop()
with guard():
    found = compare_view.beside(choice)
compare_view.head(choice, found)

VIEWS = {
    "Metrics": compare_view.metrics,
    "Curves": compare_view.curves_view,
    "Importance": compare_view.importance,
    "Disagreement": compare_view.disagreement_view,
    "Settings": compare_view.settings,
    "On a file": compare_file.draw,
}
choose("compare_view", VIEWS)
view = st.segmented_control(
    "View", tuple(VIEWS), key="compare_view", required=True, label_visibility="collapsed", wrap=True,
    format_func=choice_labels(str),
) or "Metrics"  # fmt: skip
with guard(stop=False):
    VIEWS[view](choice, found)
