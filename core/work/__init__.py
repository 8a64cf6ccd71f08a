"""Background work: one Worker class, and the kinds of work it is given."""

__all__ = ["inbox", "minutes", "runs", "schedule", "scorings"]
