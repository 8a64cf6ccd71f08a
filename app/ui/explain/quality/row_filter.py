"""Any rows by hand in the Weak spots view: filters, and the metric of what they keep against the rest."""

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from app.ui.explain import cached as explain_data
from app.ui.explain.quality import weak_spots as explain_segments
from app.ui.widgets.text import escape_markdown
from core.data.profiling.slices import Filter, filter_mask, filter_text
from core.data.tables.schema import as_category
from core.domain.models import ModelInfo, Origin

if TYPE_CHECKING:
    import pyarrow as pa

    from core.metrics.calibration import Method
    from core.metrics.groups.segments import Metric

_FILTERS = "explain.filters"
_MAX_LEVELS = 500


def draw(model: ModelInfo, origin: Origin, metric: "Metric", threshold: float | None, method: "Method | None") -> None:
    """Draw the filters and what the metric is on the rows that pass."""
    from core.metrics.groups.segments import measure_rows

    st.subheader("Any rows by hand", anchor=False)
    filters = _bar(model, origin)
    if not filters:
        st.caption("Add a filter to see how well the model does on the rows that pass it.")
        return
    schema, found = explain_data.schema(model.id), explain_data.judged(model.id, origin, method)
    mask = filter_mask(lambda names: _load(model.id, origin, names), schema, filters, found.n_rows)
    n_rows, name = int(mask.sum()), explain_segments.name_of(metric)
    if not n_rows:
        st.info("No row passes these filters.", icon=":material/filter_alt_off:")
        return
    (value, low, high), (rest, *_) = (measure_rows(found, one, metric, threshold=threshold) for one in (mask, ~mask))
    with st.grid(3, min_column_width=150, gap="small"):
        st.metric("Rows", f"{n_rows:,}", help=f"{n_rows / found.n_rows:.1%} of all")
        st.metric(
            f"{name} :gray[:small[these rows]]", _text(value), help=f"95 % interval {_text(low)} to {_text(high)}"
        )
        st.metric(f"{name} :gray[:small[all other rows]]", _text(rest))
    if not np.isfinite(value):
        st.caption("AUC needs at least ten rows of each class.")


def _bar(model: ModelInfo, origin: Origin) -> tuple[Filter, ...]:
    """Draw the filters as chips, and a form for another one; return the filters."""
    kept: dict[str, tuple[Filter, ...]] = st.session_state.setdefault(_FILTERS, {})
    schema = explain_data.schema(model.id)
    filters = tuple(one for one in kept.get(model.id, ()) if one.column in schema)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover("Filter rows", icon=":material/filter_alt:", key="explain_filter", on_change="rerun") as form:
            if form.open:
                _form(model, origin)
        for number, one in enumerate(filters):
            st.button(
                escape_markdown(filter_text(one, schema[one.column])), key=f"explain_chip_{number}",
                icon=":material/close:", icon_position="right", help="Remove this filter", on_click=_set,
                args=(model.id, tuple(other for other in filters if other != one)),
            )  # fmt: skip
    return filters


def _form(model: ModelInfo, origin: Origin) -> None:
    schema = explain_data.schema(model.id)
    column = schema[st.selectbox("Column", schema.names, key="explain_filter_column")]
    values = explain_data.values_of(model.id, origin, column.name)
    draw_input = {"category": _levels, "date": _days}.get(column.type, _range)
    found = draw_input(values, column.name)
    missing = bool(values.null_count) and st.checkbox(
        f"Missing values ({values.null_count:,})", key=f"explain_filter_missing_{column.name}"
    )
    chosen = Filter(column=column.name, **found, missing=missing)
    others = tuple(one for one in st.session_state[_FILTERS].get(model.id, ()) if one.column != column.name)
    st.button(
        "Add the filter", key="explain_filter_add", type="primary", on_click=_set, args=(model.id, (*others, chosen)),
        disabled=not (chosen.levels or chosen.has_range or chosen.missing),
    )  # fmt: skip


def _levels(values: "pa.ChunkedArray", name: str) -> dict[str, Any]:
    counted = sorted(as_category(values.drop_null()).value_counts().to_pylist(), key=lambda one: -one["counts"])
    rows = {one["values"]: one["counts"] for one in counted[:_MAX_LEVELS]}
    chosen = st.multiselect(
        "Levels", list(rows), key=f"explain_filter_levels_{name}", placeholder="Choose levels",
        format_func=lambda level: f"{level} ({rows[level]:,})" if level in rows else level,
        accept_new_options=len(counted) > len(rows),
    )  # fmt: skip
    return {"levels": tuple(chosen)}


def _range(values: "pa.ChunkedArray", name: str) -> dict[str, Any]:
    from core.data.tables.codes import to_numbers

    numbers = to_numbers(values.drop_null())
    if not len(numbers):
        return {}
    left, right = st.columns(2)
    low = left.number_input("From", value=float(numbers.min()), key=f"explain_filter_low_{name}", format="%.6g")
    high = right.number_input("To", value=float(numbers.max()), key=f"explain_filter_high_{name}", format="%.6g")
    return {"low": low, "high": high}


def _days(values: "pa.ChunkedArray", name: str) -> dict[str, Any]:
    import pyarrow.compute as pc

    ends = pc.min_max(values)
    if ends["min"].as_py() is None:
        return {}
    first, last = ends["min"].as_py().date(), ends["max"].as_py().date()
    days = st.date_input("From, to", (first, last), first, last, key=f"explain_filter_days_{name}")
    if not isinstance(days, tuple) or len(days) != 2:
        return {}
    begin, end = (datetime.combine(day, time(), UTC).timestamp() * 1000 for day in (days[0], days[1] + timedelta(1)))
    return {"low": begin, "high": end - 1}


def _load(model_id: str, origin: Origin, names: Any) -> "pa.Table":
    import pyarrow as pa

    return pa.table({name: explain_data.values_of(model_id, origin, name) for name in names})


def _set(model_id: str, filters: tuple[Filter, ...]) -> None:
    st.session_state[_FILTERS][model_id] = filters


def _text(value: float) -> str:
    return f"{value:.4g}" if np.isfinite(value) else "–"
