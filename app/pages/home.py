"""Home: three ways in, a first try, what runs and which models are in use."""

from contextlib import suppress

import streamlit as st

from app.ui.errors import guard
from app.ui.home import left_off, ways, work
from app.ui.services import find_services
from core.errors import AppError

st.title("From a raw file to predictions you can trust", anchor=False)
st.caption(
    "Bellwether explores your data, trains models with H2O AutoML, explains them and scores new files. "
    "No code, and everything stays on this machine."
)

known = None
if find_services() is not None:  # else there is nothing to ask yet, and nothing waits for it
    with suppress(AppError):  # told below, where the lists are
        known = work.find()
is_new = not known
earlier = st.container()
# What goes on comes first for those who have been here before, the ways in for those who have not.
places = [st.container(), st.container()]
doors, lists = places if is_new else places[::-1]
with doors:
    wants_sample = ways.draw(is_new=is_new)

with lists, guard(), st.skeleton(height=160):
    found = work.find() if known is None else known

with earlier, guard(stop=False):
    left_off.draw(found.ended)

if wants_sample:
    ways.open_sample()

with lists:
    work.draw(found)
