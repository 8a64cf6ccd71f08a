"""Figures of columns and of columns together."""
