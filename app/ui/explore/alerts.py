"""The alerts of the Explore page: counted in one line that opens; each with its reason and a button that fixes it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from app.ui.explore import mending
from app.ui.explore.tables import ALERT_NAMES
from app.ui.services import needs
from app.ui.widgets.layout import choice_labels
from app.ui.widgets.text import escape_markdown
from core.data.profiling.alert import Severity
from core.data.profiling.profile import DataAlert, Profile
from core.domain.datasets import Dataset
from core.wording import count_text, list_text

if TYPE_CHECKING:
    from core.recipes.recipe import Step
    from core.recipes.saved import Recipes

_FEW = 10
_MAX_LISTED = 100
_LOOK: dict[Severity, tuple[str, str]] = {
    "high": (":material/error:", "red"),
    "medium": (":material/warning:", "orange"),
    "low": (":material/info:", "gray"),
}
_NAMES: dict[Severity, str] = {"high": "serious", "medium": "to look at", "low": "to know"}
_QUESTION = ":material/help:"


@dataclass(frozen=True)
class _Mends:
    """Where fixes go, and which are there already."""

    recipes: "Recipes"
    dataset: Dataset
    known: "tuple[Step, ...]"


def show_alerts(recipes: "Recipes", dataset: Dataset, profile: Profile) -> None:
    """Draw how many alerts there are of each weight, and behind a click the alerts themselves, worst first."""
    if not profile.alerts:
        st.caption(":green[:material/check_circle:] No alerts: nothing in this data looks wrong.")
        return
    known = mending.known_steps(recipes, dataset)
    mending.recipe_note(dataset, known)
    with st.expander(strip(profile.alerts), key="explore_alerts", on_change="rerun") as opened:
        if opened.open:
            _list(_Mends(recipes, dataset, known), profile.alerts)


def reading_remarks(remarks: Sequence[str]) -> None:
    """Draw behind a click what was remarked when the file was read; Data shows it openly."""
    if remarks:
        with st.expander(
            f":gray[:material/info: {count_text(len(remarks), 'remark')} on how the file was read]",
            key="explore_remarks",
        ):
            st.markdown("\n".join(f"- {escape_markdown(remark)}" for remark in remarks))


def alerts_text(alerts: Sequence[DataAlert]) -> str:
    """Return how many there are: notes, where none weighs more than that."""
    is_light = all(alert.severity == "low" for alert in alerts)
    return count_text(len(alerts), "note" if is_light else "alert")


def strip(alerts: Sequence[DataAlert]) -> str:
    """Return the alerts counted, as the Markdown of one line."""
    counts = Counter(alert.severity for alert in alerts)
    what = alerts_text(alerts)
    parts = [
        f":{color}[{icon} {f'{counts[severity]} ' if len(counts) > 1 else ''}{_NAMES[severity]}]"
        for severity, (icon, color) in _LOOK.items()
        if counts[severity]
    ]
    numbers = Counter(alert.code for alert in alerts)
    kinds = [f"{ALERT_NAMES.get(code, code)} {number:,}" for code, number in numbers.items()]
    about = f" \u2002 :gray[{list_text(kinds, 4)}]"
    return f"**{what}** \u2002 " + " \u2002 ".join(parts) + about


def _list(mends: _Mends, alerts: Sequence[DataAlert]) -> None:
    kinds = Counter(alert.code for alert in alerts)
    chosen = (
        st.pills(
            "Kinds",
            list(kinds),
            selection_mode="multi",
            key="explore_alert_kinds",
            label_visibility="collapsed",
            format_func=choice_labels(lambda code: f"{ALERT_NAMES.get(code, code)} {kinds[code]:,}"),
        )
        if len(kinds) > 1
        else []
    )
    wanted = [alert for alert in alerts if not chosen or alert.code in chosen]
    if len(chosen) == 1:
        _mend_all(mends, wanted)
    limit = _MAX_LISTED if st.session_state.get("explore_alerts_all") else _FEW
    _rows(mends, wanted[:limit])
    if len(wanted) > _FEW:
        st.toggle(f"Show all {len(wanted):,}", key="explore_alerts_all")
    if len(wanted) > limit == _MAX_LISTED:
        st.caption(f"The first {_MAX_LISTED} of {len(wanted):,}. Choose a kind to see fewer.")


def _mend_all(mends: _Mends, alerts: Sequence[DataAlert]) -> None:
    """Draw one button for the fixes of all alerts of a kind, where they are the same."""
    open_ones = [alert for alert in alerts if alert.fix is not None and not mending.is_mended(alert, mends.known)]
    labels = {alert.fix_label for alert in open_ones}
    if len(open_ones) > 1 and len(labels) == 1:
        st.button(
            f"{labels.pop()}: all {len(open_ones):,}",
            key="explore_mend_all",
            icon=":material/done_all:",
            on_click=mending.mend,
            args=(mends.recipes, mends.dataset, [alert.fix for alert in open_ones]),
            **needs("recipes.add_step"),
        )


def _rows(mends: _Mends, alerts: Sequence[DataAlert]) -> None:
    with st.container(gap="xsmall"):
        for number, alert in enumerate(alerts):
            _row(mends, alert, number)


def _row(mends: _Mends, alert: DataAlert, number: int) -> None:
    icon, color = _LOOK[alert.severity]
    if alert.code == "known_at_prediction":
        icon = _QUESTION
    about = f"**{escape_markdown(alert.column)}:** " if alert.column else ""
    key = f"{alert.code}_{number}"
    text, action = st.columns([6, 1.5], vertical_alignment="center", gap="small")
    with text:
        message, why = escape_markdown(alert.message), escape_markdown(alert.why)
        st.markdown(f":{color}[{icon}] {about}{message}  \n:gray[:small[{why}]]")
    with action:
        if alert.fix is None:
            return
        if mending.is_mended(alert, mends.known):
            st.button(
                "Added, take back",
                key=f"explore_unmend_{key}",
                icon=":material/check:",
                type="tertiary",
                width="stretch",
                on_click=mending.take_back,
                args=(mends.recipes, mends.dataset, alert.fix),
                **needs("recipes.save"),
            )
        else:
            st.button(
                alert.fix_label,
                key=f"explore_mend_{key}",
                width="stretch",
                on_click=mending.mend,
                args=(mends.recipes, mends.dataset, [alert.fix]),
                **needs("recipes.add_step", help="Adds a step to the recipe; your data stays as it is."),
            )
