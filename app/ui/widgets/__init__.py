"""Pieces that several pages share; knows no page."""

__all__ = ["layout", "models", "person", "pickers", "queue", "row_filter", "scorings", "tables", "text"]
