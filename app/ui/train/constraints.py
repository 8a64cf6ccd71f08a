"""Train: features that the prediction may only rise or only fall with, chosen by clicks."""

from typing import Any

import streamlit as st

from app.ui.widgets.layout import choice_labels
from app.ui.widgets.text import escape_markdown
from core.domain.columns import Schema

_MOST_PILLS = 40
RISING, FALLING = "train_rising", "train_falling"


def constraints(features: Schema) -> dict[str, Any]:
    """Draw the two lists of features; return the setting."""
    names = [column.name for column in features.columns if column.type in ("numeric", "date")]
    for key in (RISING, FALLING):
        st.session_state[key] = [name for name in st.session_state.get(key, ()) if name in names]
    if not names:
        st.caption("There are no numeric features to constrain.")
        return {"monotone_constraints": {}}
    st.caption("If you know the direction, say so: the older the car, the lower its price. Click the features.")
    rising = _features("The prediction may only rise with", names, RISING, FALLING)
    falling = _features("The prediction may only fall with", names, FALLING, RISING)
    if rising or falling:
        st.caption("Only gradient boosting, XGBoost and their ensembles support this; the others are left out.")
    return {"monotone_constraints": dict.fromkeys(rising, 1) | dict.fromkeys(falling, -1)}


def _features(label: str, names: list[str], key: str, other: str) -> list[str]:
    if len(names) > _MOST_PILLS:
        return st.multiselect(label, names, key=key, placeholder="None", on_change=_part, args=(key, other))
    return st.pills(
        label, names, selection_mode="multi", key=key, wrap=True, on_change=_part, args=(key, other),
        format_func=choice_labels(escape_markdown),
    )  # fmt: skip


def _part(key: str, other: str) -> None:
    """Callback: a feature that was just clicked in one list leaves the other."""
    chosen = st.session_state[key]
    st.session_state[other] = [name for name in st.session_state.get(other, ()) if name not in chosen]
