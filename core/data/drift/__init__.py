"""How far values are from those of a reference that survives JSON."""

__all__ = ["chance", "compare", "records"]
