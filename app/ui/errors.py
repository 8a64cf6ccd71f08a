"""How errors look on a page: an expected one with its hint, any other one as a reference to the log."""

import logging
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, overload

import streamlit as st

from app.ui.widgets.text import escape_markdown
from core.errors import AppError

_log = logging.getLogger(__name__)


@overload
def guard() -> "AbstractContextManager[None, None]": ...
@overload
def guard(*, stop: Literal[False]) -> "AbstractContextManager[None, bool]": ...  # the block may end in the middle
def guard(*, stop: bool = True) -> "AbstractContextManager[None, bool | None]":
    """Show an `AppError` of the block with its message, hint and code.

    Parameters
    ----------
    stop : bool
        Whether the page ends there; False where the rest of the page does without.
    """
    return _shown(stop=stop)


@contextmanager
def _shown(*, stop: bool) -> Iterator[None]:
    try:
        yield
    except AppError as error:
        show(error)
        if stop:
            st.stop()


def show(error: AppError) -> None:
    """Draw one expected error."""
    st.error(
        f"{escape_markdown(error.hint)}  \n:small[`{error.code}`]",
        title=escape_markdown(error.message),
        icon=":material/error:",
    )


def show_unexpected(error: Exception) -> bool:
    """Log an error that nobody expected and show its reference; the last resort of every page.

    Returns
    -------
    bool
        True: Streamlit shows nothing of its own.
    """
    if isinstance(error, AppError):
        show(error)
        return True
    reference = uuid.uuid4().hex[:12]
    _log.error("Unexpected error on a page (ref %s)", reference, exc_info=error, extra={"ref": reference})
    st.error(
        f"The other pages still work. If it happens again, look for `{reference}` in the application log.",
        title=f"Something went wrong (ref {reference})",
        icon=":material/error:",
    )
    return True
