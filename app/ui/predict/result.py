"""A result on the Predict page: its download in every form, then what it says."""

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from app.ui.predict import downloads, outcome
from app.ui.widgets.layout import choice_labels

if TYPE_CHECKING:
    from core.scoring.result import Scored
    from core.settings import Settings


def draw(
    scored: "Scored", file_name: str, settings: "Settings", *, title: str = "Results", workbook_first: bool = False
) -> None:
    """Draw the download and the result below it; as a workbook first for a file that nobody has sent in any form."""
    options = downloads.format_options(scored, file_name, workbook_first=workbook_first)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.header(title, anchor=False, width="stretch")
        file_format = st.segmented_control(
            "File format",
            options,
            key="predict_format",
            default=options[0],
            required=True,
            format_func=choice_labels(str),
            label_visibility="collapsed",
        )
        keep, style, labels = downloads.download_options(scored, file_format)
        suffix, mime = downloads.FORMATS[file_format]
        st.download_button(
            "Download predictions",
            partial(downloads.result_bytes, scored, suffix, settings, keep, style, labels=labels),
            downloads.result_name(file_name, suffix),
            mime,
            key="predict_download",
            type="primary",
            icon=":material/download:",
            on_click="ignore",
        )
    outcome.draw(scored)
