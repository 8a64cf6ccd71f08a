"""A file or a case in, the same rows with predictions out, one record for each."""

__all__ = ["columns", "kept", "known_rows", "opened", "outcomes", "reasons", "result", "scorer", "swap"]
