"""Predict page."""

__all__ = ["case", "check", "downloads", "file", "history", "model", "result", "steps"]
