"""What the Predict page shows of a result, and the files it offers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from app.ui import navigation
from app.ui.errors import guard
from app.ui.predict.file import SCORED
from app.ui.services import get_services
from app.ui.widgets.layout import chart, choice_labels
from app.ui.widgets.metrics import metric_name
from app.ui.widgets.tables import number_columns
from app.ui.widgets.text import escape_markdown
from core.domain.columns import Column, Schema
from core.domain.formats import BOOK_SUFFIXES
from core.domain.models import ORIGIN_NAMES, ModelInfo
from core.domain.training import Task
from core.exports.tables import EXCEL_CSV, EXCEL_CSV_COMMAS, PLAIN_CSV, CsvStyle, count_sheets
from core.files import scratch
from core.ledger.outcome_records import MORE_IS_BETTER
from core.scoring.outcomes import headline_value
from core.wording import change_text, count_text, metric_text, number_text, percent_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.ledger.database import Ledger
    from core.ledger.outcome_records import Realised
    from core.scoring.opened import OpenedFile
    from core.scoring.result import Keep, Scored
    from core.settings import Settings

FORMATS: Final = {
    "CSV": (".csv", "text/csv"),
    "Excel": (".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "JSON": (".json", "application/json"),
    "Parquet": (".parquet", "application/vnd.apache.parquet"),
}
MAX_EXCEL_SHEETS: Final = 5
PREVIEW_ROWS: Final = 100
KEEP: Final[dict["Keep", str]] = {"all": "All of your columns", "id": "Only the id", "none": "None of your columns"}
CSV_STYLES: Final[dict[str, CsvStyle]] = {
    "Plain": PLAIN_CSV,
    "For Excel, 1.5": EXCEL_CSV,
    "For Excel, 1,5": EXCEL_CSV_COMMAS,
}
_HIGHEST, _AS_IN_FILE = "Highest first", "As in the file"
_MAIN_METRICS: Final[dict[Task, tuple[str, ...]]] = {
    "binary": ("auc", "average_precision", "precision", "recall"),
    "multiclass": ("mean_per_class_error", "logloss", "accuracy"),
    "regression": ("rmse", "mae", "r2"),
}
RECORDS, LABELS = "One object per row", "{id: prediction}"


def current_result(file: "OpenedFile", model: ModelInfo, ledger: "Ledger") -> "Scored | None":
    """Return the result of this session if it is of this file, this model and the policy that is in force now."""
    from core.models.decisions import decide

    known: tuple[OpenedFile, Scored] | None = st.session_state.get(SCORED)
    if known is None or known[0] is not file or known[1].model.id != model.id:
        return None
    return known[1] if known[1].decision == decide(ledger, model, known[1].spec) else None


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
            change = change_text(metrics[name] - promised[name], 2) if name in promised else None
            st.metric(
                f"{metric_name(name)} :gray[:small[this file]]", metric_text(metrics[name]), delta=change,
                delta_color="off", delta_description=f"from {where}" if change else None,
            )  # fmt: skip
    others = [name for name in metrics if name not in main]
    if others:
        with st.expander("All metrics of this file", icon=":material/table_rows:"):
            records = [
                {"Metric": metric_name(name), "This file": metric_text(metrics[name])}
                | ({f"Promised ({where})": metric_text(promised.get(name))} if promised else {})
                for name in (*main, *others)
            ]
            st.table(records, border="horizontal", width="content", hide_index=True, alt="All metrics of this file")


def _kept_words(known: "Realised | None") -> str:
    """Say whether the main metric is what was promised, as far as chance tells; empty where that is not known."""
    if known is None or known.promised is None or known.origin is None:
        return ""
    value, promised = headline_value(known.found, known.task), headline_value(known.promised, known.task)
    low, high = known.found.low, known.found.high
    if value is None or promised is None or low is None or high is None:
        return ""
    name, there = metric_name(known.headline), f"{metric_text(promised)} of {ORIGIN_NAMES[known.origin]}"
    if low <= promised <= high:
        return f":material/check: {name} is as promised: chance could explain its difference from the {there}."
    is_better = (value > promised) == (known.headline in MORE_IS_BETTER)
    return f":material/info: {name} is {'better' if is_better else 'worse'} than the {there}, beyond chance."


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


def result(scored: "Scored") -> None:
    """Draw a result: counts, spread, the first rows, comparison with the target."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        result_counts(scored)
        st.caption(decision_text(scored))
        trust_line(scored)
        method_lines(scored)
    with right:
        chart(result_figure(scored), key="predict_chart", alt="How the predictions are distributed")
    result_preview(scored)
    if scored.metrics:
        file_metrics(scored)
    _against_actual(scored)


