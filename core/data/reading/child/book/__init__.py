"""Workbooks: their cells as Excel shows them, and what is wrong in them."""

__all__ = ["workbook"]
