"""The checklist of a model: what was found, what speaks against it first."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import streamlit as st

from app.ui import beside, navigation
from app.ui.services import get_services
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo
from core.domain.runs import RunInfo
from core.errors import AppError
from core.review.checklist import Check, Topic
from core.wording import count_text

_ITEMS = {
    "ok": ":green[:material/check_circle:]",
    "not ok": ":red[:material/error:]",
    "not known": ":gray[:material/remove:]",
}
# The view of Explain that shows more of an item.
_VIEWS: Mapping[Topic, str] = {
    "holdout": "performance", "calibration": "performance", "weak": "weak-spots", "fairness": "fairness",
}  # fmt: skip
_POOL = ThreadPoolExecutor(1, thread_name_prefix="checklists")
_ORDER = ("not ok", "not known", "ok")  # what a decision has to deal with comes first


@st.cache_resource(max_entries=64, ttl=600, show_spinner=False)
def _checks(model_id: str, stamp: tuple[object, ...]) -> Future[tuple[Check, ...]]:
    services = get_services()
    return beside.start(lambda: services.checklists.of(services.store.resolve(f"models:/{model_id}")), _POOL)


def draw(model: ModelInfo, *, waits: bool) -> None:
    """Draw the checklist, filled in again when what it is made from has changed.

    Parameters
    ----------
    waits : bool
        Whether the page waits for it, or is drawn without it and again when it is there.
    """
    services = get_services()
    run = services.store.get_run(model.run_id)
    policy = next(iter(services.ledger.policies(model.id, limit=1)), None)
    scored = services.monitor.history(model.experiment, limit=1)
    stamp = (
        run.verification.rerun_id if run.verification else "",
        policy.id if policy else 0,
        scored[-1].id if scored else "",
        services.problems.find(model.experiment),
    )
    asked = (model.id, tuple(map(repr, stamp)))
    found = _checks(*asked)
    if not waits and not found.done():
        beside.wait(found, "The checklist is being filled in.")
        return
    with st.spinner("Filling in the checklist", show_time=False):
        failed = found.exception()
    if failed is not None:  # the next look tries again
        _checks.clear(*asked)
    try:
        _items(found.result(), model, run)
    except AppError as error:  # what is around does without
        st.caption(f"It cannot be filled in: {escape_markdown(error.message)}")


def _items(items: Sequence[Check], model: ModelInfo, run: RunInfo) -> None:
    against = sum(item.state == "not ok" for item in items)
    unknown = sum(item.state == "not known" for item in items)
    words = f"{len(items) - against - unknown} of {len(items)} fine"
    words += f", {unknown} not known" if unknown else ""
    words += f", {count_text(against, 'point')} to look at before it is used." if against else "."
    st.caption(words)
    for item in sorted(items, key=lambda one: _ORDER.index(one.state)):
        if item.state != "ok":
            with st.container(gap=None):
                _item(item)
                _way(item, model, run)
    fine = [item for item in items if item.state == "ok"]
    if fine:
        with st.expander(f":green[:material/check_circle:] {len(fine)} fine"):
            for item in fine:
                _item(item)


def _way(item: Check, model: ModelInfo, run: RunInfo) -> None:
    """Draw the link to the page where more is known of an item, or where it becomes known."""
    is_known, view = item.state != "not known", _VIEWS.get(item.topic)
    if view is not None:
        if is_known or (item.topic == "fairness" and model.task == "binary"):
            navigation.link("explain", f"See {view.replace('-', ' ')}", model=model.id, view=view)
    elif item.topic == "leakage":
        if is_known:
            dataset_id, target = run.settings.dataset_id, run.settings.target
            navigation.link("explore", "Look at the column", dataset=dataset_id, target=target)
    elif item.topic == "reproducible":
        navigation.link("runs", "See what differs" if is_known else "Train it again to verify", run=run.run_id)
    elif item.topic == "baselines":
        navigation.link("runs", "See the run", run=run.run_id)
    elif is_known:
        navigation.link("monitor", "See the drift", experiment=model.experiment, view="drift")
    else:
        navigation.link("predict", "Score a file", model=model.id)


def _item(item: Check) -> None:
    origin = f" :gray[({escape_markdown(item.origin)})]" if item.origin else ""
    st.markdown(f"{_ITEMS[item.state]} **{item.title}**  \n:small[{escape_markdown(item.text)}{origin}]", anchors=False)
