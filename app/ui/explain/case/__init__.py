"""Explain: one case."""
