"""The model card and the report of a model: plain words, figures and numbers in one HTML file that needs no network.

All of it may raise `StoreError` kin.
"""

from core.report.reports import Reports, SavedReport, in_dark

__all__ = ["Reports", "SavedReport", "dataset", "in_dark", "page"]
