"""What was done: by whom, when and to what, filtered and to take away."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

import pandas as pd
import pyarrow as pa
import streamlit as st

from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.widgets.layout import empty_state
from app.ui.widgets.tables import detail_text
from core.access.audit import AuditLine
from core.exports.tables import write_table
from core.files import scratch
from core.wording import count_text

_SHOWN = 200
_EXPORTED = 100_000
_IN_FULL = 15
_ANYBODY, _ANYTHING = "Anybody", "Anything"
_COLUMNS = {
    "when": st.column_config.DatetimeColumn("When", format="D MMM YYYY, HH:mm:ss", width=160),
    "who": st.column_config.TextColumn("Who", width=190),
    "what": st.column_config.TextColumn("What", width=130),
    "on": st.column_config.TextColumn("On", width="medium"),
    "detail": st.column_config.TextColumn("Detail", width="large"),
    "id": st.column_config.TextColumn("Id", width="small"),
}
_FORMATS = {
    ".csv": ("Download CSV", "text/csv"),
    ".xlsx": ("Download Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


def draw() -> None:
    """Draw the filters, the lines that they leave, and the downloads."""
    with guard():
        audit = get_services().audit
        people, actions = audit.people(), audit.actions()
    if not actions:
        empty_state(
            "Nothing has been done yet",
            "Every training, prediction and deletion is recorded here.",
            icon=":material/history:",
        )
        return
    with st.grid(4, min_column_width=200):
        who = st.selectbox("Who", (_ANYBODY, *people), key="settings_audit_who")
        what = st.selectbox("What", (_ANYTHING, *actions), key="settings_audit_what")
        days = st.date_input("From, to", [], key="settings_audit_days", format="YYYY-MM-DD")
        about = st.text_input("On or detail", key="settings_audit_about", placeholder="insurance", max_chars=200)
    since, until = _moments(days)
    find = partial(
        audit.lines, person=None if who == _ANYBODY else who, action=None if what == _ANYTHING else what,
        since=since, until=until, about=about.strip(),
    )  # fmt: skip
    with guard():
        lines = find(limit=_SHOWN)
    st.dataframe(
        table(lines),
        key="settings_audit",
        column_config=_COLUMNS,
        hide_index=True,
        placeholder="–",
        height="content" if len(lines) < _IN_FULL else 560,
        alt="What was done, newest first",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        at_most = "the latest " if len(lines) == _SHOWN else ""
        st.caption(f"{at_most.capitalize()}{count_text(len(lines), 'line')}; times are in UTC.", width="stretch")
        for suffix, (label, media_type) in _FORMATS.items():
            st.download_button(
                label, partial(_export, find, suffix), f"audit{suffix}", media_type,
                key=f"settings_audit_download_{suffix[1:]}", icon=":material/download:", on_click="ignore",
            )  # fmt: skip


def table(lines: Sequence[AuditLine]) -> pd.DataFrame:
    """Return one row per line; times are UTC and naive, which is how Streamlit shows them unchanged."""
    rows = [
        (line.at.replace(tzinfo=None), line.who, line.action, line.on, detail_text(line.detail), line.subject)
        for line in lines
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _moments(days: Sequence[date]) -> tuple[datetime | None, datetime | None]:
    """Return the first moment and the one after the last of no day, one or two."""
    if not days:
        return None, None
    first, last = (datetime.combine(day, time(), UTC) for day in (days[0], days[-1]))
    return first, last + timedelta(days=1)


def _export(find: "partial[tuple[AuditLine, ...]]", suffix: str) -> bytes:
    found = table(find(limit=_EXPORTED))
    with scratch(get_services().settings, "audit-") as folder:
        path = folder / f"audit{suffix}"
        write_table(pa.Table.from_pandas(found, preserve_index=False), path)
        return path.read_bytes()
