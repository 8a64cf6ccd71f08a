"""The report of the Explore page as a file."""

import re

import streamlit as st

from app.ui.explore import view as exploring
from app.ui.explore.view import ExploreView
from core.data.profiling.profile import Profile
from core.domain.columns import FEATURE_TYPES


def download(view: ExploreView, profile: Profile) -> None:
    """Draw the button that makes the report when it is clicked."""
    stem = re.sub(r"[^\w.-]+", "-", view.dataset.name).strip("-.") or "data"
    st.download_button(
        "Export report",
        lambda: make_report(view, profile),
        f"{stem}-report.html",
        "text/html",
        key="explore_report",
        icon=":material/download:",
        on_click="ignore",
        help="One HTML file with every figure; it opens without a network and prints well.",
    )


def make_report(view: ExploreView, profile: Profile) -> bytes:
    """Return the report on all rows of a dataset."""
    from core.report.dataset import ReportInput, report_html, shown_columns  # a page is drawn sooner without it

    dataset, target = view.dataset, view.target
    ranking = exploring.get_ranking(view, target) if target else {}
    shown = [name for name in shown_columns(profile, ranking) if dataset.schema[name].type in FEATURE_TYPES]
    relations = {name: exploring.get_relation(view, name, target) for name in shown if name != target} if target else {}
    source = f"File {dataset.file_name}."
    return report_html(ReportInput(dataset.name, profile, target, ranking, relations, source)).encode()
