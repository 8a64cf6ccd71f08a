"""The Drift view of the Monitor page: which features have changed, in which files, and how."""

from typing import TYPE_CHECKING

import streamlit as st

from app.ui.monitor.seen import Seen
from app.ui.widgets.layout import chart
from core.ledger.scoring_records import FeatureDrift, ScoringRecord
from core.monitoring.alerts import SCORES
from core.wording import time_text

if TYPE_CHECKING:
    from core.services import Services

_SCORES_LABEL = "The scores"


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
    st.caption(
        f"The stronger the colour, the more drift; it is full at PSI {seen.rule.psi:.3g}. A dot marks an alert; "
        "full colour without a dot is what chance explains in a file of that size."
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
        figure = charts_explore.drift_bins(found.column(), was="training", now=record.file_name)
        chart(figure, key="monitor_feature_bins", alt="The feature's values in training and in the file")


def find_drift(record: ScoringRecord, name: str) -> FeatureDrift | None:
    """Return how far a feature, or the scores, are from training in a file."""
    if record.summary is None:
        return None
    if name == SCORES:
        return record.summary.score.drift if record.summary.score else None
    return next((drift for drift in record.summary.drift if drift.name == name), None)
