"""Background work: one Worker class, and the three kinds of work it is given."""

__all__ = ["inbox", "minutes", "runs", "scorings"]
