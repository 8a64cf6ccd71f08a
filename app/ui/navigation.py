"""The pages there are, in order, and links between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import streamlit as st

from app.ui.services import may
from core.access.roles import Permission

FOLDER = Path(__file__).resolve().parent.parent / "pages"


@dataclass(frozen=True)
class PageInfo:
    """One page of the app; its path in the address is its name, Home's is ``/``; `needs` is what its reader may do."""

    name: str
    title: str
    icon: str
    section: str
    needs: Permission
    help: str

    @property
    def file(self) -> Path:
        """The page's script."""
        return FOLDER / f"{self.name}.py"

    @property
    def exists(self) -> bool:
        """Whether the page is part of this app."""
        return self.file.is_file()


PAGES: tuple[PageInfo, ...] = (
    PageInfo(
        "home", "Home", ":material/home:", "", "look",
        "Where to begin, what runs, and the champions.",
    ),
    PageInfo(
        "data", "Data", ":material/table:", "Data", "build",
        "Add files, look at them and correct column types.",
    ),
    PageInfo(
        "explore", "Explore", ":material/query_stats:", "Data", "inspect",
        "Quality, distributions and relations to a target.",
    ),
    PageInfo(
        "prepare", "Prepare", ":material/tune:", "Data", "build",
        "Steps from raw columns to what models learn from.",
    ),
    PageInfo(
        "train", "Train", ":material/model_training:", "Models", "build",
        "Choose a target and let AutoML find a model.",
    ),
    PageInfo(
        "runs", "Runs", ":material/history:", "Models", "inspect",
        "Every training, with its settings, models and files.",
    ),
    PageInfo(
        "leaderboard", "Leaderboard", ":material/leaderboard:", "Models", "inspect",
        "Compare models, choose the champion.",
    ),
    PageInfo(
        "compare", "Compare", ":material/compare:", "Models", "inspect",
        "Models or runs side by side, on the same rows.",
    ),
    PageInfo(
        "explain", "Explain", ":material/lightbulb:", "Models", "inspect",
        "What a model relies on, how well it performs.",
    ),
    PageInfo(
        "predict", "Predict", ":material/online_prediction:", "Use", "score",
        "A file in, its rows with predictions out.",
    ),
    PageInfo(
        "monitor", "Monitor", ":material/monitoring:", "Use", "inspect",
        "Models in use: drift, actual outcomes, alerts.",
    ),
    PageInfo(
        "settings", "Settings", ":material/settings:", "System", "administer",
        "Limits, folders, checks and what was done.",
    ),
)  # fmt: skip
_BY_NAME = {page.name: page for page in PAGES}


def get_page(name: str) -> PageInfo:
    """Return the page of that name; KeyError when there is none."""
    return _BY_NAME[name]


def has_page(name: str) -> bool:
    """Whether the app has a page of that name for whoever acts here."""
    return name in _BY_NAME and _BY_NAME[name].exists and may(_BY_NAME[name].needs)


def build(*, hidden: bool = False) -> dict[str, list[st.Page]]:
    """Return the pages by section, for `st.navigation`: those that are not for whoever acts here are not listed.

    They are there nevertheless, so that the shell can say what their address is.

    Parameters
    ----------
    hidden : bool
        Whether none is listed.
    """
    sections: dict[str, list[st.Page]] = {}
    for page in PAGES:
        if page.exists:
            visibility: Literal["visible", "hidden"] = "hidden" if hidden or not may(page.needs) else "visible"
            made = st.Page(
                page.file, title=page.title, icon=page.icon, default=page.name == "home", help=page.help,
                visibility=visibility,
            )  # fmt: skip
            sections.setdefault(page.section, []).append(made)
    return sections


def find_page(title: str) -> PageInfo:
    """Return the page with a title, which `st.navigation` gives back."""
    return next(page for page in PAGES if page.title == title)


def link(
    name: str,
    label: str,
    *,
    icon: str | None = None,
    help: str | None = None,  # noqa: A002
    **query: str | Sequence[str],
) -> None:
    """Draw a link to a page that is for who acts here, at what `query` names (``run="…"``); the label is Markdown."""
    page = get_page(name)
    if has_page(name):
        st.page_link(page.file, label=label, icon=icon or page.icon, help=help, query_params=query or None)


def button(name: str, label: str, *, key: str, primary: bool = False, **query: str | Sequence[str]) -> None:
    """Draw a button that opens a page, at what `query` names: for the next step, where a link would be overlooked."""
    page = get_page(name)
    if has_page(name) and st.button(label, key=key, icon=page.icon, type="primary" if primary else "secondary"):
        go(name, **query)


def go(name: str, **query: str | Sequence[str]) -> None:
    """Open a page, at what `query` names (``dataset="…"``)."""
    page = get_page(name)
    st.switch_page(page.file if page.exists else get_page("home").file, query_params=query or None)
