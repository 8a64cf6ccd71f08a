"""Explore page."""

__all__ = ["alerts", "columns", "compare", "first", "report", "slice", "target", "view"]
