"""Parts of a page: its head, an empty state, tabs and options, figures."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from app.ui.widgets.text import escape_markdown
from core.wording import count_text

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from streamlit.elements.lib.mutable_tab_container import TabContainer

T = TypeVar("T")
_CHART = {"displayModeBar": False, "displaylogo": False}
ENGINE_LOOK: dict[str, tuple[str, str, str]] = {
    "stopped": (":material/bedtime:", "Engine asleep", "It starts by itself when it is needed."),
    "starting": (
        ":blue[:material/progress_activity:]",
        "Engine starting",
        "This takes some seconds; longer while the machine is busy.",
    ),
    "ready": (":green[:material/check_circle:]", "Engine ready", ""),
    "failed": (":red[:material/error:]", "Engine not available", ""),
}


def page_title(title: str, caption: str) -> None:
    """Draw the head of a page: its title and one sentence on what it is for."""
    st.title(title, anchor=False)
    st.caption(caption)


def empty_state(message: str, hint: str, *, icon: str) -> st.delta_generator.DeltaGenerator:
    """Draw what is shown while there is nothing yet, with the next step; returns the box, for a link or button."""
    box = st.container(border=True, horizontal_alignment="center", gap="small")
    with box:
        st.space("small")
        st.markdown(f":gray[{icon}]  **{message}**", text_alignment="center")
        st.caption(hint, text_alignment="center")
        rest = st.container(horizontal_alignment="center")
        st.space("xsmall")
    return rest


def is_dark() -> bool:
    """Whether the browser shows the dark theme."""
    return st.context.theme.type == "dark"


def choice_label(label: str) -> str:
    """Return the label of a tab or of an option in a row of options, as Markdown that can be read when it is chosen.

    Streamlit writes what is chosen in the accent colour. The accent of the dark theme has to be dark enough for the
    white text on buttons, so it is too dark for text: there the label keeps the text colour, and the accent's frame,
    tint or line says what is chosen.
    """
    if not is_dark():
        return label
    return f':color[{label}]{{foreground="{st.get_option("theme.dark.textColor")}"}}'


def choice_labels(names: Mapping[T, str] | Callable[[T], str]) -> Callable[[T], str]:
    """Return the ``format_func`` of pills or a segmented control from the names of its options."""
    name = names if callable(names) else names.__getitem__
    return lambda option: choice_label(name(option))


def tabs(*labels: str, key: str) -> "Sequence[TabContainer]":
    """Draw tabs; only what is under the open one (``.open``) needs to be drawn."""
    return st.tabs([choice_label(label) for label in labels], key=key, on_change="rerun")


def chart(figure: "go.Figure", *, key: str, alt: str) -> None:
    """Draw a figure in the theme that is shown."""
    st.plotly_chart(_in_theme(figure), key=key, theme=None, alt=alt, config=_CHART)


def clickable_chart(figure: "go.Figure", *, key: str, alt: str) -> "list[dict[str, Any]]":
    """Draw a figure whose points can be clicked; returns those that are."""
    event = st.plotly_chart(
        _in_theme(figure), key=key, theme=None, alt=alt, config=_CHART, on_select="rerun", selection_mode="points"
    )
    return event.selection.points


def _in_theme(figure: "go.Figure") -> "go.Figure":
    from core.charts import look  # with Plotly, which whoever has a figure has loaded

    return look.apply(figure, dark=is_dark())


def warnings_list(warnings: Sequence[str]) -> None:
    """Draw the remarks of a reader, one per line."""
    if warnings:
        text = "\n".join(f"- {escape_markdown(warning)}" for warning in warnings)
        st.warning(text, title=count_text(len(warnings), "remark") + " on this file", icon=":material/info:")
