"""A file or a case in, the same rows with predictions out, one record for each."""

__all__ = ["case", "columns", "details", "log", "outcomes", "result", "saved", "scorer"]
