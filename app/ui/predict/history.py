"""Earlier files on the Predict page: the history of a problem, and one scoring with its result to download again."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import pyarrow as pa
import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.predict import result as predict_result
from app.ui.services import get_services
from app.ui.widgets import scorings as scorings_view
from app.ui.widgets.layout import empty_state
from app.ui.widgets.models.leaderboard import table_height
from app.ui.widgets.tables import number_cell, number_format
from app.ui.widgets.text import escape_markdown
from core.domain.models import algorithm_name
from core.ledger.scoring_records import ScoringRecord
from core.wording import bytes_text, count_text, duration_text, time_text

if TYPE_CHECKING:
    from core.scoring.result import Scored

_REFRESH = "2s"
_SHOWN = 200
_ANYBODY = "Everybody"
_HEIGHT_ROWS = 12
_CHECKS: Mapping[str, str] = {"green": "Fits", "amber": "Findings"}
_TABLE = pa.schema(
    {
        "File": pa.string(),
        "Check": pa.list_(pa.string()),
        "Alert": pa.string(),
        "Drift": pa.float64(),
        "Rows": pa.int64(),
        "Mean score": pa.float64(),
        "Status": pa.list_(pa.string()),
        "When": pa.timestamp("ms", "UTC"),
        "Model": pa.string(),
        "Policy": pa.string(),
        "Who": pa.string(),
    }
)


def draw(experiment: str) -> None:
    """Draw the files scored for a problem, newest first; a selected one can be opened."""
    with guard():
        records = get_services().scoring_log.list(experiment=experiment, limit=_SHOWN)
    if not records:
        empty_state(
            "No file has been scored for this problem yet",
            "Each file that is scored, here, by the command line or by HTTP, is listed with its model and its drift.",
            icon=":material/history:",
        )
        return
    people = sorted({scorings_view.origin_words(record) for record in records})
    if len(people) > 1:
        who = st.selectbox("Whose", (_ANYBODY, *people), key="predict_history_who", width=320)
        records = tuple(one for one in records if who in (_ANYBODY, scorings_view.origin_words(one)))
    chosen = table(records, key="predict_history")
    days = get_services().settings.keep_results_days
    st.caption(f"Select a row to open it. Results of this page can be downloaded again for {days} days.")
    if chosen is not None:
        with st.container(border=True):
            _facts(chosen)
            navigation.button("predict", "Open", key="predict_history_open", primary=True, scoring=chosen.id)


def table(
    records: Sequence[ScoringRecord], *, key: str, alerts: Mapping[str, str] = MappingProxyType({})
) -> ScoringRecord | None:
    """Draw scorings as a table, those with an alert with what it is about, by their ids; return the one selected."""
    shape = number_format(one.summary.score.mean for one in records if one.summary and one.summary.score)
    rows = [_row(record, shape) | {"Alert": alerts.get(record.id, "")} for record in records]
    event = st.dataframe(
        pa.Table.from_pylist(rows, schema=_TABLE),
        column_order=[name for name in _TABLE.names if not _is_the_same(name, rows)],
        hide_index=True,
        placeholder="–",
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        height=table_height(len(records), _HEIGHT_ROWS),
        alt="Files scored, newest first",
        column_config={
            "File": st.column_config.TextColumn(width=186, pinned=True),
            "Check": st.column_config.MultiselectColumn(
                options=list(_CHECKS.values()),
                color=["green", "orange"],
                width=84,
                help="Of the file, before it was scored: whether it fits the model, or findings asked for a look.",
            ),
            "Alert": st.column_config.TextColumn(width=214, help="What was over the limits of the alert rule."),
            "Drift": st.column_config.NumberColumn(
                "Drift (PSI)",
                format="%.3f",
                width=82,
                help="The largest PSI of a feature against training: over 0.25 is large.",
            ),
            "Rows": st.column_config.NumberColumn(format="localized", width=74),
            "Status": st.column_config.MultiselectColumn(
                options=[look[0] for look in scorings_view.STATUS_LOOK.values()],
                color=[look[2] for look in scorings_view.STATUS_LOOK.values()],
                width=96,
            ),
            "When": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm"),
            "Mean score": st.column_config.NumberColumn(format=shape),
        },
    )
    chosen = event["selection"]["rows"]
    return records[chosen[0]] if chosen and chosen[0] < len(records) else None


def _is_the_same(name: str, rows: Sequence[Mapping[str, object]]) -> bool:
    """Whether a column says nothing: it is the same for all files, and what is usual."""
    values = [row[name] for row in rows]
    usual = {"Alert": "", "Status": [scorings_view.STATUS_LOOK["finished"][0]], "Policy": values[0], "Who": values[0]}
    return name in usual and all(value == usual[name] for value in values)


def open_scoring(scoring_id: str) -> None:
    """Draw one scoring: how far it is, why it ended, or its result."""
    with guard():
        record = get_services().scoring_log.get(scoring_id)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        navigation.link("predict", "Predict another file", icon=":material/arrow_back:")
        navigation.link("monitor", "Monitor", experiment=record.experiment)
    with st.container(border=True):
        _facts(record)
        if not record.is_final:
            _live(record.id, record.status)
        elif record.status != "finished":
            _ended(record)
    if record.status != "finished":
        return
    if record.kept != "result":
        st.info(_gone_words(record), icon=":material/inventory_2:")
        return
    with guard(), st.spinner("Opening the result"):
        scored = _result(record.id, get_services())
    predict_result.draw(scored, record.file_name, get_services().settings)


@st.cache_resource(max_entries=2, show_spinner=False)
def _result(scoring_id: str, _services: object) -> "Scored":
    # Few are kept in memory, for everybody who looks: a result may be as large as its file.
    return get_services().scoring_log.result(scoring_id)


@st.fragment(run_every=_REFRESH)
def _live(scoring_id: str, seen: str) -> None:
    with guard(stop=False):
        record = get_services().scoring_log.get(scoring_id)
        if record.status != seen:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if record.status == "queued":
                st.caption(":material/hourglass_top: It starts by itself when those before it are done.")
            else:
                st.progress(min(max(record.progress, 0.0), 1.0), text=scorings_view.stage_words(record))
            scorings_view.cancel_button(record, "predict_scoring")
        st.caption("It continues when this page is closed; Home and Predict lead back to it.")


def _ended(record: ScoringRecord) -> None:
    if record.error:
        st.error(
            f"{escape_markdown(record.error['hint'])}  \n:small[`{record.error['code']}`]",
            title=escape_markdown(record.error["message"]), icon=":material/error:",
        )  # fmt: skip
    with guard(stop=False):
        if get_services().scorings.can_repeat(record):
            st.button(
                "Start it again", key="predict_again", type="primary", icon=":material/replay:",
                on_click=scorings_view.again, args=(record.id,),
            )  # fmt: skip


def _facts(record: ScoringRecord) -> None:
    """Draw what is known of a scoring: file, model, policy, drift, who and when."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{escape_markdown(record.file_name)}**", width="content")
        scorings_view.badge(record.status)
    version = f"version {record.model_version}" if record.model_version else "an unregistered model"
    facts = [
        time_text(record.submitted_at),
        escape_markdown(scorings_view.origin_words(record)),
        f"{escape_markdown(record.experiment)}, {version} ({escape_markdown(algorithm_name(record.algo))})",
    ]
    if record.n_rows or record.n_bytes:
        facts.append(count_text(record.n_rows, "row") if record.n_rows else bytes_text(record.n_bytes))
    if record.summary and record.summary.seconds:
        facts.append(duration_text(record.summary.seconds))
    st.caption(" · ".join(facts))
    if record.summary and record.summary.threshold is not None:
        words = escape_markdown(record.summary.decision)
        st.caption(f":material/gavel: Threshold {record.summary.threshold:.4g}, {words}")
    if record.request.result_address:
        st.caption(f":material/output: Written by the cluster to {escape_markdown(record.request.result_address)}")
    if record.sha256:
        st.markdown(f":gray[:small[:material/fingerprint: sha256]] `{record.sha256}`")


def _gone_words(record: ScoringRecord) -> str:
    if record.origin == "cluster":
        return "The cluster has written the result to the address above; no row of it came here."
    if record.origin != "page":
        return "This result was sent to the caller and is not kept here. Monitor shows its summary."
    days = get_services().settings.keep_results_days
    return f"Results are kept for {days} days; score the file again to get it. Monitor shows its summary."


def _row(record: ScoringRecord, shape: str) -> dict[str, object]:
    summary = record.summary
    return {
        "File": record.file_name,
        "Check": [_CHECKS[summary.verdict]] if summary and summary.verdict in _CHECKS else None,
        "Drift": max((drift.psi for drift in summary.drift), default=None) if summary else None,
        "Rows": record.n_rows or None,
        "Mean score": number_cell(summary.score.mean, shape) if summary and summary.score else None,
        "Status": [scorings_view.STATUS_LOOK[record.status][0]],
        "When": record.submitted_at,
        "Model": f"version {record.model_version}" if record.model_version else record.model_id,
        "Policy": summary.decision if summary else None,
        "Who": scorings_view.origin_words(record),
    }
