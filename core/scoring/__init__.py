"""A file or a case in, the same rows with predictions out, one record for each."""

__all__ = ["columns", "known_rows", "log", "opened", "outcomes", "reasons", "result", "saved", "scorer", "swap"]
