"""The same per group of rows: weak spots, fairness, errors by size."""

__all__ = ["errors", "fairness", "grading", "segments"]
