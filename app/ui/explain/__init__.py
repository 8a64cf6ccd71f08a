"""Explain page: the registry of its views, the opened model, the small views."""

__all__ = ["opened", "views"]
