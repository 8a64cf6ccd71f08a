"""One case on the Predict page: a form made from what the model needs, its prediction and why."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from app.ui.errors import guard
from app.ui.widgets.layout import choice_labels
from app.ui.widgets.text import escape_markdown
from core.data.drift.compare import ColumnReference
from core.domain.columns import Column
from core.domain.models import ModelInfo, ModelSpec
from core.features.case import case_table, usual_value
from core.wording import number_text, percent_text

if TYPE_CHECKING:
    from core.scoring.result import Scored
    from core.services import Services

A_FILE, ONE_CASE, HISTORY = "A file", "One case", "Earlier files"
CASE: Final = "predict.case"
N_REASONS: Final = 5
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_COLUMNS: Final = 3


def choose_mode() -> str:
    """Ask whether a file or a single case is to be predicted, or earlier files are to be looked at."""
    mode: str = st.segmented_control(
        "What to predict", (A_FILE, ONE_CASE, HISTORY), default=A_FILE, required=True, key="predict_mode",
        label_visibility="collapsed", format_func=choice_labels(str),
    )  # fmt: skip
    return mode


def template_button(model: ModelInfo, spec: ModelSpec, services: "Services") -> None:
    """Offer an empty Excel file with the columns, types and allowed values of the problem."""
    st.download_button(
        "Empty Excel template",
        partial(_template, model, spec, services),
        f"{spec.experiment}_template.xlsx",
        _XLSX,
        key="predict_template",
        icon=":material/table_view:",
        on_click="ignore",
        type="tertiary",
        help="An empty workbook with the columns the model needs, and the allowed values as lists.",
    )


def _template(model: ModelInfo, spec: ModelSpec, services: "Services") -> bytes:
    from core.exports.template import make_template

    return make_template(spec, services.scorer.stored(model).reference)


def show(model: ModelInfo, spec: ModelSpec, services: "Services") -> None:
    """Draw the form and, once it is sent, the prediction with its reasons."""
    with guard():
        reference = services.scorer.stored(model).reference
    known = {column.name: column for column in reference.columns} if reference else {}
    with st.form("predict_case_form", border=True):
        st.markdown("**2. The case**")
        st.caption("Typical values from the training data are filled in; leave a field empty if you do not know it.")
        values: dict[str, Any] = {}
        with st.grid(_COLUMNS, min_column_width=240, gap="small"):
            for place, column in enumerate(spec.needed.columns):
                values[column.name] = _field(column, known.get(column.name), f"predict_case_{model.id}_{place}")
        sent = st.form_submit_button(
            "Predict this case", key="predict_case_start", type="primary", icon=":material/online_prediction:"
        )
    if sent:
        st.session_state.pop(CASE, None)
        with guard(), st.spinner("Scoring"):
            n_reasons = 0 if spec.task == "multiclass" else N_REASONS
            st.session_state[CASE] = services.scorer.score_table(case_table(values, spec), model, reasons=n_reasons)
    scored: Scored | None = st.session_state.get(CASE)
    if scored is not None and scored.model.id == model.id:
        _result(scored)


def _field(column: Column, known: ColumnReference | None, key: str) -> Any:
    label, usual = escape_markdown(column.name), usual_value(column, known)
    if column.type == "category" and column.levels:
        levels = list(column.levels)
        index = levels.index(str(usual)) if usual in levels else None
        return st.selectbox(label, levels, index=index, key=key, placeholder="unknown")
    if column.type == "numeric":
        step = 1 if column.integer else None
        value = usual if isinstance(usual, int | float) else None
        if column.integer:
            return st.number_input(label, value=None if value is None else int(value), step=step, key=key)
        return st.number_input(label, value=None if value is None else float(value), key=key, format="%g")
    if column.type == "date":
        return st.date_input(
            label, value=usual if isinstance(usual, date) else None, key=key,
            min_value=date(1, 1, 1), max_value=date(9999, 12, 31),
        )  # fmt: skip
    return st.text_input(label, key=key)


def _result(scored: "Scored") -> None:
    row: Mapping[str, Any] = pa.Table.to_pylist(scored.results)[0]
    with st.container(border=True):
        left, right = st.columns([2, 3], gap="large")
        with left:
            _headline(scored, row)
        with right:
            _reasons(scored, row)


def _headline(scored: "Scored", row: Mapping[str, Any]) -> None:
    spec = scored.spec
    if spec.task == "regression":
        st.metric(escape_markdown(spec.target), number_text(row["prediction"], 6))
        if "prediction_low" in row and scored.intervals is not None:
            level = percent_text(scored.intervals.level, 0)
            low, high = (number_text(row[name], 6) for name in ("prediction_low", "prediction_high"))
            st.markdown(f"{level} interval: **{low}** to **{high}**")
            st.caption(f"{escape_markdown(scored.intervals.in_words())}.")
    else:
        st.metric(escape_markdown(f"Prediction for {spec.target}"), escape_markdown(row["prediction"]))
        # The class that the probability and the threshold are about comes first, whichever the label is.
        first = spec.positive if spec.task == "binary" else row["prediction"]
        for name in sorted(spec.classes, key=lambda name: (name != first, -row[f"probability_{name}"]))[:6]:
            share = row[f"probability_{name}"]
            st.progress(min(max(share, 0.0), 1.0), text=f"{escape_markdown(name)}: **{100 * share:.1f}%**")
        if verdict := verdict_text(scored, row):
            st.markdown(f"**{escape_markdown(verdict)}**")
        from app.ui.predict.outcome import decision_text

        st.caption(decision_text(scored))
    if row.get("trust_note"):
        note = escape_markdown(row["trust_note"])
        st.warning(note, title="Outside what the model knows", icon=":material/flag:")


def verdict_text(scored: "Scored", row: Mapping[str, Any]) -> str:
    """Return what a probability and the threshold say together; empty where no threshold decides."""
    if scored.spec.task != "binary" or scored.threshold is None:
        return ""
    share = row[f"probability_{scored.spec.positive}"]
    side = "at or above" if share >= scored.threshold else "below"
    return f"{100 * share:.1f}%, {side} the threshold of {100 * scored.threshold:.1f}%: {row['prediction']}"


def _reasons(scored: "Scored", row: Mapping[str, Any]) -> None:
    reasons = [row[name] for name in scored.results.column_names if name.startswith("reason_") and row[name]]
    st.markdown("**Why**")
    if not reasons:
        st.caption("No reasons: H2O computes them for two classes and for numbers only." if not scored.reasons_method
                   else "Nothing moved this prediction away from the usual one.")  # fmt: skip
        return
    for text in reasons:
        icon = ":material/arrow_upward:" if " raised it" in text else ":material/arrow_downward:"
        st.markdown(f"{icon} {escape_markdown(text)}")
    method = escape_markdown(scored.reasons_method)
    what = escape_markdown(scored.reasons_about)
    st.caption(f"About {what}, by {method}. They say nothing about cause.")
