"""Explain: one case."""

__all__ = ["view"]
