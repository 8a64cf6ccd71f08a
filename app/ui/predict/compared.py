"""A result on the Predict page against what happened, where the file holds its target."""

from typing import TYPE_CHECKING, Final

import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.services import get_services
from app.ui.widgets.layout import chart
from app.ui.widgets.models.metrics import metric_name
from app.ui.widgets.text import escape_markdown
from core.domain.models import ORIGIN_NAMES
from core.domain.training import Task
from core.wording import alike_texts, count_text, metric_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.ledger.outcome_records import Realised
    from core.scoring.result import Scored

_NOISE: Final = 1e-12  # less is what the rounding of sums leaves
_MAIN_METRICS: Final[dict[Task, tuple[str, ...]]] = {
    "binary": ("auc", "average_precision", "precision", "recall"),
    "multiclass": ("mean_per_class_error", "logloss", "accuracy"),
    "regression": ("rmse", "mae", "r2"),
}


def file_metrics(scored: "Scored") -> None:
    """Draw the metrics on the scored file itself, the main ones beside what was promised."""
    metrics, known = scored.metrics or {}, None
    if navigation.has_page("monitor"):  # what was promised is not for everybody who predicts
        with guard(stop=False):
            known = get_services().monitor.realised(scored.model.experiment).get(scored.scoring_id)
    promised = known.promised.metrics if known and known.promised else {}
    where = ORIGIN_NAMES[known.origin] if known and known.origin else ""
    st.markdown(f"## How good were they? :gray[:small[{compared_text(scored)}]]", anchors=False)
    if verdict := _kept_words(known):
        st.markdown(verdict)
    main = [name for name in _MAIN_METRICS[scored.spec.task] if name in metrics]
    with st.grid("auto", min_column_width=140, gap="small"):
        for name in main:
            change = _change_text(metrics[name] - promised[name]) if name in promised else None
            st.metric(
                f"{metric_name(name)} :gray[:small[this file]]", metric_text(metrics[name]), delta=change,
                delta_color="off", delta_description=f"from {where}" if change else None,
            )  # fmt: skip
    others = [name for name in metrics if name not in main]
    if others:
        with st.expander("All metrics of this file"):
            records = [
                {"Metric": metric_name(name), "This file": metric_text(metrics[name])}
                | ({f"Promised ({where})": metric_text(promised.get(name))} if promised else {})
                for name in (*main, *others)
            ]
            st.table(records, border="horizontal", width="content", hide_index=True, alt="All metrics of this file")


def _change_text(change: float) -> str:
    """Return how far a metric is from what was promised, with its decimals."""
    (text,) = alike_texts(change if abs(change) > _NOISE else 0.0)
    return f"+{text}" if change > _NOISE else text


def _kept_words(known: "Realised | None") -> str:
    """Say whether the main metric is what was promised, as far as chance tells; empty where that is not known."""
    if known is None or known.verdict is None or known.origin is None:
        return ""
    name, there = metric_name(known.headline), f"{metric_text(known.promise)} of {ORIGIN_NAMES[known.origin]}"
    if known.verdict == "kept":
        return f":material/check: {name} is as promised: chance could explain its difference from the {there}."
    return f":material/info: {name} is {known.verdict} than the {there}, beyond chance."


def compared_text(scored: "Scored") -> str:
    """Say what the metrics on the scored file compare, and how much each row counts."""
    spec = scored.spec
    rows = f"Compared with “{escape_markdown(spec.target)}”: {scored.n_compared:,} of {scored.n_rows:,} rows."
    if spec.weights_column is None:
        return rows
    weights = f"“{escape_markdown(spec.weights_column)}”"
    if scored.is_weighted:
        return f"{rows} The metrics are weighted by {weights}; the figures below count each row once."
    return f"{rows} Each row counts once: the file has no weights {weights}."


def against_actual(scored: "Scored") -> None:
    """Draw the predictions against the target, where the file holds it: actual and predicted, and calibration."""
    figure, calibration = actual_figure(scored), calibration_figure(scored)
    columns = st.columns(2) if calibration is not None else [st.container()]
    if figure is not None:
        with columns[0]:
            chart(figure, key="predict_actual", alt="Predictions against the actual values of the file")
    if calibration is not None:
        with columns[1]:
            chart(calibration, key="predict_calibration", alt="Share of positive rows by predicted probability")


def actual_figure(scored: "Scored") -> "go.Figure | None":
    """Return predictions against the target, where the file holds it."""
    from core.charts import models as charts_models
    from core.scoring.columns import confusion_of, residuals_of

    if scored.actual is None:
        return None
    if scored.spec.task == "regression":
        return charts_models.predicted_actual(residuals_of(scored), target=scored.spec.target)
    return charts_models.confusion_matrix(confusion_of(scored))


def calibration_figure(scored: "Scored") -> "go.Figure | None":
    """Return how reliable the probabilities are on this file; two classes with the target only."""
    from core.charts import models as charts_models
    from core.scoring.columns import reliability_of

    found = reliability_of(scored)
    if found is None:
        return None
    origin = f"this file, {count_text(scored.n_compared, 'row')}"
    return charts_models.calibration_curve(found, str(scored.spec.positive), origin=origin)