def _against_actual(scored: "Scored") -> None:
    """Draw the predictions against the target, where the file holds it: actual and predicted, and calibration."""
    figure, calibration = actual_figure(scored), calibration_figure(scored)
    columns = st.columns(2) if calibration is not None else [st.container()]
    if figure is not None:
        with columns[0]:
            chart(figure, key="predict_actual", alt="Predictions against the actual values of the file")
    if calibration is not None:
        with columns[1]:
            chart(calibration, key="predict_calibration", alt="Share of positive rows by predicted probability")


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
    if "trust_note" in table.column_names and not any(table["trust_note"].to_pylist()):
        table = table.drop_columns("trust_note")  # it would be the widest of all, and empty
    config = number_columns(scored.spec.needed) | _column_config(scored)
    st.dataframe(
        table.select(_in_order(table, scored)), hide_index=True, column_config=config, height=320,
        placeholder="–",
        key="predict_results", alt="Some rows with their predictions",
    )  # fmt: skip
    which = "highest" if order == _HIGHEST else "first"
    st.caption(
        f"The {which} {count_text(table.num_rows, 'row')} of {scored.n_rows:,}; the download has them all, in the"
        " order of the file."
    )


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


def download_options(scored: "Scored", file_format: str) -> "tuple[Keep, CsvStyle, bool]":
    """Ask which columns the file holds and how it is written; the last answer is whether it is ``{id: label}``."""
    labels, style = False, PLAIN_CSV
    with st.popover("Options", icon=":material/tune:", key="predict_options"):
        keep = st.radio("Columns of the file", tuple(KEEP), format_func=KEEP.__getitem__, key="predict_keep")
        if file_format == "CSV":
            chosen = st.radio(
                "Kind of CSV", tuple(CSV_STYLES), key="predict_csv",
                help="Depending on its language, Excel opens a plain CSV with wrong letters or all in one column.",
            )  # fmt: skip
            style = CSV_STYLES[chosen]
        if file_format == "JSON":
            labels = st.radio("Shape", (RECORDS, LABELS), key="predict_shape") == LABELS
        if file_format == "Excel" and (n_sheets := count_sheets(scored.n_rows)) > 1:
            st.caption(f"Excel holds 1,048,575 rows per sheet: yours are spread over {n_sheets}. CSV has no limit.")
    return keep, style, labels


def format_options(scored: "Scored", file_name: str, *, workbook_first: bool = False) -> tuple[str, ...]:
    """Return the formats that can hold the result, first the one that the file came in, or Excel where asked."""
    known = tuple(name for name in FORMATS if name != "Excel" or count_sheets(scored.n_rows) <= MAX_EXCEL_SHEETS)
    first = "Excel" if workbook_first and "Excel" in known else default_format(file_name, known)
    return (first, *(name for name in known if name != first))


def default_format(file_name: str, options: Sequence[str]) -> str:
    """Return Excel for a workbook, else CSV.

    Examples
    --------
    >>> default_format("march.xls", ("CSV", "Excel")), default_format("march.csv.gz", ("CSV", "Excel"))
    ('Excel', 'CSV')
    """
    return "Excel" if Path(file_name).suffix.lower() in BOOK_SUFFIXES and "Excel" in options else "CSV"


def result_bytes(
    scored: "Scored",
    suffix: str,
    settings: "Settings",
    keep: "Keep" = "all",
    csv: CsvStyle = PLAIN_CSV,
    *,
    labels: bool = False,
) -> bytes:
    """Return the result as a file of that kind; called when the download is clicked.

    Raises
    ------
    DataError, DiskFullError
        As `core.exports.answers.save`.
    """
    from core.exports.answers import save, save_labels

    with scratch(settings, "download-") as folder:
        path = folder / f"predictions{suffix}"
        if labels:
            save_labels(scored, path)
        else:
            save(scored, path, keep=keep, csv=csv)
        return path.read_bytes()


def result_name(file_name: str, suffix: str) -> str:
    """Return the name of the file with results.

    Examples
    --------
    >>> result_name("customers.csv.gz", ".xlsx")
    'customers_predictions.xlsx'
    """
    return f"{Path(file_name.removesuffix('.gz')).stem}_predictions{suffix}"
