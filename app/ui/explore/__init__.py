"""Explore page."""

__all__ = ["alerts", "columns", "compare", "report", "slice", "target", "view"]
