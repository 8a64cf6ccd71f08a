"""Scorings in the background: what runs and what waits, for Predict and Home, redrawn by itself."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.widgets.queue import place_words
from app.ui.widgets.text import escape_markdown
from core.ledger.scoring_records import ORIGIN_WORDS, ScoringRecord, ScoringStatus
from core.wording import ago_text, bytes_text

_REFRESH = "2s"
STATUS_LOOK: dict[ScoringStatus, tuple[str, str, Literal["gray", "blue", "green", "red", "orange"]]] = {
    "queued": ("Waiting", ":material/schedule:", "gray"),
    "running": ("In progress", ":material/progress_activity:", "blue"),
    "finished": ("Finished", ":material/check_circle:", "green"),
    "failed": ("Failed", ":material/error:", "red"),
    "cancelled": ("Cancelled", ":material/cancel:", "orange"),
    "interrupted": ("Interrupted", ":material/power_off:", "orange"),
}


def active() -> tuple[ScoringRecord, ...]:
    """Return the background scorings in progress and waiting; nothing where they cannot be read."""
    with guard(stop=False):
        return tuple(record for record in get_services().scorings.active() if record.background)
    return ()


def draw(records: Sequence[ScoringRecord], *, key: str) -> None:
    """Draw them; the whole page is drawn again when one begins or ends."""
    _live(tuple((record.id, record.status) for record in records), key)


@st.fragment(run_every=_REFRESH)
def _live(seen: tuple[tuple[str, str], ...], key: str) -> None:
    records = active()
    if tuple((record.id, record.status) for record in records) != seen:
        st.rerun()
    with st.container(border=True, gap="medium"):
        place = 0
        for record in records:
            place += record.status == "queued"
            row(record, place, key)


def row(record: ScoringRecord, place: int, key: str) -> None:
    """Draw one that waits or runs, with a link to it and the button that ends it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(gap="xxsmall", width="stretch"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                name = escape_markdown(record.file_name)
                navigation.link("predict", f"**{name}**", icon=":material/arrow_forward:", scoring=record.id)
                badge(record.status)
            facts = [escape_markdown(record.experiment), bytes_text(record.n_bytes)]
            facts += [escape_markdown(record.person)] if record.person else []
            if record.status == "queued":
                st.caption(" · ".join([place_words(place), *facts, ago_text(record.submitted_at)]))
            else:
                st.caption(" · ".join(facts))
                st.progress(min(max(record.progress, 0.0), 1.0), text=stage_words(record))
        cancel_button(record, key)


def cancel_button(record: ScoringRecord, key: str) -> None:
    """Draw the button that ends a scoring; a callback, since a redraw of the page would lose the click."""
    st.button(
        "Cancel",
        key=f"{key}_cancel_{record.id}",
        icon=":material/stop_circle:",
        type="tertiary",
        disabled=record.wants_cancel,
        help="Takes it out of the queue." if record.status == "queued" else "Ends it after the current step.",
        on_click=cancel,
        args=(record.id,),
    )


def cancel(scoring_id: str) -> None:
    """Callback: end a scoring."""
    with guard(stop=False):
        get_services().scorings.cancel(scoring_id)


def again(scoring_id: str) -> None:
    """Callback: queue a scoring again."""
    with guard(stop=False):
        get_services().scorings.again(scoring_id)


def badge(status: ScoringStatus) -> None:
    """Draw a scoring's status."""
    label, icon, color = STATUS_LOOK[status]
    st.badge(label, icon=icon, color=color)


def stage_words(record: ScoringRecord) -> str:
    """Say what is being done."""
    return f"{record.stage or 'Starting'}{'; ends after this step' if record.wants_cancel else ''}"


def origin_words(record: ScoringRecord) -> str:
    """Say where a scoring came from, with the person when there is one."""
    where = ORIGIN_WORDS[record.origin]
    return f"{record.person}, {where}" if record.person and record.person != where else where
