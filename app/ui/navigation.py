"""The pages there are, in order, and links between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).resolve().parent.parent / "pages"


@dataclass(frozen=True)
class PageInfo:
    """One page of the app; its path in the address is its name, Home's is ``/``."""

    name: str
    title: str
    icon: str
    help: str
    section: str

    @property
    def file(self) -> Path:
        """The page's script."""
        return FOLDER / f"{self.name}.py"

    @property
    def exists(self) -> bool:
        """Whether the page is part of this app."""
        return self.file.is_file()


PAGES: tuple[PageInfo, ...] = (
    PageInfo("home", "Home", ":material/home:", "Where to begin, what runs, and the models in use.", ""),
    PageInfo("data", "Data", ":material/table:", "Add files, look at them and correct column types.", "Data"),
    PageInfo(
        "explore", "Explore", ":material/query_stats:", "Quality, distributions and relations to a target.", "Data"
    ),
    PageInfo("prepare", "Prepare", ":material/tune:", "Steps from raw columns to what models learn from.", "Data"),
    PageInfo("train", "Train", ":material/model_training:", "Choose a target and let AutoML find a model.", "Models"),
    PageInfo("runs", "Runs", ":material/history:", "Every training, with its settings, models and files.", "Models"),
    PageInfo("leaderboard", "Leaderboard", ":material/leaderboard:", "Compare models, choose the champion.", "Models"),
    PageInfo("compare", "Compare", ":material/compare:", "Models or runs side by side, on the same rows.", "Models"),
    PageInfo("explain", "Explain", ":material/lightbulb:", "What a model relies on, how well it performs.", "Models"),
    PageInfo("predict", "Predict", ":material/online_prediction:", "A file in, its rows with predictions out.", "Use"),
    PageInfo("monitor", "Monitor", ":material/monitoring:", "Models in use: drift, actual outcomes, alerts.", "Use"),
    PageInfo("settings", "Settings", ":material/settings:", "Limits, folders, checks and what was done.", "System"),
)
_BY_NAME = {page.name: page for page in PAGES}


def get_page(name: str) -> PageInfo:
    """Return the page of that name; KeyError when there is none."""
    return _BY_NAME[name]


def has_page(name: str) -> bool:
    """Whether the app has a page of that name."""
    return name in _BY_NAME and _BY_NAME[name].exists


def build() -> dict[str, list[st.Page]]:
    """Return the pages that exist by section, for `st.navigation`."""
    sections: dict[str, list[st.Page]] = {}
    for page in PAGES:
        if page.exists:
            made = st.Page(page.file, title=page.title, icon=page.icon, default=page.name == "home", help=page.help)
            sections.setdefault(page.section, []).append(made)
    return sections


def link(
    name: str,
    label: str,
    *,
    icon: str | None = None,
    help: str | None = None,  # noqa: A002
    **query: str | Sequence[str],
) -> None:
    """Draw a link to a page, opened at what `query` names (``run="…"``); the label is Markdown."""
    page = get_page(name)
    if page.exists:
        st.page_link(page.file, label=label, icon=icon or page.icon, help=help, query_params=query or None)


def button(name: str, label: str, *, key: str, primary: bool = False, **query: str | Sequence[str]) -> None:
    """Draw a button that opens a page, at what `query` names: for the next step, where a link would be overlooked."""
    page = get_page(name)
    if page.exists and st.button(label, key=key, icon=page.icon, type="primary" if primary else "secondary"):
        go(name, **query)


def go(name: str, **query: str | Sequence[str]) -> None:
    """Open a page, at what `query` names (``dataset="…"``)."""
    page = get_page(name)
    st.switch_page(page.file if page.exists else get_page("home").file, query_params=query or None)
