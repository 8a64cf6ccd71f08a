"""What other tools have logged in the same MLflow store, said to be theirs."""

from typing import Any

import streamlit as st

from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.widgets.models.leaderboard import as_table
from core.domain.foreign import ForeignItem

_KINDS = {"run": "Run", "model": "Logged model", "version": "Registered version"}


def draw(key: str) -> None:
    """Draw a list of it when somebody opens it."""
    with st.expander("Logged by other tools", on_change="rerun", key=f"{key}_foreign") as shown:
        if not shown.open:
            return
        with guard(stop=False):
            found = get_services().store.foreign()
            if found.looked_at:
                st.caption(
                    f"The newest {found.looked_at:,} models and versions on the server were looked at, and those of the"
                    " runs of other tools: there may be older ones that belong to no such run."
                )
            if not found.items:
                which = "All of these were" if found.looked_at else "Everything in this MLflow store was"
                st.caption(f"{which} made by Bellwether.")
                return
            st.caption(
                "Bellwether did not make these, so it cannot score or explain them; MLflow's own tools open them."
            )
            st.dataframe(
                as_table([_record(item) for item in found.items]),
                key=f"{key}_foreign_table",
                hide_index=True,
                placeholder="–",
                alt="Runs, models and versions of other tools, newest first",
            )


def _record(item: ForeignItem) -> dict[str, Any]:
    return {
        "kind": _KINDS[item.kind],
        "experiment": item.experiment,
        "name": item.name,
        "made": item.created_at,
        "id": item.id,
    }
