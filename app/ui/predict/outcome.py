"""What came out, on the Predict page: how many rows got which label, the first of them, and how they were made."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from app.ui import navigation
from app.ui.predict import compared
from app.ui.widgets.layout import chart, choice_labels
from app.ui.widgets.tables import number_columns
from app.ui.widgets.text import escape_markdown
from core.domain.columns import Column, Schema
from core.wording import count_text, list_text, number_text, percent_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.scoring.result import Scored

PREVIEW_ROWS: Final = 100
_CLEARLY: Final = 0.2
_HIGHEST, _AS_IN_FILE = "Highest first", "As in the file"


def draw(scored: "Scored") -> None:
    """Draw a result: counts, spread, the first rows, comparison with the target."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        result_counts(scored)
        st.caption(f"{decision_text(scored)} {_selected_words(scored)}")
        trust_line(scored)
        method_lines(scored)
    with right:
        chart(result_figure(scored), key="predict_chart", alt="How the predictions are distributed")
    result_preview(scored)
    if scored.metrics:
        compared.file_metrics(scored)
    compared.against_actual(scored)


def result_counts(scored: "Scored") -> None:
    """Draw how many rows got which label, or where predicted numbers lie."""
    values = scored.results["prediction"]
    if scored.spec.task == "regression":
        shown = {
            "Lowest": pc.min(values),
            "Mean": pc.mean(values),
            "Median": pc.quantile(values, 0.5)[0],
            "Highest": pc.max(values),
        }
        with st.grid(4, min_column_width=120):
            for label, value in shown.items():
                st.metric(label, number_text(value.as_py(), 5))
        return
    counted = sorted(values.value_counts().to_pylist(), key=lambda item: -item["counts"])
    actual = _actual_counts(scored)
    records = [
        {"Prediction": str(item["values"]), "Rows": item["counts"], "Share": item["counts"] / len(values)}
        | ({"Actual rows": actual.get(str(item["values"]), 0)} if actual else {})
        for item in counted
    ]
    config = {
        "Rows": st.column_config.NumberColumn(format="localized"),
        "Actual rows": st.column_config.NumberColumn(format="localized", help="As the file's own target has it."),
        "Share": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0),
    }
    st.dataframe(records, hide_index=True, placeholder="–", column_config=config, alt="Rows by predicted label")


def _actual_counts(scored: "Scored") -> dict[str, int]:
    """Return how many rows are of each class by the file's own target; empty where it has none."""
    if scored.actual is None:
        return {}
    counted = scored.actual.drop_null().value_counts().to_pylist()
    return {str(item["values"]): item["counts"] for item in counted}


def _selected_words(scored: "Scored") -> str:
    """Say how many are right where clearly more, or fewer, rows are selected than are of the class; else empty."""
    positive = str(scored.spec.positive)
    n_actual = _actual_counts(scored).get(positive, 0)
    if scored.spec.positive is None or scored.actual is None or not n_actual:
        return ""
    known = scored.results["prediction"].filter(scored.actual.is_valid())
    n_selected = pc.sum(pc.equal(known.cast(pa.string()), positive)).as_py() or 0
    if abs(n_selected - n_actual) <= _CLEARLY * n_actual:
        return ""
    elsewhere = " Explain shows under Decision what other thresholds do." if navigation.has_page("explain") else ""
    if not n_selected:
        return f"No row is selected, and {n_actual:,} are “{escape_markdown(positive)}”.{elsewhere}"
    is_positive = pc.equal(scored.actual.drop_null().cast(pa.string()), positive)
    n_right = pc.sum(pc.and_(pc.equal(known.cast(pa.string()), positive), is_positive)).as_py() or 0
    whose = " with a known outcome" if scored.actual.null_count else ""
    return (
        f"Selected{whose}: {n_right:,} of class “{escape_markdown(positive)}” and {n_selected - n_right:,} not;"
        f" missed: {n_actual - n_right:,}.{elsewhere}"
    )


def result_figure(scored: "Scored") -> "go.Figure":
    """Return how the probability, or the predicted number, is distributed over the rows."""
    from core.charts import models as charts_models
    from core.charts.data import columns as charts
    from core.data.profiling.profile import profile_table

    spec, origin = scored.spec, count_text(scored.n_rows, "row")
    if spec.task == "regression":
        column = Column("prediction", "numeric")
        profile = profile_table(scored.results.select([column.name]), Schema((column,)))
        return charts.histogram(profile.columns[0])
    if spec.task == "binary":
        probability, name = scored.results[f"probability_{spec.positive}"].to_numpy(), str(spec.positive)
    else:
        every = [scored.results[f"probability_{name}"].to_numpy() for name in spec.classes]
        probability, name = np.max(every, axis=0), "the predicted class"
    return charts_models.score_distribution(probability, name, threshold=scored.threshold, origin=origin)


def decision_text(scored: "Scored") -> str:
    """Say in words how the label was made."""
    spec = scored.spec
    if spec.task == "binary" and scored.threshold is not None:
        from core.models.decisions import saved_words

        decision = scored.decision
        origin = f" ({decision.words})" if decision.words else ""
        parts = [
            f"A row is “{spec.positive}” when its probability is at least {number_text(scored.threshold)}{origin}."
        ]
        parts += [f"Policy {saved_words(decision.saved)}."] if decision.saved else []
        parts += [f"Probabilities are calibrated by {decision.calibration.words}."] if decision.calibration else []
        return escape_markdown(" ".join(parts))
    return "The label is the class with the highest probability." if spec.task == "multiclass" else ""


