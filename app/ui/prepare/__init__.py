"""Prepare page."""

__all__ = ["panel", "recipe", "steps"]
