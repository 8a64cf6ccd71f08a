"""Where a person left off: what came of their last training, the data and the problem they worked with last."""

from collections.abc import Sequence

import streamlit as st

from app.ui import navigation
from app.ui.services import get_services
from app.ui.visits import is_own
from app.ui.widgets.models.runs import STATUS_LOOK
from app.ui.widgets.text import escape_markdown
from core.domain.runs import RunInfo
from core.ledger.scoring_records import ScoringRecord
from core.wording import ago_text, count_text

_MOST_RUNS = 1


def draw(ended: Sequence[RunInfo]) -> None:
    """Draw the ways back to what the person did last; nothing for somebody new.

    Parameters
    ----------
    ended : sequence of RunInfo
        The runs that ended last, newest first.
    """
    services = get_services()
    unseen = set(services.visits.unseen("run", [run.run_id for run in ended]))
    used = services.visits.last("dataset") if navigation.has_page("data") else None
    dataset = next((one for one in services.datasets.list() if one.id == used), None) if used else None
    scored = next((one for one in services.scoring_log.list(limit=20) if is_own(one.person)), None)
    # Who has predicted with a problem since a training of it ended needs no word that it did.
    news = [
        run
        for run in ended
        if run.run_id in unseen and is_own(run.person) and not (scored and _came_after(scored, run))
    ][:_MOST_RUNS]
    if not (news or dataset or scored):
        return
    st.header("Where you left off", anchor=False)
    with st.container(border=True, gap="medium"):
        for run in news:
            _run(run)
        if dataset:
            size = f"{count_text(dataset.n_rows, 'row')}, {count_text(dataset.n_columns, 'column')}"
            with _line(
                f":material/table: **{escape_markdown(dataset.label)}**", f"the data you looked at last · {size}"
            ):
                navigation.link("explore", "Explore", dataset=dataset.id)
                navigation.link("train", "Train", dataset=dataset.id)
        if scored:
            _scored(scored)


def _came_after(record: ScoringRecord, run: RunInfo) -> bool:
    return record.experiment == run.experiment and record.submitted_at > (run.ended_at or run.created_at)


def _line(title: str, words: str) -> st.delta_generator.DeltaGenerator:
    """Draw a line with its title and what there is to say; return the place for the ways on."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{title}  \n:gray[:small[{words}]]", width="stretch")
        return st.container(horizontal=True, width="content", gap="small")


def _run(run: RunInfo) -> None:
    label, icon, color = STATUS_LOOK[run.status]
    facts = [f"{label.lower()} {ago_text(run.ended_at or run.created_at)}, its result not looked at yet"]
    facts += [count_text(run.n_models, "model")] if run.n_models else []
    facts += [escape_markdown(run.error["message"])] if run.error else []
    with _line(f":{color}[{icon}] **{escape_markdown(run.experiment)}**", " · ".join(facts)):
        words = "See the result" if run.n_models else "See why"
        navigation.button("train", words, key=f"home_run_{run.run_id}", primary=True, run=run.run_id)


def _scored(record: ScoringRecord) -> None:
    rows = f", {count_text(record.n_rows, 'row')}" if record.n_rows else ""
    words = f"predicted last, with {escape_markdown(record.file_name)}{rows} · {ago_text(record.submitted_at)}"
    alerts = get_services().monitor.last_files(record.experiment)[1] if navigation.has_page("monitor") else ()
    title = f":material/online_prediction: **{escape_markdown(record.experiment)}**"
    if alerts:
        said = f"its last files raised {count_text(len(alerts), 'alert')}"
        title += f" :orange[:small[:material/notifications_active: {said}]]"
    with _line(title, words):
        if alerts:
            navigation.link("monitor", "See the alerts", experiment=record.experiment)
        navigation.link("predict", "Predict again", experiment=record.experiment)
        if not alerts:
            navigation.link("monitor", "Monitor", experiment=record.experiment)
