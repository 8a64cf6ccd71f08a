"""What the views of the Explain page share: the model that is open, and what is shown where there is nothing yet."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.ui.errors import guard
from app.ui.explain import cached as explain_data
from app.ui.services import get_services
from app.ui.widgets.layout import empty_state
from app.ui.widgets.models.card import model_label, model_uri
from app.ui.widgets.pickers import choose
from app.ui.widgets.text import escape_markdown
from core.domain.models import ModelInfo
from core.domain.runs import RunInfo
from core.explanations.items import Explanations, Item
from core.models.opened import StoredModel
from core.wording import percent_text

if TYPE_CHECKING:
    from core.store.mlflow import Store

BELOW = ("show", "part", "rows", "class", "feature", "column")  # what the address says more of a view
_LINKED = "explain.linked"
_MOST = 500  # in the list; any other one is opened by its link


@dataclass(frozen=True)
class Opened:
    """The model that the page shows, and its run."""

    model: ModelInfo
    run: RunInfo

    @cached_property
    def found(self) -> Explanations | None:
        """The model's explanations where they were computed: read by the views that show them, not by the others."""
        with guard(), st.spinner("Reading the explanations", show_time=False):
            return StoredModel(get_services().store, self.model).explanations


def stored_models(store: "Store") -> dict[str, ModelInfo]:
    """Return the models that can be explained, by id: newest experiment first, champions and leaders first in each."""
    found = list(store.models(can_score=True, limit=_MOST))
    newest = {name: place for place, name in enumerate(dict.fromkeys(model.experiment for model in found))}
    found.sort(key=lambda model: (newest[model.experiment], not model.is_champion, model.rank or 999))
    return {model.id: model for model in found}


def seed_model(store: "Store", models: dict[str, ModelInfo]) -> None:
    """Choose the model of `?model=`, or the leader of `?run=`, once per address; else the one chosen before.

    A model that the list does not reach is added to it.
    """
    session, query = st.session_state, st.query_params
    linked = (query.get("model"), query.get("run"))
    if any(linked) and session.get(_LINKED) != linked:
        session[_LINKED] = linked
        with guard(stop=False):  # an old link, or a mistyped one: the models that there are follow
            wanted = linked[0] or store.get_run(str(linked[1])).leader_id
            if not wanted:
                st.warning("This run has no model to explain.", icon=":material/link_off:")
            elif (model := store.resolve(model_uri(wanted))).has_files:
                models.setdefault(model.id, model)
                session["explain_model"] = model.id
            else:
                st.warning("This model's files were not kept, so it cannot be explained.", icon=":material/link_off:")
    choose("explain_model", models)


def keep_link(model: ModelInfo) -> None:
    """Put the chosen model into the address."""
    st.query_params.pop("run", None)
    if st.query_params.get("model") != model.id:
        st.query_params["model"] = model.id
    st.session_state[_LINKED] = (model.id, None)


def label(model: ModelInfo) -> str:
    """Return how a model is called in the list."""
    return f"{model.experiment} · {model_label(model)}"


def need(opened: Opened) -> Explanations:
    """Return the explanations; where there are none yet, draw what to do instead and end the page."""
    if opened.found is None:
        if opened.run.explanations == "computing":
            waiting(opened.model)
        elif opened.run.explanations == "failed":
            offer(opened.model, opened.run.explanations_error)
        else:
            offer(opened.model, "Computing them takes up to a minute.")
        st.stop()
    return opened.found


@st.fragment(run_every="3s")
def waiting(model: ModelInfo) -> None:
    """Say that explanations are being computed; the page is drawn again when they are there."""
    with guard():
        store = get_services().store
        run = store.get_run(model.run_id)
        if run.explanations != "computing" or StoredModel(store, model).explanations is not None:
            st.rerun()
    st.status("Computing in the background: importance, SHAP values, partial dependence", state="running")
    st.caption("This takes up to a minute after training. The page shows them as soon as they are there.")
    st.skeleton(height=280)


def offer(model: ModelInfo, reason: str) -> None:
    """Draw what to do when there are no explanations yet, and do it."""
    box = empty_state("This model has no explanations yet", reason, icon=":material/lightbulb:")
    if box.button(
        "Compute them now", key="explain_compute", type="primary", icon=":material/play_arrow:",
        help="This needs the engine, which is started for it.",
    ):  # fmt: skip
        # Any click interrupts the script at its next report of progress, and what was sent to the engine is removed.
        box.button("Cancel", key="explain_cancel", icon=":material/cancel:")
        with guard(), st.status("Starting the engine") as status:
            get_services().explainer.compute(
                model, progress=lambda share, words: status.update(label=f"{words} ({percent_text(share, 0)})")
            )
            get_services().explainer.compare(model.run_id)  # so that what stands side by side has it
            status.update(label="Done", state="complete")
            st.rerun()


def weights_note(opened: Opened) -> None:
    """Say, for a run with weights, that the figures of the page count rows."""
    weights = opened.run.settings.weights_column
    if weights is not None:
        name = escape_markdown(weights)
        st.caption(
            f":material/info: Here every row counts once. The weights in **{name}** count in training and in the"
            " metrics of the leaderboard, which H2O computes."
        )


def head(opened: Opened, found: Explanations) -> None:
    """Draw what was explained, and the threshold that labels are made by now."""
    parts = [f"Target **{escape_markdown(found.target)}**"]
    if found.positive is not None:
        parts.append(f"positive class **{escape_markdown(found.positive)}**")
    decided = explain_data.decision(opened.model)
    if decided.threshold is not None:
        parts.append(f"threshold {decided.threshold:.4f} ({escape_markdown(decided.words)})")
    st.caption(" · ".join(parts))


def no_data(item: Item[Any]) -> bool:
    """Say why there is no data, if there is none."""
    if item.data is None:
        st.info(escape_markdown(item.reason or "It was not computed."), icon=":material/info:")
    return item.data is None


def method(item: Item[Any]) -> None:
    """Say how an explanation was made."""
    words = " · ".join(part for part in (item.method, item.origin) if part)
    if words:
        st.caption(f":small[Method: {escape_markdown(words)}]")
