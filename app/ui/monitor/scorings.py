"""The Files view of the Monitor page: files over time, how their scores are distributed, and the list of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.ui import navigation
from app.ui.monitor.seen import Seen
from app.ui.predict import history as predict_history
from app.ui.widgets.layout import chart
from core.domain.models import metric_in_words
from core.ledger.outcome_records import UseAlert
from core.models.opened import StoredModel
from core.wording import metric_text

if TYPE_CHECKING:
    from core.services import Services


def draw(seen: Seen, services: "Services") -> None:
    """Draw files over time."""
    from core.charts import monitor as charts_monitor

    left, right = st.columns([2, 3], gap="large")
    with left:
        figure = charts_monitor.rows_over_time(seen.records, seen.alerted)
        chart(figure, key="monitor_rows", alt="Rows of each file scored, in order of time")
    with right:
        figure = charts_monitor.score_bands(seen.records, score_name(seen, services), is_share=is_share(seen))
        chart(figure, key="monitor_scores", alt="How the scores of each file are distributed, against training")
    st.markdown("## Files", anchors=False)
    alerts = {one: _in_short(seen.alerts_of(one)) for one in seen.alerted}
    chosen = predict_history.table(seen.records[::-1], key="monitor_files", alerts=alerts)
    if chosen is not None:
        navigation.button("predict", "Open this scoring", key="monitor_open", scoring=chosen.id)


def _in_short(alerts: Sequence[UseAlert]) -> str:
    """Return the worst alert, and how many there are besides."""
    more = f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
    return f"{_about(alerts[0])}{more}"


def _about(alert: UseAlert) -> str:
    """Return what an alert is about, with the value that was over the limit."""
    if alert.kind == "metric":
        return f"{metric_in_words(alert.name)} {metric_text(alert.value)}"
    return f"{alert.name} PSI {alert.value:.2f}"


def is_share(seen: Seen) -> bool:
    """Whether the scores are probabilities."""
    return not any(record.summary and record.summary.task == "regression" for record in seen.records)


def score_name(seen: Seen, services: "Services") -> str:
    """Return what the scores are, in words."""
    if seen.champion is None or not seen.champion.has_files:
        return "score of each row"
    spec = StoredModel(services.store, seen.champion).spec
    if spec.task == "regression":
        return f"predicted {spec.target}"
    return f"probability of {spec.positive}" if spec.task == "binary" else "probability of the predicted class"
