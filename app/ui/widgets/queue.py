"""What runs and what waits, for Home, Train and Runs: redrawn by itself; each run can be opened and cancelled."""

from collections.abc import Sequence

import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.services import get_services, needs
from app.ui.widgets.models.runs import run_link, status_badge
from app.ui.widgets.text import escape_markdown
from core.domain.runs import CANCELLING, RunInfo
from core.wording import ago_text, count_text

_REFRESH = "3s"


def queue() -> tuple[RunInfo, ...]:
    """Return the run in progress and those that wait, in order; nothing where the store cannot be read."""
    with guard(stop=False):
        return get_services().jobs.queue()
    return ()


def draw(active: Sequence[RunInfo], *, key: str) -> None:
    """Draw the queue; the whole page is drawn again when a run starts or ends."""
    _live(tuple((run.run_id, run.status) for run in active), key)


@st.fragment(run_every=_REFRESH)
def _live(seen: tuple[tuple[str, str], ...], key: str) -> None:
    with guard(stop=False):
        active = get_services().jobs.queue()
        if tuple((run.run_id, run.status) for run in active) != seen:
            st.rerun()
        with st.container(border=True, gap="medium"):
            place = 0
            for run in active:
                place += run.status == "queued"
                _row(run, place, key)


def notice(active: Sequence[RunInfo]) -> None:
    """Say on the form how many runs come first."""
    if not active:
        return
    first = active[0]
    waiting = sum(run.status == "queued" for run in active)
    busy = "One training runs" if first.status == "running" else "No training runs"
    text = f"{busy}, {count_text(waiting, 'waits', 'wait')}" if waiting else busy
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f":material/hourglass_top: {text}. Yours starts by itself when its turn comes.", width="content")
        navigation.link("train", "Open the first one", icon=":material/arrow_forward:", run=first.run_id)


def cancel(run_id: str) -> None:
    """Callback: cancel a run."""
    with guard(stop=False):
        get_services().jobs.cancel(run_id)


def place_words(place: int | None) -> str:
    """Return a place in the queue in words.

    Examples
    --------
    >>> place_words(1), place_words(3)
    ('next in the queue', 'number 3 in the queue')
    """
    return "next in the queue" if place in (None, 1) else f"number {place} in the queue"


def _row(run: RunInfo, place: int, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(gap="xxsmall", width="stretch"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{escape_markdown(run.experiment)}**", width="content")
                status_badge(run.status)
                run_link(run)
            target = escape_markdown(run.settings.target)
            facts = [escape_markdown(run.dataset_name), f"predicts {target}"]
            facts += [escape_markdown(run.person)] if run.person else []
            if run.status == "queued":
                held = [f":material/cloud_off: {run.stage}"] if run.stage else []
                st.caption(" · ".join([*held, place_words(place), *facts, ago_text(run.created_at)]))
            else:
                words = [escape_markdown(run.stage or "Training"), count_text(run.n_models, "model")]
                st.caption(" · ".join(facts))
                st.progress(min(max(run.progress, 0.0), 1.0), text=" · ".join(words))
        help_text = "Takes it out of the queue." if run.status == "queued" else "Stops it; its finished models stay."
        # A callback: a redraw of the page that begins before the button is read would lose the click.
        st.button(
            "Cancel",
            key=f"{key}_cancel_{run.run_id}",
            icon=":material/stop_circle:",
            type="tertiary",
            on_click=cancel,
            args=(run.run_id,),
            **needs("jobs.cancel", disabled=run.stage == CANCELLING, help=help_text),
        )
