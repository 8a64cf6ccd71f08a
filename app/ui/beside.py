"""Work that a page does not wait for: it goes on beside, and the page is drawn again once it is done."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

T = TypeVar("T")


def start(work: Callable[[], T], pool: Executor) -> Future[T]:
    """Begin some work for whoever looks at the page: what it reads is what they may read."""
    context = get_script_run_ctx()

    def act() -> T:
        add_script_run_ctx(threading.current_thread(), context)
        return work()

    return pool.submit(act)


@st.fragment(run_every="1s")
def wait(found: Future[Any], words: str) -> None:
    """Say what is going on, and draw the page again once it is done."""
    st.caption(f":material/hourglass_top: {words}")
    if found.done():
        st.rerun()
