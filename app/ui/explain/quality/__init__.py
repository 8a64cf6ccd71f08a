"""Explain: how well it does, where it fails, what is decided."""

__all__ = ["decision", "fairness", "performance", "weak_spots"]
