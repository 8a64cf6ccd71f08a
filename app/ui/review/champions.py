"""The champion history of an experiment as a time line, with the way back."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.ui.errors import guard
from app.ui.review.promotion import DONE
from app.ui.services import get_services
from app.ui.widgets.person import known_person, person_field, remember_person
from app.ui.widgets.text import badge_text, escape_markdown
from core.domain.champions import ChampionEntry
from core.domain.models import ModelInfo
from core.errors import ModelNotFoundError
from core.wording import count_text, time_text

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.services import Services

_SHOWN = 20
_ASKED, _PERSON = "leaderboard.back", "leaderboard_back_person"
_NEWEST, _EARLIER = ":green[:material/radio_button_checked:]", ":gray[:material/radio_button_unchecked:]"


def current(experiment: str, models: Sequence[ModelInfo]) -> ModelInfo | None:
    """Return the champion, said to be gone where another tool has deleted its run.

    Parameters
    ----------
    models : sequence of ModelInfo
        Those that the page has read already; the champion may be one of them.
    """
    known = next((model for model in models if model.is_champion), None)
    if known is not None:
        return known
    try:
        return get_services().store.champion(experiment)
    except ModelNotFoundError as error:
        st.warning(f"{escape_markdown(error.message)} {error.hint}", icon=":material/link_off:", title="No champion")
        return None


def say_lost() -> None:
    """Say which experiments have a champion whose run another tool has deleted, where no run is left to show."""
    with guard(stop=False):
        for experiment, version in get_services().store.lost_champions().items():
            words = f"Version {version} of {escape_markdown(experiment)} is the champion, but its run was deleted."
            st.warning(f"{words} Train again, then choose a new one here.", icon=":material/link_off:")


def draw(experiment: str, champion: ModelInfo | None) -> None:
    """Draw who made which version the champion, the newest first."""
    services = get_services()
    if asked := st.session_state.pop(_ASKED, None):
        _go_back(services, *asked)
    with guard(stop=False):
        entries = services.reviews.history(experiment)
        now = champion.version if champion else services.store.champion_version(experiment)
        if not entries and now is None:
            return
        title = f"Champion history: {count_text(len(entries), 'change')}"
        with st.expander(title, expanded=False, key="leaderboard_history"):
            if not entries:
                st.info(f"How version {now} became the champion is not known here.", icon=":material/info:")
            elif now is None and not entries[0].outside:
                st.info("Another tool took the champion away: none scores now.", icon=":material/info:")
            for place, entry in enumerate(entries[:_SHOWN]):
                _entry(entry, is_newest=place == 0 and entry.version == now)
            if len(entries) > _SHOWN:
                st.markdown(
                    f":gray[:small[And {len(entries) - _SHOWN} earlier ones; all of them:]] `python -m core history`"
                )


def _entry(entry: ChampionEntry, *, is_newest: bool) -> None:
    line, way_back = st.columns([5, 2], vertical_alignment="center")
    with line, st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.markdown(f"{_NEWEST if is_newest else _EARLIER} **Version {entry.version}**", width="content")
            if is_newest:
                st.badge("Champion", icon=":material/trophy:", color="green")
            if entry.approved_by:
                st.badge(f"Approved by {badge_text(entry.approved_by)}", icon=":material/verified:", color="blue")
        by = " automatically" if entry.automatic else f" by {escape_markdown(entry.person)}" if entry.person else ""
        instead = f" · instead of version {entry.from_version}" if entry.from_version else ""
        when = "At an unknown time" if entry.outside else time_text(entry.at)
        st.caption(f"{when}{by}{instead}  \n{escape_markdown(entry.why)}")
    if is_newest and entry.from_version and entry.from_version != entry.version:
        _roll_back(entry, way_back)


def _roll_back(entry: ChampionEntry, way_back: "DeltaGenerator") -> None:
    label, why = f"Roll back to version {entry.from_version}", f"Roll back from version {entry.version}"
    if known_person():
        with way_back, st.container(horizontal_alignment="right"):
            st.button(
                label, key="leaderboard_back", icon=":material/undo:", help=f"Promotes it: “{why}”.",
                on_click=_ask, args=(entry, why),
            )  # fmt: skip
        return
    # Not a popover: it hangs on its button, and leaves a small screen when the page above grows.
    with (
        st.expander(label, icon=":material/undo:", key="leaderboard_back_open"),
        st.form("leaderboard_back_form", border=False),
    ):
        key = f"leaderboard_back_why_{entry.id}"
        st.text_input("Why", value=why, key=key, max_chars=1000)
        person_field(_PERSON)
        st.form_submit_button("Roll back", key="leaderboard_back", type="primary", on_click=_ask, args=(entry, "", key))


def _ask(entry: ChampionEntry, why: str, key: str = "") -> None:
    """Callback: keep what the person saw and decided; by the time the page is drawn there may be another champion."""
    st.session_state[_ASKED] = (entry, st.session_state[key] if key else why, st.session_state.get(_PERSON, ""))


def _go_back(services: "Services", entry: ChampionEntry, why: str, name: str) -> None:
    with guard(stop=False):
        person = name or known_person()
        model = services.reviews.roll_back_to(entry)
        version = services.reviews.promote(model, why, person=person, instead_of=entry.version)
        remember_person(person)
        st.session_state[DONE] = f"Version {version} is the champion of {entry.experiment} again."
        st.rerun()
