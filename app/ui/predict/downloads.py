"""The files that the Predict page offers of a result."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st

from core.domain.formats import BOOK_SUFFIXES
from core.exports.tables import EXCEL_CSV, EXCEL_CSV_COMMAS, PLAIN_CSV, CsvStyle, count_sheets
from core.files import scratch

if TYPE_CHECKING:
    from core.scoring.result import Keep, Scored
    from core.settings import Settings

FORMATS: Final = {
    "CSV": (".csv", "text/csv"),
    "Excel": (".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "JSON": (".json", "application/json"),
    "Parquet": (".parquet", "application/vnd.apache.parquet"),
}
MAX_EXCEL_SHEETS: Final = 5
KEEP: Final[dict["Keep", str]] = {"all": "All of your columns", "id": "Only the id", "none": "None of your columns"}
CSV_STYLES: Final[dict[str, CsvStyle]] = {
    "Plain": PLAIN_CSV,
    "For Excel, 1.5": EXCEL_CSV,
    "For Excel, 1,5": EXCEL_CSV_COMMAS,
}
RECORDS, LABELS = "One object per row", "{id: prediction}"


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
