"""The Drift view of the Monitor page: which features have changed, in which files, and how."""

from typing import TYPE_CHECKING

import streamlit as st

from app.ui.monitor.seen import Seen
from app.ui.widgets.layout import chart
from app.ui.widgets.text import escape_markdown
from core.ledger.scoring_records import FeatureDrift, ScoringRecord
from core.monitoring.alerts import SCORES
from core.wording import list_text, percent_text, time_text

if TYPE_CHECKING:
    from core.services import Services

_SCORES_LABEL = "The scores"
_MOST_NAMED = 4


def draw(seen: Seen, _services: "Services") -> None:
    """Draw drift over features and files, then one feature closely."""
    from core.charts import monitor as charts_monitor

    compared = [record for record in seen.records if record.summary and record.summary.drift]
    if not compared:
        st.info(
            "No file could be compared with training. Files need 30 rows, and models trained before the values of "
            "their training data were stored have nothing to compare with.", icon=":material/info:",
        )  # fmt: skip
        return
    marked = frozenset((alert.scoring_id, alert.name) for alert in seen.alerts if alert.kind == "feature")
    figure = charts_monitor.drift_map(seen.records, seen.rule.psi, marked)
    chart(figure, key="monitor_drift", alt="Drift of each feature in each file")
    mark = "A bold number" if len(seen.records) <= charts_monitor.FEW else "A dot"
    st.caption(
        f"The population stability index (PSI): under 0.1 is stable, over 0.25 a large change. Colour is full at"
        f" {seen.rule.psi:.3g}, the limit of the alert rule. {mark} marks an alert; a large value without one is what"
        " chance explains in a file of that size."
    )
    names = charts_monitor.drifting_features(seen.records)
    first, second = st.columns(2)
    name = first.selectbox(
        "Feature", (SCORES, *names), key=f"monitor_feature_{seen.experiment}", index=1 if names else 0,
        format_func=lambda one: _SCORES_LABEL if one == SCORES else one,
    )  # fmt: skip
    shown = compared[::-1]
    by_id = {record.id: record for record in shown}
    alerted = next((record.id for record in shown if (record.id, name) in marked), shown[0].id)
    chosen = second.selectbox(
        "File", tuple(by_id), key=f"monitor_drift_file_{seen.experiment}_{name}",
        index=list(by_id).index(alerted), format_func=lambda key: file_label(by_id[key]),
    )  # fmt: skip
    _closely(seen, name, by_id[chosen])


def file_label(record: ScoringRecord) -> str:
    """Return how a scoring is called in a list of choices."""
    return f"{record.file_name}  ({time_text(record.submitted_at)}, {record.n_rows:,} rows)"


def _closely(seen: Seen, name: str, record: ScoringRecord) -> None:
    from core.charts import monitor as charts_monitor
    from core.charts.data import explore as charts_explore

    left, right = st.columns(2, gap="large")
    points = []
    for place, one in enumerate(seen.records, 1):
        if (drift := find_drift(one, name)) is not None:
            is_alert = drift.is_over(seen.rule.psi)
            words = "" if drift.ks is None else f"KS {drift.ks:.3f}"
            points.append(charts_monitor.Point(place, drift.psi, words=words, is_alert=is_alert))
    with left:
        title = "PSI of the scores" if name == SCORES else f"PSI of {name}"
        figure = charts_monitor.over_time(seen.records, points, title, "against the training rows", limit=seen.rule.psi)
        chart(figure, key="monitor_feature_psi", alt="Drift of the feature in each file")
    found = find_drift(record, name)
    with right:
        if found is None or not found.bins:
            st.caption("Bins are kept only for the twelve features that drifted most.")
            return
        if words := moved_words(found, record.file_name):
            st.markdown(words)
        figure = charts_explore.drift_bins(found.column(), was="training", now=record.file_name)
        chart(figure, key="monitor_feature_bins", alt="The feature's values in training and in the file")


def moved_words(found: FeatureDrift, file_name: str) -> str:
    """Say where the rows of a file have gone: the values that are more frequent there than in training."""
    if not found.rows_was or not found.rows_now:
        return ""
    shares = [(one.label, one.now / found.rows_now, one.was / found.rows_was) for one in found.bins]
    more = [one for one in shares if one[1] > one[2]]
    if not more:
        return ""
    now, was = sum(one[1] for one in more), sum(one[2] for one in more)
    names = list_text([label for label, _, _ in more], _MOST_NAMED, show=escape_markdown)
    name = "Scores" if found.name == SCORES else escape_markdown(found.name)
    return (
        f"**{name}** {names}: **{percent_text(now)}** of {escape_markdown(file_name)},"
        f" **{percent_text(was)}** of the training rows."
    )


def find_drift(record: ScoringRecord, name: str) -> FeatureDrift | None:
    """Return how far a feature, or the scores, are from training in a file."""
    if record.summary is None:
        return None
    if name == SCORES:
        return record.summary.score.drift if record.summary.score else None
    return next((drift for drift in record.summary.drift if drift.name == name), None)
