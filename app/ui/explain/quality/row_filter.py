"""Rows of your choice in the Weak spots view: filters, and the metric of what they keep against the rest."""

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from app.ui.explain import cached as explain_data
from app.ui.widgets import row_filter
from app.ui.widgets.models.metrics import metric_name
from core.data.profiling.slices import filter_mask
from core.data.tables.schema import as_category
from core.domain.models import ModelInfo, Origin
from core.wording import metric_text, percent_text

if TYPE_CHECKING:
    import pyarrow as pa

    from core.metrics.calibration import Method
    from core.metrics.groups.grading import Metric


SHARES: frozenset["Metric"] = frozenset({"explained", "error"})
_NAMES: dict["Metric", str] = {"explained": "Share explained", "error": "Share of wrong labels"}
_WHY_NOT: dict["Metric", str] = {
    "auc": "AUC needs at least ten rows of each class.",
    "explained": "Share explained needs numbers that differ, and of classes ten rows outside the most frequent one.",
}


def name_of(metric: "Metric") -> str:
    """Return what a metric of a part of the data is called."""
    return _NAMES.get(metric, metric_name(metric))


def value_text(metric: "Metric", value: float) -> str:
    """Return such a metric as people read it."""
    if not np.isfinite(value):
        return "–"
    return percent_text(value) if metric in SHARES else metric_text(value)


def draw(model: ModelInfo, origin: Origin, metric: "Metric", threshold: float | None, method: "Method | None") -> None:
    """Draw the filters and what the metric is on the rows that pass."""
    from core.metrics.groups.segments import measure_rows

    st.subheader("Rows of your choice", anchor=False)
    schema = explain_data.schema(model.id)
    row_filter.bar("explain", model.id, schema, schema.names, lambda column: _known(model.id, origin, column))
    filters = row_filter.filters_of("explain", model.id)
    if not filters:
        st.caption("Add a filter to see how well the model performs on the rows that match it.")
        return
    found = explain_data.judged(model.id, origin, method)
    mask = filter_mask(lambda names: _load(model.id, origin, names), schema, filters, found.n_rows)
    n_rows = int(mask.sum())
    if not n_rows:
        st.info("No rows match these filters.", icon=":material/filter_alt_off:")
        return
    (value, low, high), (rest, *_) = (measure_rows(found, one, metric, threshold=threshold) for one in (mask, ~mask))
    name, interval = name_of(metric), f"{value_text(metric, low)} to {value_text(metric, high)}"
    with st.grid(3, min_column_width=150, gap="small"):
        st.metric("Rows", f"{n_rows:,}", help=f"{percent_text(n_rows / found.n_rows, 1)} of all")
        st.metric(f"{name} :gray[:small[these rows]]", value_text(metric, value), help=f"95% interval {interval}")
        st.metric(f"{name} :gray[:small[all other rows]]", value_text(metric, rest))
    if not np.isfinite([value, rest]).all() and metric in _WHY_NOT:
        st.caption(_WHY_NOT[metric])


def _known(model_id: str, origin: Origin, name: str) -> row_filter.Known:
    from core.data.tables.codes import to_numbers

    column, values = explain_data.schema(model_id)[name], explain_data.values_of(model_id, origin, name)
    known, levels, ends = values.drop_null(), [], None
    if column.type == "category":
        levels = sorted(as_category(known).value_counts().to_pylist(), key=lambda one: -one["counts"])
    elif len(known):
        numbers = to_numbers(known)
        ends = (float(numbers.min()), float(numbers.max()))
    rows = {one["values"]: one["counts"] for one in levels[: row_filter.MAX_LEVELS]}
    return row_filter.Known(name, column.type, values.null_count, rows, len(levels), ends)


def _load(model_id: str, origin: Origin, names: Any) -> "pa.Table":
    import pyarrow as pa

    return pa.table({name: explain_data.values_of(model_id, origin, name) for name in names})
