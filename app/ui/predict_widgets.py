"""What the Predict page shows of a file to score and of its results."""

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import streamlit as st

from app.ui import model_widgets, widgets
from app.ui.uploads import Upload
from core.matching import ColumnCheck, check_columns, prepare
from core.readers import FileInfo, read_file
from core.types import Column, ModelInfo, ModelSpec, Schema

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.config import Settings
    from core.ledger import Ledger
    from core.scoring import Scored
    from core.store import Store

UPLOAD, READ, SCORED = "predict.upload", "predict.read", "predict.scored"
FORMATS = {
    "CSV": (".csv", "text/csv"),
    "Excel": (".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "JSON": (".json", "application/json"),
    "Parquet": (".parquet", "application/vnd.apache.parquet"),
}
MAX_EXCEL_ROWS = 1_048_575
PREVIEW_ROWS = 100
_LINKED, _CHOICE_FOR = "predict.linked", "predict.choice_for"
_NAMED = 8


@dataclass(frozen=True)
class ReadFile:
    """A received file as it was read, in the work folder.

    Attributes
    ----------
    table : Path
        Parquet file of the source text.
    """

    upload: Upload
    sheet: str | None
    table: Path
    info: FileInfo

    def head(self, n_rows: int = 5) -> pa.Table:
        """Return the first rows."""
        return pa.Table.from_batches([next(pq.ParquetFile(self.table).iter_batches(batch_size=n_rows))])

    def discard(self) -> None:
        """Remove what was read."""
        self.table.unlink(missing_ok=True)


def keep_upload(upload: Upload) -> None:
    """Make a received file the one to score, in place of an earlier one."""
    forget_upload()
    st.session_state[UPLOAD] = upload


def forget_upload() -> None:
    """Remove the file to score and what was made from it."""
    for key in (UPLOAD, READ):
        if old := st.session_state.pop(key, None):
            old.discard()
    st.session_state.pop(SCORED, None)


def sample_upload(settings: "Settings") -> Upload:
    """Return the sample's file to score as if it had been uploaded."""
    from app.ui.uploads import new_work_file
    from core.samples import sample_scoring_path

    source = sample_scoring_path()
    path = new_work_file(settings)
    path.write_bytes(source.read_bytes())
    return Upload(path, source.name, ())


def read_once(upload: Upload, sheet: str | None, settings: "Settings") -> ReadFile:
    """Read the file to score, once per file and sheet.

    Raises
    ------
    DataError, DiskFullError
        As `core.readers.read_file`.
    """
    known: ReadFile | None = st.session_state.get(READ)
    if known and known.upload == upload and known.sheet == sheet:
        return known
    if known:
        known.discard()
    st.session_state.pop(SCORED, None)
    table = upload.path.with_name(f"{upload.path.name}.parquet")
    info = read_file(upload.path, upload.name, table, settings, sheet=sheet)
    st.session_state[READ] = ReadFile(upload, sheet, table, info)
    return st.session_state[READ]


@st.cache_data(max_entries=16, show_spinner="Checking the columns")
def check_file(
    _read: ReadFile, _spec: ModelSpec, path: str, sheet: str | None, model_id: str
) -> tuple[ColumnCheck, tuple[str, ...]]:
    """Compare a file with what a model needs: its columns, and its cells when no column is missing."""
    check = check_columns(_read.info.columns, _spec)
    if check.missing:
        return check, ()
    _, warnings = prepare(pq.read_table(_read.table), _spec)
    return check, tuple(text for text in warnings if not text.startswith("Ignored"))


def promoted_at(ledger: "Ledger", model: ModelInfo) -> datetime | None:
    """Return when a registered model last became champion, as far as the audit knows."""
    found = ledger.entries(action="promote", subject=f"models:/{model.experiment}/{model.version}", limit=1)
    return found[0].at if found else None


def stored_models(store: "Store", experiment: str) -> dict[str, ModelInfo]:
    """Return the models of an experiment that can score, by id: the champion first, then best first."""
    from core.leaderboard import DEFAULT_METRIC, sort_models

    found = [model for model in store.models(experiment=experiment, limit=10_000) if model.has_files]
    best = sort_models(found, f"cv_{DEFAULT_METRIC[found[0].task]}") if found else ()
    return {model.id: model for model in sorted(best, key=lambda model: not model.is_champion)}


def usable_experiments(store: "Store") -> tuple[str, ...]:
    """Return the experiments with a model that can score; the ones with a champion first."""
    names = store.experiments()
    champions = [name for name in names if store.champion(name)]
    others = [name for name in names if name not in champions]
    return (*champions, *(name for name in others if stored_models(store, name)))


def seed_model(store: "Store", usable: tuple[str, ...]) -> None:
    """Follow a link (`?model=`) once: choose its experiment and the model itself.

    Raises
    ------
    ModelNotFoundError
        If the link names no model.
    """
    session = st.session_state
    linked = st.query_params.get("model")
    if linked and session.get(_LINKED) != linked:
        model = store.resolve(model_widgets.model_uri(linked))
        session[_LINKED] = linked
        if model.experiment in usable:
            session["predict_experiment"], session["predict_model"] = model.experiment, model.id
            session[_CHOICE_FOR] = model.experiment
    if session.get("predict_experiment") not in usable:
        session["predict_experiment"] = usable[0]


def seed_choice(models: dict[str, ModelInfo]) -> None:
    """Choose the champion when the experiment is another one than before."""
    session = st.session_state
    experiment = next(iter(models.values())).experiment if models else None
    if session.get(_CHOICE_FOR) != experiment or session.get("predict_model") not in models:
        session["predict_model"] = next(iter(models), None)
        session[_CHOICE_FOR] = experiment


def model_line(model: ModelInfo, ledger: "Ledger") -> None:
    """Draw which model will score, in one line: standing, date, algorithm and metric."""
    since = promoted_at(ledger, model) if model.is_champion else None
    standing = [f"Version {model.version}"] if model.version else []
    standing += (
        [f"champion since {since:%d %b %Y}"] if since else ["champion"] if model.is_champion else ["not the champion"]
    )
    facts = [", ".join(standing), widgets.escape_markdown(model.algo), widgets.headline_metric(model)]
    st.caption(" · ".join(facts))


def column_report(check: ColumnCheck, warnings: tuple[str, ...], spec: ModelSpec, columns: tuple[str, ...]) -> None:
    """Draw how the file fits the model: green, amber or red, in plain words."""
    n_needed = len(spec.needed.names)
    if check.missing:
        lines = [
            f"- **{widgets.escape_markdown(name)}**"
            + (f": perhaps your column “{widgets.escape_markdown(check.near[name])}”?" if name in check.near else "")
            for name in check.missing
        ]
        title = f"{widgets.count_text(len(check.missing), 'needed column')} not in the file"
        hint = "Add or rename them, then upload the file again. Nothing was scored."
        st.error("\n".join([*lines, "", hint]), title=title, icon=":material/error:")
        return
    if warnings:
        lines = [f"- {widgets.escape_markdown(text)}" for text in warnings]
        st.warning("\n".join(lines), title="Some cells will count as missing", icon=":material/warning:")
    else:
        fit = f"All {n_needed} columns that the model needs are there, and every cell can be read."
        st.success(fit if n_needed > 1 else "The column that the model needs is there.", icon=":material/check_circle:")
    notes = [f"{len(check.extra)} not used by the model: {_named(check.extra)}"] if check.extra else []
    if spec.target in columns:
        notes.append(f"{widgets.escape_markdown(spec.target)} is in the file: results are compared with it")
    if notes:
        st.caption(". ".join(notes) + ".")


def _named(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(widgets.escape_markdown(name) for name in names[:_NAMED]) + more


# --- results ----------------------------------------------------------------------------------------------------------


def current_result(read: ReadFile, model: ModelInfo, ledger: "Ledger") -> "Scored | None":
    """Return the result of this session if it is of this file, this model and the policy that is in force now."""
    from core.decisions import decide

    known: tuple[ReadFile, Scored] | None = st.session_state.get(SCORED)
    if known is None or known[0] != read or known[1].model.id != model.id:
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
                st.metric(label, f"{value.as_py():,.5g}")
        return
    counted = sorted(values.value_counts().to_pylist(), key=lambda item: -item["counts"])
    records = [
        {"Prediction": str(item["values"]), "Rows": item["counts"], "Share": item["counts"] / len(values)}
        for item in counted
    ]
    config = {
        "Rows": st.column_config.NumberColumn(format="localized"),
        "Share": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0),
    }
    st.dataframe(records, hide_index=True, column_config=config, alt="Rows by predicted label")


def result_figure(scored: "Scored") -> "go.Figure":
    """Return how the probability, or the predicted number, is spread over the rows."""
    from core import charts, charts_models
    from core.profile import profile_table

    spec, dark, origin = scored.spec, widgets.is_dark(), widgets.count_text(scored.n_rows, "row")
    if spec.task == "regression":
        column = Column("prediction", "numeric")
        profile = profile_table(scored.results.select([column.name]), Schema((column,)))
        return charts.histogram(profile.columns[0], dark=dark)
    if spec.task == "binary":
        probability, name = scored.results[f"probability_{spec.positive}"].to_numpy(), str(spec.positive)
    else:
        every = [scored.results[f"probability_{name}"].to_numpy() for name in spec.classes]
        probability, name = np.max(every, axis=0), "the predicted class"
    return charts_models.score_distribution(probability, name, threshold=scored.threshold, origin=origin, dark=dark)


def decision_text(scored: "Scored") -> str:
    """Say in words how the label was made."""
    spec = scored.spec
    if spec.task == "binary" and scored.threshold is not None:
        from core.decisions import saved_words

        decision = scored.decision
        origin = f" ({decision.words})" if decision.words else ""
        parts = [f"A row is “{spec.positive}” when its probability is at least {scored.threshold:.4g}{origin}."]
        parts += [f"Policy {saved_words(decision.saved)}."] if decision.saved else []
        parts += [f"Probabilities are calibrated by {decision.calibration.words}."] if decision.calibration else []
        return widgets.escape_markdown(" ".join(parts))
    return "The label is the class with the highest probability." if spec.task == "multiclass" else ""


def file_metrics(metrics: dict[str, float]) -> None:
    """Draw the metrics on the scored file itself."""
    with st.grid("auto", min_column_width=140, gap="small"):
        for name, value in list(metrics.items())[:8]:
            st.metric(f"{model_widgets.metric_name(name)} :gray[:small[this file]]", widgets.metric_text(value))


def result_preview(scored: "Scored") -> None:
    """Draw the first rows with their results, the results first."""
    table = scored.table(as_text=True).slice(0, PREVIEW_ROWS)
    own = [name for name in table.column_names if name not in scored.results.column_names]
    shares = [name for name in scored.results.column_names if name.startswith("probability_")]
    config = {name: st.column_config.NumberColumn(format="%.4f") for name in shares}
    st.dataframe(
        table.select([*scored.results.column_names, *own]), hide_index=True, column_config=config, height=320,
        key="predict_results", alt="The first rows with their predictions",
    )  # fmt: skip
    st.caption(
        f"The first {widgets.count_text(table.num_rows, 'row')} of {scored.n_rows:,}; the download has them all."
    )


def format_options(scored: "Scored") -> tuple[str, ...]:
    """Return the formats that can hold the result."""
    return tuple(name for name in FORMATS if name != "Excel" or scored.n_rows <= MAX_EXCEL_ROWS)


def default_format(file_name: str, options: tuple[str, ...]) -> str:
    """Return Excel for a workbook, else CSV."""
    return "Excel" if file_name.lower().endswith(".xlsx") and "Excel" in options else "CSV"


def result_bytes(scored: "Scored", suffix: str, settings: "Settings") -> bytes:
    """Return the result as a file of that kind; called when the download is clicked.

    Raises
    ------
    DataError, DiskFullError
        As `core.answers.save`.
    """
    from core.answers import save

    with tempfile.TemporaryDirectory(dir=settings.work_dir, prefix="download-") as folder:
        path = Path(folder) / f"predictions{suffix}"
        save(scored, path)
        return path.read_bytes()


def result_name(file_name: str, suffix: str) -> str:
    """Return the name of the file with results.

    Examples
    --------
    >>> result_name("customers.csv.gz", ".xlsx")
    'customers_predictions.xlsx'
    """
    return f"{Path(file_name.removesuffix('.gz')).stem}_predictions{suffix}"
