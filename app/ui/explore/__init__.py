"""Explore page."""

__all__ = ["alerts", "columns", "compare", "first", "mending", "report", "slice", "target", "view"]
