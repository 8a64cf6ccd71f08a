"""Predict page."""

__all__ = ["case", "check", "file", "history", "model", "result", "steps"]