def trust_line(scored: "Scored") -> None:
    """Say how many rows are outside what the model knows."""
    if "trust" not in scored.results.column_names:
        return
    n_outside = pc.sum(pc.equal(scored.results["trust"], "outside")).as_py() or 0
    if n_outside:
        share = n_outside / scored.n_rows
        st.caption(
            f":material/flag: {count_text(n_outside, 'row')} ({percent_text(share, 1)}) outside what the model knows: "
            "their predictions are less certain; the column trust\\_note says why."
        )
    elif scored.check is not None and scored.check.drift is None:
        st.caption(":material/verified: Every level is one that the model learned from; ranges were not checked.")
    else:
        st.caption(":material/verified: Every row is like those the model learned from.")


def method_lines(scored: "Scored") -> None:
    """Say how intervals and reasons were made."""
    if scored.intervals is not None:
        st.caption(f"{escape_markdown(scored.intervals.in_words())}.")
    if scored.reasons_method:
        what = escape_markdown(scored.reasons_about)
        method = escape_markdown(scored.reasons_method)
        st.caption(f"Reasons are about {what}, by {method}. They say nothing about cause.")


def result_preview(scored: "Scored") -> None:
    """Draw some rows with their results, the results first."""
    ranked = scored.spec.positive is not None
    orders = (_HIGHEST, _AS_IN_FILE)
    order = st.segmented_control(
        "Order", orders, key="predict_order", default=_HIGHEST, required=True, format_func=choice_labels(str),
        label_visibility="collapsed",
    ) if ranked else _AS_IN_FILE  # fmt: skip
    whole = scored.packed(as_text=True)
    if order == _HIGHEST:
        by = pc.select_k_unstable(
            scored.results, PREVIEW_ROWS, sort_keys=[(f"probability_{scored.spec.positive}", "descending")]
        )
        table = whole.take(by)
    else:
        table = whole.slice(0, PREVIEW_ROWS).table()
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):  # a note that is missing is an empty cell, not the word None
            table = table.set_column(place, field.name, pc.fill_null(table[field.name], ""))
    hidden = _telling_nothing(table, is_ordered=order == _HIGHEST)
    shown = [name for name in _in_order(table, scored) if name not in hidden]
    config = number_columns(scored.spec.needed) | _column_config(scored)
    st.dataframe(
        table.select(shown), hide_index=True, column_config=config, height=320,
        placeholder="–",
        key="predict_results", alt="Some rows with their predictions",
    )  # fmt: skip
    which = "highest" if order == _HIGHEST else "first"
    more = f", and the columns {list_text(hidden, show=escape_markdown)} too" if hidden else ""
    st.caption(
        f"The {which} {count_text(table.num_rows, 'row')} of {scored.n_rows:,}; the download has them all, in the"
        f" order of the file{more}."
    )


def _telling_nothing(table: pa.Table, *, is_ordered: bool) -> list[str]:
    """Return the columns of a result that would only take room on the page."""
    hidden = [name for name in ("rank", "decile") if is_ordered and name in table.column_names]
    if "trust_note" in table.column_names and not any(table["trust_note"].to_pylist()):
        hidden += ["trust", "trust_note"]
    return hidden


def _in_order(table: pa.Table, scored: "Scored") -> list[str]:
    """Return the columns: id, results, the file's own."""
    first = [scored.id_name] if scored.id_name in table.column_names else []
    own = [name for name in table.column_names if name not in scored.results.column_names and name not in first]
    own.sort(key=lambda name: name != scored.spec.target)  # beside what was predicted, where the file has it
    results = [name for name in scored.results.column_names if name in table.column_names]
    if scored.spec.positive is not None:  # the other class has the rest
        results = [n for n in results if not n.startswith("probability_") or n == f"probability_{scored.spec.positive}"]
    return [*first, *results, *own]


def _column_config(scored: "Scored") -> dict[str, Any]:
    shares = [name for name in scored.results.column_names if name.startswith("probability_")]
    config: dict[str, Any] = {name: st.column_config.NumberColumn(format="%.4f") for name in shares}
    if scored.spec.positive is not None:
        name = f"probability_{scored.spec.positive}"
        config[name] = st.column_config.ProgressColumn(format="%.4f", min_value=0.0, max_value=1.0)
    if scored.spec.task == "regression":
        config |= dict.fromkeys(
            ("prediction", "prediction_low", "prediction_high"), st.column_config.NumberColumn(format="localized")
        )
    helps = {
        "rank": "1 has the highest probability, or the highest predicted number.",
        "decile": "1 is the tenth of the rows that rank highest.",
        "trust": "Whether the row is like those the model learned from: inside, or outside.",
    }
    config |= {name: st.column_config.Column(help=words) for name, words in helps.items()}
    reasons = [name for name in scored.results.column_names if name.startswith("reason_")]
    return config | dict.fromkeys((*reasons, "trust_note"), st.column_config.TextColumn(width="medium"))
