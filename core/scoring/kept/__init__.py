"""What is kept of a scoring: its record, its summary, its results."""

__all__ = ["log", "minutes", "saved", "summary"]
