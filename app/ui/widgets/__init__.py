"""Pieces that several pages share; knows no page."""

__all__ = [
    "checklist", "layout", "leaderboard", "metrics", "models", "person", "pickers", "problem", "queue", "report",
    "row_filter", "runs", "scorings", "tables", "text",
]  # fmt: skip
