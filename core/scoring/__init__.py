"""A file or a case in, the same rows with predictions out, one record for each."""

__all__ = ["columns", "log", "opened", "outcomes", "reasons", "result", "saved", "scorer", "swap"]
