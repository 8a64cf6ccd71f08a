"""The model card and the report of a model: plain words, figures and numbers in one HTML file that needs no network."""

from core.report.gather import gather
from core.report.page import Report, write
from core.report.storage import (
    SavedReport,
    current_report,
    find_report,
    list_reports,
    make_report,
    report_file,
    what_changed,
)

__all__ = [
    "Report",
    "SavedReport",
    "current_report",
    "dataset",
    "find_report",
    "gather",
    "list_reports",
    "make_report",
    "report_file",
    "what_changed",
    "write",
]
