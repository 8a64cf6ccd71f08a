"""Figures: data in, Plotly out, without a theme; look.apply() gives one the light or dark look."""

__all__ = ["data", "look", "models", "monitor"]
