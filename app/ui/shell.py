"""The frame of every page: look, navigation and the quiet line that says what state the engine is in.

It lies in another folder than `pages/` on purpose: beside them, Streamlit would run any page without this script until
`st.navigation` has been called once.
"""

from pathlib import Path

import streamlit as st

from app.ui import errors, gate, navigation, services
from app.ui.widgets.layout import ENGINE_LOOK, is_dark
from app.ui.widgets.text import escape_markdown

_STATIC = Path(__file__).resolve().parent / "static"


@st.fragment(run_every="5s")
def engine_line() -> None:
    """Say what state the engine is in, without starting or waiting for anything."""
    built = services.find_services()
    if built is None:
        st.caption(":material/hourglass_empty: Opening the home folder")
        return
    status = built.engine.status()
    icon, words, help_text = ENGINE_LOOK[status.state]
    st.caption(f"{icon} {words}", help=escape_markdown(status.detail) or help_text or None)


theme = "dark" if is_dark() else "light"
st.set_page_config(page_title="Bellwether", page_icon=_STATIC / "mark-light.svg", layout="wide")
st.html(_STATIC / "look.css")
st.logo(_STATIC / f"wordmark-{theme}.svg", size="large", icon_image=_STATIC / f"mark-{theme}.svg")

is_signed_in = True
with errors.guard():
    is_signed_in = gate.is_open()
page = st.navigation(
    navigation.build(hidden=not is_signed_in), expanded=True, position="sidebar" if is_signed_in else "hidden"
)
if not is_signed_in:
    gate.draw()
    services.page_shown()
    st.stop()
with st.sidebar:
    engine_line()
    gate.who_line()
if services.find_services() and (trouble := services.find_trouble()):
    errors.show(trouble)
try:
    info = navigation.find_page(page.title)
    if services.may(info.needs):
        page.run()
    else:
        gate.refuse(info)
finally:
    services.page_shown()
