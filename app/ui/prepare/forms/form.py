"""What every form draws from: the columns as the step will find them, and the step it edits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from app.ui.widgets.text import escape_markdown
from core.domain.columns import ColumnType, Schema

KIND = "prepare_kind"  # the key of the box with the kinds of steps
_MAX_LEVELS = 500
_NO_COLUMNS = "This dataset has no columns that this step works on."
Fields = dict[str, Any] | None  # None: not filled in yet


@dataclass(frozen=True)
class Form:
    """What a form draws from: the columns as the step will find them, and the step it edits.

    Attributes
    ----------
    old : mapping
        The JSON of the step that is edited; empty for a new one.
    prefix : str
        Begins every widget's key.
    """

    schema: Schema
    table: pa.Table
    old: Mapping[str, Any]
    prefix: str

    def key(self, field: str) -> str:
        """Return a widget's key."""
        return f"{self.prefix}_{field}"

    def names(self, *types: ColumnType) -> list[str]:
        """Return the columns of some types, all when none is given."""
        return [column.name for column in self.schema.columns if not types or column.type in types]

    def one(
        self, label: str, names: Sequence[str], first: str | None = None, *, none: str = _NO_COLUMNS,
        is_chosen: bool = True,
    ) -> str | None:  # fmt: skip
        """Ask for one column, of which the first one is chosen unless nobody can know.

        Parameters
        ----------
        none : str
            What to do when there is none of the right type.
        is_chosen : bool
            Whether a column stands there before anybody has chosen one.
        """
        if not names:
            st.caption(none)
            return None
        wanted = self.old.get("column", first)
        place = names.index(wanted) if wanted in names else 0 if is_chosen else None
        return st.selectbox(label, names, index=place, key=self.key("column"), placeholder="Choose a column")

    def several(self, label: str, names: Sequence[str], first: Sequence[str] = ()) -> list[str]:
        """Ask for columns."""
        if not names:
            st.caption(_NO_COLUMNS)
            return []
        wanted = [name for name in self.old.get("columns") or first if name in names]
        return st.multiselect(label, names, default=wanted, key=self.key("columns"), placeholder="Choose columns")

    def n_levels(self, name: str) -> int:
        """Return how many different values a column has."""
        return int(pc.count_distinct(self.table[name]).as_py())

    def level_table(self, name: str) -> pd.DataFrame:
        """Return the levels of a column with their rows, the most frequent first."""
        counted = self.table[name].drop_null().value_counts()
        frame = pd.DataFrame(
            {"level": counted.field("values").to_pylist(), "rows": counted.field("counts").to_pylist()}
        )
        return frame.sort_values(["rows", "level"], ascending=[False, True], ignore_index=True).head(_MAX_LEVELS)


def first_values(form: Form, column: str) -> None:
    from app.ui.widgets.tables import examples

    shown = examples(form.table[column].slice(0, 1000).to_pylist())
    st.caption(f"First values: {escape_markdown(shown) or 'all missing'}")


def as_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return as_short(number)


def as_short(number: float | None) -> float | None:
    """Return a whole number as such."""
    return int(number) if number is not None and number == int(number) else number
