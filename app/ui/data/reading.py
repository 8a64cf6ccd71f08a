"""How a file is read: the guess in plain words, its first rows, and a control for each wrong guess."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from app.ui.widgets import tables
from app.ui.widgets.text import escape_markdown
from core.domain.reading import (
    DECIMALS,
    ENCODINGS,
    MAX_FOOTER_ROWS,
    MAX_HEADER_ROW,
    MAX_HEADER_ROWS,
    QUOTES,
    RARE_SEPARATORS,
    SEPARATORS,
    ReadOptions,
)
from core.wording import count_text, list_text

if TYPE_CHECKING:
    from core.data.datasets.preview import FilePreview

_KNOBS = ("separator", "encoding", "quote", "decimal", "header_row", "n_header_rows", "skip_footer")
# A select box takes an empty text for "nothing chosen".
_NO_QUOTES = "none"
_ROWS = 8


def chosen_options(prefix: str, sheet: str | None = None) -> ReadOptions:
    """Return what the controls say, also before they are drawn; `separator` has the key ``PREFIX_separator``."""
    said: dict[str, Any] = {knob: st.session_state.get(f"{prefix}_{knob}") for knob in _KNOBS}
    return ReadOptions(**{**said, "quote": "" if said["quote"] == _NO_QUOTES else said["quote"]}, sheet=sheet)


def forget_options(prefix: str) -> None:
    """Put every control back to the guess."""
    for knob in _KNOBS:
        st.session_state.pop(f"{prefix}_{knob}", None)


def set_options(prefix: str, options: ReadOptions) -> None:
    """Set the controls to what was chosen before, once for each prefix."""
    for knob in _KNOBS:
        value = getattr(options, knob)
        if value is not None:
            st.session_state.setdefault(f"{prefix}_{knob}", _NO_QUOTES if value == "" else value)


def knobs(prefix: str, preview: "FilePreview | None", *, kind: str) -> None:
    """Draw one control per option; an empty one is guessed and shows the guess.

    Parameters
    ----------
    prefix : str
        Begin of the widget keys.
    preview : FilePreview or None
        Where the guesses come from; None when the file cannot be read with the options so far.
    kind : str
        The file's format: only text has separators.
    """
    guesses = {guess.option: guess for guess in preview.guesses} if preview else {}
    help_texts = {name: f"{guess.value}: {guess.reason}." for name, guess in guesses.items()}
    hints = {name: f"Guess: {guess.value}" for name, guess in guesses.items()}

    def choice(label: str, knob: str, names: Mapping[str, str], *, new: bool = False) -> None:
        st.selectbox(
            label,
            list(names),
            index=None,
            key=f"{prefix}_{knob}",
            placeholder=hints.get(knob, "Guess"),
            format_func=lambda value: names.get(value, value),
            help=help_texts.get(knob),
            accept_new_options=new,
        )

    def number(label: str, knob: str, least: int, most: int, hint: str) -> None:
        st.number_input(
            label,
            least,
            most,
            None,
            key=f"{prefix}_{knob}",
            placeholder=hints.get(knob, "Guess"),
            help=f"{hint} {help_texts.get(knob, '')}",
        )

    if kind == "csv":
        first = st.columns(3)
        with first[0]:
            choice("Separator", "separator", {**SEPARATORS, **RARE_SEPARATORS}, new=True)
        with first[1]:
            choice("Encoding", "encoding", ENCODINGS)
        with first[2]:
            choice("Quotes", "quote", {value or _NO_QUOTES: name for value, name in QUOTES.items()})
    second = st.columns(4)
    with second[0]:
        number("Header row", "header_row", 0, MAX_HEADER_ROW, "0: there is no header.")
    with second[1]:
        number("Number of header rows", "n_header_rows", 1, MAX_HEADER_ROWS, "Several are joined to one name.")
    with second[2]:
        number("Rows to leave out at the end", "skip_footer", 0, MAX_FOOTER_ROWS, "0: keep them all.")
    with second[3]:
        choice("Decimals", "decimal", DECIMALS)


def raw_rows(preview: "FilePreview", key: str) -> None:
    """Draw the first rows as they are in the file, with the numbers that the header row is counted in."""
    if not preview.head:
        return
    width = max(len(cells) for _, cells in preview.head)
    frame = pd.DataFrame(
        [[*cells, *[""] * (width - len(cells))] for _, cells in preview.head],
        index=pd.Index([number for number, _ in preview.head], name="row"),
        columns=[str(number) for number in range(1, width + 1)],
    )
    st.caption("As it is in the file:")
    st.dataframe(
        frame, key=key, height=250, placeholder="–", alt="The first rows as they are in the file, with row numbers"
    )


def first_rows(preview: "FilePreview", key: str) -> None:
    """Draw the first rows of the table, each column with its type."""
    if preview.is_exact:
        size = f"{count_text(preview.n_rows, 'row')}, {count_text(preview.table.num_columns, 'column')}"
    else:
        size = f"about {preview.n_rows:,} rows, {count_text(preview.table.num_columns, 'column')}"
    st.dataframe(
        preview.table,
        key=key,
        height=38 + 35 * min(preview.table.num_rows, _ROWS),
        hide_index=True,
        placeholder="–",
        column_config={
            column.name: st.column_config.Column(help=f"Read as {tables.type_words(column)}")
            for column in preview.schema.columns
        },
        alt="The first rows of the table",
    )
    types = pd.Series([column.type for column in preview.schema.columns]).value_counts()
    found = ", ".join(f"{count} {name}" for name, count in types.items())
    orders = [
        f"{escape_markdown(column.name)} as {tables.date_order(column.format)}"
        for column in preview.schema.columns
        if column.type == "date" and column.format
    ]
    dates = f" Dates: {list_text(orders, 3)}." if orders else ""
    st.caption(f"{size}: {found}.{dates} Types can be changed afterwards, without reading the file again.")


def doubts_list(doubts: Iterable[str]) -> None:
    """Draw what a person should check before the file is taken in."""
    text = "\n".join(f"- {escape_markdown(doubt)}" for doubt in doubts)
    if text:
        st.warning(text, title="Please check", icon=":material/rule:")
