"""Pieces that several pages share; knows no page."""

__all__ = ["basics", "models", "queue", "report", "scorings", "tables"]
