"""Figures of columns and of columns together."""

__all__ = ["columns", "explore", "pairs", "relation"]
