"""Explanations as data: what was found, how, on which rows, or why it cannot be had."""

__all__ = ["answers", "items", "models", "points", "reasons", "scales", "shapes"]
