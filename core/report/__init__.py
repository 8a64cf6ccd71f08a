"""The model card and the report of a model: plain words, figures and numbers in one HTML file that needs no network."""

from core.report.reports import Reports, SavedReport

__all__ = ["Reports", "SavedReport", "dataset", "page"]
