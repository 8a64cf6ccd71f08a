"""One row: what the model says of it, why, what would change it."""

__all__ = ["case", "flip", "rows", "similar"]
